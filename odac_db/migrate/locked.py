"""What an operation locks until its transaction ends. Pure."""

from __future__ import annotations

from odac_db.schema.changes import AddIndex, Change, CreateTable, table_of

__all__ = ["locked_by"]


def locked_by(change: Change) -> set[object]:
    """The relations an operation locks until its transaction ends."""
    found: set[object] = {table_of(change)}
    match change:
        case CreateTable():
            table = change.table
            parts = len(table.indexes) + sum(each.identity is not None for each in table.columns)
            # Its TOAST table with its index, and the index of its primary key.
            found.update((table.name, part) for part in range(3 + parts))
        case AddIndex():
            found.add((change.table, change.index.name))
        case _:
            pass
    return found
