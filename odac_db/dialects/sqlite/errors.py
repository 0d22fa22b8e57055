"""What SQLite's errors say: which constraint was violated, and what may be tried again.

Codes: https://www.sqlite.org/rescode.html. A foreign key is never named, nor its table.
"""

from __future__ import annotations

import sqlite3

from odac_db.dialects.base import Failure, Refusal
from odac_db.dialects.targets import target_of
from odac_db.errors import ViolationKind

_KINDS: dict[int, ViolationKind] = {
    sqlite3.SQLITE_CONSTRAINT_CHECK: "check",
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: "foreign_key",
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: "not_null",
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: "primary_key",
    sqlite3.SQLITE_CONSTRAINT_ROWID: "primary_key",
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: "unique",
}


def refusal(error: BaseException, statement: str) -> Refusal | None:
    """The constraint, from the extended code and what stands behind the message's colon.

    That is ``posts.a, posts.b`` for keys and NOT NULL, a name or the expression for a CHECK.
    """
    kind = _KINDS.get(_code(error))
    if kind is None:
        return None
    detail = str(error).partition(": ")[2]
    if kind == "check":
        return Refusal(kind=kind, constraint=detail or None, table=target_of(statement))
    if kind == "foreign_key":
        return Refusal(kind=kind)
    if detail.startswith("index '"):  # of expressions
        name = detail.removeprefix("index '").removesuffix("'")
        return Refusal(kind=kind, constraint=name, table=target_of(statement))
    table = _table(detail, target_of(statement))
    columns = detail.removeprefix(f"{table}.").split(f", {table}.")
    return Refusal(kind=kind, table=table, columns=tuple(columns))


def failure(error: BaseException) -> Failure | None:
    """Whether the same transaction may succeed when it is run again."""
    busy = _code(error) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return "conflict" if busy else None


def _code(error: BaseException) -> int:
    code = getattr(error, "sqlite_errorcode", 0)
    return code if isinstance(code, int) else 0


def _table(detail: str, target: str | None) -> str:
    """A table's name may hold points; the statement's own table is tried first."""
    if target is not None and detail.lower().startswith(f"{target.lower()}."):
        return detail[: len(target)]
    return detail.partition(".")[0]
