"""A text of SQL statements, parted where the server would part them.

Semicolons inside strings, quoted names, comments, dollar quotes and bodies of triggers and
functions part nothing. What cannot be parted for certain is refused, with its line.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Lexis", "Script", "ScriptFault", "parted"]

_DOWN = re.compile(r"--\s*down\s*", re.IGNORECASE)
_TRANSACTION = {"begin", "commit", "end", "abort"}
_PROGRAMS = {"procedure", "function", "trigger", "event"}


@dataclass(frozen=True)
class Lexis:
    """What differs between servers: ``tokens`` is a pattern with one named group a kind.

    ``nested``: comments nest. ``atomic``: bodies in ``BEGIN ATOMIC ... END``. ``triggers``:
    CREATE TRIGGER ends where SQLite says. ``programs``: bodies of stored programs need
    another delimiter than the semicolon, which only a client program knows.
    """

    tokens: re.Pattern[str]
    nested: bool = False
    atomic: bool = False
    triggers: bool = False
    programs: bool = False


@dataclass(frozen=True)
class Script:
    """The statements, and those behind a line ``-- down``; None if there is no such line."""

    up: tuple[str, ...]
    down: tuple[str, ...] | None


class ScriptFault(Exception):
    """A text that cannot be parted or executed, at a line."""

    def __init__(self, line: int, message: str) -> None:
        self.line = line
        self.message = message
        super().__init__(line, message)


@dataclass
class _Statement:
    """One statement as far as it is read: where it begins, and its words in lower case."""

    start: int
    words: list[str] = field(default_factory=list)
    solid: bool = False  # holds more than blanks and comments
    depth: int = 0


def parted(text: str, lexis: Lexis) -> Script:
    """The statements of a text. Raises ScriptFault."""
    up: list[str] = []
    down: list[str] | None = None
    current, position = _Statement(0), 0
    for kind, start, end in _tokens(text, lexis):
        token = text[start:end]
        if kind == "comment" and down is None and _DOWN.fullmatch(token):
            up += _closed(text, current, start, lexis)
            down, current = [], _Statement(end)
        elif kind == "end" and not _goes_on(text[current.start : end], current, lexis):
            target = up if down is None else down
            target += _closed(text, current, start, lexis)
            current = _Statement(end)
        elif kind not in ("blank", "comment"):
            current.solid = True
            _heed(text, current, kind, token, start)
        position = end
    target = up if down is None else down
    target += _closed(text, current, position, lexis)
    return Script(tuple(up), None if down is None else tuple(down))


def _tokens(text: str, lexis: Lexis) -> Iterator[tuple[str, int, int]]:
    position = 0
    while position < len(text):
        found = lexis.tokens.match(text, position)
        kind = found.lastgroup if found is not None else None
        if found is None or kind is None:
            raise ScriptFault(_line(text, position), "a quote or a comment is not closed")
        end = found.end()
        if kind == "block":
            end = _comment_end(text, position, nested=lexis.nested)
            kind = "other" if text.startswith("/*!", position) else "comment"
        yield kind, position, end
        position = end


def _comment_end(text: str, start: int, *, nested: bool) -> int:
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[start:]):
        depth += 1 if mark[0] == "/*" and (nested or not depth) else 0
        depth -= mark[0] == "*/"
        if not depth:
            return start + mark.end()
    raise ScriptFault(_line(text, start), "a comment is not closed")


def _heed(text: str, current: _Statement, kind: str, token: str, start: int) -> None:
    """Notes a word, and refuses commands that are for a client program."""
    first = not current.words
    if first and kind == "client":
        message = (
            f"{token.split(maxsplit=1)[0]} is a command of a client program, not SQL: leave it out"
        )
        raise ScriptFault(_line(text, start), message)
    if kind != "word":
        current.words += [] if current.words else [""]
        return
    word = token.lower()
    if first and word == "delimiter":
        message = "DELIMITER is a command of a client program: put stored programs into a .py file"
        raise ScriptFault(_line(text, start), message)
    opened = word == "atomic" and current.words[-1:] == ["begin"]
    if opened or (current.depth and word in ("case", "end")):
        current.depth += -1 if word == "end" else 1
    current.words.append(word)


def _goes_on(text: str, current: _Statement, lexis: Lexis) -> bool:
    """Whether a semicolon is inside the body of what the statement creates."""
    if current.words[:1] != ["create"]:
        return False
    if lexis.triggers and "trigger" in current.words[:3]:
        return not sqlite3.complete_statement(text)
    return lexis.atomic and current.depth > 0


def _closed(text: str, current: _Statement, end: int, lexis: Lexis) -> Iterator[str]:
    """The statement, if there is one. Its transaction is the file's: it has no other."""
    if not current.solid:
        return
    line = _line(
        text,
        current.start + len(text[current.start : end]) - len(text[current.start : end].lstrip()),
    )
    words = current.words
    if words[:1] and (words[0] in _TRANSACTION or words[:2] == ["start", "transaction"]):
        raise ScriptFault(line, f"{words[0].upper()}: a file is one transaction of its own")
    if words[:1] == ["rollback"] and "to" not in words:
        raise ScriptFault(line, "ROLLBACK: a file is one transaction of its own")
    program = words[:1] == ["create"] and _PROGRAMS.intersection(words[:8])
    if lexis.programs and program and "begin" in words:
        message = "the body of a stored program has semicolons: put it into a .py file"
        raise ScriptFault(line, message)
    yield text[current.start : end].strip()


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
