"""What can go wrong between the declarations and the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from odac_db.errors.base import OdacDbError, Problem


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


class _Blocked(Protocol):
    """What ConstraintSetupError tells of an operation; ``odac_db.Operation`` is one."""

    @property
    def kind(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def findings(self) -> Sequence[Any]: ...


class ConstraintSetupError(OdacDbError):
    """The rows refuse changes that are declared; everything else of the plan was done.

    ``operations`` are the blocked ones, each with its ``findings``: what was found before
    the first write, how many rows, and a few of them by key.
    """

    def __init__(self, operations: Sequence[_Blocked]) -> None:
        self.operations = tuple(operations)
        super().__init__(self.operations)

    def __str__(self) -> str:
        count = len(self.operations)
        lines = [f"the rows refuse {count} declared change{'s' if count != 1 else ''}"]
        for operation in self.operations:
            lines.append(f"  {operation.kind.replace('_', ' ')} {operation.summary}")
            lines += [f"    {line}" for line in operation.reason.splitlines()]
        return "\n".join([*lines, "  mend the rows and migrate again; all else is done"])


class VerificationFailed(OdacDbError):
    """After the plan ran, the database still differs from the declarations."""

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        super().__init__(self.differences)

    def __str__(self) -> str:
        lines = "\n".join(f"  {difference}" for difference in self.differences)
        return f"the server stored something else than was declared:\n{lines}"


class PlanRefused(OdacDbError):
    """A saved plan does not fit any more, or never did; nothing was changed."""

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(self.reasons)

    def __str__(self) -> str:
        lines = "\n".join(f"  {reason}" for reason in self.reasons)
        return f"the saved plan is refused, nothing was changed: plan again\n{lines}"


class PullRefused(OdacDbError):
    """Files that a pull would overwrite exist and differ; none was written."""

    def __init__(self, files: Sequence[str]) -> None:
        self.files = tuple(files)
        super().__init__(self.files)

    def __str__(self) -> str:
        return f"would overwrite {', '.join(self.files)}: add --force to do so"


class ReverseRefused(OdacDbError):
    """A run of migrate is unknown, or a later one has to be taken back first."""

    def __init__(self, run: str, reason: str) -> None:
        self.run = run
        self.reason = reason
        super().__init__(run, reason)

    def __str__(self) -> str:
        return f"run {self.run} cannot be taken back: {self.reason}"


class SeedError(OdacDbError):
    """A seed row lacks its key, or the server refused it."""
