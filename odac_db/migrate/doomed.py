"""How many rows a plan takes something away from. Asked of live data, before it runs."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, FromClause, func, select

from odac_db.dialects.base import Features
from odac_db.migrate.foreseen import Foreseen
from odac_db.migrate.preflight import Site, converted
from odac_db.migrate.selectables import relation
from odac_db.schema.changes import AlterColumn, Change, DropColumn, DropTable, table_of
from odac_db.schema.model import Schema
from odac_db.schema.plan import Operation

__all__ = ["counted", "counted_again", "moved"]


def counted(
    conn: Connection, features: Features, operations: Sequence[Operation], live: Schema
) -> tuple[Operation, ...]:
    """The operations, those that will lose values with the number of rows that hold some.

    Only what has leave is counted, one pass each: it is about to be lost. What was found in
    the rows already says how many.
    """
    foreseen = Foreseen([operation.change for operation in operations], live, features.namespace)
    found = []
    for operation in operations:
        rows = operation.rows
        if operation.destructive and operation.status == "pending" and not operation.findings:
            counted_rows = _count(conn, foreseen, features, operation.change)
            rows = rows if counted_rows is None else counted_rows
        found.append(msgspec.structs.replace(operation, rows=rows))
    return tuple(found)


def counted_again(site: Site, operations: Sequence[Operation]) -> tuple[Operation, ...]:
    """The same operations, with the number of rows that are there by now."""
    around = [operation.change for operation in operations]
    asked = {
        position: operation.change
        for position, operation in enumerate(operations)
        if operation.destructive and isinstance(operation.change, AlterColumn)
        if operation.findings
    }
    answer = converted(site, asked, around)
    found = list(counted(site.conn, site.features, operations, site.live))
    for position in asked:
        counts = [one.count or 0 for one in answer.findings.get(position, ()) if not one.refuses]
        found[position] = msgspec.structs.replace(found[position], rows=sum(counts))
    return tuple(found)


def moved(before: Sequence[Operation], after: Sequence[Operation]) -> list[str]:
    """Where the same operations would take something from other numbers of rows."""
    return [
        f"{old.kind} {old.summary}: {old.rows:,} rows when it was planned, {new.rows:,} now"
        for old, new in zip(before, after, strict=True)
        if old.rows != new.rows and old.rows is not None and new.rows is not None
    ]


def _count(conn: Connection, foreseen: Foreseen, features: Features, change: Change) -> int | None:
    live = foreseen.live(table_of(change))
    if live is None:
        return None
    rows: FromClause
    match change:
        case DropTable():
            query = select(func.count()).select_from(relation(live.name, (), features.namespace))
        case DropColumn():
            rows = relation(live.name, (change.column.name,), features.namespace)
            query = select(func.count(rows.c[change.column.name])).select_from(rows)
        case AlterColumn():
            was = foreseen.was(change.table, change.after.name)
            if was is None:
                return None
            rows = relation(live.name, (was.name,), features.namespace)
            query = select(func.count(rows.c[was.name])).select_from(rows)
        case _:
            return None
    return int(conn.execute(query).scalar_one())
