"""What can go wrong with the rows an application writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from odac_db.errors.base import OdacDbError

ViolationKind = Literal["unique", "primary_key", "foreign_key", "not_null", "check", "exclusion"]


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
