"""Which rows of a table point at a parent that does not exist.

``NOT EXISTS`` and never ``NOT IN``: one NULL among the parent's keys makes the latter
find nothing at all. MATCH SIMPLE forgives a row with any NULL in its key, MATCH FULL one
with nothing but NULLs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Text,
    and_,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
)

from odac_db.migrate.selectables import relation
from odac_db.schema.model import ForeignKey, Table

__all__ = ["count_orphans", "key_label", "live_orphans", "orphan_condition", "sample_orphans"]


def key_label(table: str, foreign_key: ForeignKey) -> str:
    """The key's name, or its columns where it has none."""
    return foreign_key.name or f"{table}({', '.join(foreign_key.columns)})"


def orphan_condition(
    child: FromClause, parent: FromClause | None, foreign_key: ForeignKey, *, as_text: bool = False
) -> ColumnElement[bool]:
    """True for the rows of ``child`` that ``foreign_key`` would refuse.

    ``parent`` None stands for a table without rows. ``as_text`` compares by text: for keys
    whose two sides are only about to get types that compare.
    """
    columns = [child.c[name] for name in foreign_key.columns]
    complete = and_(*(each.is_not(None) for each in columns))
    unmatched = and_(complete, _parentless(columns, parent, foreign_key, as_text))
    if not foreign_key.match_full or len(columns) == 1:
        return unmatched
    partial = and_(
        or_(*(each.is_(None) for each in columns)), or_(*(each.is_not(None) for each in columns))
    )
    return or_(unmatched, partial)


def _parentless(
    columns: Sequence[ColumnElement[Any]],
    parent: FromClause | None,
    foreign_key: ForeignKey,
    as_text: bool,
) -> ColumnElement[bool]:
    if parent is None:
        return true()
    pairs = [
        (parent.c[ref], own) for ref, own in zip(foreign_key.ref_columns, columns, strict=True)
    ]
    same = [cast(ref, Text) == cast(own, Text) if as_text else ref == own for ref, own in pairs]
    return ~exists(select(literal_column("1")).select_from(parent).where(*same))


def live_orphans(
    table: Table, foreign_key: ForeignKey, namespace: str | None = None
) -> tuple[FromClause, ColumnElement[bool]]:
    """The live child, under an alias of its own, and the condition that finds its orphans."""
    child = relation(table.name, (each.name for each in table.columns), namespace).alias("child")
    parent = relation(foreign_key.ref_table, foreign_key.ref_columns, namespace).alias("parent")
    return child, orphan_condition(child, parent, foreign_key)


def count_orphans(
    conn: Connection, table: Table, foreign_key: ForeignKey, namespace: str | None = None
) -> int:
    """How many rows of a live table ``foreign_key`` would refuse: one pass, one statement.

    With ``namespace`` no table of that name elsewhere on the search path is looked at.
    """
    child, condition = live_orphans(table, foreign_key, namespace)
    found = conn.execute(select(func.count()).select_from(child).where(condition))
    return int(found.scalar_one())


def sample_orphans(
    conn: Connection,
    table: Table,
    foreign_key: ForeignKey,
    namespace: str | None = None,
    limit: int = 5,
) -> list[dict[str, Any]]:
    """Up to ``limit`` of them, each as its primary key and its foreign key columns."""
    child, condition = live_orphans(table, foreign_key, namespace)
    key = table.primary_key.columns if table.primary_key else ()
    shown = dict.fromkeys((*key, *foreign_key.columns))
    statement = select(*(child.c[name] for name in shown)).where(condition).limit(limit)
    return [dict(zip(shown, row, strict=True)) for row in conn.execute(statement)]
