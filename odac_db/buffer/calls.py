"""What one call appends to a journal: operations of one lane, shape by shape. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from odac_db.buffer.frames import HEAD, LARGEST, packed
from odac_db.buffer.shapes import (
    FRAME_BYTES,
    Introduction,
    Once,
    Values,
    keyed,
    parted,
    shape_payload,
)
from odac_db.errors import RowRefused

Call = tuple[Introduction, list[tuple[int, bytes]]]
"""A shape, and payloads with the count of operations in each."""


def call_of(known: Introduction, rows: Sequence[Values], once: Once | None) -> Call:
    """The rows in payloads; in one, if they have an idempotency key.

    Raises RowRefused for one that is longer than can be read again.
    """
    number = known.number
    parts = parted(number, rows) if once is None else [keyed(number, rows, once)]
    if len(parts[0][1]) > FRAME_BYTES or len(parts) > 1:
        _check_length(known, parts)
    return known, parts


def _check_length(known: Introduction, parts: Sequence[tuple[int, bytes]]) -> None:
    position = 0
    for count, payload in parts:
        if len(payload) > LARGEST:
            message = f"it takes {len(payload):,} bytes, and a journal keeps {LARGEST:,} of a row"
            raise RowRefused(known.shape.table, [message], position)
        position += count


def counted(calls: Sequence[Call]) -> int:
    """The operations in them."""
    return sum(count for _, parts in calls for count, _ in parts)


def largest(calls: Sequence[Call]) -> int:
    """How many bytes their frames take at most: all shapes are told in front of them."""
    return sum(
        len(_told(known)) + sum(HEAD + len(payload) for _, payload in parts)
        for known, parts in calls
    )


def framed(calls: Sequence[Call], segment: int, first: int) -> bytes:
    """Their frames, numbered from ``first`` on, shapes in front that the segment has not told."""
    found, told = [], set[int]()
    for known, parts in calls:
        if known.told != segment and known.number not in told:
            found.append(_told(known))
            told.add(known.number)
        for count, payload in parts:
            found.append(packed(known.lane, first, payload))
            first += count
    return b"".join(found)


def _told(known: Introduction) -> bytes:
    return packed(known.lane, 0, shape_payload(known.number, known.shape))
