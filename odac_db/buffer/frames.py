"""Frames: ``length | crc | place | payload``, one behind the other in a segment. Pure.

``place`` is the number of the lane in this segment's own counting and, of that lane, the
sequence number of the first operation in the frame. The checksum covers place and payload.
A frame is whole or it is not there: ``Scan`` tells a torn end, behind which nothing stands,
from damage, behind which frames do.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

HEAD = 16
LARGEST = 1 << 30
_LENGTHS = struct.Struct("<II")
_PLACE = struct.Struct("<Q")
_WHOLE = struct.Struct("<IIQ")
_SEQ_BITS = 48
_SEQ_MASK = (1 << _SEQ_BITS) - 1


class Frame(NamedTuple):
    """One whole frame; ``end`` is where the next one begins."""

    lane: int
    seq: int
    payload: bytes
    end: int


def packed(lane: int, seq: int, payload: bytes) -> bytes:
    """The bytes of a frame."""
    body = _PLACE.pack(lane << _SEQ_BITS | seq) + payload
    return _LENGTHS.pack(len(payload), zlib.crc32(body)) + body


def frame_at(held: bytes, start: int) -> Frame | None:
    """The frame that begins there, or None if none does or it is not whole."""
    begin = start + HEAD
    if begin > len(held):
        return None
    length, crc, place = _WHOLE.unpack_from(held, start)
    end = begin + length
    if not 0 < length <= LARGEST or end > len(held):
        return None
    if zlib.crc32(memoryview(held)[start + 8 : end]) != crc:
        return None
    return Frame(place >> _SEQ_BITS, place & _SEQ_MASK, held[begin:end], end)


def frames(held: bytes, start: int) -> Iterator[Frame]:
    """Every whole frame from there on, up to the first that is not."""
    while (found := frame_at(held, start)) is not None:
        yield found
        start = found.end


def next_frame(held: bytes, start: int) -> int | None:
    """Where behind ``start`` a whole frame begins; None if the rest holds none."""
    rest = held.rstrip(b"\0")
    for place in range(start + 1, len(rest) - HEAD + 1):
        length = _LENGTHS.unpack_from(held, place)[0]
        if 0 < length <= len(held) - place - HEAD and frame_at(held, place) is not None:
            return place
    return None
