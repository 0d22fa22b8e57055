"""What the data will refuse, read before the first write.

Each check is one pass over a table when all is well, and one more with a LIMIT for the
samples when it is not. Nothing is written and nothing is locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    collate,
    func,
    literal_column,
    or_,
    select,
    true,
)

from odac_db.dialects.base import Features
from odac_db.migrate.foreseen import Foreseen
from odac_db.migrate.orphans.clean import nullable_columns
from odac_db.migrate.orphans.find import orphan_condition
from odac_db.migrate.selectables import Raw
from odac_db.schema.changes import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
)
from odac_db.schema.model import ForeignKey, Index, IndexPart, OrphanPolicy, Schema, Table

__all__ = ["Finding", "check", "orphan_policy"]

_SAMPLES = 5


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found. ``refuses`` says that the change cannot be made as things stand.

    ``count`` is the number of rows (of groups, for duplicates), None where they were not
    counted. ``policy`` is what will be done with orphans.
    """

    message: str
    count: int | None = None
    samples: tuple[dict[str, Any], ...] = ()
    refuses: bool = True
    policy: OrphanPolicy | None = None


def check(
    conn: Connection, features: Features, changes: Sequence[Change], live: Schema
) -> dict[int, Finding]:
    """What the live data has to say to these changes, by their position.

    Changes the data has nothing against are absent, and so are those about tables and
    columns that hold no rows yet.
    """
    foreseen = Foreseen(changes, live, features.namespace)
    found: dict[int, Finding] = {}
    for position, change in enumerate(changes):
        finding = _check(conn, foreseen, change)
        if finding is not None:
            found[position] = finding
    return found


def _check(conn: Connection, foreseen: Foreseen, change: Change) -> Finding | None:
    match change:
        case AddForeignKey():
            return _orphans(conn, foreseen, change)
        case AddIndex() if change.index.unique:
            return _duplicates(conn, foreseen, change.table, change.index)
        case AddPrimaryKey():
            parts = tuple(IndexPart(column=name) for name in change.primary_key.columns)
            index = Index(name=None, parts=parts, unique=True)
            return _nulls(conn, foreseen, change.table, change.primary_key.columns) or _duplicates(
                conn, foreseen, change.table, index
            )
        case AlterColumn() if change.before.nullable and not change.after.nullable:
            return _nulls(conn, foreseen, change.table, (change.after.name,))
        case AddColumn() if not change.column.nullable:
            return _unfilled(conn, foreseen, change)
        case _:
            return None


def orphan_policy(table: Table, foreign_key: ForeignKey) -> OrphanPolicy:
    """The declared policy; else nullify where the columns can be NULL, fail where not."""
    if foreign_key.orphans is not None:
        return foreign_key.orphans
    return "nullify" if nullable_columns(table, foreign_key) else "fail"


def _orphans(conn: Connection, foreseen: Foreseen, change: AddForeignKey) -> Finding | None:
    key = change.foreign_key
    child = foreseen.source(change.table, "child")
    table = foreseen.table(change.table)
    if child is None or table is None or not all(name in child.c for name in key.columns):
        return None
    parent = foreseen.source(key.ref_table, "parent")
    if parent is not None and not all(name in parent.c for name in key.ref_columns):
        if not any(foreseen.starts_empty(key.ref_table, name) for name in key.ref_columns):
            return None
        parent = None
    as_text = any(foreseen.retyped(change.table, name) for name in key.columns) or any(
        foreseen.retyped(key.ref_table, name) for name in key.ref_columns
    )
    condition = orphan_condition(child, parent, key, as_text=as_text)
    count, samples = _look(conn, child, condition, _shown(table, child, key.columns))
    return _orphan_finding(table, key, count, samples) if count else None


def _orphan_finding(
    table: Table, key: ForeignKey, count: int, samples: tuple[dict[str, Any], ...]
) -> Finding:
    policy = orphan_policy(table, key)
    stuck = policy == "nullify" and not nullable_columns(table, key)
    message = (
        f"{count} row{'s' if count != 1 else ''} of {table.name} refer to no row of "
        f"{key.ref_table}: {_spelled(samples)}"
    )
    if stuck:
        message += "; they cannot be nullified, because the columns cannot be NULL"
    refuses = stuck or policy == "fail"
    if refuses:
        message += "; mend them, or declare orphans: delete"
    return Finding(count=count, samples=samples, message=message, refuses=refuses, policy=policy)


def _duplicates(conn: Connection, foreseen: Foreseen, table: str, index: Index) -> Finding | None:
    rows = foreseen.source(table, "candidate")
    if rows is None or not _readable(foreseen, table, rows, index):
        return None
    keys = [_key(rows, part) for part in index.parts]
    condition = true() if index.where is None else literal_column(f"({index.where})", Raw())
    statement = select(func.count().label("odac_rows")).select_from(rows).where(condition)
    if not index.nulls_not_distinct:
        statement = statement.where(*(key.is_not(None) for key in keys))
    grouped = statement.group_by(*keys).having(func.count() > 1)
    groups = grouped.subquery("repeated")
    count = int(conn.execute(select(func.count()).select_from(groups)).scalar_one())
    if not count:
        return None
    names = [part.column or part.expression or "" for part in index.parts]
    labelled = [key.label(f"odac_{number}") for number, key in enumerate(keys)]
    found = conn.execute(grouped.with_only_columns(*labelled, func.count()).limit(_SAMPLES))
    samples = tuple(dict(zip([*names, "rows"], row, strict=True)) for row in found)
    message = (
        f"{count} value{'s' if count != 1 else ''} of {table}({', '.join(names)}) occur more "
        f"than once: {_spelled(samples)}; make them unique first"
    )
    return Finding(count=count, samples=samples, message=message)


def _readable(foreseen: Foreseen, table: str, rows: FromClause, index: Index) -> bool:
    """Whether all that the index speaks of can be read already, and by the types it will have."""
    spoken = " ".join([index.where or "", *(part.expression or "" for part in index.parts)])
    absent = [name for name in foreseen.added(table) if name not in rows.c]
    absent += [column.name for column in rows.c if foreseen.retyped(table, column.name)]
    return all(name in rows.c for name in index.columns) and not any(
        name.casefold() in spoken.casefold() for name in absent
    )


def _key(rows: FromClause, part: IndexPart) -> ColumnElement[Any]:
    key: ColumnElement[Any]
    if part.column is None:
        return literal_column(f"({part.expression})", Raw())
    key = rows.c[part.column]
    if part.length is not None:
        key = func.left(key, literal_column(str(part.length)))
    return collate(key, part.collation) if part.collation else key


def _nulls(
    conn: Connection, foreseen: Foreseen, name: str, columns: Sequence[str]
) -> Finding | None:
    rows = foreseen.source(name, "candidate")
    table = foreseen.table(name)
    if rows is None or table is None:
        return None
    live = [column for column in columns if column in rows.c]
    if not live:
        return None
    condition = or_(*(rows.c[column].is_(None) for column in live))
    count, samples = _look(conn, rows, condition, _shown(table, rows, live))
    if not count:
        return None
    message = (
        f"{count} row{'s' if count != 1 else ''} of {name} hold NULL in {', '.join(live)}: "
        f"{_spelled(samples)}; fill them first"
    )
    return Finding(count=count, samples=samples, message=message)


def _unfilled(conn: Connection, foreseen: Foreseen, change: AddColumn) -> Finding | None:
    """A server may refuse such a column, or fill it with a zero nobody asked for (MariaDB)."""
    rows = foreseen.source(change.table, "candidate")
    if rows is None or not foreseen.starts_empty(change.table, change.column.name):
        return None
    if conn.execute(select(literal_column("1")).select_from(rows).limit(1)).first() is None:
        return None
    message = (
        f"{change.table} has rows, and {change.column.name} is NOT NULL without a default: "
        "declare a default, or make it nullable until it is filled"
    )
    return Finding(message=message)


def _shown(table: Table, rows: FromClause, columns: Sequence[str]) -> list[str]:
    key = table.primary_key.columns if table.primary_key else ()
    return [name for name in dict.fromkeys((*key, *columns)) if name in rows.c]


def _look(
    conn: Connection, rows: FromClause, condition: ColumnElement[bool], shown: Sequence[str]
) -> tuple[int, tuple[dict[str, Any], ...]]:
    statement = select(func.count()).select_from(rows).where(condition)
    count = int(conn.execute(statement).scalar_one())
    if not count:
        return 0, ()
    picked = select(*(rows.c[name] for name in shown)).where(condition).limit(_SAMPLES)
    return count, tuple(dict(zip(shown, row, strict=True)) for row in conn.execute(picked))


def _spelled(samples: Sequence[dict[str, Any]]) -> str:
    rows = (", ".join(f"{name}={_short(value)}" for name, value in row.items()) for row in samples)
    return "; ".join(f"({row})" for row in rows)


def _short(value: Any) -> str:
    text = str(value) if value is not None else "NULL"
    return text if len(text) <= 40 else f"{text[:39]}…"
