"""A column of a big table becomes NOT NULL, and nobody waits for a look at every row. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec
import xxhash

from odac_db.dialects.postgresql import render_columns as columns
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.hazards import rewrites
from odac_db.dialects.postgresql.naming import quote
from odac_db.schema.changes import AddForeignKey, AlterColumn, Backfill, Change
from odac_db.schema.plan import Statement

replace = msgspec.structs.replace


def not_null(
    change: AlterColumn, filled: Backfill | None, features: PostgreSQLFeatures
) -> Iterator[Statement]:
    """A validated CHECK spares SET NOT NULL its look at every row (PostgreSQL 12).

    Where rows are ``filled`` behind the transaction the CHECK comes after that: already NOT
    VALID it would refuse any update of a row that still holds NULL.
    """
    table, name = quote(change.table), quote(change.after.name)
    nullable = replace(change, after=replace(change.after, nullable=True))
    for sql in columns.alter_column(nullable, features):
        yield Statement(sql)
    digest = xxhash.xxh3_64_hexdigest(f"{change.table}.{change.after.name}".encode())
    helper = f"_odac_{digest}"
    yield Statement(
        f"ALTER TABLE {table} ADD CONSTRAINT {quote(helper)} CHECK ({name} IS NOT NULL) NOT VALID",
        stage="main" if filled is None else "validate",
    )
    if filled is not None:  # what somebody wrote NULL to meanwhile
        yield Statement(columns.fill(filled), stage="validate")
    yield validated(change.table, helper)
    yield Statement(f"ALTER TABLE {table} ALTER COLUMN {name} SET NOT NULL", stage="validate")
    # Not in the same ALTER: the server drops first, and would then look at every row.
    yield Statement(f"ALTER TABLE {table} DROP CONSTRAINT {quote(helper)}", stage="validate")


def validated(table: str, name: str | None) -> Statement:
    """All rows looked at, beside readers and writers."""
    sql = f"ALTER TABLE {quote(table)} VALIDATE CONSTRAINT {quote(name or '')}"
    return Statement(sql, stage="validate")


def becomes_not_null(change: AlterColumn) -> bool:
    """Whether all that keeps the change from the transaction is a look at every row."""
    before, after = change.before, change.after
    numbered = before.identity != after.identity or before.generated != after.generated
    retyped = bool(change.aspects & {"type", "collation"}) and rewrites(before, after)
    return before.nullable and not after.nullable and not (numbered or retyped)


def filled_late(changes: Sequence[Change], big: Collection[str]) -> Iterator[Backfill]:
    """What is filled behind the transaction: big tables, but for what it must find filled.

    A foreign key is NOT VALID by then and would refuse a default that refers to nothing.
    """
    keys = {
        (change.table, name)
        for change in changes
        if isinstance(change, AddForeignKey)
        for name in change.foreign_key.columns
    }
    staged = {
        (change.table, change.after.name)
        for change in changes
        if isinstance(change, AlterColumn) and change.table in big and becomes_not_null(change)
    }
    for change in changes:
        if isinstance(change, Backfill) and (change.table, change.column.name) in staged - keys:
            yield change
