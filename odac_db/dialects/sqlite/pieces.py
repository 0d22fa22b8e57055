"""SQL text as pieces, after SQLite's own rules for what a piece is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""[ \t\n\f\r]+ | --[^\n]* | /\*.*?(?:\*/|\Z)
    | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
    | [0-9A-Za-z_$\x80-\U0010ffff]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = frozenset(" \t\n\f\r")


@dataclass(frozen=True)
class PartText:
    """One key of an index: its text without COLLATE and direction."""

    text: str
    collation: str | None
    descending: bool


def unquoted(piece: str) -> str:
    """The identifier a piece stands for."""
    if piece[:1] in ('"', "`", "'"):
        return piece[1:-1].replace(piece[0] * 2, piece[0])
    return piece[1:-1] if piece[:1] == "[" else piece


def significant(raw: list[str]) -> list[int]:
    """Where the tokens are that are neither blanks nor comments."""
    return [
        position
        for position, piece in enumerate(raw)
        if piece[0] not in _BLANK and not piece.startswith(("--", "/*"))
    ]


class Reader:
    """The tokens of a stretch of SQL, read left to right, blanks and comments apart."""

    def __init__(self, raw: list[str]) -> None:
        self._raw = raw
        self._at = significant(raw)
        self.position = 0

    @property
    def word(self) -> str:
        """The piece ahead in upper case; empty at the end. Quoted names keep their quotes."""
        if self.position >= len(self._at):
            return ""
        return self._raw[self._at[self.position]].upper()

    def take(self) -> str:
        """The piece ahead, which is then behind."""
        piece = self._raw[self._at[self.position]]
        self.position += 1
        return piece

    def took(self, *words: str) -> bool:
        """Steps over these words if they are ahead."""
        start = self.position
        for word in words:
            if self.word != word:
                self.position = start
                return False
            self.position += 1
        return True

    def rest(self) -> list[str]:
        """The raw tokens from here to the end."""
        if self.position >= len(self._at):
            return []
        return self._raw[self._at[self.position] :]

    def group(self) -> list[str]:
        """The raw tokens inside the parentheses ahead, which are then behind."""
        start = self._at[self.position]
        depth = 0
        while True:
            piece = self.take()
            if piece == "(":
                depth += 1
            elif piece == ")":
                depth -= 1
                if not depth:
                    return self._raw[start + 1 : self._at[self.position - 1]]
        return []

    def skip_to_group(self) -> None:
        """Forward to the next opening parenthesis."""
        while self.word != "(":
            self.position += 1


def split(raw: list[str]) -> Iterator[list[str]]:
    """The stretches between the commas that stand in no parentheses."""
    depth, start = 0, 0
    for position, piece in enumerate(raw):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth -= 1
        elif piece == "," and not depth:
            yield raw[start:position]
            start = position + 1
    yield raw[start:]


def part_of(raw: list[str]) -> PartText:
    """An indexed column: ``expression [COLLATE name] [ASC | DESC]``."""
    tokens = significant(raw)
    descending = False
    if len(tokens) > 1 and raw[tokens[-1]].upper() in ("ASC", "DESC"):
        descending = raw[tokens.pop()].upper() == "DESC"
    collation = None
    if len(tokens) > 2 and raw[tokens[-2]].upper() == "COLLATE":
        collation = unquoted(raw[tokens[-1]])
        del tokens[-2:]
    text = "".join(raw[tokens[0] : tokens[-1] + 1])
    return PartText(text, collation, descending)


def reader_of(sql: str) -> Reader:
    """A reader at the start of the text."""
    return Reader(_TOKEN.findall(sql))


def without_outer_parentheses(text: str) -> str:
    """The expression without blanks around it and parentheses around the whole of it."""
    text = text.strip()
    while text.startswith("("):
        reader = reader_of(text)
        inner = "".join(reader.group()).strip() if text.endswith(")") else ""
        if not inner or reader.word:
            return text
        text = inner
    return text


def mentions(text: str, name: str) -> bool:
    """Whether the name stands in the expression, quoted or not; a string may be one too."""
    if "'" not in name and name.replace('"', '""').lower() not in text.lower():
        return False
    return any(unquoted(piece).lower() == name.lower() for piece in _TOKEN.findall(text))
