"""Rows as wholes: what identifies one, and how to copy one as text."""

from __future__ import annotations

from odac_db.dialects.postgresql.naming import quote
from odac_db.schema.model import Table


def row_key(table: Table) -> tuple[str, ...]:
    """``ctid``: every row has one, and it holds while no other transaction changes the row."""
    return ("ctid",)


def typed_row(table: Table) -> tuple[str, ...]:
    """Every column as text: each type's output is what its input reads."""
    return tuple(f"{quote(column.name)}::text" for column in table.columns)
