"""Rewrites of a document as edits of its text: nothing else in the text moves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from odac_db.schema.files import yaml_text
from odac_db.schema.files.document import Path, Spans
from odac_db.schema.files.json_source import json_spans
from odac_db.schema.files.spellings import Rewrite
from odac_db.schema.files.toml_source import toml_spans
from odac_db.schema.files.yaml_source import yaml_spans

_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")
_BLANKS = re.compile(r"[ \t]*")
_COMMA = re.compile(r"\s*,[ \t]*")
_LINE_END = re.compile(r"\r?(?:\n|\Z)")
_COMMENT = re.compile(r"(?<=\s)#[^\n]*")


class Edit(msgspec.Struct, frozen=True, order=True):
    """``text[start:end]`` becomes ``replacement``."""

    start: int
    end: int
    replacement: str


class Notation(msgspec.Struct, frozen=True):
    """How one format spells keys and values, and where it has them."""

    key: Callable[[str], str]
    value: Callable[[Any], str]
    spans: Callable[[str], Spans]


def _json_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


NOTATIONS: Mapping[str, Notation] = {
    ".yaml": Notation(yaml_text.scalar, yaml_text.flow, yaml_spans),
    ".yml": Notation(yaml_text.scalar, yaml_text.flow, yaml_spans),
    ".json": Notation(_json_text, _json_text, json_spans),
    ".toml": Notation(str, _json_text, toml_spans),
}


def edited(text: str, rewrites: list[Rewrite], suffix: str) -> str:
    """The text with the rewrites done. ``suffix`` says which format it is."""
    notation = NOTATIONS[suffix]
    spans = notation.spans(text)
    edits = {edit for rewrite in rewrites for edit in _edits(text, rewrite, spans, notation)}
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.replacement + text[edit.end :]
    return text


def _edits(text: str, rewrite: Rewrite, spans: Spans, notation: Notation) -> Iterator[Edit]:
    path = rewrite.path
    if path == ("relations",):
        yield from _relations(text, rewrite, spans, notation)
        return
    if rewrite.key is None:
        yield _removal(text, path, spans)
        return
    for start, end in spans.keys[path]:
        if rewrite.key != path[-1]:
            yield Edit(start, end, notation.key(rewrite.key))
    if rewrite.value is not msgspec.UNSET:
        start, end = spans.values[path]
        properties = _PROPERTIES.match(text, start)
        assert properties is not None
        yield Edit(properties.end(), end, notation.value(rewrite.value))


def _removal(text: str, path: Path, spans: Spans) -> Edit:
    """The entry taken out: with one comma unless in a block, with its line if alone there."""
    start, end = spans.keys[path][-1][0], spans.values[path][1]
    in_block = path[:-1] in spans.blocks
    after = (_BLANKS if in_block else _COMMA).match(text, end)
    if after is not None:
        line = text.rfind("\n", 0, start) + 1
        rest = _LINE_END.match(text, after.end())
        if rest is not None and not text[line:start].strip():
            return Edit(line, rest.end(), "")
        return Edit(start, after.end(), "")
    before = text[:start].rstrip()
    return Edit(len(before) - before.endswith(","), end, "")


def _relations(text: str, rewrite: Rewrite, spans: Spans, notation: Notation) -> Iterator[Edit]:
    """latticesql's ``relations`` mapping as the list ``foreign_keys``, item by item."""
    keys = [_short(key) for key in rewrite.value]
    path = rewrite.path
    if path not in spans.values:
        return  # a TOML header: read as it is, and left as it is
    start, end = spans.keys[path][0]
    yield Edit(start, end, notation.key("foreign_keys"))
    if path not in spans.blocks:
        start, end = spans.values[path]
        yield Edit(start, end, _list(text, start, end, keys, notation))
        return
    places = [place for place in spans.keys if len(place) == 2 and place[:1] == path]
    for place, key in zip(places, keys, strict=True):
        start, end = spans.keys[place][0][0], spans.values[place][1]
        margin = text[text.rfind("\n", 0, start) + 1 : start]
        comments = [f"{comment}\n{margin}" for comment in _COMMENT.findall(text[start:end])]
        yield Edit(start, end, f"{''.join(comments)}- {notation.value(key)}")


def _list(text: str, start: int, end: int, keys: list[dict[str, Any]], notation: Notation) -> str:
    if "\n" not in text[start:end]:
        return notation.value(keys)
    line = text[text.rfind("\n", 0, start) + 1 : start]
    margin = line[: len(line) - len(line.lstrip())]
    first = re.compile(r"\{\s*?\n([ \t]*)").match(text, start)
    inner = first[1] if first else margin + "  "
    items = f",\n{inner}".join(notation.value(key) for key in keys)
    return f"[\n{inner}{items}\n{margin}]"


def _short(key: dict[str, Any]) -> dict[str, Any]:
    """A foreign key as people write it: ``references: users.id``."""
    names = [key["references"]["table"], *key["references"].get("columns", ())]
    if any("." in name for name in names):
        return key
    return {**key, "references": ".".join(names)}
