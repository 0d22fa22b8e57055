"""A buffer at work in one process: its journal, its flusher, the thread that flushes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from odac_db.buffer import files
from odac_db.buffer.ages import Ages
from odac_db.buffer.answers import BufferOptions
from odac_db.buffer.files import End
from odac_db.buffer.flush import Ground, Marking
from odac_db.buffer.flusher import TENDED, Flusher, Targets
from odac_db.buffer.intake import Intake
from odac_db.buffer.journal import Journal
from odac_db.buffer.known import Known
from odac_db.buffer.once import Keys
from odac_db.buffer.session import Session
from odac_db.errors import OdacDbError

log = logging.getLogger("odac_db.buffer")

SYNCED = 0.5
"""Seconds after which what is written is also synced."""
MANY = 10_000
"""Operations that are worth a flush of their own."""


@dataclass
class Running:
    """``home`` is the folder of this database's journals, ``again`` what takes operations after
    this one is closed.
    """

    engine: Engine
    known: Known
    home: Path
    options: BufferOptions
    again: Callable[[], Intake]
    marking: Marking | None = None
    dropped: int = 0
    _wake: threading.Event = field(default_factory=threading.Event)
    _room: threading.Condition = field(default_factory=threading.Condition)
    _stopping: bool = False
    _idle: bool = False
    _hurried: bool = False
    _since: int = 0
    _told: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files.clear_unfinished(files.fit_folder(self.home))
        ground = Ground(
            buffering=self.known.buffering,
            lanes=self.known.lanes,
            columns=self.known.columns,
            declared=self.known.declared,
            marking=self.marking or (lambda _, __: nullcontext()),
            most_refused=self.options.most_refused,
        )
        session = Session(self.engine, self.known.buffering)
        self.flusher = Flusher(
            self.home,
            self.known.database,
            ground,
            session,
            self.options.retention,
            self.options.key_retention,
        )
        self.intake = Intake(self, self.again)
        self.keys = Keys(self.engine, self.options.key_retention)
        self.journal = Journal(self.home, self.known.database, self.options.segment_bytes)
        self.flusher.take_own(self.journal)
        self.limit = self._limit()
        self._ages = Ages(time.monotonic())
        self._late = False
        self._synced = time.monotonic()
        self.thread = threading.Thread(target=self._work, name="odac-db buffer", daemon=True)
        self.thread.start()

    @property
    def is_full(self) -> bool:
        return self.journal.end > self.limit or self._late

    def took(self, count: int) -> None:
        """Tells the thread what has come, if it is worth it."""
        self._since += count
        if self._since >= MANY:
            self._since = 0
            self.wake()
        elif self._idle:
            self._wake.set()

    def wake(self) -> None:
        """A flush is wanted now."""
        self._hurried = True
        self._wake.set()

    def wait_for_room(self, seconds: float) -> None:
        """Until a flush has made room, or so many seconds."""
        self.wake()
        with self._room:
            if self.is_full:
                self._room.wait_for(lambda: not self.is_full, seconds)
            else:  # the disk is full: only another try tells
                self._room.wait(seconds)

    def why(self, reason: str) -> str:
        """The reason, and what keeps the database from taking what is pending."""
        if self._late:
            reason = f"something has been waiting for more than max_age ({self.options.max_age} s)"
        return "; ".join([reason, *(f"lane {lane}: {why}" for lane, why in self.paused().items())])

    def pending(self) -> int:
        return sum(source.pending for source in list(self.flusher.sources.values()))

    def flush(self, until: float, targets: Targets | None, *, again: bool) -> None:
        """Flushes up to the targets; with ``again``, until they are reached or it is time."""
        self.flusher.hurry()
        self.drain(until, targets)
        while again and not self.flusher.reached(targets) and self._try_again(until):
            self.drain(until, targets)

    def drain(self, until: float, targets: Targets | None = None) -> int:
        """Flushes what can be flushed; the operations pending. Whoever calls does the work.

        Not who has interrupted a call of its own thread that does it: see ``Turn``.
        """
        turn = self.flusher.turn
        if turn.interrupted() is not None:
            return self.pending()
        try:
            if not turn.acquire(until, lambda: self.flusher.reached(targets)):
                return self.pending()
            self.journal.write_out()
            self._ages.look(time.monotonic(), self.flusher.targets())
            pending = self.flusher.drain(until, targets, self._make_room)
            self._ages.applied(time.monotonic(), self.flusher.reached, pending)
        finally:
            turn.release()
        self._tell()
        return pending

    def oldest(self) -> float:
        """Seconds for which something may have been pending; never less than it has been."""
        return time.monotonic() - self._ages.since if self.pending() else 0.0

    def _tell(self) -> None:
        """Lets go of those who wait for room; says once why a lane stands still."""
        self._late = self.options.max_age is not None and self.oldest() > self.options.max_age
        self._make_room()
        paused = self.paused()
        for lane, reason in paused.items():
            if self._told.get(lane) != reason:
                log.warning("lane %s waits: %s", lane, reason)
        self._told = paused

    def _make_room(self) -> None:
        with self._room:
            self.limit = self._limit()
            self._room.notify_all()

    def paused(self) -> dict[str, str]:
        """Why lanes stand still, by their names."""
        found = {}
        for source in list(self.flusher.sources.values()):
            for lane in list(source.lanes.values()):
                if lane.paused:
                    found[lane.name] = lane.paused
        return found

    def _limit(self) -> End:
        """How far the journal may be written: the segments that wait may be so many."""
        own = self.flusher.own
        assert own is not None
        positions = {name: own.position(name) for name in list(own.ends)}
        waiting = [
            own.log.needed(name, position)
            for name, position in positions.items()
            if position < own.ends[name]
        ]
        oldest = min(waiting, default=self.journal.end.segment)
        size = self.options.segment_bytes
        return End(oldest + self.options.max_bytes // size, self.options.max_bytes % size)

    def _work(self) -> None:
        while not self._stopping:
            try:
                self._round()
            except Exception:
                log.exception("the buffer's thread goes on after an error")
                self._wake.wait(TENDED)

    def _round(self) -> None:
        # Not to the end: that moves on, and the database, the journal and others wait meanwhile.
        until = time.monotonic() + SYNCED
        pending = self.drain(until, self.flusher.targets())
        unfinished = bool(pending) and time.monotonic() >= until
        with self.flusher.turn:
            self.flusher.tend()
        self._look_after_the_journal()
        own = self.flusher.own
        self._idle = own is not None and not own.pending and not pending
        if self._idle and own is not None and own.pending:  # it came between the two looks
            self._idle = False
        woken = self._wait(TENDED) if self._idle else True
        self._idle = False
        until = time.monotonic() + (self.options.interval if woken else 0)
        self._hurried = self._hurried or unfinished
        while not self._hurried and not self._stopping and time.monotonic() < until:
            # The first has come: a moment for its company.
            self._wait(min(until - time.monotonic(), SYNCED))
            self._look_after_the_journal()
        self._hurried = False

    def _wait(self, seconds: float) -> bool:
        """Whether it was woken in that time."""
        woken = self._wake.wait(seconds)
        self._wake.clear()
        return woken

    def _look_after_the_journal(self) -> None:
        if time.monotonic() - self._synced < SYNCED:
            return
        self._synced = time.monotonic()
        with suppress(OdacDbError):  # those who need to know meet it themselves
            self.journal.write_out()
            self.journal.sync(self.journal.end)
            self.journal.prepare()

    def stop(self, timeout: float) -> int:
        """Flushes for the last time, within so many seconds; what stays in the journal."""
        until = time.monotonic() + timeout
        self._stopping = True
        self.wake()
        try:
            pending = self.drain(until)
            while pending and time.monotonic() < until and self._try_again(until):
                pending = self.drain(until)
            self.thread.join(max(until - time.monotonic(), 0.1))
            if self.flusher.turn.acquire(time.monotonic() + 0.5):
                self.flusher.session.drop()
                self.flusher.let_go()
                self.flusher.turn.release()
        finally:  # a second Ctrl-C ends the flush, and writes what level memory has
            self.journal.close()
        return pending

    def _try_again(self, until: float) -> bool:
        """Waits for the next lane that may be tried; False if none will be in time."""
        now = time.monotonic()
        times = [
            lane.retry_at
            for source in list(self.flusher.sources.values())
            for lane in list(source.lanes.values())
            if lane.paused
        ]
        wait = min(times, default=now) - now
        if now >= until or wait > until - now:
            return False
        threading.Event().wait(max(wait, 0.01))
        return True

    def abandon(self) -> None:
        """A forked child leaves everything to its parent."""
        self._stopping = True
        self.journal.abandon()
        self.flusher.session.forget()
        self.flusher.let_go()
