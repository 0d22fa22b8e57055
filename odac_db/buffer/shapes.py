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
KEYED = 3
FRAME_BYTES = 1 << 20

_encode = msgspec.msgpack.Encoder().encode
_operations = msgspec.msgpack.Decoder(tuple[int, int, list[tuple[Any, ...]]]).decode
_keyed = msgspec.msgpack.Decoder(tuple[int, int, list[tuple[Any, ...]], str, str]).decode
_OPERATIONS_HEAD = b"\x93\x02"
_KEYED_HEAD = b"\x95\x03"


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


Lot = tuple[Shape, Sequence[Values]]
"""Operations of one shape, as they are taken."""


class Opening(NamedTuple):
    """The first frame of a segment: whose it is, and how far each lane was before it."""

    journal: str
    database: str
    number: int
    created: float
    lanes: Mapping[str, int]


class Once(NamedTuple):
    """The idempotency key of a call, and the digest of what was called."""

    name: str
    digest: str


class Operations(NamedTuple):
    """What a frame holds: rows of the shape with that number, and the key of their call."""

    number: int
    rows: list[Values]
    once: Once | None = None


class Chunk(NamedTuple):
    """Operations of one shape, numbered from ``first`` on without a gap.

    With ``once`` they are one call, to be applied once however often it was made.
    """

    first: int
    shape: Shape
    rows: list[Values]
    once: Once | None = None

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


def keyed(number: int, rows: Sequence[Values], once: Once) -> tuple[int, bytes]:
    """All rows of a call with an idempotency key, in one payload, with their count."""
    return len(rows), _encode((KEYED, number, rows, *once))


def opening_of(payload: bytes) -> Opening | None:
    """The opening that a payload is, or None."""
    found = msgspec.msgpack.decode(payload)
    return Opening(*found[1:]) if found[0] == OPENING else None


def shape_of(payload: bytes) -> tuple[int, Shape] | None:
    """A shape and its number, or None for a payload that is something else."""
    if payload[:2] in (_OPERATIONS_HEAD, _KEYED_HEAD):
        return None
    found = msgspec.msgpack.decode(payload)
    if found[0] != SHAPE:
        return None
    number, lane, table, kind, *names = found[1:]
    return number, Shape(lane, table, kind, *map(tuple, names))


def rows_of(payload: bytes) -> Operations | None:
    """The operations that a payload holds, or None for one that is something else."""
    if payload[:2] == _KEYED_HEAD:
        _, number, rows, name, digest = _keyed(payload)
        return Operations(number, rows, Once(name, digest))
    if payload[:2] != _OPERATIONS_HEAD:
        return None
    _, number, rows = _operations(payload)
    return Operations(number, rows)


class Introduction:
    """A shape's number, its lane's, and the last segment that tells them."""

    __slots__ = ("lane", "number", "shape", "told")

    def __init__(self, number: int, lane: int, shape: Shape) -> None:
        self.number, self.lane, self.told = number, lane, -1
        self.shape = shape  # kept, so that its identity is nobody else's
