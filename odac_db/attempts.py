"""What one database offers of transactions: to begin one, join one, run one again.

Whoever begins a transaction inside another one on the same database joins it, with a
savepoint. Which one is open is known by the context (thread or task) that began it.
"""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    CursorResult,
    Engine,
    Executable,
    Result,
    RootTransaction,
)
from sqlalchemy.pool import StaticPool

from odac_db.dialects import dialect_of
from odac_db.dialects.base import Isolation
from odac_db.dialects.connect import connected, given_back
from odac_db.errors import OdacDbError, OnCommitFailed, OutcomeUnknown, RetryExhausted
from odac_db.query.catalog import Catalog
from odac_db.query.performer import Answer, Cached, Read, Work
from odac_db.query.tables import Tables
from odac_db.sources import DeclaredSource
from odac_db.transactions import Params, Transaction, failure_of, undone, watched
from odac_db.violations import Violations, chain
from odac_db.waits import waits_of

Value = TypeVar("Value")
Place = tuple[int, Any]

FIRST_WAIT = 0.02
LONGEST_WAIT = 2.0
_LEVELS: tuple[Isolation, ...] = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")

_open: ContextVar[tuple[_Opened, ...]] = ContextVar("odac_db_open_transactions", default=())


@dataclass
class Transactions:
    """What one database offers. ``pause`` waits between attempts."""

    engine: Engine
    violations: Violations
    source: DeclaredSource | None = None
    pause: Callable[[float], None] = field(init=False)
    cached: Cached | None = None
    behind: Callable[[str], Any] | None = None
    _queue: AbstractContextManager[Any] = field(default_factory=nullcontext)
    _is_ready: bool = False
    _begins: Callable[[], None] = field(init=False)

    def __post_init__(self) -> None:
        waits = waits_of(self.engine)
        self.pause, self._begins = waits.pause, waits.begin
        if isinstance(self.engine.pool, StaticPool):  # one connection: one transaction at a time
            self._queue = waits.lock()

    def execute(self, statement: Executable, params: Params | None = None) -> Result[Any]:
        """One statement, committed at once, its rows read; inside a transaction part of it."""
        return self.within(lambda tx: _read(tx.execute(statement, params)))

    @cached_property
    def tables(self) -> Tables:
        """The tables that are declared, or live."""
        return Tables(Catalog(self.engine, self.source, self.asked))

    def asked(self, question: Callable[[Connection], Value]) -> Value:
        """What is asked on the connection of this thread's transaction, or on one of its own.

        Neither goes back to the pool: what is set for its session is nobody else's.
        """
        if isinstance(self.engine.pool, StaticPool):
            return self.within(lambda tx: question(tx.connection))
        outer = self._current()
        if outer is not None:
            return question(_detached(outer.transaction.connection))
        with given_back(self._connected()) as conn:
            return question(_detached(conn))

    def within(self, work: Callable[[Transaction], Value]) -> Value:
        """``work``'s value, in the transaction of this thread, else in one of its own.

        That is the driver's plainest: ``work`` either reads or executes one statement.
        """
        self._begins()
        outer = self._current()
        if outer is not None:
            return work(outer.transaction)
        with self._outermost(lambda conn: conn.begin()) as opened:
            return work(opened.transaction)

    def read(self, read: Read) -> Answer:
        """The rows of a query: the one place where a read of the table API is executed."""
        statement, params = read.statement, read.params
        return self.within(lambda tx: tx.execute(statement, params).all())

    def stream(self, read: Read, batch: int) -> Iterator[Answer]:
        """The same, ``batch`` at a time; outside a transaction on a connection of its own."""
        statement, params = read.statement, read.params
        outer = self._current()
        if outer is not None:
            yield from outer.transaction._stream(statement, params, batch)
        elif isinstance(self.engine.pool, StaticPool):
            rows = self.read(read)
            yield from (rows[start : start + batch] for start in range(0, len(rows), batch))
        else:
            with given_back(self._connected()) as conn:
                own = Transaction(conn, dialect_of(conn), self.violations)
                yield from own._streamed(statement, params, batch)

    def write(self, work: Callable[[Work], Value], *, several: bool) -> Value:
        """The one place where a write of the table API is executed."""
        if not several:
            return self.within(work)
        with self.begin() as tx:
            return work(tx)

    @contextmanager
    def begin(self, isolation: Isolation | None = None) -> Iterator[Transaction]:
        """A transaction, committed at the end; a savepoint where one is open already."""
        outer = self._current()
        if outer is not None:
            outer.require(isolation)
            with outer.transaction.transaction() as inner, _innermost(outer.inside(inner)):
                yield inner
            return
        with self._outermost(lambda conn: dialect_of(conn).start(conn, isolation)) as opened:
            yield opened.transaction
        opened.transaction._call_back()

    def run(
        self, work: Callable[[Transaction], Value], isolation: Isolation | None, retries: int
    ) -> Value:
        """``work``'s value after a commit; ``work`` is run again when others got in the way."""
        if self._current() is not None:
            with self.begin(isolation) as inner:
                return work(inner)
        wait, attempts = FIRST_WAIT, 0
        while True:
            try:
                return self._attempt(work, isolation)
            except _NeedsIsolation as needs:
                isolation = needs.isolation
                continue
            except Exception as error:
                attempts += 1
                reason = self._reason(error)
                if reason is None:
                    raise
                if attempts > retries:
                    raise RetryExhausted(attempts, reason) from error
            # Decorrelated jitter: those who collided do not meet again.
            wait = min(random.uniform(FIRST_WAIT, wait * 3), LONGEST_WAIT)  # noqa: S311
            self.pause(wait)

    def _attempt(self, work: Callable[[Transaction], Value], isolation: Isolation | None) -> Value:
        with self._outermost(lambda conn: dialect_of(conn).start(conn, isolation)) as opened:
            value = work(opened.transaction)
        opened.transaction._call_back(value)
        return value

    @contextmanager
    def _outermost(self, start: Callable[[Connection], RootTransaction]) -> Iterator[_Opened]:
        with self._queue, given_back(self._connected()) as conn:
            transaction = Transaction(conn, dialect_of(conn), self.violations, self.tables)
            opened = _Opened(self, transaction)
            with transaction._telling(), watched(conn, transaction):
                root = start(conn)
                try:
                    with _innermost(opened):
                        yield opened
                    transaction._commit(root)
                except BaseException:
                    undone(root)
                    raise

    def _connected(self) -> Connection:
        conn = connected(self.engine)
        if not self._is_ready:
            try:
                dialect_of(conn).ready(conn)
            except BaseException:
                with given_back(conn):
                    raise
            self._is_ready = True
        return conn

    def _current(self) -> _Opened | None:
        """The innermost transaction of this thread and task on this database."""
        opened = _open.get()
        if not opened:
            return None
        here = _here()
        return next((one for one in reversed(opened) if one.home is self and one.at == here), None)

    def _reason(self, error: Exception) -> str | None:
        """Why the transaction may be run again, in the server's words; None if it may not."""
        for one in chain(error):
            if isinstance(one, OutcomeUnknown | OnCommitFailed):
                return None
            if failure_of(dialect_of(self.engine), one) is not None:
                return str(getattr(one, "orig", None) or one)
        return None


def _here() -> Place:
    """This thread, and this task if there is one: it has inherited what was open elsewhere."""
    asyncio = sys.modules.get("asyncio")
    task = None
    if asyncio is not None:
        with suppress(RuntimeError):  # no loop runs here
            task = asyncio.current_task()
    return threading.get_ident(), task


@dataclass(frozen=True)
class _Opened:
    """A transaction and whose it is."""

    home: Transactions
    transaction: Transaction
    at: Place = field(default_factory=_here)

    def inside(self, inner: Transaction) -> _Opened:
        return _Opened(self.home, inner, self.at)

    def require(self, isolation: Isolation | None) -> None:
        """Raises _NeedsIsolation where the transaction is open at a lower level."""
        if isolation is None:
            return
        found = self.transaction.connection.get_isolation_level()
        if found in _LEVELS and _LEVELS.index(found) < _LEVELS.index(isolation):
            raise _NeedsIsolation(isolation, found)


class _NeedsIsolation(OdacDbError):
    """``run`` begins the whole again at that level; elsewhere it is the caller's to mend."""

    def __init__(self, isolation: Isolation, found: str) -> None:
        self.isolation = isolation
        super().__init__(
            f"this needs {isolation}, and the transaction it is in is {found}: begin that one "
            f'with isolation="{isolation}"'
        )


@contextmanager
def _innermost(opened: _Opened) -> Iterator[None]:
    token = _open.set((*_open.get(), opened))
    try:
        yield
    finally:
        _open.reset(token)


def _detached(conn: Connection) -> Connection:
    """A connection that is closed for good when its user is done with it."""
    if not conn.connection.is_detached:
        conn.detach()
    return conn


def _read(result: CursorResult[Any]) -> Result[Any]:
    """The result with its rows read, so that it outlives its connection."""
    return result.freeze()() if result.returns_rows else result
