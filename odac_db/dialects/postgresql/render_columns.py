"""Statements that change a column in place, its rows kept."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from odac_db.dialects.postgresql import render_keys as keys
from odac_db.dialects.postgresql import render_numbering as numbering
from odac_db.dialects.postgresql import render_tables as tables
from odac_db.dialects.postgresql.casts import using
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import quote
from odac_db.schema.changes import AlterColumn, Backfill
from odac_db.schema.model import Column

replace = msgspec.structs.replace


def add_column(table: str, column: Column, features: PostgreSQLFeatures) -> Iterator[str]:
    column = numbering.named(table, column, features)
    if tables.has_own_sequence(column):
        name = tables.sequence(column)
        yield tables.create_sequence(name, column)
        yield f"ALTER TABLE {quote(table)} ADD COLUMN {tables.definition(column)}"
        yield tables.own_sequence(table, column.name, name)
    else:
        yield f"ALTER TABLE {quote(table)} ADD COLUMN {tables.definition(column)}"
    if column.comment is not None:
        yield tables.column_comment(table, column.name, column.comment)


def alter_column(change: AlterColumn, features: PostgreSQLFeatures) -> Iterator[str]:
    table, before, after = change.table, change.before, change.after
    if before.generated is not None and after.generated is None:
        yield from _made_plain(table, before, features)
        before = replace(before, generated=None)
    old, new = _counter(before), _counter(after)
    if old and old != new:
        yield from numbering.remove(table, before, features, kept=bool(new))
    actions = [*_actions(before, after)]
    if actions:
        yield f"ALTER TABLE {quote(table)} {', '.join(actions)}"
    if new and old != new:
        yield from numbering.add(table, before, after, features)
    elif new:
        yield from numbering.change(table, before, after, features)
    if before.comment != after.comment:
        yield tables.column_comment(table, after.name, after.comment)


def _counter(column: Column) -> str:
    """What numbers the column: SQL identity, a sequence it owns, or nothing."""
    if column.identity is None:
        return ""
    return "sequence" if column.identity.kind == "serial" else "identity"


def _actions(before: Column, after: Column) -> Iterator[str]:
    """What one ALTER TABLE does: the server drops, retypes and sets in this order by itself."""
    column = f"ALTER COLUMN {quote(after.name)}"
    retyped = before.type != after.type or before.collation != after.collation
    kept = before.default == after.default and not (retyped and before.default is not None)
    if before.default is not None and not kept:
        yield f"{column} DROP DEFAULT"
    if retyped:
        yield column + _new_type(before, after)
    if after.default is not None and not kept:
        yield f"{column} SET DEFAULT {after.default}"
    if before.nullable and not after.nullable:
        yield f"{column} SET NOT NULL"
    elif after.nullable and not before.nullable:
        yield f"{column} DROP NOT NULL"


def _new_type(before: Column, after: Column) -> str:
    text = f" TYPE {after.type}"
    if after.collation is not None:
        text += keys.collation(after.collation)
    expression = using(before, after)
    return text if expression is None else f"{text} USING {expression}"


def _made_plain(table: str, column: Column, features: PostgreSQLFeatures) -> Iterator[str]:
    """A computed column keeps its values, and is no longer computed."""
    assert column.generated is not None
    name, aside = quote(column.name), quote("_odac_computed")
    alter = f"ALTER TABLE {quote(table)}"
    if column.generated.stored and features.drop_expression:
        yield f"{alter} ALTER COLUMN {name} DROP EXPRESSION"
        return
    plain = replace(column, generated=None, nullable=True)
    yield f"{alter} RENAME COLUMN {name} TO {aside}"
    yield from add_column(table, plain, features)
    yield f"UPDATE {quote(table)} SET {name} = {aside}"
    yield f"{alter} DROP COLUMN {aside}"
    if not column.nullable:
        yield f"{alter} ALTER COLUMN {name} SET NOT NULL"


def backfill(change: Backfill) -> Iterator[str]:
    """What is NULL gets the default; of a large table most was filled ahead, in batches.

    No ALTER TABLE runs while triggers of the update wait for the end of the transaction.
    """
    yield fill(change)
    yield "SET CONSTRAINTS ALL IMMEDIATE"


def fill(change: Backfill) -> str:
    """What is NULL gets the default, in one statement."""
    column, default = quote(change.column.name), change.column.default
    return f"UPDATE {quote(change.table)} SET {column} = {default} WHERE {column} IS NULL"
