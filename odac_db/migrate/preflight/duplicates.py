"""Values that occur more than once under a key that forbids it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, FromClause, collate, func, literal_column, select, true

from odac_db.migrate.preflight.told import SAMPLES, sample, spelled
from odac_db.migrate.selectables import Raw
from odac_db.schema.model import Index, IndexPart
from odac_db.schema.plan import Finding

if TYPE_CHECKING:
    from odac_db.migrate.foreseen import Foreseen
    from odac_db.migrate.preflight.look import Look


def duplicates(look: Look, table: str, index: Index) -> Finding | None:
    """The groups of rows that are equal under a unique index, in a pass of their own.

    Rows with a NULL in their key are equal to none, unless the index says otherwise.
    """
    rows = look.foreseen.source(table, table)
    if rows is None or not _readable(look.foreseen, table, rows, index):
        return None
    if _guaranteed(look.foreseen, table, index):
        return None
    keys = [_key(rows, part) for part in index.parts]
    condition = true() if index.where is None else literal_column(f"({index.where}\n)", Raw())
    statement = select(func.count().label("odac_rows")).select_from(rows).where(condition)
    if not index.nulls_not_distinct:
        statement = statement.where(*(key.is_not(None) for key in keys))
    grouped = statement.group_by(*keys).having(func.count() > 1)
    ((count,),) = look.rows(select(func.count()).select_from(grouped.subquery("repeated")))
    if not count:
        return None
    names = [part.column or part.expression or "" for part in index.parts]
    labelled = [key.label(f"odac_{number}") for number, key in enumerate(keys)]
    found = look.rows(grouped.with_only_columns(*labelled, func.count()).limit(SAMPLES))
    samples = tuple(sample([*names, "rows"], row) for row in found)
    message = (
        f"{count} value{'s' if count != 1 else ''} of {table}({', '.join(names)}) occur more "
        f"than once: {spelled(samples)}; make them unique first"
    )
    return Finding(kind="duplicates", count=int(count), samples=samples, message=message)


def _readable(foreseen: Foreseen, table: str, rows: FromClause, index: Index) -> bool:
    """Whether all that the index speaks of can be read already, and by the types it will have."""
    spoken = " ".join([index.where or "", *(part.expression or "" for part in index.parts)])
    absent = [name for name in foreseen.added(table) if name not in rows.c]
    absent += [column.name for column in rows.c if foreseen.retyped(table, column.name)]
    return all(name in rows.c for name in index.columns) and not any(
        name.casefold() in spoken.casefold() for name in absent
    )


def _guaranteed(foreseen: Foreseen, table: str, index: Index) -> bool:
    """Whether a live key over some of the columns says that no two rows are equal in them."""
    plain = {
        part.column
        for part in index.parts
        if part.column is not None
        and part.length is None
        and part.collation is None
        and not foreseen.retyped(table, part.column)
        and not foreseen.is_filled(table, part.column)
    }
    return any(
        key <= plain
        and (
            not index.nulls_not_distinct or not any(_was_nullable(foreseen, table, n) for n in key)
        )
        for key in foreseen.unique_keys(table)
    )


def _was_nullable(foreseen: Foreseen, table: str, column: str) -> bool:
    was = foreseen.was(table, column)
    return was is None or was.nullable


def _key(rows: FromClause, part: IndexPart) -> ColumnElement[Any]:
    key: ColumnElement[Any]
    if part.column is None:
        return literal_column(f"({part.expression}\n)", Raw())
    key = rows.c[part.column]
    if part.length is not None:
        key = func.left(key, literal_column(str(part.length)))
    return collate(key, part.collation) if part.collation else key
