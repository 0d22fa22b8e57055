"""A journal on its way into the database: where each lane is, and the next step of each.

The position that counts is the database's. What is believed of it is checked by every
flush, asked again whenever a connection was made, and where it turns out to be lower than
it was, the journal is read again from there. What is flushed begins behind the position,
always: otherwise moving that would count what is between as applied.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from odac_db.buffer import files, ledger
from odac_db.buffer.cursor import Cursor
from odac_db.buffer.faults import told
from odac_db.buffer.flush import Flush, Flushed, Ground, TooManyRefused, flush
from odac_db.buffer.fold import count, divided
from odac_db.buffer.log import Log
from odac_db.buffer.once import Contended
from odac_db.buffer.session import Session
from odac_db.buffer.shapes import Chunk
from odac_db.errors import LossDetected

BATCH_BYTES = 6 << 20
FIRST_BATCH = 5_000
LARGEST_BATCH = 20_000
QUICK, SLOW = 0.1, 0.4
"""Seconds of a transaction: below the first the next batch is larger, above the second smaller."""

FIRST_WAIT, LONGEST_WAIT, PAUSE = 0.05, 5.0, 30.0

Clock = Callable[[], float]
"""Seconds that only go forward."""


@dataclass
class Lane:
    """One lane of one journal. ``paused`` says why it stands still, ``retry_at`` until when.

    ``batch`` operations are read at once; a transaction has at most ``most``: half as many as
    in one that failed, until they get by again.
    """

    name: str
    cursor: Cursor
    position: int = 0
    believed: int = -1
    """The connection that told the position; -1 for none."""
    chunks: Sequence[Chunk] = ()
    batch: int = FIRST_BATCH
    most: int = LARGEST_BATCH
    paused: str = ""
    retry_at: float = 0.0
    wait: float = FIRST_WAIT


class Taken(NamedTuple):
    """What one step did."""

    flushed: Flushed = Flushed(0, 0)
    more: bool = False
    """Whether there may be something left that can be tried at once."""


@dataclass
class Source:
    """A journal and its lanes. ``ends`` is how far each lane is written."""

    log: Log
    ends: Mapping[str, int]
    lanes: dict[str, Lane] = field(default_factory=dict)
    retries: int = 0
    rewound: int = 0
    accept_loss: bool = False

    @property
    def id(self) -> str:
        return self.log.id

    @property
    def pending(self) -> int:
        return sum(end - self.position(lane) for lane, end in list(self.ends.items()))

    def position(self, lane: str) -> int:
        """How far the lane is applied, as last heard; never beyond what the journal holds."""
        found = self.lanes.get(lane)
        return min(found.position, self.ends.get(lane, 0)) if found is not None else 0

    def lane(self, name: str) -> Lane:
        if name not in self.lanes:
            cursor = Cursor(self.log, name, lenient=self.accept_loss)
            self.lanes[name] = Lane(name, cursor)
        return self.lanes[name]

    def go_on_behind_losses(self) -> None:
        """Somebody knows what is lost, and wants the rest."""
        self.accept_loss = True
        self.lanes.clear()

    def step(self, session: Session, ground: Ground, lane: Lane, clock: Clock) -> Taken:
        """Flushes the next operations of the lane, if it is not waiting for something.

        Errors of the server make the lane wait and are told in its ``paused``; none is
        raised. What a signal raises is: the lane is asked for and read anew then.
        """
        if lane.retry_at > clock():
            return Taken()
        try:
            return self._step(session, ground, lane, clock)
        except LossDetected as loss:
            session.drop()
            if self.accept_loss and loss.last >= loss.first > 0:
                return Taken(more=self._given_up(session, lane, loss))
            _pause(lane, str(loss), clock() + PAUSE)
        except TooManyRefused as error:
            session.drop()
            _pause(lane, str(error), clock() + PAUSE)
        except Contended as error:
            _wait_a_moment(lane, error, clock)
        except Exception as error:
            session.drop()
            self._failed(ground, lane, error, clock)
        except BaseException:
            _forget(lane)
            session.drop()
            raise
        return Taken()

    def _step(self, session: Session, ground: Ground, lane: Lane, clock: Clock) -> Taken:
        conn = session.connection()
        if lane.believed != session.made:
            self.believe(session, lane)
        if not lane.chunks:
            lane.chunks = lane.cursor.read(lane.batch, BATCH_BYTES)
        if not lane.chunks:
            lane.paused = ""
            return Taken()
        if lane.chunks[0].first != lane.position + 1:  # whoever read what is between is gone
            _forget(lane)
            return Taken(more=True)
        began = clock()
        now, then = divided(lane.chunks, lane.most)
        work = Flush(self.id, lane.name, lane.position, now)
        done = flush(conn, ground, work)
        if done is None:  # somebody else moved it, or the database has lost what it had
            self.believe(session, lane)
            return Taken(more=lane.position != work.old)
        lane.position, lane.chunks = work.new, then
        lane.paused, lane.retry_at, lane.wait = "", 0.0, FIRST_WAIT
        _fit_batch(lane, count(work.chunks), clock() - began)
        return Taken(done, more=True)

    def believe(self, session: Session, lane: Lane) -> None:
        """Asks the database where the lane is, and reads on from there.

        Raises LossDetected if the database does not know a journal that it has known, until
        somebody says that it is the right one.
        """
        conn = session.connection()
        found = ledger.known(conn, [self.id])
        conn.commit()
        if self.id not in found and self.registered.exists():
            # It is made after the COMMIT: who sees it finds the row, unless that is gone.
            found = ledger.known(conn, [self.id])
            conn.commit()
            if self.id not in found and not self.accept_loss:
                reason = "this database does not know the journal: another one, or an old copy"
                raise LossDetected(self.id, lane.name, 0, 0, reason)
        if self.id not in found:
            ledger.register(conn, self.id)
        if not self.registered.exists():
            self.registered.touch(0o600)
            files.keep_names(self.log.folder)
        position = found.get(self.id, {}).get(lane.name, 0)
        if position < lane.position:
            self.rewound += 1
        _forget(lane)
        lane.position = position
        lane.cursor.seek(position)
        lane.believed = session.made  # last: an interruption before leaves it to be done again

    @property
    def registered(self) -> Path:
        return self.log.folder / files.REGISTERED

    def _given_up(self, session: Session, lane: Lane, loss: LossDetected) -> bool:
        """Moves the lane over what is lost, as somebody who knows of it has asked."""
        conn = session.connection()
        done = ledger.give_up(conn, self.id, lane.name, loss.first - 1, loss.last)
        conn.commit()
        _forget(lane)
        return done

    def _failed(self, ground: Ground, lane: Lane, error: Exception, clock: Clock) -> None:
        """How long the lane waits: a moment for what passes, longer for what somebody must mend."""
        self.retries += 1
        tried = min(lane.most, count(lane.chunks))
        if isinstance(error, OSError) or ground.buffering.fault(error) == "transient":
            if tried:  # what takes too long for the server would take as long the next time
                lane.most = max(tried // 2, 1)
            _wait_a_moment(lane, error, clock)
        else:
            lane.most = LARGEST_BATCH  # by the others of its kind a row is told from its table
            _pause(lane, told(error), clock() + PAUSE)


def _wait_a_moment(lane: Lane, error: Exception, clock: Clock) -> None:
    """Decorrelated jitter, so that those who collided do not meet again."""
    lane.wait = min(random.uniform(FIRST_WAIT, lane.wait * 3), LONGEST_WAIT)  # noqa: S311
    _pause(lane, told(error), clock() + lane.wait)


def _pause(lane: Lane, reason: str, until: float) -> None:
    _forget(lane)
    lane.paused, lane.retry_at = reason, until


def _forget(lane: Lane) -> None:
    """Where it is will be asked again, and what follows read again."""
    lane.believed, lane.chunks = -1, ()


def _fit_batch(lane: Lane, done: int, seconds: float) -> None:
    if seconds < QUICK and done >= lane.batch:
        lane.batch = min(lane.batch * 2, LARGEST_BATCH)
    elif seconds > SLOW:
        lane.batch = max(lane.batch // 2, FIRST_BATCH // 4)
    if seconds < QUICK:
        lane.most = min(lane.most * 2, LARGEST_BATCH)
