"""A column added with a default that differs from row to row. Pure."""

from __future__ import annotations

import re

import msgspec

from odac_db.dialects.mysql import clauses
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote
from odac_db.schema.changes import AddColumn, AlterColumn, Backfill
from odac_db.schema.model import Column, Table

_UNSAFE = re.compile(
    r"\b(?:uuid|uuid_short|rand|sysdate|random_bytes|user|current_user|session_user"
    r"|system_user|load_file|found_rows|row_count|last_insert_id)\s*\(",
    re.IGNORECASE,
)

FILLING = "odac-db is filling this column"


def is_unsafe(column: Column, features: MySQLFeatures) -> bool:
    """Whether MySQL refuses this column's default in an ALTER that adds a column (error 1674).

    It does so for any default that a replica might compute otherwise, whatever
    ``binlog_format`` is, and be it the default of another column than the one that is added.
    A false alarm costs two more statements.
    """
    default = column.default
    return (
        not features.mariadb
        and default is not None
        and default.startswith("(")
        and _UNSAFE.search(default) is not None
    )


def filled(change: AddColumn, live: Table, place: str, features: MySQLFeatures) -> list[str]:
    """The column added empty, each row given its own default, then the column as declared.

    Until then its comment says so: a run that dies on the way leaves a column that the next
    one can tell from one whose NULLs somebody wrote.
    """
    empty = msgspec.structs.replace(change.column, nullable=True, default=None, comment=FILLING)
    added = f"ADD COLUMN {clauses.column(empty, features)}{place}"
    made = AlterColumn(table=change.table, before=empty, after=change.column)
    return [f"ALTER TABLE {quote(change.table)} {added}", *filled_up(made, live, features)]


def was_left_empty(change: AlterColumn) -> bool:
    """Whether a run died between adding this column and filling it."""
    return change.before.comment == FILLING and change.after.default is not None


def filled_up(change: AlterColumn, live: Table, features: MySQLFeatures) -> list[str]:
    """Rows without a value given their own default, then the column as declared.

    Columns that follow updates are set to themselves, so that they do not follow this one.
    """
    modified = f"MODIFY COLUMN {clauses.column(change.after, features)}"
    return [
        _update(change.table, change.after, live),
        f"ALTER TABLE {quote(change.table)} {modified}",
    ]


def backfill(change: Backfill, live: Table) -> str:
    """What a plan shows; it is carried out in batches."""
    return _update(change.table, change.column, live)


def _update(table: str, column: Column, live: Table) -> str:
    name = quote(column.name)
    still = [quote(other.name) for other in live.columns if other.on_update is not None]
    values = [f"{name} = {column.default}", *(f"{other} = {other}" for other in still)]
    return f"UPDATE {quote(table)} SET {', '.join(values)} WHERE {name} IS NULL"
