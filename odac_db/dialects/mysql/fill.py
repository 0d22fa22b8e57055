"""A column added with a default that differs from row to row. Pure."""

from __future__ import annotations

import re

import msgspec

from odac_db.dialects.mysql import clauses
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote
from odac_db.schema.changes import AddColumn
from odac_db.schema.model import Table

_UNSAFE = re.compile(
    r"\b(?:uuid|uuid_short|rand|sysdate|random_bytes|user|current_user|session_user"
    r"|system_user|load_file|found_rows|row_count|last_insert_id)\s*\(",
    re.IGNORECASE,
)


def is_refused(change: AddColumn, features: MySQLFeatures) -> bool:
    """Whether MySQL refuses to add the column in one step (error 1674).

    It does so for any default that a replica might compute otherwise, whatever
    ``binlog_format`` is. A false alarm costs two more statements.
    """
    default = change.column.default
    return (
        not features.mariadb
        and default is not None
        and default.startswith("(")
        and _UNSAFE.search(default) is not None
    )


def filled(change: AddColumn, live: Table, place: str, features: MySQLFeatures) -> list[str]:
    """The column added empty, each row given its own default, then the column as declared.

    Columns that follow updates are set to themselves, so that they do not follow this one.
    """
    column, table = change.column, quote(change.table)
    empty = msgspec.structs.replace(column, nullable=True, default=None)
    still = [quote(other.name) for other in live.columns if other.on_update is not None]
    values = [f"{quote(column.name)} = {column.default}", *(f"{name} = {name}" for name in still)]
    return [
        f"ALTER TABLE {table} ADD COLUMN {clauses.column(empty, features)}{place}",
        f"UPDATE {table} SET {', '.join(values)}",
        f"ALTER TABLE {table} MODIFY COLUMN {clauses.column(column, features)}",
    ]
