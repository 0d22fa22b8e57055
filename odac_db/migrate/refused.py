"""What the server will refuse whatever the rows say, known before anything is done. Pure.

The scratch place has refused the whole table, not one change, so what makes or alters a part
of it waits. What only drops goes on, unless it makes room for something that waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    CreateTable,
    table_of,
)
from odac_db.schema.model import Schema, Table

__all__ = ["texts_of_new", "will_be_refused"]

_MAKING = CreateTable | AddColumn | AlterColumn | AddPrimaryKey | AddIndex | AddCheck


def will_be_refused(changes: Iterable[Change], refused: Mapping[str, str]) -> dict[int, str]:
    """Why changes of the tables that the server refused are not tried, by their ``id``."""
    return {
        id(
            change
        ): f"the server refuses {table_of(change)} as declared: {refused[table_of(change)]}"
        for change in changes
        if isinstance(change, _MAKING) and table_of(change) in refused
    }


def texts_of_new(live: Schema, declared: Schema) -> Iterator[Table]:
    """The tables yet to be made that hold a text which only the server can judge."""
    for name, table in declared.tables.items():
        if name not in live.tables and (table.checks or any(_texts(table))):
            yield table


def _texts(table: Table) -> Iterator[str | None]:
    for column in table.columns:
        yield column.check
        yield column.generated.expression if column.generated is not None else None
        if column.default is not None and "(" in column.default:
            yield column.default
    for index in table.indexes:
        yield index.where
        yield from (part.expression for part in index.parts)
