"""YAML, read by libyaml, with the scalars of YAML 1.2.

``no``, ``off`` and ``2024-01-31`` are text, as their writers meant: only null, true,
false and numbers are not. A number with a leading zero is text too, because the zero
would be lost.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

import yaml
from yaml._yaml import CParser
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from odac_db.errors import Problem
from odac_db.schema.files.document import (
    MAXIMUM_DEPTH,
    MAXIMUM_VALUES,
    Document,
    Lines,
    Path,
    Position,
    Spans,
    failed,
)

_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_NUMBER_STARTS = frozenset("-+.0123456789")
_TEXT_TAGS = frozenset(("!", "tag:yaml.org,2002:str"))


class _Composer(CParser):
    """libyaml's events as nodes; what a plain scalar means is decided in ``_Builder``."""

    def resolve(self, *_: object) -> str:
        return ""

    def descend_resolver(self, *_: object) -> None:
        pass

    def ascend_resolver(self) -> None:
        pass


def read_yaml(text: str, file: str) -> Document:
    """The one document of a YAML text, or what is wrong with it."""
    try:
        node = compose(text)
    except yaml.MarkedYAMLError as error:
        return failed(file, f"not valid YAML: {_words(error, text)}", _marked(error))
    except ReaderError as error:
        position = Lines(text).position(max(text.find(chr(error.character)), 0))
        return failed(file, f"not valid YAML: {error.reason}", position)
    if node is None:
        return failed(file, "the file is empty")
    return _Builder(file).document(node)


def yaml_spans(text: str) -> Spans:
    """Where everything stands in a text that ``read_yaml`` accepts."""
    node = compose(text)
    builder = _Builder("")
    builder.spans = Spans(keys={}, values={}, blocks=set())
    if node is not None:
        builder.build(node, ())
    return builder.spans


def compose(text: str) -> Node | None:
    """The node tree, None for an empty text. Raises yaml.YAMLError."""
    if _may_nest_deeply(text):
        _refuse_deep_nesting(text)
    composer = _Composer(text)
    try:
        node: Node | None = composer.get_single_node()
        return node
    finally:
        composer.dispose()


def _may_nest_deeply(text: str) -> bool:
    openings = sum(text.count(opening) for opening in ("[", "{", "- ", "-\t", "? ", "?\t"))
    return openings > 500 or "\n" + 100 * " " in text


def _refuse_deep_nesting(text: str) -> None:
    """libyaml's composer recurses in C without a limit and takes the process with it."""
    parser = _Composer(text)
    depth = 0
    try:
        while parser.check_event():
            event = parser.get_event()
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAXIMUM_DEPTH:
                    mark: Any = event.start_mark
                    raise yaml.MarkedYAMLError(problem=_TOO_MUCH, problem_mark=mark)
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    finally:
        parser.dispose()


def _words(error: yaml.MarkedYAMLError, text: str) -> str:
    problem = error.problem or "cannot be read"
    if error.problem_mark and text.startswith("\t", error.problem_mark.index):
        return "a tab where a value should start: indent with spaces"
    if problem == "but found another document":
        return "a second document ('---') starts here; a file holds one table"
    context = f"{error.context}, " if error.context else ""
    return f"{context}{problem}"


def _marked(error: yaml.MarkedYAMLError) -> Position:
    mark = error.problem_mark or error.context_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def scalar(text: str) -> Any:
    """The value of a plain scalar; nan and infinities come back as floats."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if _INTEGER.match(text):
        return integer(text)
    if _BASED.match(text):
        return int(text[2:], 8 if text[1] == "o" else 16)
    if _FLOAT.match(text):
        return real(text)
    if _NOT_FINITE.match(text):
        return float(text.lower().replace(".", ""))
    return text


def integer(text: str) -> int | str:
    """The number, or the text of one that no server holds (Python refuses 4,300 digits)."""
    return int(text) if len(text) < 400 else text


def real(text: str) -> float | str:
    """The float, or the text itself where a float would not be the same number."""
    number = float(text)
    try:
        return number if Decimal(repr(number)) == Decimal(text) else text
    except ArithmeticError:
        return text


def _end(node: Node) -> int:
    """Where the node's own text ends; libyaml's mark of a block is where the next starts."""
    last = node
    while isinstance(last, MappingNode | SequenceNode) and not last.flow_style and last.value:
        last = last.value[-1][1] if isinstance(last, MappingNode) else last.value[-1]
    end: int = last.end_mark.index
    return end


class _Builder:
    """Values and positions of one node tree, aliases written out."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.positions: dict[Path, Position] = {}
        self.problems: list[Problem] = []
        self.values = 0
        self.spans: Spans | None = None

    def document(self, node: Node) -> Document:
        self.positions[()] = (node.start_mark.line + 1, node.start_mark.column + 1)
        value = self.build(node, ())
        return Document(
            file=self.file, value=value, positions=self.positions, problems=self.problems
        )

    def problem(self, node: Node, message: str) -> None:
        mark = node.start_mark
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, message))

    def build(self, node: Node, path: Path) -> Any:
        self.values += 1
        if self.values > MAXIMUM_VALUES or len(path) > MAXIMUM_DEPTH:
            if not self.problems or self.problems[-1].message != _TOO_MUCH:
                self.problem(node, _TOO_MUCH)
            return None
        if self.spans is not None:
            self.note_span(self.spans, node, path)
        if isinstance(node, ScalarNode):
            return self.scalar(node)
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        assert isinstance(node, SequenceNode)
        return self.sequence(node, path)

    def note_span(self, spans: Spans, node: Node, path: Path) -> None:
        spans.values[path] = (node.start_mark.index, _end(node))
        if isinstance(node, MappingNode) and not node.flow_style:
            spans.blocks.add(path)

    def scalar(self, node: ScalarNode) -> Any:
        if node.tag and node.tag not in _TEXT_TAGS:
            self.problem(node, f"the tag {node.tag!r} is not supported here")
        if node.style or node.tag:
            return node.value
        value = scalar(node.value)
        if isinstance(value, float) and not math.isfinite(value):
            self.problem(node, f"{node.value} is not a number every server holds; quote it")
        return value

    def sequence(self, node: SequenceNode, path: Path) -> list[Any]:
        self.collection_tag(node)
        items = []
        for index, item in enumerate(node.value):
            mark = item.start_mark
            here = (*path, index)
            self.positions[here] = (mark.line + 1, mark.column + 1)
            items.append(self.build(item, here))
        return items

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        self.collection_tag(node)
        entries: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self.problem(key, "a key must be plain text")
                continue
            name = key.value
            if name == "<<" and not key.style:
                self.merge(value, path, merged)
                continue
            if name in entries:
                self.problem(key, f"duplicate key {name!r}")
                continue
            here = (*path, name)
            mark = key.start_mark
            self.positions[here] = (mark.line + 1, mark.column + 1)
            if self.spans is not None:
                self.spans.keys[here] = [(mark.index, key.end_mark.index)]
            entries[name] = self.build(value, here)
        return {**merged, **entries} if merged else entries

    def merge(self, node: Node, path: Path, into: dict[str, Any]) -> None:
        """``<<: *base``: the entries of other mappings, earlier ones winning."""
        for source in node.value if isinstance(node, SequenceNode) else [node]:
            if not isinstance(source, MappingNode):
                self.problem(source, "'<<' merges mappings only")
                continue
            for name, value in self.build(source, path).items():
                into.setdefault(name, value)

    def collection_tag(self, node: Node) -> None:
        if node.tag and not node.tag.startswith("tag:yaml.org,2002:"):
            self.problem(node, f"the tag {node.tag!r} is not supported here")


_TOO_MUCH = (
    f"nested deeper than {MAXIMUM_DEPTH} levels, or more than {MAXIMUM_VALUES:,} values "
    "with all aliases written out"
)
