"""Putting copied rows back, as far as the database takes them.

Deleted rows are inserted with all their values, identities included; nullified columns get
their values again. Each row is tried inside a savepoint of one transaction. What is put
back is marked and never put back twice; what is refused stays copied.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
from sqlalchemy import Connection, RowMapping, func, select, update
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect, Features
from odac_db.migrate import bookkeeping
from odac_db.migrate.bookkeeping import ORPHANS
from odac_db.migrate.orphans import put_back
from odac_db.migrate.reference_order import parents_first
from odac_db.migrate.row_json import decode_row
from odac_db.migrate.selectables import own_transaction
from odac_db.schema.model import Schema

__all__ = ["OrphanRun", "Refusal", "RestoreResult", "restore", "runs"]


class OrphanRun(msgspec.Struct, frozen=True, kw_only=True):
    """The rows one run copied from one table for one key's sake."""

    run: str
    table: str
    constraint: str
    action: str
    rows: int
    restored: int
    cleaned_at: datetime


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A row that could not be put back. ``copy`` is its id in ``_odac_orphans``."""

    copy: int
    table: str
    key: str
    reason: str


class RestoreResult(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows a restore put back and how many were refused, and those with the reasons."""

    restored: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()


def runs(conn: Connection) -> tuple[OrphanRun, ...]:
    """All runs that cleaned anything, the latest first; writes nothing."""
    if not bookkeeping.exists(conn, ORPHANS):
        return ()
    columns = (ORPHANS.c.run, ORPHANS.c.table_name, ORPHANS.c.constraint_name, ORPHANS.c.action)
    at = func.min(ORPHANS.c.cleaned_at)
    statement = select(*columns, func.count(), func.count(ORPHANS.c.restored_at), at)
    ordered = statement.group_by(*columns).order_by(func.max(ORPHANS.c.id).desc())
    return tuple(
        OrphanRun(
            run=run,
            table=table,
            constraint=constraint,
            action=action,
            rows=rows,
            restored=restored,
            cleaned_at=cleaned_at,
        )
        for run, table, constraint, action, rows, restored, cleaned_at in conn.execute(ordered)
    )


def restore(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    live: Schema,
    run: str,
    constraint: str | None = None,
) -> RestoreResult:
    """Put the rows of one run back, parents before children; all in one transaction.

    ``live`` is the schema as it is. ``constraint`` picks the rows that were cleaned for one
    key's sake. A row is refused when a key refers to nothing, when its table or a column of
    it that held a value is gone, when it has changed since, and when the server says so.
    Doing it again puts nothing back twice.
    """
    if not bookkeeping.exists(conn, ORPHANS):
        return RestoreResult()
    place = put_back.Place(conn=conn, dialect=dialect, features=features, live=live)
    with own_transaction(conn, dialect, features):
        copies = _copies(conn, live, run, constraint)
        return _restore_all(place, copies)


def _copies(conn: Connection, live: Schema, run: str, constraint: str | None) -> list[RowMapping]:
    """The copies to put back: parents first, and in a table the last change undone first."""
    columns = (ORPHANS.c.id, ORPHANS.c.table_name)
    statement = select(*columns).where(ORPHANS.c.run == run, ORPHANS.c.restored_at.is_(None))
    if constraint is not None:
        statement = statement.where(ORPHANS.c.constraint_name == constraint)
    copies = conn.execute(statement).mappings().all()
    names = {copy["table_name"] for copy in copies}
    refers_to = {
        name: {key.ref_table for key in live.tables[name].foreign_keys}
        if name in live.tables
        else set()
        for name in names
    }
    place = {name: position for position, name in enumerate(parents_first(refers_to))}
    return sorted(copies, key=lambda copy: (place[copy["table_name"]], -copy["id"]))


def _restore_all(place: put_back.Place, copies: Sequence[RowMapping]) -> RestoreResult:
    """Rounds until one puts nothing back: rows of one table may wait for each other."""
    waiting = list(copies)
    refused: list[Refusal] = []
    while waiting:
        refused = []
        left = []
        for copy in waiting:
            refusal = _restore_one(place, copy["id"])
            if refusal is not None:
                left.append(copy)
                refused.append(refusal)
        if len(left) == len(waiting):
            break
        waiting = left
    return RestoreResult(
        restored=len(copies) - len(refused), refused=len(refused), refusals=tuple(refused)
    )


def _refusal(copy: RowMapping, reason: str) -> Refusal:
    key = decode_row(copy["row_key"])
    spelled = ", ".join(f"{name}={value}" for name, value in key.items())
    return Refusal(copy=copy["id"], table=copy["table_name"], key=spelled, reason=reason)


def _restore_one(place: put_back.Place, number: int) -> Refusal | None:
    """Put one copy back; what speaks against it, None when it was done."""
    conn = place.conn
    copy = conn.execute(select(ORPHANS).where(ORPHANS.c.id == number)).mappings().one()
    conn.exec_driver_sql("SAVEPOINT odac_restore")
    try:
        _put_back(place, copy)
    except (put_back.Refused, DBAPIError) as error:
        conn.exec_driver_sql("ROLLBACK TO SAVEPOINT odac_restore")
        return _refusal(copy, str(error.orig if isinstance(error, DBAPIError) else error))
    finally:
        conn.exec_driver_sql("RELEASE SAVEPOINT odac_restore")
    return None


def _put_back(place: put_back.Place, copy: RowMapping) -> None:
    table, action = copy["table_name"], copy["action"]
    row = decode_row(copy["row_values"])
    if action == "delete":
        put_back.insert_row(place, table, row)
    else:
        columns = json.loads(copy["columns"])
        put_back.reset_columns(place, table, row, columns, was_null=action == "nullify")
    at = datetime.now(UTC).replace(tzinfo=None)
    done = update(ORPHANS).where(ORPHANS.c.id == copy["id"]).values(restored_at=at)
    place.conn.execute(done)
