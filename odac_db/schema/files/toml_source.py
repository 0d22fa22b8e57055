"""TOML: ``tomllib`` decides what is valid and what it means, a scan of the keys says where."""

from __future__ import annotations

import datetime
import math
import re
import tomllib
from typing import Any

from odac_db.errors import Problem
from odac_db.schema.files.document import (
    MAXIMUM_DEPTH,
    Document,
    Lines,
    Path,
    Position,
    Spans,
    failed,
)
from odac_db.schema.files.yaml_source import real

_ERROR_POSITION = re.compile(r" \(at line (\d+), column (\d+)\)\Z| \(at end of document\)\Z")
_TRIVIA = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY_PART = re.compile(r'[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_BARE = re.compile(r"[^,\]}#\n]*[^,\]}#\s]")


def read_toml(text: str, file: str) -> Document:
    """The value of a TOML text and the position of everything in it, or what is wrong."""
    if not text.strip():
        return failed(file, "the file is empty")
    text = text.replace("\r\n", "\n")
    try:
        value = tomllib.loads(text, parse_float=real)
    except tomllib.TOMLDecodeError as error:
        return _refused(file, text, str(error))
    except (RecursionError, ValueError):
        return failed(file, f"nested deeper than {MAXIMUM_DEPTH} levels, or a number too long")
    scan = Scan(text)
    scan.run()
    problems: list[Problem] = []
    document = Document(file=file, positions=scan.positions, problems=problems)
    return Document(
        file=file,
        value=_plain(value, (), document),
        positions=scan.positions,
        problems=problems,
    )


def toml_spans(text: str) -> Spans:
    """Where everything stands in a text that ``read_toml`` accepts, with plain newlines."""
    scan = Scan(text)
    scan.run()
    return scan.spans


def _refused(file: str, text: str, message: str) -> Document:
    match = _ERROR_POSITION.search(message)
    position = Lines(text).position(len(text))
    if match is None:
        position = (1, 1)
    elif match.group(1):
        position = int(match.group(1)), int(match.group(2))
    return failed(file, f"not valid TOML: {_ERROR_POSITION.sub('', message)}", position)


def _plain(value: Any, path: Path, document: Document) -> Any:
    """The value with dates and times as text, as they stand in YAML and JSON."""
    if isinstance(value, dict):
        return {name: _plain(item, (*path, name), document) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, (*path, index), document) for index, item in enumerate(value)]
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        position = document.positions.get(path, (1, 1))
        message = f"{value} is not a number every server holds; quote it"
        document.problems.append(Problem(document.file, *position, message))
    return value


class Scan:
    """One pass over a text that is valid TOML.

    ``[a.b]`` and ``a.b = 1`` give every part of the key a position, the first one seen.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = Lines(text)
        self.offset = 0
        self.positions: dict[Path, Position] = {(): (1, 1)}
        self.spans = Spans(keys={}, values={}, blocks=set())
        self.lengths: dict[Path, int] = {}

    def run(self) -> None:
        """Fill positions and spans."""
        table: Path = ()
        self.skip()
        while self.offset < len(self.text):
            if self.text[self.offset] == "[":
                table = self.header()
            else:
                self.spans.blocks.add(self.assignment(table)[:-1])
            self.skip()

    def skip(self) -> None:
        match = _TRIVIA.match(self.text, self.offset)
        assert match is not None
        self.offset = match.end()

    def header(self) -> Path:
        depth = 2 if self.text.startswith("[[", self.offset) else 1
        self.offset += depth
        path = self.key(())
        self.skip()
        self.offset += depth
        if depth == 2:
            index = self.lengths.get(path, 0)
            self.lengths[path] = index + 1
            path = (*path, index)
            self.positions[path] = self.positions[path[:-1]] if not index else self.line_start()
        return path

    def line_start(self) -> Position:
        return self.lines.position(self.offset)[0], 1

    def key(self, table: Path) -> Path:
        """The path of a dotted key within ``table``, ending behind it."""
        path = table
        while True:
            self.skip()
            match = _KEY_PART.match(self.text, self.offset)
            assert match is not None
            path = (*path, _unquoted(match.group()))
            self.positions.setdefault(path, self.lines.position(match.start()))
            self.spans.keys.setdefault(path, []).append(match.span())
            self.offset = match.end()
            self.skip()
            if not self.text.startswith(".", self.offset):
                return path
            if path in self.lengths:  # [[a]] then [a.b]: b is in the last a
                path = (*path, self.lengths[path] - 1)
            self.offset += 1

    def assignment(self, table: Path) -> Path:
        path = self.key(table)
        self.offset += 1  # the equals sign
        self.skip()
        value_start = self.offset
        self.value(path)
        self.spans.values[path] = (value_start, self.offset)
        return path

    def value(self, path: Path) -> None:
        opening = self.text[self.offset]
        if opening == "{":
            self.inline_table(path)
        elif opening == "[":
            self.array(path)
        else:
            pattern = _STRING if opening in "\"'" else _BARE
            match = pattern.match(self.text, self.offset)
            assert match is not None
            self.offset = match.end()

    def inline_table(self, path: Path) -> None:
        self.offset += 1
        self.skip()
        while self.text[self.offset] != "}":
            self.assignment(path)
            self.separator()
        self.offset += 1

    def array(self, path: Path) -> None:
        self.offset += 1
        self.skip()
        index = 0
        while self.text[self.offset] != "]":
            here = (*path, index)
            self.positions[here] = self.lines.position(self.offset)
            start = self.offset
            self.value(here)
            self.spans.values[here] = (start, self.offset)
            self.separator()
            index += 1
        self.offset += 1

    def separator(self) -> None:
        self.skip()
        if self.text[self.offset] == ",":
            self.offset += 1
            self.skip()


def _unquoted(part: str) -> str:
    if part[0] in "\"'":
        return str(tomllib.loads(f"x = {part}")["x"])
    return part
