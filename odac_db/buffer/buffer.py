"""The face: ``db.buffer`` and its tables.

Nothing runs before the first operation: then the database is asked once what its tables
are, a journal is made and a thread begins. A forked child does that for itself.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Engine

from odac_db.buffer import exits, folders, letters
from odac_db.buffer.answers import (
    Acknowledge,
    BufferOptions,
    BufferStatus,
    DeadLetter,
    FlushResult,
    JournalStatus,
    Retried,
    fit_options,
)
from odac_db.buffer.flush import Marking
from odac_db.buffer.intake import Intake
from odac_db.buffer.known import Known, Read, known
from odac_db.buffer.running import Running, log
from odac_db.buffer.settling import settled
from odac_db.buffer.table import BufferedTable
from odac_db.buffer.tables import BufferTable
from odac_db.errors import BufferRefused, OdacDbError

_all: weakref.WeakSet[Buffer] = weakref.WeakSet()


class Buffer:
    """The buffered writes of one database; ``buffer["events"]`` are those of one table.

    What a call has acknowledged is in the database once, however often flushes, processes
    and servers die in between; see ``Acknowledge`` for what survives what. Operations of
    one process on tables that foreign keys connect take effect in their order. Not
    promised: an order between processes, or that a flush happens at a certain moment.
    Safe to use from any thread, and after a fork.
    """

    def __init__(
        self,
        engine: Engine,
        read: Read | None,
        options: BufferOptions,
        *,
        connection: str = "default",
        marking: Marking | None = None,
    ) -> None:
        self.options = fit_options(options)
        self._engine = engine
        self._read = read
        self._home = Path(options.folder).absolute() / connection
        self._marking = marking
        self._known: Known | None = None
        self._running: Running | None = None
        self._starting = threading.Lock()
        self._tables: dict[str, BufferedTable] = {}
        _all.add(self)

    @property
    def is_running(self) -> bool:
        """Whether this process has a journal: something was buffered, or asked for."""
        return self._running is not None

    def table(self, name: str) -> BufferedTable:
        """The buffered writes of a table. Raises KeyError for one that is not declared."""
        found = self._tables.get(name)
        if found is None:
            found = self._tables[name] = BufferedTable(self, self._table(name))
        return found

    def __getitem__(self, name: str) -> BufferedTable:
        return self.table(name)

    def flush(self, *, wait: float | None = None) -> FlushResult:
        """Brings what is pending into the database, and says what came of it.

        ``wait`` None: everything is tried once. Otherwise what cannot be done is tried
        again for so many seconds; 0 only asks the thread in the background for it. What is
        ``pending`` in the answer stays in the journal, and ``paused`` says why.
        """
        return self._flush(wait, None)

    def _flush(self, wait: float | None, lane: str | None) -> FlushResult:
        """Of one lane, or of all."""
        running = self._start()
        began = time.monotonic()
        before = (running.flusher.totals.applied, running.flusher.totals.dead)
        if wait == 0:
            running.wake()
        else:
            targets = running.flusher.targets(lane)
            until = float("inf") if wait is None else began + wait
            running.flush(until, targets, again=wait is not None)
        totals = running.flusher.totals
        return FlushResult(
            rows=totals.applied - before[0],
            dead=totals.dead - before[1],
            pending=running.pending(),
            seconds=time.monotonic() - began,
            paused=running.paused(),
        )

    def status(self) -> BufferStatus:
        """Where the buffer of this process stands. Once begun it asks nothing of the database."""
        running = self._start()
        flusher = running.flusher
        sources = list(flusher.sources.values())
        return BufferStatus(
            pending=running.pending(),
            oldest=running.oldest(),
            bytes=sum(source.log.size() for source in sources),
            journals=len(sources),
            applied=flusher.totals.applied,
            dead=flusher.totals.dead,
            dropped=running.dropped,
            transactions=flusher.totals.transactions,
            flush_seconds=flusher.totals.seconds,
            slowest_flush=flusher.totals.slowest,
            retries=sum(source.retries for source in sources),
            rewound=sum(source.rewound for source in sources),
            paused=running.paused(),
            foreign=dict(flusher.foreign),
        )

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The operations that the server refused, of all journals, oldest first."""
        return letters.found(self._engine)

    def retry_dead_letters(self, *, table: str | None = None) -> Retried:
        """Tries them again, those of one table or all, each once and in a transaction of its own.

        What is applied is no dead letter any more; what is refused again stays one.
        """
        running = self._start()
        chosen = [one for one in self.dead_letters() if table in (None, one.table)]
        flusher = running.flusher
        return letters.retried(flusher.session, flusher.ground, chosen, flusher.turn)

    def discard_dead_letters(self, *, table: str | None = None) -> int:
        """Throws them away for good, those of one table or all; how many there were."""
        chosen = [one for one in self.dead_letters() if table in (None, one.table)]
        return letters.discarded(self._engine, chosen)

    def journals(self) -> tuple[JournalStatus, ...]:
        """The journals of the folder, of other processes too. Nothing begins by asking."""
        return folders.journals(self._engine, self._home)

    def adopt(self, *, accept_loss: bool = False) -> int:
        """Takes over the journals of dead processes at once; how many operations they hold.

        The thread in the background does it every few seconds. With ``accept_loss`` they are
        flushed though something of them is lost, which the ledger counts.
        """
        running = self._start()
        with running.flusher.turn:
            running.flusher.adopt(accept_loss=accept_loss)
            return running.pending()

    def settle(self, tables: Collection[str] | None, timeout: float) -> int:
        """Brings in what any process of this host has buffered for tables that are to change.

        Journals of the dead are adopted, the living are waited for, up to ``timeout`` seconds;
        how many operations are left then. They stay in the journals, and are applied if the
        tables still take them. This process's own are brought in first, for up to ``timeout``
        seconds more. Tables are asked for anew afterwards, by ``table``.
        """
        self.close(timeout=timeout)
        self._known = None
        self._tables.clear()
        if not self._home.is_dir():
            return 0
        return settled(self._engine, self._home, tables, timeout, self._marking)

    def close(self, *, timeout: float | None = None) -> int:
        """Flushes for the last time; how many operations stay in the journal.

        They are brought into the database by the next process that uses the folder. After
        it, another operation begins anew. May be called twice.
        """
        running, self._running = self._running, None
        if running is None:
            return 0
        seconds = self.options.exit_timeout if timeout is None else timeout
        midst = running.flusher.turn.interrupted()
        if midst is not None:
            midst.append(lambda: self._stop(running, seconds))
            with suppress(OdacDbError):  # the end of the flush meets it again
                running.journal.write_out()
            return running.pending()
        return self._stop(running, seconds)

    def _stop(self, running: Running, timeout: float) -> int:
        pending = running.stop(timeout)
        if pending:
            log.warning(
                "%d operations stay in %s; the next process that uses the folder, or odac-db "
                "buffer drain, brings them into the database",
                pending,
                self._home,
            )
        return pending

    def _intake(self) -> Intake:
        return (self._running or self._start()).intake

    def _takes_at_once(self, acknowledge: Acknowledge | None) -> bool:
        """Whether an operation returns without waiting: for the disk, the database or room."""
        level = acknowledge or self.options.acknowledge
        running = self._running
        return level in ("memory", "process") and running is not None and not running.is_full

    def _database(self) -> str:
        """The database's id."""
        return self._start().known.database

    def _table(self, name: str) -> BufferTable:
        self._start()
        assert self._known is not None
        tables = self._known.tables
        if name not in tables:
            message = f"no table is declared as {name!r}; there are {', '.join(tables)}"
            raise KeyError(message)
        if tables[name].untransacted:
            raise BufferRefused(f"{name} cannot be buffered: {tables[name].untransacted}")
        return tables[name]

    def _start(self) -> Running:
        if self._running is not None:
            return self._running
        with self._starting:
            if self._running is None:
                if self._known is None:
                    self._known = known(self._engine, self._read)
                self._running = Running(
                    self._engine,
                    self._known,
                    self._home,
                    self.options,
                    self._intake,
                    self._marking,
                )
                exits.watch(_close_all)
            return self._running

    def _forked(self) -> None:
        """The journal, the thread and the connections are the parent's."""
        running, self._running = self._running, None
        self._starting = threading.Lock()
        if running is not None:
            running.abandon()
            self._engine.dispose(close=False)


def _close_all() -> None:
    for buffer in list(_all):
        try:
            buffer.close()
        except Exception:
            log.exception("what is not flushed stays in the journal")


def _after_fork() -> None:
    for buffer in list(_all):
        buffer._forked()


os.register_at_fork(after_in_child=_after_fork)
atexit.register(_close_all)
