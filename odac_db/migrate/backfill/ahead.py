"""Which columns are filled before the transaction of a plan, and not inside it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from odac_db.schema.changes import Backfill, RenameColumn, RenameTable, table_of
from odac_db.schema.model import Schema
from odac_db.schema.plan import Operation

MANY = 10_000
"""From so many rows on the transaction of the plan would hold its locks for too long."""


def to_fill_ahead(operations: Sequence[Operation], live: Schema) -> Iterator[int]:
    """The positions where many rows are to be filled, and nothing else must come first.

    A table without a primary key has nothing to go by, and is filled inside. What is filled
    behind the transaction needs no filling ahead of it.
    """
    renamed = {
        table_of(operation.change)
        for operation in operations
        if isinstance(operation.change, RenameTable | RenameColumn)
    }
    for position, operation in enumerate(operations):
        change = operation.change
        if not isinstance(change, Backfill) or change.rows < MANY or operation.goes_on:
            continue
        if change.table in renamed:
            continue
        table = live.tables.get(change.table)
        column = table.column(change.column.name) if table is not None else None
        if column is None or table is None or table.primary_key is None:
            continue
        if column.type == change.column.type and column.generated is None:
            yield position
