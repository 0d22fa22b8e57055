"""Every exception odac-db raises on purpose.

    OdacDbError
    ├── DeclarationError        the schema files are wrong: fix them
    ├── UnsupportedServer       the server or its version is not one we know
    ├── ConnectionFailed        the server cannot be reached or refuses us
    ├── ServerRefused           the server will not let us read, or keep our books
    ├── LockNotAcquired         another process is migrating and did not finish in time
    ├── TableBusy               others kept a table locked: see who, and try again
    ├── LedgerIsNewer           the database was migrated by a newer odac-db
    ├── MigrationFailed         the server refused a statement
    ├── VerificationFailed      the server accepted a statement and stored something else
    ├── PullRefused             files exist that a pull would overwrite
    ├── SeedError               a seed row cannot be written
    ├── ConstraintViolation     a constraint refused rows: tell the user, or choose other values
    ├── RetryExhausted          others got in the way each time: try later
    ├── OutcomeUnknown          the connection broke at COMMIT: look whether it is done
    └── OnCommitFailed          it is committed, and a callback failed: do not run it again

Facts are attributes, messages are built here, the driver's exception is kept as
``__cause__``, and a password never appears in any of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

__all__ = [
    "ConnectionFailed",
    "ConstraintViolation",
    "DeclarationError",
    "LedgerIsNewer",
    "LockNotAcquired",
    "MigrationFailed",
    "OdacDbError",
    "OnCommitFailed",
    "OutcomeUnknown",
    "Problem",
    "PullRefused",
    "RetryExhausted",
    "SeedError",
    "ServerRefused",
    "TableBusy",
    "UnsupportedServer",
    "VerificationFailed",
]


ViolationKind = Literal["unique", "primary_key", "foreign_key", "not_null", "check", "exclusion"]


class Problem(msgspec.Struct, frozen=True, order=True):
    """One fault in a declaration, and where it stands.

    ``line`` and ``column`` count from 1; 0 means that the source has no lines
    (SQLAlchemy metadata).
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.message}"


class OdacDbError(Exception):
    """The root of every error odac-db raises on purpose."""


class DeclarationError(OdacDbError):
    """The schema declarations hold faults; all of them are listed, and nothing was touched."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"{count} problem{'s' if count != 1 else ''} in the schema declarations"
        return "\n".join([head, *(f"  {problem}" for problem in self.problems)])


class UnsupportedServer(OdacDbError):
    """The database server, or its version, is not one odac-db works with."""


class ConnectionFailed(OdacDbError):
    """The server could not be reached, or refused the connection."""


class ServerRefused(OdacDbError):
    """The server refused a statement that is no part of a plan.

    A privilege is missing, the database cannot be written, or a file is none. ``reason``
    is the server's words, ``sql`` the statement or empty, ``place`` the URL without its
    password.
    """

    def __init__(self, place: str, reason: str, sql: str = "") -> None:
        self.place = place
        self.reason = reason
        self.sql = sql
        super().__init__(place, reason, sql)

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


class LockNotAcquired(OdacDbError):
    """Another process held the migration lock for longer than the caller would wait."""

    def __init__(self, waited: float, holder: str = "") -> None:
        self.waited = waited
        self.holder = holder
        super().__init__(waited, holder)

    def __str__(self) -> str:
        by = f" by {self.holder}" if self.holder else ""
        return (
            f"the migration lock was held{by} for more than {self.waited:g} s; "
            "wait for that migration to end, or raise lock_timeout"
        )


class TableBusy(OdacDbError):
    """Other sessions kept a table locked through every try to get a moment of it.

    ``holders`` are those who had it at the last try, their statements without values; empty
    where the server does not tell. ``undone`` as in MigrationFailed.
    """

    def __init__(
        self, table: str, waited: float, tries: int, holders: Sequence[str], *, undone: bool
    ) -> None:
        self.table = table
        self.waited = waited
        self.tries = tries
        self.holders = tuple(holders)
        self.undone = undone
        super().__init__(table, waited, tries, self.holders)

    def __reduce__(self) -> tuple[object, ...]:
        return (_table_busy, (self.table, self.waited, self.tries, self.holders, self.undone))

    def __str__(self) -> str:
        times = f"{self.tries} tries" if self.tries != 1 else "one try"
        lines = [f"{self.table} is in use: {times} in {self.waited:.1f} s did not get its lock"]
        lines += [f"  held by {holder}" for holder in self.holders]
        after = "nothing was changed" if self.undone else "earlier steps stand"
        lines.append(f"  {after}; wait for those sessions or end them, and run migrate again")
        return "\n".join(lines)


def _table_busy(
    table: str, waited: float, tries: int, holders: tuple[str, ...], undone: bool
) -> TableBusy:
    return TableBusy(table, waited, tries, holders, undone=undone)


class LedgerIsNewer(OdacDbError):
    """The bookkeeping tables were written by a newer odac-db; nothing was touched."""

    def __init__(self, found: int, supported: int) -> None:
        self.found = found
        self.supported = supported
        super().__init__(found, supported)

    def __str__(self) -> str:
        return (
            f"the _odac_ tables have format {self.found}, this odac-db knows up to "
            f"{self.supported}: upgrade odac-db on this host"
        )


class MigrationFailed(OdacDbError):
    """The server refused a statement of the plan.

    ``sql`` is the statement, ``undone`` says whether the server rolled everything
    back (PostgreSQL, SQLite) or earlier steps stand and the next run goes on from
    there (MySQL, MariaDB).
    """

    def __init__(self, operation: str, sql: str, reason: str, *, undone: bool) -> None:
        self.operation = operation
        self.sql = sql
        self.reason = reason
        self.undone = undone
        super().__init__(operation, sql, reason)

    def __reduce__(self) -> tuple[object, ...]:
        return (_migration_failed, (self.operation, self.sql, self.reason, self.undone))

    def __str__(self) -> str:
        after = (
            "nothing was changed"
            if self.undone
            else "earlier steps stand; mend the cause and run migrate again, it goes on from here"
        )
        return f"{self.operation}: {self.reason}\n  {self.sql}\n  {after}"


def _migration_failed(operation: str, sql: str, reason: str, undone: bool) -> MigrationFailed:
    return MigrationFailed(operation, sql, reason, undone=undone)


class VerificationFailed(OdacDbError):
    """After the plan ran, the database still differs from the declarations."""

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        super().__init__(self.differences)

    def __str__(self) -> str:
        lines = "\n".join(f"  {difference}" for difference in self.differences)
        return f"the server stored something else than was declared:\n{lines}"


class PullRefused(OdacDbError):
    """Files that a pull would overwrite exist and differ; none was written."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = tuple(files)
        super().__init__(self.files)

    def __str__(self) -> str:
        return f"would overwrite {', '.join(self.files)}: add --force to do so"


class SeedError(OdacDbError):
    """A seed row lacks its key, or the server refused it."""


class ConstraintViolation(OdacDbError):
    """A constraint refused what was to be written; the statement changed nothing.

    ``kind`` is certain. ``constraint``, ``table`` and ``columns`` are what the server and the
    schema files tell: None or empty where neither does (SQLite names no foreign key).
    ``code`` is the one the schema file gives the constraint, None if it gives none.
    """

    def __init__(
        self,
        kind: ViolationKind,
        constraint: str | None = None,
        table: str | None = None,
        columns: Sequence[str] = (),
        *,
        code: str | None = None,
    ) -> None:
        self.kind = kind
        self.constraint = constraint
        self.table = table
        self.columns = tuple(columns)
        self.code = code
        super().__init__(kind, constraint, table, self.columns, code)

    def __reduce__(self) -> tuple[object, ...]:
        return (_constraint_violation, self.args)

    def __str__(self) -> str:
        place = self.table or ""
        if self.columns:
            place += f"({', '.join(self.columns)})"
        words = ["violates", self.kind.replace("_", " "), self.constraint or "", place]
        code = f" [{self.code}]" if self.code else ""
        return " ".join(word for word in words if word) + code


def _constraint_violation(
    kind: ViolationKind,
    constraint: str | None,
    table: str | None,
    columns: tuple[str, ...],
    code: str | None,
) -> ConstraintViolation:
    return ConstraintViolation(kind, constraint, table, columns, code=code)


class RetryExhausted(OdacDbError):
    """Every attempt at a transaction met another one, or a lost connection; none is committed.

    The last attempt's error is the cause.
    """

    def __init__(self, attempts: int, reason: str) -> None:
        self.attempts = attempts
        self.reason = reason
        super().__init__(attempts, reason)

    def __str__(self) -> str:
        return (
            f"given up after {self.attempts} attempts, nothing is committed: {self.reason}; "
            "try again later, or make the transaction shorter"
        )


class OutcomeUnknown(OdacDbError):
    """The connection broke while COMMIT was on its way; it was not tried again.

    The transaction is committed whole or not at all, and nobody here can tell which.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return (
            f"the connection broke during COMMIT: {self.reason}; look in the database whether "
            "the transaction is there before it is run again"
        )


class OnCommitFailed(OdacDbError):
    """The transaction is committed, and callbacks that waited for that failed.

    ``errors`` are theirs, in order; the other callbacks have run. ``value`` is what the
    function of ``run_in_transaction`` returned.
    """

    def __init__(self, errors: Sequence[Exception], value: Any = None) -> None:
        self.errors = tuple(errors)
        self.value = value
        super().__init__(self.errors, value)

    def __str__(self) -> str:
        told = "; ".join(f"{type(error).__name__}: {error}" for error in self.errors)
        return f"committed, but {len(self.errors)} on_commit callback(s) failed: {told}"
