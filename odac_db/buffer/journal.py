"""The write side of a journal: one process appends, and whoever comes later can read it all.

An operation is acknowledged when its frame is written (it survives the process) or synced
(it survives the power). Its place on the disk was reserved before, so a full disk is met
before an acknowledgement and never behind one.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from odac_db.buffer import files
from odac_db.buffer.calls import Call, call_of, counted, framed, largest
from odac_db.buffer.files import NEXT, End, JournalClosed
from odac_db.buffer.frames import packed
from odac_db.buffer.shapes import (
    Introduction,
    Lot,
    Once,
    Opening,
    Shape,
    Values,
    opening_payload,
)
from odac_db.buffer.synced import Synced
from odac_db.errors import BufferRefused, JournalFailed

SEGMENT_BYTES = 16 << 20
UNWRITTEN_BYTES = 1 << 18


class Journal:
    """A journal that this process writes, under a lock that it holds for life.

    Appending is safe from any thread. ``end`` and ``lanes`` may be read without a lock.
    """

    def __init__(self, home: Path, database: str, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.id = uuid.uuid4().hex
        self.folder = home / f"{files.UNFINISHED}{self.id}"
        self.lanes: dict[str, int] = {}
        self._database = database
        self._segment_bytes = segment_bytes
        self._known: dict[int, Introduction] = {}  # by identity: hashing a shape takes longer
        self._lane_numbers: dict[str, int] = {}
        self._unwritten: list[bytes] = []
        self._busy = False  # for good, once it is closed
        self._ending = False
        self._lock = threading.RLock()
        self._syncing = threading.RLock()
        self._synced = Synced()
        self._segment = -1
        self._size = 0
        self._offset = 0
        self._file = -1
        self._map: mmap.mmap | None = None
        self._kind = files.file_system(home)
        self.closed = False
        self.end = End(0, 0)
        self._begin(home)

    def _begin(self, home: Path) -> None:
        try:
            self.folder.mkdir(mode=0o700)
            held = files.locked(self.folder, make=True)
            if held is None:
                raise BufferRefused(f"{self.folder} is locked, though its name is new")
            self._held = held
            self._roll(0)
            # Whoever looks for journals of the dead looks at finished ones only.
            self.folder = self.folder.rename(home / self.id)
            files.keep_names(home)
        except OSError as error:
            message = f"no journal can be made in {home}: {error.strerror}"
            raise BufferRefused(message) from error

    def append(
        self, shape: Shape, rows: Sequence[Values], *, write: bool = True
    ) -> tuple[int, End]:
        """Operations of one shape; see ``append_lots``."""
        return self.append_lots([(shape, rows)], write=write)

    def append_lots(
        self, lots: Sequence[Lot], *, write: bool = True, once: Once | None = None
    ) -> tuple[int, End]:
        """The sequence number of the last of these operations, and where their frames end.

        They are of one lane, at least one lot. Written when this returns, unless ``write`` is
        False. Raises BufferFull, JournalFailed or JournalClosed, and then none of them was taken.
        """
        calls = [
            call_of(self._known.get(id(shape)) or self._introduce(shape), rows, once)
            for shape, rows in lots
        ]
        with self._lock:
            if self._busy:
                raise self._refusal()
            self._busy = True
            try:
                return self._appended(calls, write)
            except BaseException:
                self._size = 0  # what was half done ends with the segment
                raise
            finally:
                self._busy = False
                if self._ending:
                    self.close()

    def _refusal(self) -> BufferRefused:
        if self.closed:
            return JournalClosed(f"{self.folder} was closed meanwhile")
        message = "a signal handler or finalizer called the buffer in the midst of a call of its"
        return BufferRefused(f"{message} own thread: it cannot be taken")

    def _appended(self, calls: Sequence[Call], write: bool) -> tuple[int, End]:
        """Written, then counted, then shown to readers: an interruption between leaves no gap.

        The next segment begins with the count, and frames beyond it are no longer read.
        """
        known, parts = calls[0]
        lane = known.shape.lane
        last = self.lanes[lane]
        at_once = write and not self._unwritten
        if at_once and len(calls) == len(parts) == 1 and known.told == self._segment:
            data = packed(known.lane, last + 1, parts[0][1])
            end = self._offset + len(data)
            if end <= self._size:  # as most are
                self._write(data)
                self.lanes[lane] = last = last + parts[0][0]
                self._offset = end
                self.end = found = End(self._segment, end)
                return last, found
        return self._appended_slowly(calls, last, write)

    def _appended_slowly(self, calls: Sequence[Call], last: int, write: bool) -> tuple[int, End]:
        data = self._framed(calls, last + 1)
        at_once = write and not self._unwritten
        through = write or self._offset - self.end.offset > UNWRITTEN_BYTES
        if at_once:
            self._write(data)
        else:
            self._unwritten.append(data)
            try:
                if through:
                    self._write(b"".join(self._unwritten))
            except BaseException:
                self._unwritten.pop()
                raise
        self.lanes[calls[0][0].shape.lane] = last = last + counted(calls)
        for known, _ in calls:
            known.told = self._segment
        self._offset += len(data)
        if through:
            self._written()
        return last, End(self._segment, self._offset)

    def _introduce(self, shape: Shape) -> Introduction:
        with self._lock:
            if id(shape) not in self._known:
                lane = self._lane_numbers.setdefault(shape.lane, len(self._lane_numbers))
                self.lanes.setdefault(shape.lane, 0)
                self._known[id(shape)] = Introduction(len(self._known), lane, shape)
            return self._known[id(shape)]

    def _framed(self, calls: Sequence[Call], first: int) -> bytes:
        """The frames of the calls, in a segment that has room for all of them."""
        if self._offset + largest(calls) > self._size:
            self._write_all()
            self._roll(largest(calls))
        return framed(calls, self._segment, first)

    def write_out(self) -> None:
        """Writes what was taken without being written; not in the midst of a call, nor closed."""
        with self._lock:
            if self._unwritten and not self._busy:
                self._busy = True
                try:
                    self._write_all()
                finally:
                    self._busy = False
                    if self._ending:
                        self.close()

    def _write_all(self) -> None:
        if self._unwritten:
            self._write(b"".join(self._unwritten))
            self._written()

    def _written(self) -> None:
        self.end = End(self._segment, self._offset)
        self._unwritten.clear()

    def _write(self, data: bytes) -> None:
        """Writes behind what is written."""
        offset = self.end.offset
        try:
            files.put(self._file, self._map, data, offset)
        except OSError as error:
            with suppress(OSError):  # no half of it is to be taken for a whole
                files.put(self._file, self._map, bytes(len(data)), offset)
            raise files.fault(self.folder, error) from error

    def sync(self, upto: End) -> None:
        """Returns when everything up to there would survive a loss of power.

        Who comes while another syncs waits for that and finds its own part done. Raises
        JournalFailed when the disk refuses.
        """
        if self._synced.holds(upto):
            return
        with self._syncing:
            self._synced.check(self.folder, upto)
            if self._synced.upto >= upto:
                return
            with self._lock:
                self.write_out()
                if self.closed:
                    raise JournalFailed(str(self.folder), "it was closed before it was synced")
                file, end = os.dup(self._file), self.end
            try:
                self._ask(file, end)
            finally:
                os.close(file)

    def _ask(self, file: int, end: End) -> None:
        """Syncs. Where the disk refuses, nothing is added to the segment any more."""
        try:
            self._synced.ask(self.folder, file, end)
        except JournalFailed:
            self._size = 0
            raise

    def prepare(self) -> None:
        """Reserves the next segment, so that the one who fills this one need not wait.

        Raises BufferFull when the disk has no room for it.
        """
        if not files.segment_path(self.folder, self._segment).exists():
            self._size = 0  # somebody has removed it: no more is acknowledged
        if self._offset * 2 > self._segment_bytes and not self.closed:
            files.reserve(self.folder, self._segment_bytes)
            with self._lock:
                if self.closed:
                    (self.folder / NEXT).unlink(missing_ok=True)

    def _roll(self, needed: int) -> None:
        """Goes on in a segment of its own, with room for so many bytes."""
        number = self._segment + 1
        opening = Opening(self.id, self._database, number, time.time(), dict(self.lanes))
        begin = packed(0, 0, opening_payload(opening))
        size = max(self._segment_bytes, needed + len(begin))
        if self._segment >= 0 and not self._synced.is_broken_since(number - 1):
            self._ask(self._file, self.end)  # so that later segments alone need to be
        try:
            file = files.begun(self.folder, number, size, begin, size == self._segment_bytes)
            held = files.mapped(file, size, self._kind)
        except OSError as error:
            raise files.fault(self.folder, error) from error
        before, end = (self._file, self._map), End(number, len(begin))
        self._file, self._map, self._segment, self._size = file, held, number, size
        self._offset, self.end, self._synced.upto = end.offset, end, end
        files.let_go(*before)

    def close(self) -> None:
        """Writes and syncs what is taken, gives back reserved room, and lets go of the lock.

        A signal handler's call in the midst of another closes when that one is done, as what
        that one takes is still to be kept.
        """
        with self._lock:
            self._ending = True
            busy, self._busy = self._busy or self.closed, True
            if busy:
                return
            try:
                self._write_all()
                os.ftruncate(self._file, self._offset)
                self._ask(self._file, self.end)
                (self.folder / NEXT).unlink(missing_ok=True)
            finally:
                self.abandon()

    def abandon(self) -> None:
        """Lets go of the files without a word: a forked child, to which they do not belong."""
        self._ending = self._busy = True
        if not self.closed:
            self.closed = True
            before, self._file, self._map = (self._file, self._map), -1, None
            files.let_go(*before)
            os.close(self._held)
