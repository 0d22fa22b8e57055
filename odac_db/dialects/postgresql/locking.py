"""How a plan waits for tables that are in use.

A statement that waits for a strong lock makes everybody wait who comes after it, readers
too. So it waits for moments only, and the transaction is tried again later. Locks:
https://www.postgresql.org/docs/current/explicit-locking.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from odac_db.dialects.base import Claim, Locking
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import literal, quote
from odac_db.dialects.postgresql.reading import run
from odac_db.dialects.statement_text import shape_of
from odac_db.dialects.taken_away import former_names
from odac_db.schema.changes import (
    AddForeignKey,
    AddIndex,
    Change,
    CleanOrphans,
    CreateTable,
    DropForeignKey,
    ReplaceEnum,
    SetObjectComment,
    SetTableComment,
    table_of,
)
from odac_db.schema.model import Schema

_BUSY = frozenset({"55P03", "40P01"})  # lock_not_available, deadlock_detected
_MODES = ("SHARE", "SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE")  # the stronger the later
_SHOWN = 5


def claims(
    changes: Sequence[Change], current: Schema, features: PostgreSQLFeatures
) -> tuple[Claim, ...]:
    """The lock on each live table that these changes will need, the strongest at once.

    None where there are more tables than one transaction can lock.
    """
    former = former_names(changes)
    modes: dict[str, int] = {}
    for change in changes:
        for table, mode in _locked(change):
            live = former.get(table, table)
            if live in current.tables:
                modes[live] = max(mode, modes.get(live, 0))
    if len(modes) > features.lock_budget:
        return ()
    return tuple(
        Claim(table, f"LOCK TABLE {quote(table)} IN {_MODES[modes[table]]} MODE")
        for table in sorted(modes)
    )


def _locked(change: Change) -> Iterator[tuple[str, int]]:
    match change:
        case CreateTable() | CleanOrphans() | SetTableComment() | SetObjectComment():
            return  # nobody else's table, or a lock that lets others read and write
        case AddForeignKey():
            yield change.table, 1
            yield change.foreign_key.ref_table, 1
        case DropForeignKey():
            yield change.table, 2
            yield change.foreign_key.ref_table, 2
        case AddIndex():
            yield change.table, 2 if change.index.constraint else 0
        case ReplaceEnum():
            for table, _, _ in change.columns:
                yield table, 2
        case _:
            yield table_of(change), 2


def limit(connection: Connection, seconds: float | None, features: PostgreSQLFeatures) -> None:
    """How long a statement of this session waits for a lock; None: as long as it takes."""
    milliseconds = 0 if seconds is None else max(1, round(seconds * 1000))
    run(connection, f"SET lock_timeout = {milliseconds}")


def is_busy(error: BaseException) -> bool:
    return getattr(error, "sqlstate", None) in _BUSY


def cannot(error: BaseException) -> bool:
    """Never: there is one way to do a thing here."""
    return False


def holders(connection: Connection, table: str, features: PostgreSQLFeatures) -> tuple[str, ...]:
    """The sessions that hold a lock on the table, the longest transactions first.

    Their statements are shown without values. What this role may not see is left out.
    """
    sql = f"""SELECT a.pid, coalesce(nullif(a.application_name, ''), a.usename::text, '?'),
coalesce(a.state, '?'), extract(epoch FROM clock_timestamp() - a.xact_start)::int,
coalesce(a.query, '')
FROM (SELECT DISTINCT l.pid FROM pg_locks l
WHERE l.granted AND l.pid <> pg_backend_pid()
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
AND l.relation = to_regclass({literal(quote(table))})) holding
JOIN pg_stat_activity a USING (pid) ORDER BY a.xact_start NULLS LAST LIMIT {_SHOWN}"""
    with suppress(SQLAlchemyError):
        rows: Sequence[Any] = run(connection, sql).all()
        return tuple(_told(*row) for row in rows)
    return ()


def _told(pid: int, who: str, state: str, seconds: int | None, query: str) -> str:
    since = "" if seconds is None else f", for {seconds} s"
    return f"process {pid} ({who}, {state}{since}): {shape_of(query)}"


LOCKING = Locking(claims=claims, limit=limit, is_busy=is_busy, cannot=cannot, holders=holders)
