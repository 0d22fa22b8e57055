"""Running a plan under the lock.

Where DDL can be rolled back (PostgreSQL, SQLite) the whole plan, its cleaning, the seeds
and the ledger are one transaction, read back before it commits. Where it cannot (MySQL,
MariaDB) every step stands as soon as it is done and the run's row in the ledger says how
far it came; the next run starts from what it finds.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import MigrationFailed
from odac_db.migrate import ledger
from odac_db.migrate.backfill.ahead import to_fill_ahead
from odac_db.migrate.backfill.run import fill
from odac_db.migrate.locked import locked_by
from odac_db.migrate.orphans.clean import OrphanKey, clean_all
from odac_db.migrate.orphans.cleaning import Cleaning
from odac_db.migrate.patience import FURTHER, Attempts
from odac_db.migrate.reverse import found_by
from odac_db.schema.changes import Backfill, CleanOrphans
from odac_db.schema.model import Schema
from odac_db.schema.online import Online
from odac_db.schema.plan import Operation, Progress, Statement

Listener = Callable[[Progress], None]


@dataclass(frozen=True)
class _Committed:
    """How far a run had come at its last commit."""

    operations: Sequence[Operation] = ()
    done: int = 0
    orphans: Counter[str] = field(default_factory=Counter)


@dataclass(kw_only=True)
class Execution:
    """One run on one connection: what it is to do, and what it has done so far.

    ``check`` looks once more, when what is to be changed is locked and nothing is done yet.
    ``live`` is the schema as it was before. ``parts`` counts the commits made on the way,
    which cannot be taken back; ``locked`` is what the open transaction has locked.
    """

    conn: Connection
    dialect: Dialect
    features: Features
    run: str
    live: Schema
    operations: Sequence[Operation] = ()
    listener: Listener = lambda _: None
    online: Online = field(default_factory=Online)
    check: Callable[[], None] = lambda: None
    done: int = 0
    parts: int = 0
    orphans: Counter[str] = field(default_factory=Counter)
    locked: set[object] = field(default_factory=set)
    _committed: _Committed = field(default_factory=_Committed)
    _table: str = ""

    def take(self, more: Sequence[Operation]) -> bool:
        """Adds operations of another plan to those to be done, and books them.

        False if there are none, or one must be committed before the rest, for which it is
        too late once a transaction runs.
        """
        if not more or (self.operations and is_ahead(more)):
            return False
        begun = len(self.operations)
        self.operations = (*self.operations, *(_moved(one, begun) for one in more))
        book = ledger.extend_run if begun else ledger.begin_run
        changes = [one.change for one in self.operations]
        book(self.conn, self.run, self.operations, found_by(self.live, changes))
        return True

    def execute_all(self) -> None:
        """Executes the operations that are not done yet, in their order.

        Raises MigrationFailed for the first one the server refuses.
        """
        self._claim()
        if not self.done:
            self.check()
        while self.done < len(self.operations):
            started = self.done
            self._make_room()
            self.done = self._execute(started)
            # What another operation's statement carried is done with it.
            if not self.features.transactional_ddl and self.operations[started].statements:
                ledger.note_progress(self.conn, self.run, self.done)

    def _make_room(self) -> None:
        """Commits what is done where the server could not lock what comes next as well.

        PostgreSQL keeps a lock on everything a transaction touched in a table of fixed
        size (max_locks_per_transaction); a thousand new tables do not fit into it.
        """
        self.locked.update(locked_by(self.operations[self.done].change))
        if not self.features.lock_budget or len(self.locked) <= self.features.lock_budget:
            return
        ledger.note_progress(self.conn, self.run, self.done)
        self.dialect.commit(self.conn, self.features)
        self.parts += 1
        self._committed = _Committed(self.operations, self.done, Counter(self.orphans))
        self.dialect.begin(self.conn, self.features)
        self.locked.clear()
        self._claim()

    def _claim(self) -> None:
        """Takes the locks of all that is left to do, before any of it is done.

        The first wait may be as long as patience goes, the further ones together only a
        little longer: nobody else waits longer than the two, and for what is then done.
        """
        locking, each = self.dialect.locking, self.online.table_lock_timeout
        locking.limit(self.conn, min(FURTHER, each) if self.locked else each, self.features)
        changes = [operation.change for operation in self.operations[self.done :]]
        found = locking.claims(changes, self.live, self.features)
        rest = min(FURTHER, each)
        for claim in found:
            began = time.monotonic()
            self._table = claim.table
            self.conn.exec_driver_sql(claim.sql, execution_options={"no_parameters": True})
            rest -= time.monotonic() - began if self.locked else 0
            self.locked.add(claim.table)
            locking.limit(self.conn, max(rest, 0.001), self.features)

    def rewind(self) -> None:
        """Forgets what was rolled back."""
        held = self._committed
        self.operations, self.done, self.orphans = held.operations, held.done, Counter(held.orphans)
        self.locked.clear()

    @property
    def attempts(self) -> Attempts:
        """For what may be tried again while a table is in use."""
        return Attempts(
            conn=self.conn,
            dialect=self.dialect,
            features=self.features,
            patience=self.online.table_lock_patience,
            table=lambda: self._table,
            told=lambda holders: self.tell(self.done, waits_for=holders),
            undone=lambda: self.can_be_undone,
        )

    @property
    def can_be_undone(self) -> bool:
        """Whether a failure leaves the database as it was before the run."""
        return self.features.transactional_ddl and not self.parts

    def execute_ahead(self, operations: Sequence[Operation]) -> None:
        """Executes what must be committed before the rest may use it, outside any transaction.

        Most of a large table that needs filling is filled here too, without a lock on it.
        """
        for operation in operations:
            for statement in operation.statements:
                if statement.stage == "ahead":
                    self.execute_alone(operation, statement)
        # Where a table is rebuilt the lock is the plan's own transaction (SQLite).
        if self.features.transactional_ddl and self.features.alters_in_place:
            for position in to_fill_ahead(operations, self.live):
                fill(self, operations, position, self.live)

    def _execute(self, position: int) -> int:
        """Executes one operation, or a row of cleanings as one; the position after it."""
        operation = self.operations[position]
        if not operation.is_in("main"):
            return position + 1
        self.tell(position, 0)
        if isinstance(operation.change, CleanOrphans):
            return self.clean(position)
        if isinstance(operation.change, Backfill) and not self.features.transactional_ddl:
            live = self.dialect.introspect(self.conn, self.features, [operation.table])
            fill(self, self.operations, position, live)
            return position + 1
        for statement in operation.statements:
            if statement.stage != "main":
                continue
            if self.features.transactional_ddl:
                self.execute(operation, statement)
            else:
                self.execute_alone(operation, statement)
        return position + 1

    def execute_alone(self, operation: Operation, statement: Statement) -> None:
        """Executes a statement that stands by itself; again while its table is in use."""
        wait = None if statement.unhurried else self.online.table_lock_timeout
        self.dialect.locking.limit(self.conn, wait, self.features)
        self.attempts.until_done(lambda: self._execute_tidily(operation, statement))

    def _execute_tidily(self, operation: Operation, statement: Statement) -> None:
        ways = [statement.sql, *statement.otherwise]
        for sql in ways:
            try:
                self.execute(operation, msgspec.structs.replace(statement, sql=sql))
            except MigrationFailed as error:
                cause = error.__cause__
                reason = cause.orig if isinstance(cause, DBAPIError) else None
                if reason and sql != ways[-1] and self.dialect.locking.cannot(reason):
                    continue
                if statement.undo:
                    with suppress(DBAPIError):
                        self.conn.exec_driver_sql(statement.undo)
                raise
            return

    def at_work_on(self, table: str) -> None:
        """The next waits are for this table, and short."""
        self._table = table
        self.dialect.locking.limit(self.conn, self.online.table_lock_timeout, self.features)

    def execute(self, operation: Operation, statement: Statement) -> None:
        """Executes one statement of an operation, once."""
        self._table = operation.table
        try:
            # Without the option the drivers take a % in the text for a placeholder.
            self.conn.exec_driver_sql(statement.sql, execution_options={"no_parameters": True})
        except DBAPIError as error:
            raise MigrationFailed(
                f"{operation.kind.replace('_', ' ')} {operation.summary}",
                statement.sql,
                str(error.orig),
                undone=self.can_be_undone,
            ) from error

    def clean(self, position: int) -> int:
        """Cleans for this key and those right behind it in the same stage; the position after."""
        live = self.dialect.introspect(self.conn, self.features, None)
        end, stage = position, self.operations[position].stage
        keys: list[OrphanKey] = []
        while end < len(self.operations):
            change = self.operations[end].change
            if not isinstance(change, CleanOrphans) or self.operations[end].stage != stage:
                break
            keys.append((live.tables[change.table], change.foreign_key, change.policy))
            end += 1
        work = Cleaning(
            conn=self.conn,
            dialect=self.dialect,
            features=self.features,
            live=live,
            run=self.run,
            progress=lambda rows: self.tell(position, rows),
        )
        self.orphans += clean_all(work, keys)
        return end

    def tell(
        self,
        position: int,
        rows: int = 0,
        waits_for: tuple[str, ...] = (),
        among: Sequence[Operation] = (),
    ) -> None:
        """Tells the listener where the run is."""
        operations = among or self.operations
        operation = operations[position] if position < len(operations) else None
        self.listener(
            Progress(
                position=min(position + 1, len(operations)),
                total=len(operations),
                summary=f"{operation.kind.replace('_', ' ')} {operation.summary}"
                if operation
                else "seeds",
                rows_done=rows,
                rows_total=operation.rows if operation else None,
                waits_for=waits_for,
            )
        )


def _moved(operation: Operation, by: int) -> Operation:
    """The operation in a plan that others stand before."""
    if operation.carried_by is None:
        return operation
    return msgspec.structs.replace(operation, carried_by=operation.carried_by + by)


def is_ahead(operations: Sequence[Operation]) -> bool:
    """Whether anything of these must be committed before the rest."""
    return any(each.stage == "ahead" for one in operations for each in one.statements)


def applied(operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """The operations as a report shows them once they are done."""
    return tuple(msgspec.structs.replace(operation, status="applied") for operation in operations)
