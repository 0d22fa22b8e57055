"""How single rows are addressed and read whole. Pure."""

from __future__ import annotations

from odac_db.dialects.sqlite.create import is_rowid_table
from odac_db.dialects.sqlite.rebuild import free_rowid_name
from odac_db.dialects.sqlite.spelling import quote
from odac_db.schema.model import Table


def row_key(table: Table) -> tuple[str, ...]:
    """The rowid; the primary key of a table without one, or that hides it."""
    if is_rowid_table(table):
        rowid = free_rowid_name(table.columns)
        if rowid is not None:
            return (rowid,)
    key = table.primary_key
    return tuple(quote(column) for column in key.columns) if key is not None else ()


def typed_row(table: Table) -> tuple[str, ...]:
    """Every column as it is: SQLite's own storage classes restore exactly."""
    return tuple(quote(column.name) for column in table.columns)
