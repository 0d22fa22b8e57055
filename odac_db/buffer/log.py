"""The read side of a journal: its segments, how far its lanes go, what is no longer needed.

It reads while another part of this process appends (up to ``end``), and what a dead
process left (as far as frames are whole).
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from odac_db.buffer import files
from odac_db.buffer.files import NEXT, End
from odac_db.buffer.frames import Frame, frame_at, frames, next_frame
from odac_db.buffer.shapes import Opening, opening_of, rows_of, shape_of
from odac_db.errors import LossDetected

_OPENING_BYTES = 1 << 20


class Log:
    """A journal's folder. ``end`` tells how far its writer is; None of a dead one's."""

    def __init__(self, folder: Path, end: Callable[[], End] | None = None) -> None:
        self.folder = folder
        self.id = folder.name
        self.end = end
        self._openings: dict[int, Opening] = {}
        self._applied: dict[int, float] = {}

    def segments(self) -> list[int]:
        return files.segment_numbers(self.folder)

    def opening(self, segment: int) -> Opening:
        """What the segment begins with. Raises LossDetected where not even that is whole."""
        found = self._openings.get(segment)
        if found is None:
            first = frame_at(self.held(segment, 0, _OPENING_BYTES), 0)
            found = opening_of(first.payload) if first is not None else None
            if found is None:
                raise LossDetected(self.id, "", 0, 0, f"segment {segment} has no beginning")
            self._openings[segment] = found
        return found

    def base(self, segment: int, lane: str) -> int:
        """The last operation of the lane before the segment."""
        return self.opening(segment).lanes.get(lane, 0)

    def needed(self, lane: str, position: int) -> int:
        """The segment where the lane's operations behind that one begin.

        The first that there is where none can be told.
        """
        segments = self.segments()
        with suppress(LossDetected, FileNotFoundError):
            for segment in reversed(segments):
                if self.base(segment, lane) <= position:
                    return segment
        return segments[0] if segments else 0

    def database(self) -> str:
        """The database the journal is for; empty of one that never held anything."""
        segments = self.segments()
        return self.opening(segments[-1]).database if segments else ""

    def held(self, segment: int, start: int, size: int = -1) -> bytes:
        """The segment's bytes from there on, as far as they are written."""
        end = self.end() if self.end is not None else None
        with files.segment_path(self.folder, segment).open("rb") as file:
            file.seek(start)
            if end is not None and end.segment == segment:
                left = max(end.offset - start, 0)
                return file.read(left if size < 0 else min(size, left))
            return file.read(size)

    def lanes(self, *, lenient: bool = False) -> dict[str, int]:
        """The last operation of every lane of a dead journal, behind damage, too.

        Raises LossDetected where operations are whole and what told their lane is not:
        ``lenient`` leaves them out.
        """
        segments = self.segments()
        if not segments:
            return {}
        found = dict(self.opening(segments[-1]).lanes)
        numbers: dict[int, str] = {}
        held = self.held(segments[-1], 0)
        place: int | None = 0
        while place is not None:
            for frame in frames(held, place):
                place = frame.end
                if not _counted(frame, numbers, found) and not lenient:
                    lane = f"number {frame.lane}"
                    reason = f"segment {segments[-1]} tells no more whose operations it holds"
                    raise LossDetected(self.id, lane, frame.seq, frame.seq, reason)
            place = next_frame(held, place)
        return found

    def tables(self) -> dict[str, set[str]]:
        """The tables of each lane that the journal's segments have operations for."""
        found: dict[str, set[str]] = {}
        for segment in self.segments():
            held = b""
            with suppress(FileNotFoundError):  # it is pruned, because it is applied
                held = self.held(segment, 0)
            for frame in frames(held, 0):
                told = shape_of(frame.payload) if not frame.seq else None
                if told is not None:
                    found.setdefault(told[1].lane, set()).add(told[1].table)
        return found

    def size(self) -> int:
        """Bytes on the disk."""
        total = 0
        for segment in self.segments():
            with suppress(FileNotFoundError):
                total += files.segment_path(self.folder, segment).stat().st_blocks * 512
        return total

    def prune(
        self, positions: Mapping[str, int], retention: float, now: float | None = None
    ) -> int:
        """Unlinks segments that were first seen applied so many seconds ago; how many are left.

        ``positions`` are the database's own, read after the commit, ``now`` is the moment of
        that. The last segment stays.
        """
        now = time.monotonic() if now is None else now
        applied: dict[int, float] = {}
        for segment, following in itertools.pairwise(self.segments()):
            lanes = self.opening(following).lanes
            if any(positions.get(lane, 0) < last for lane, last in lanes.items()):
                break
            applied[segment] = self._applied.get(segment, now)
        self._applied = applied
        for segment, since in list(applied.items()):
            if now - since < retention:
                break
            files.segment_path(self.folder, segment).unlink()
            self._openings.pop(segment, None)
            del applied[segment]
        return len(self.segments())

    def applied_for(self, *, done: bool) -> float:
        """Seconds since a process first saw that all of a dead journal is applied; 0 if it is not.

        The journal remembers it, so that processes that live shortly get to its end, too.
        """
        mark = self.folder / files.APPLIED
        if not done:
            mark.unlink(missing_ok=True)
            return 0.0
        try:
            return time.time() - mark.stat().st_mtime
        except FileNotFoundError:
            mark.touch(0o600)
            return 0.0

    def remove(self) -> None:
        """Unlinks a dead journal, its lock last; the caller holds it."""
        for segment in self.segments():
            files.segment_path(self.folder, segment).unlink()
        for name in (
            NEXT,
            files.RESERVING,
            files.BEGUN,
            files.REGISTERED,
            files.APPLIED,
            files.LOCK,
        ):
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def damage(self, segment: int, lane: str, first: int, last: int) -> LossDetected:
        reason = f"segment {segment} is damaged, and whole frames stand behind the damage"
        return LossDetected(self.id, lane, first, last, reason)


def _counted(frame: Frame, numbers: dict[int, str], lanes: dict[str, int]) -> bool:
    """Notes the lane that a frame introduces, or its last operation; False if it has none."""
    told = shape_of(frame.payload) if not frame.seq else None
    rows = rows_of(frame.payload) if frame.seq else None
    if told is not None:
        numbers[frame.lane] = told[1].lane
        lanes.setdefault(told[1].lane, 0)
    elif rows is not None:
        if frame.lane not in numbers:
            return False
        lane = numbers[frame.lane]
        lanes[lane] = max(lanes[lane], frame.seq + len(rows.rows) - 1)
    return True
