"""A parsed file before it means anything: plain values, and where each of them stands.

A position belongs to a path: the place of the key for an entry of a mapping, of the item
for an item of a list. Every reader (YAML, JSON, TOML) makes these; none knows what a
table is.
"""

from __future__ import annotations

import bisect
from typing import Any

import msgspec

from odac_db.errors import Problem

MAXIMUM_BYTES = 1 << 20
"""A larger file is refused unread: a schema file is written by people, one table each."""

MAXIMUM_DEPTH = 64
MAXIMUM_VALUES = 100_000
"""Counted with every alias written out, so that an alias bomb is a fault and not a hang."""

Path = tuple[str | int, ...]
Position = tuple[int, int]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What one file holds. ``value`` is worth looking at only when ``problems`` is empty."""

    file: str
    value: Any = None
    positions: dict[Path, Position] = {}
    problems: list[Problem] = []


class Spans(msgspec.Struct, frozen=True, kw_only=True):
    """Where keys and values stand in the text, as offsets, for rewriting it.

    A key may be written several times (TOML headers). ``blocks`` are the mappings whose
    entries stand on lines of their own, without commas.
    """

    keys: dict[Path, list[tuple[int, int]]] = {}
    values: dict[Path, tuple[int, int]] = {}
    blocks: set[Path] = set()


class Lines:
    """Offsets of a text as lines and columns, both from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0]
        self._starts.extend(i + 1 for i, letter in enumerate(text) if letter == "\n")

    def position(self, offset: int) -> Position:
        """The line and column of the character at ``offset``."""
        line = bisect.bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def failed(file: str, message: str, position: Position = (1, 1)) -> Document:
    """A document that could not be read, for one reason."""
    return Document(file=file, problems=[Problem(file, *position, message)])
