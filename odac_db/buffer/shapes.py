"""Operations as the journal holds them: what they do, to which table, with which values. Pure.

Values are in the server's own words already (None, bool, int, float, str, bytes), so that
nothing is lost between the journal and the server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

Kind = Literal["insert", "increment", "update"]
Values = tuple[Any, ...]

OPENING = 0
SHAPE = 1
OPERATIONS = 2
FRAME_BYTES = 1 << 20

_encode = msgspec.msgpack.Encoder().encode
_operations = msgspec.msgpack.Decoder(tuple[int, int, list[tuple[Any, ...]]]).decode
_OPERATIONS_HEAD = b"\x93\x02"


class Shape(NamedTuple):
    """What the values of an operation are: those of ``keys``, then those of ``columns``.

    An insert has no keys. An increment's columns are given what is added, an update's what
    they are set to. ``types`` are the columns' that the values were checked by.
    """

    lane: str
    table: str
    kind: Kind
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    types: tuple[str, ...] = ()


class Opening(NamedTuple):
    """The first frame of a segment: whose it is, and how far each lane was before it."""

    journal: str
    database: str
    number: int
    created: float
    lanes: Mapping[str, int]


class Chunk(NamedTuple):
    """Operations of one shape, numbered from ``first`` on without a gap."""

    first: int
    shape: Shape
    rows: list[Values]

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def opening_payload(opening: Opening) -> bytes:
    return _encode((OPENING, *opening))


def shape_payload(number: int, shape: Shape) -> bytes:
    return _encode((SHAPE, number, *shape))


def parted(number: int, rows: Sequence[Values]) -> list[tuple[int, bytes]]:
    """The rows in payloads that are not much longer than FRAME_BYTES, each with its count."""
    payload = _encode((OPERATIONS, number, rows))
    if len(payload) <= FRAME_BYTES or len(rows) == 1:
        return [(len(rows), payload)]
    size = -(-len(rows) // (len(payload) // FRAME_BYTES + 1))
    pieces = [rows[start : start + size] for start in range(0, len(rows), size)]
    return [(len(piece), _encode((OPERATIONS, number, piece))) for piece in pieces]


def opening_of(payload: bytes) -> Opening | None:
    """The opening that a payload is, or None."""
    found = msgspec.msgpack.decode(payload)
    return Opening(*found[1:]) if found[0] == OPENING else None


def shape_of(payload: bytes) -> tuple[int, Shape] | None:
    """A shape and its number, or None for a payload that is something else."""
    if payload[:2] == _OPERATIONS_HEAD:
        return None
    found = msgspec.msgpack.decode(payload)
    if found[0] != SHAPE:
        return None
    number, lane, table, kind, *names = found[1:]
    return number, Shape(lane, table, kind, *map(tuple, names))


def rows_of(payload: bytes) -> tuple[int, list[Values]] | None:
    """The number of a shape and the rows of that shape, or None."""
    if payload[:2] != _OPERATIONS_HEAD:
        return None
    _, number, rows = _operations(payload)
    return number, rows


class Introduction:
    """A shape's number, its lane's, and the last segment that tells them."""

    __slots__ = ("lane", "number", "told")

    def __init__(self, number: int, lane: int) -> None:
        self.number, self.lane, self.told = number, lane, -1
