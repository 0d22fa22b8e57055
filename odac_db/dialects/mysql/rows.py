"""How rows are told apart and how they are copied whole. Pure."""

from __future__ import annotations

from odac_db.dialects.mysql.column_types import column_type
from odac_db.dialects.mysql.literals import quote
from odac_db.schema.model import Column, Table


def row_key(table: Table) -> tuple[str, ...]:
    """The quoted columns of the primary key, else of a unique index without nulls, else ()."""
    if table.primary_key is not None:
        return tuple(quote(column) for column in table.primary_key.columns)
    for index in table.indexes:
        columns = [table.column(part.column) if part.column else None for part in index.parts]
        whole = all(part.length is None for part in index.parts)
        if index.unique and whole and all(c is not None and not c.nullable for c in columns):
            return tuple(quote(name) for name in index.columns)
    return ()


def typed_row(table: Table) -> tuple[str, ...]:
    """The select expression of each column, in order.

    A FLOAT is read as a double: as itself it is printed with six digits and would come back
    as another number.
    """
    return tuple(_selected(column) for column in table.columns)


def _selected(column: Column) -> str:
    name = quote(column.name)
    return f"({name} + 0e0)" if column_type(column.type, True).name == "float" else name
