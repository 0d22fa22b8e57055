"""JSON: ``json`` decides what is valid and what it means, a scan of the tokens says where."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

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
from odac_db.schema.files.yaml_source import integer, real

TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^\s\[\]{}:,"]+')


class _NotANumber(ValueError):
    pass


def read_json(text: str, file: str) -> Document:
    """The value of a JSON text and the position of everything in it, or what is wrong."""
    if not text.strip():
        return failed(file, "the file is empty")
    lines = Lines(text)
    try:
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_float=real, parse_int=integer
        )
    except json.JSONDecodeError as error:
        return failed(file, f"not valid JSON: {error.msg}", lines.position(error.pos))
    except _NotANumber as error:
        position = lines.position(text.find(str(error)))
        return failed(file, f"{error} is not a number every server holds; quote it", position)
    except RecursionError:
        return failed(file, f"nested deeper than {MAXIMUM_DEPTH} levels")
    scan = Scan(text, file, lines)
    scan.run()
    return Document(file=file, value=value, positions=scan.positions, problems=scan.problems)


def json_spans(text: str) -> Spans:
    """Where everything stands in a text that ``read_json`` accepts."""
    scan = Scan(text, "", Lines(text))
    scan.run()
    return scan.spans


def _refuse_constant(name: str) -> NoReturn:
    raise _NotANumber(name)


class Scan:
    """One pass over the tokens of a text that is valid JSON."""

    def __init__(self, text: str, file: str, lines: Lines) -> None:
        self.tokens = list(TOKEN.finditer(text))
        self.lines = lines
        self.file = file
        self.next = 0
        self.positions: dict[Path, Position] = {}
        self.spans = Spans(keys={}, values={})
        self.problems: list[Problem] = []

    def run(self) -> None:
        """Fill positions, spans and problems."""
        start = self.tokens[0].start()
        self.positions[()] = self.lines.position(start)
        self.spans.values[()] = (start, self.value(()))

    def problem(self, offset: int, message: str) -> None:
        self.problems.append(Problem(self.file, *self.lines.position(offset), message))

    def value(self, path: Path) -> int:
        """Step over one value; where it ends."""
        token = self.tokens[self.next]
        self.next += 1
        if len(path) > MAXIMUM_DEPTH:
            self.problem(token.start(), f"nested deeper than {MAXIMUM_DEPTH} levels")
            self.next = len(self.tokens)
            return token.end()
        if token.group() == "{":
            return self.mapping(path)
        if token.group() == "[":
            return self.sequence(path)
        self.text(token)
        return token.end()

    def text(self, token: re.Match[str]) -> Any:
        """The value of a scalar token; half a surrogate pair is text that no server takes."""
        found = json.loads(token.group())
        if isinstance(found, str) and not found.isascii():
            try:
                found.encode()
            except UnicodeEncodeError:
                self.problem(token.start(), "half of a surrogate pair is not a character")
        return found

    def mapping(self, path: Path) -> int:
        seen: set[str] = set()
        while self.next < len(self.tokens):
            token = self.tokens[self.next]
            self.next += 1
            if token.group() == "}":
                return token.end()
            if token.group() == ",":
                continue
            name = self.text(token)
            if name in seen:
                self.problem(token.start(), f"duplicate key {name!r}")
            seen.add(name)
            self.next += 1  # the colon
            self.spans.keys[(*path, name)] = [token.span()]
            self.entry((*path, name), token.start())
        return self.tokens[-1].end()

    def sequence(self, path: Path) -> int:
        index = 0
        while self.next < len(self.tokens):
            token = self.tokens[self.next]
            if token.group() in ("]", ","):
                self.next += 1
                if token.group() == "]":
                    return token.end()
                continue
            self.entry((*path, index), token.start())
            index += 1
        return self.tokens[-1].end()

    def entry(self, path: Path, start: int) -> None:
        if self.next >= len(self.tokens):
            return
        self.positions[path] = self.lines.position(start)
        value_start = self.tokens[self.next].start()
        self.spans.values[path] = (value_start, self.value(path))
