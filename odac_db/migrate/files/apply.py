"""Data migrations run, each in a transaction of its own that also writes that it ran.

Where DDL commits by itself (MySQL, MariaDB) so do the rows a file wrote before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import MigrationFileFailed, OnCommitFailed
from odac_db.migrate import ledger
from odac_db.migrate.apply import Listener
from odac_db.migrate.files import record
from odac_db.migrate.files.program import Program, Way
from odac_db.schema.plan import Progress
from odac_db.transactions import Transaction, watched
from odac_db.violations import Violations


@dataclass(frozen=True)
class FileRun:
    """Where files run, whom they tell, and whose constraints they may break."""

    conn: Connection
    dialect: Dialect
    features: Features
    violations: Violations
    listener: Listener = lambda _: None

    def up(self, programs: Sequence[Program]) -> list[str]:
        """Applies the files in order as one batch; those that were not applied meanwhile.

        Raises MigrationFileFailed for the first that fails: it is undone and stays pending,
        those before it stand.
        """
        applied: list[str] = []
        batch = max((one.batch for one in record.applied_files(self.conn)), default=0) + 1
        for number, program in enumerate(programs, 1):
            name = program.file.name
            self.listener(Progress(position=number, total=len(programs), summary=f"run {name}"))
            with self._transaction(program) as db:
                # Where the lock ends with a commit, another process may have got in between.
                if record.is_applied(self.conn, name):
                    continue
                self._call(program, program.up, db)
                record.note(self.conn, program.file, batch)
                applied.append(name)
        return applied

    def down(self, programs: Sequence[Program]) -> None:
        """Takes the files back, in this order. Raises MigrationFileFailed as ``up`` does."""
        for program in programs:
            with self._transaction(program) as db:
                if program.down is None or not record.is_applied(self.conn, program.file.name):
                    continue
                self._call(program, program.down, db)
                record.forget(self.conn, program.file.name)
                # The next migrate has to look, whatever vouched for this database.
                ledger.write_state(self.conn, {"digest": ""})

    @contextmanager
    def _transaction(self, program: Program) -> Iterator[Transaction]:
        """Committed at the end, with what waits for that called afterwards."""
        self.dialect.locking.limit(self.conn, None, self.features)
        self.dialect.begin_rows(self.conn, self.features)
        db = Transaction(self.conn, self.dialect, self.violations)
        try:
            with watched(self.conn, db), self._telling(program):
                yield db
                self.dialect.commit(self.conn, self.features)
        except BaseException:
            self.dialect.rollback(self.conn, self.features)
            raise
        db._call_back()

    def _call(self, program: Program, way: Way, db: Transaction) -> None:
        way(db)
        if db._ended:
            message = "a statement failed and ended the transaction, and its error was caught"
            raise MigrationFileFailed(program.file.path, message) from db._fault

    @contextmanager
    def _telling(self, program: Program) -> Iterator[None]:
        try:
            yield
        except (MigrationFileFailed, OnCommitFailed):
            raise
        except DBAPIError as error:
            violation = self.violations.of(self.dialect, error)
            told = f"{violation}: {error.orig}" if violation else str(error.orig)
            raise MigrationFileFailed(program.file.path, told, sql=error.statement or "") from error
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise MigrationFileFailed(program.file.path, told) from error
