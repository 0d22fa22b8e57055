"""A transaction of the application: what is executed in it, and what waits for its commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable, RootTransaction, Row, event
from sqlalchemy import Transaction as SQLAlchemyTransaction
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from odac_db.dialects.base import Dialect, Failure
from odac_db.errors import OdacDbError, OnCommitFailed, OutcomeUnknown, UnknownName
from odac_db.query.performer import Inside
from odac_db.query.tables import Table, Tables
from odac_db.violations import Violations

Params = Mapping[str, Any] | Sequence[Mapping[str, Any]]

_WATCHED = "odac_db.transaction"


class Transaction:
    """A transaction that is open, or a savepoint inside one.

    ``connection`` is the ordinary SQLAlchemy connection it runs on, for an ORM ``Session``
    or whatever else takes one. It belongs to the thread that began it.
    """

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        violations: Violations,
        tables: Tables | None = None,
    ) -> None:
        self.connection = connection
        self._dialect = dialect
        self._violations = violations
        self._tables = tables
        self._callbacks: list[Callable[[], object]] = []
        self._fault: BaseException | None = None
        self._gone = False

    def execute(self, statement: Executable, params: Params | None = None) -> CursorResult[Any]:
        """Executes a SQLAlchemy statement, ``text("...")`` included.

        ``params`` is a mapping, or a sequence of them for one execution each. Raises
        ConstraintViolation for what a constraint refuses, else SQLAlchemy's own error. On
        PostgreSQL a refused statement ends the transaction: put it into ``transaction()``
        if the rest is to go on.
        """
        if isinstance(statement, str):
            message = 'execute takes a SQLAlchemy statement: SQL text goes as text("...")'
            raise TypeError(message)
        with self._telling():
            return self.connection.execute(statement, params)

    def table(self, name: str) -> Table:
        """The table of that name, read and written in this transaction. Raises UnknownName."""
        if self._tables is None:
            raise UnknownName("a data migration knows no tables; execute SQL for", name)
        return self._tables.table(name, Inside(self))

    def __getattr__(self, name: str) -> Table:
        """``tx.posts`` is ``tx.table("posts")``."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        return self.table(name)

    def _stream(
        self, statement: Executable, params: Params, batch: int
    ) -> Iterator[Sequence[Row[Any]]]:
        """The rows of a SELECT, ``batch`` at a time.

        As the server makes them; read at once on a server whose connection could execute
        nothing else meanwhile.
        """
        if self._dialect.streams_apart:
            return self._streamed(statement, params, batch)
        rows = self.execute(statement, params).all()
        return (rows[start : start + batch] for start in range(0, len(rows), batch))

    def _streamed(
        self, statement: Executable, params: Params, batch: int
    ) -> Iterator[Sequence[Row[Any]]]:
        options = {"stream_results": True, "yield_per": batch}
        with self._telling():
            result = self.connection.execute(statement, params, execution_options=options)
            with closing(result):
                yield from result.partitions()

    def on_commit(self, callback: Callable[[], object]) -> None:
        """Calls ``callback`` once, after the outermost transaction is committed.

        Never for an attempt that is rolled back or run again. Callbacks run in their order,
        outside the transaction; what they raise undoes nothing (OnCommitFailed tells it).
        """
        self._callbacks.append(callback)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A savepoint: an error inside undoes what is inside, and goes on to the caller."""
        with self._telling():
            savepoint = self.connection.begin_nested()
        inner = Transaction(self.connection, self._dialect, self._violations, self._tables)
        try:
            with inner._telling():
                yield inner
                savepoint.commit()
        except BaseException:
            undone(savepoint)
            raise
        self._callbacks += inner._callbacks

    def _note(self, error: BaseException) -> None:
        self._fault = error
        self._gone = self._gone or self._dialect.failure(error) == "gone"

    @property
    def _ended(self) -> bool:
        """Whether a failed statement has ended the transaction on the server."""
        failed = self._fault is not None and not self._dialect.is_open(self.connection)
        return self._gone or failed

    def _commit(self, root: RootTransaction) -> None:
        """Commits, if there is something to: a failed transaction commits nothing, silently."""
        if self._ended or not root.is_active:
            message = (
                "nothing is committed: a statement failed and ended the transaction; put what may "
                "fail into a savepoint, with tx.transaction(): ..."
            )
            raise OdacDbError(message) from self._fault
        try:
            root.commit()
        except DBAPIError as error:
            if failure_of(self._dialect, error) == "lost":
                raise OutcomeUnknown(str(error.orig)) from error
            raise

    def _call_back(self, value: object = None) -> None:
        """Runs what waited for the commit, all of it; raises OnCommitFailed for what failed."""
        errors = []
        for callback in self._callbacks:
            try:
                callback()
            except Exception as error:
                errors.append(error)
        if errors:
            raise OnCommitFailed(errors, value) from errors[0]

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Errors of the database that a constraint is behind leave as ConstraintViolation."""
        try:
            yield
        except SQLAlchemyError as error:
            if isinstance(getattr(error, "orig", None), OdacDbError):  # refused by a type
                raise error.orig from None  # type: ignore[attr-defined]
            violation = self._violations.of(self._dialect, error)
            if violation is not None:
                raise violation from error
            raise


@contextmanager
def watched(conn: Connection, transaction: Transaction) -> Iterator[None]:
    """Whatever fails on the connection is known to the transaction, the ORM's doings too."""
    if not event.contains(conn.engine, "handle_error", note_fault):
        event.listen(conn.engine, "handle_error", note_fault)
    conn.info[_WATCHED] = transaction
    try:
        yield
    finally:
        if not conn.invalidated:  # a broken one's notes are gone with it
            del conn.info[_WATCHED]


def note_fault(context: ExceptionContext) -> None:
    conn = context.connection
    if conn is None or context.is_disconnect or conn.invalidated:
        return
    transaction: Transaction | None = conn.info.get(_WATCHED)
    if transaction is not None:
        transaction._note(context.original_exception)


def failure_of(dialect: Dialect, error: BaseException) -> Failure | None:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return "lost"
    return dialect.failure(error)


def undone(transaction: SQLAlchemyTransaction) -> None:
    """Rolls back what is not yet. The error at hand says more than one of ROLLBACK would.

    After a deadlock MySQL knows no savepoint any more; an ORM session rolls back by itself.
    """
    if transaction.is_active:
        with suppress(SQLAlchemyError):
            transaction.rollback()
