"""All journals this process brings into the database: its own, and those of the dead.

Whoever flushes holds ``turn``; a caller's ``flush`` and the thread in the background do the
same work. Two processes at the same journal would do each other no harm, but they lock
their journals to save the trouble.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from odac_db.buffer import files, ledger, once
from odac_db.buffer.flush import Ground
from odac_db.buffer.journal import Journal
from odac_db.buffer.log import Log
from odac_db.buffer.session import Session
from odac_db.buffer.source import Source, Taken
from odac_db.buffer.turn import Turn
from odac_db.errors import LossDetected

log = logging.getLogger("odac_db.buffer")

TENDED = 5.0
"""Seconds between looks at journals of the dead, and at what the database still has."""
REMEMBERED = timedelta(days=7)

Targets = Mapping[tuple[str, str], int]
"""Positions to be reached, by journal and lane."""


@dataclass
class Totals:
    """What this process has brought into the database."""

    applied: int = 0
    dead: int = 0
    transactions: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


@dataclass
class Flusher:
    """``home`` holds the journals, all of the database with that id; others are let alone."""

    home: Path
    database: str
    ground: Ground
    session: Session
    retention: float
    key_retention: float = 7 * 86_400.0
    clock: Callable[[], float] = time.monotonic
    sources: dict[str, Source] = field(default_factory=dict)
    foreign: dict[str, str] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    turn: Turn = field(default_factory=Turn)
    own: Source | None = None
    _held: dict[str, int] = field(default_factory=dict)
    _unread: dict[str, str] = field(default_factory=dict)
    _tended: float = float("-inf")
    _active: float = float("-inf")

    def take_own(self, journal: Journal) -> None:
        """The journal that this process writes."""
        self.own = Source(Log(journal.folder, lambda: journal.end), journal.lanes)
        self.sources[journal.id] = self.own

    def drain(
        self,
        until: float = float("inf"),
        targets: Targets | None = None,
        passed: Callable[[], None] = lambda: None,
    ) -> int:
        """Flushes until nothing is left that can be, or it is ``until``; operations pending.

        With ``targets`` only their lanes are flushed, and it ends when they are reached; each
        has one step first, which asks the database again where there is doubt. ``passed`` is
        called when all of them have had one. Nothing of the database's troubles is raised: see
        ``Lane.paused``.
        """
        busy = True
        while busy and self.clock() < until:
            # All of them have a turn, whatever the first ones have left.
            moved = [self._pass(one, until, targets) for one in list(self.sources.values())]
            busy = any(moved) and not self.reached(targets)
            passed()
        return sum(one.pending for one in self.sources.values())

    def reached(self, targets: Targets | None) -> bool:
        """Whether these lanes are as far as that; False of no targets at all."""
        if targets is None:
            return False
        return all(
            self.sources[source].position(lane) >= end
            for (source, lane), end in targets.items()
            if source in self.sources
        )

    def targets(self, only: str | None = None) -> Targets:
        """The end of every lane that there is, or of those with one name."""
        return {
            (source.id, lane): end
            for source in list(self.sources.values())
            for lane, end in list(source.ends.items())
            if only in (None, lane)
        }

    def hurry(self) -> None:
        """Lets lanes that wait be tried at once."""
        for source in list(self.sources.values()):
            for lane in list(source.lanes.values()):
                lane.retry_at = 0.0

    def _pass(self, source: Source, until: float, targets: Targets | None) -> bool:
        """One step of each lane that has something to do; whether one may go on at once."""
        more = False
        for name in list(source.ends):
            if targets is not None and (source.id, name) not in targets:
                continue
            lane = source.lane(name)
            idle = lane.position >= source.ends[name] and lane.believed == self.session.made
            if idle or self.clock() >= until:
                continue
            began = self.clock()
            taken = source.step(self.session, self.ground, lane, self.clock)
            self._note(taken, began)
            more = more or taken.more
        return more

    def _note(self, taken: Taken, began: float) -> None:
        if taken.flushed.applied or taken.flushed.dead:
            self._active = self.clock()
            self.totals.applied += taken.flushed.applied
            self.totals.dead += taken.flushed.dead
            self.totals.transactions += 1
            self.totals.seconds += self._active - began
            self.totals.slowest = max(self.totals.slowest, self._active - began)

    def tend(self, *, at_once: bool = False) -> None:
        """Adopts, looks whether the database still has what it had, removes what is done."""
        now = self.clock()
        if now - self._tended < TENDED and not at_once:
            return
        self._tended = now
        self.adopt()
        quiet = now - self._active > self.retention + 3 * TENDED
        if not self.sources or (quiet and not self._adopted()):
            self.session.drop()
            return
        try:
            self._look()
        except (SQLAlchemyError, OSError):
            self.session.drop()  # the next flush says what it is

    def _adopted(self) -> list[Source]:
        return [source for source in list(self.sources.values()) if source is not self.own]

    def adopt(self, *, accept_loss: bool = False) -> None:
        """Takes over the journals whose processes are gone."""
        for source in self._adopted() if accept_loss else ():
            source.go_on_behind_losses()
        for name in self._unread:
            self.foreign.pop(name, None)
        self._unread.clear()
        for name in files.journal_names(self.home):
            if name not in self.sources and (accept_loss or name not in self.foreign):
                try:
                    self._adopt(name, accept_loss=accept_loss)
                except OSError as error:  # of another user: the next look tries it again
                    reason = f"it cannot be read: {error.strerror or error}"
                    self.foreign[name] = self._unread[name] = reason

    def _adopt(self, name: str, *, accept_loss: bool) -> None:
        held = files.locked(self.home / name)
        if held is None:
            return
        written = Log(self.home / name)
        try:
            database = written.database()
            ends = written.lanes(lenient=accept_loss)
        except LossDetected as loss:
            self.foreign[name] = loss.reason
            os.close(held)
            return
        except BaseException:
            os.close(held)
            raise
        if database and database != self.database:
            self.foreign[name] = f"it belongs to another database ({database})"
            os.close(held)
            return
        self.foreign.pop(name, None)
        self._held[name] = held
        self.sources[name] = Source(written, ends, accept_loss=accept_loss)

    def _look(self) -> None:
        """Compares what is believed with what the database says, then prunes by that."""
        conn = self.session.connection()
        found = ledger.known(conn, list(self.sources))
        ledger.sweep(conn, REMEMBERED)
        once.forget(conn, self.key_retention)
        for source in list(self.sources.values()):
            positions = found.get(source.id, {})
            for lane in source.lanes.values():
                if lane.position != positions.get(lane.name, 0):
                    lane.believed = -1
            try:
                self._clear_away(source, positions)
            except OSError as error:  # the others have their turn
                log.warning("journal %s keeps what it needs no more: %s", source.id, error)

    def _clear_away(self, source: Source, positions: Mapping[str, int]) -> None:
        """Removes what the database has had for long enough. Raises OSError."""
        with suppress(LossDetected):  # its lanes tell of it
            source.log.prune(positions, self.retention, self.clock())
        if source is self.own:
            return
        done = all(positions.get(name, 0) >= end for name, end in list(source.ends.items()))
        # Counted from here, not from the last write: the database may have been away since.
        if source.log.applied_for(done=done) >= self.retention and done:
            self._remove(source)

    def _remove(self, source: Source) -> None:
        ledger.retire(self.session.connection(), source.id)
        source.log.remove()
        del self.sources[source.id]
        os.close(self._held.pop(source.id))

    def let_go(self) -> None:
        """Gives back the journals of the dead, for others to adopt."""
        for held in self._held.values():
            os.close(held)
        for name in self._held:
            self.sources.pop(name, None)
        self._held.clear()
