"""A lane's operations in a journal, read in order from a position on; no gap goes unseen."""

from __future__ import annotations

from collections.abc import Iterator
from errno import ENOENT

from odac_db.buffer.frames import HEAD, Frame, frame_at, next_frame
from odac_db.buffer.log import Log
from odac_db.buffer.shapes import Chunk, Shape, Values, rows_of, shape_of
from odac_db.errors import LossDetected

WINDOW = 4 << 20


class Cursor:
    """Where one lane is read. ``position`` is the last operation that was read.

    ``lenient`` passes damage by: what is missing is still told, as a gap in the numbers,
    but what stands behind can be reached.
    """

    def __init__(self, log: Log, lane: str, *, lenient: bool = False) -> None:
        self.log = log
        self.lane = lane
        self.lenient = lenient
        self.position = 0
        self._segment = -1
        self._offset = 0
        self._number = -1
        self._last: int | None = None
        self._shapes: dict[int, Shape] = {}

    def seek(self, position: int) -> None:
        """Reads on behind that operation. Raises LossDetected if what follows is not held."""
        self.position = position
        self._segment = -1
        for segment in reversed(self.log.segments()):
            base = self.log.base(segment, self.lane)
            if base <= position:
                self._enter(segment)
                return
        segments = self.log.segments()
        if not segments and self.log.end is not None:  # its writer is never without one
            raise FileNotFoundError(ENOENT, "the journal's files are gone", str(self.log.folder))
        if segments:
            base = self.log.base(segments[0], self.lane)
            reason = "the database is behind what the journal still holds"
            raise LossDetected(self.log.id, self.lane, position + 1, base, reason)

    def read(self, rows: int, size: int) -> list[Chunk]:
        """The next operations, about so many or so many bytes of them; [] if there are none.

        Raises LossDetected where the next one is missing.
        """
        found: list[Chunk] = []
        taken = weight = 0
        try:
            for chunk, bytes_ in self._chunks():
                found.append(chunk)
                taken += len(chunk.rows)
                weight += bytes_
                if taken >= rows or weight >= size:
                    break
        except LossDetected:
            if not found:  # what stands before it first
                raise
        return found

    def _enter(self, segment: int) -> None:
        self._segment, self._offset, self._number = segment, 0, -1
        self._shapes.clear()

    def _chunks(self) -> Iterator[tuple[Chunk, int]]:
        if self._segment not in self.log.segments():  # none yet, or it is pruned by now
            self.seek(self.position)
            if self._segment < 0:
                return
        while True:
            for frame in self._frames():
                chunk = self._chunk(frame)
                if chunk is not None:  # its number first: an interruption here is no gap
                    self.position = chunk.last
                self._offset += HEAD + len(frame.payload)
                if chunk is not None:
                    yield chunk, len(frame.payload)
            following = self._following()
            if following is None:
                return
            base = self.log.base(following, self.lane)
            if base > self.position:
                reason = f"segment {self._segment} ends too early"
                raise LossDetected(self.log.id, self.lane, self.position + 1, base, reason)
            self._enter(following)

    def _following(self) -> int | None:
        segments = self.log.segments()
        if self.log.end is not None:
            last = self.log.end().segment
            segments = [segment for segment in segments if segment <= last]
        return next((segment for segment in segments if segment > self._segment), None)

    def _limit(self) -> int | None:
        """The last operation of the lane in the segment, where the next one tells it.

        A write that failed may have left frames that were never acknowledged.
        """
        following = self._following()
        return None if following is None else self.log.base(following, self.lane)

    def _frames(self) -> Iterator[Frame]:
        """Whole frames from the offset on, which their reader moves behind each."""
        window = WINDOW
        while True:
            start = self._offset
            held = self.log.held(self._segment, start, window)
            self._last = self._limit()  # behind the reading: the writer may have gone on meanwhile
            while (frame := frame_at(held, self._offset - start)) is not None:
                yield frame
            if len(held) == window:  # there may be more than was read
                window = WINDOW if self._offset > start else window * 2
                continue
            if not self._passed_damage(held, self._offset - start):
                return

    def _passed_damage(self, held: bytes, at: int) -> bool:
        """Whether reading goes on behind damage. Raises LossDetected if it must not."""
        place = next_frame(held, at)
        if place is None:
            return False
        if self.lenient:
            self._offset += place - at
            return True
        last = self._next_seq(held, place) - 1
        raise self.log.damage(self._segment, self.lane, self.position + 1, last)

    def _next_seq(self, held: bytes, place: int) -> int:
        """The lane's next number behind damage, as far as whole frames tell it; 1 if none."""
        while (frame := frame_at(held, place)) is not None:
            if frame.seq > self.position and frame.lane == self._number:
                return frame.seq
            place = frame.end
        return 1

    def _chunk(self, frame: Frame) -> Chunk | None:
        """The frame's operations behind the position, if it has some of this lane."""
        if not frame.seq:
            told = shape_of(frame.payload)
            if told is not None and told[1].lane == self.lane:
                self._number = frame.lane
                self._shapes[told[0]] = told[1]
            return None
        if frame.lane != self._number:
            return None
        found = rows_of(frame.payload)
        if found is None:
            return None
        first, rows = self._wanted(frame.seq, found.rows, self._last)
        if not rows:
            return None
        if first != self.position + 1:
            reason = "frames are missing"
            raise LossDetected(self.log.id, self.lane, self.position + 1, first - 1, reason)
        if found.number not in self._shapes:
            reason = "what tells their columns is damaged"
            raise LossDetected(self.log.id, self.lane, first, first + len(rows) - 1, reason)
        return Chunk(first, self._shapes[found.number], rows, found.once)

    def _wanted(self, seq: int, rows: list[Values], limit: int | None) -> tuple[int, list[Values]]:
        """The rows behind the position and up to the limit, with the first one's number."""
        if limit is not None and seq + len(rows) - 1 > limit:
            rows = rows[: max(limit - seq + 1, 0)]
        skip = self.position + 1 - seq
        if skip > 0:
            return seq + skip, rows[skip:]
        return seq, rows
