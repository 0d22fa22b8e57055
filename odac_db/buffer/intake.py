"""Operations on their way into the journal: room for them, their keys, their acknowledgement."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from odac_db.buffer import ledger
from odac_db.buffer.answers import Acknowledge, fit_level
from odac_db.buffer.files import End, JournalClosed
from odac_db.buffer.once import once_of
from odac_db.buffer.shapes import Lot, Once, Shape, Values
from odac_db.errors import BufferedRowRefused, BufferFull

if TYPE_CHECKING:
    from odac_db.buffer.running import Running


class Intake:
    """The part of a running buffer that callers meet. ``again`` gives the one after its end."""

    def __init__(self, running: Running, again: Callable[[], Intake]) -> None:
        self.running = running
        self._again = again

    def take_once(
        self, shape: Shape, rows: Sequence[Values], acknowledge: Acknowledge | None, key: str
    ) -> None:
        """Takes the operations unless that was done before. Raises KeyReused."""
        level = self._level(acknowledge)
        once = once_of(key, shape, rows)
        with self.running.keys.turn:
            if self.running.keys.is_taken(once, ask=not self.running.paused()):
                last = self.running.journal.lanes.get(shape.lane, 0)
                self._acknowledged(shape, 0, level, (last, self.running.journal.end))
            elif self.take([(shape, rows)], level, once):
                self.running.keys.used(once)

    def take(
        self, lots: Sequence[Lot], acknowledge: Acknowledge | None, once: Once | None = None
    ) -> bool:
        """Whether the operations, all of one table, are taken; not where full buffers drop.

        All of them or none: so a call may be made again when it raises BufferFull.
        """
        level = self._level(acknowledge)
        count = sum(len(rows) for _, rows in lots)
        if not count:
            return True
        until = 0.0
        while True:
            reason = "max_bytes are waiting"
            try:
                if not self.running.is_full:
                    last, end = self.running.journal.append_lots(
                        lots, write=level != "memory", once=once
                    )
                    break
            except BufferFull as full:
                reason = full.reason
            except JournalClosed:
                return self._again().take(lots, acknowledge, once)
            if self.running.journal.closed:  # and nobody makes room in it any more
                return self._again().take(lots, acknowledge, once)
            until = until or time.monotonic() + self.running.options.full_timeout
            if not self._made_room(count, reason, until):
                return False
        self.running.took(count)
        if level != "process":
            self._acknowledged(lots[0][0], count, level, (last, end))
        return True

    def take_at_once(self, lots: Sequence[Lot], acknowledge: Acknowledge | None) -> bool:
        """Whether the operations are taken, at a level that waits for nothing.

        They are not where they would have to wait for room.
        """
        level = self._level(acknowledge)
        try:
            self.running.journal.append_lots(lots, write=level != "memory")
        except (BufferFull, JournalClosed):
            return False
        self.running.took(sum(len(rows) for _, rows in lots))
        return True

    def _level(self, acknowledge: Acknowledge | None) -> Acknowledge:
        """The call's own, or the database's. Raises BufferRefused for what is none."""
        return self.running.options.acknowledge if acknowledge is None else fit_level(acknowledge)

    def _acknowledged(
        self, shape: Shape, count: int, level: Acknowledge, upto: tuple[int, End]
    ) -> None:
        """Returns when what is taken up to there, the last so many, is what the level says."""
        if level == "disk":
            self.running.journal.sync(upto[1])
        elif level == "db":
            self._commit(shape.lane, upto[0])
            self._check_refused(shape, upto[0] - count, upto[0])

    def _commit(self, lane: str, last: int) -> None:
        """Returns when the lane is applied up to there. Raises BufferFull if it waits too long.

        The operations stay in the journal then, and are applied later.
        """
        until = time.monotonic() + self.running.options.full_timeout
        target = {(self.running.journal.id, lane): last}
        self.running.flush(until, target, again=True)
        if not self.running.flusher.reached(target):
            raise BufferFull(
                f"not committed yet, though kept ({self.running.paused().get(lane, 'no answer')})",
                self.running.options.full_timeout,
            )

    def _check_refused(self, shape: Shape, before: int, last: int) -> None:
        """Raises BufferedRowRefused if one of these is a dead letter."""
        if before == last:
            return
        try:
            with self.running.engine.connect() as conn:
                found = ledger.refused(conn, self.running.journal.id, shape.lane, before, last)
        except SQLAlchemyError as error:
            raise BufferFull("applied or refused, and the database does not say which") from error
        if found:
            reasons = list(dict.fromkeys(found.values()))
            first = min(found) - before - 1
            raise BufferedRowRefused(shape.table, reasons, first, sorted(found))

    def _made_room(self, count: int, reason: str, until: float) -> bool:
        """Whether it is worth another try; False where the call is dropped. Raises BufferFull."""
        if self.running.options.when_full == "drop_newest":
            self.running.dropped += count
            return False
        if self.running.options.when_full == "raise":
            raise BufferFull(self.running.why(reason))
        if time.monotonic() >= until:
            raise BufferFull(self.running.why(reason), self.running.options.full_timeout)
        if self.running.options.when_full == "write_through":
            self.running.flush(until, self.running.flusher.targets(), again=False)
        self.running.wait_for_room(min(1.0, self.running.options.full_timeout))
        return True
