"""The live schema kept true to the statements rendered so far. Pure."""

from __future__ import annotations

import msgspec

from odac_db.dialects.mysql.literals import quote
from odac_db.schema.changes import (
    AddColumn,
    AddIndex,
    Change,
    CreateTable,
    DropColumn,
    DropIndex,
    RenameColumn,
    RenameTable,
)
from odac_db.schema.model import Table

replace = msgspec.structs.replace


def follow(live: dict[str, Table], change: Change) -> None:
    """Applies to ``live`` what later statements depend on: tables, columns and indexes."""
    match change:
        case CreateTable():
            live[change.table.name] = change.table
        case RenameTable():
            live[change.after] = replace(live.pop(change.before), name=change.after)
        case RenameColumn():
            live[change.table] = _column_renamed(live[change.table], change)
        case AddColumn() | DropColumn() | AddIndex() | DropIndex():
            live[change.table] = _changed(live[change.table], change)
        case _:
            pass


def _changed(table: Table, change: AddColumn | DropColumn | AddIndex | DropIndex) -> Table:
    match change:
        case AddColumn():
            return replace(table, columns=(*table.columns, change.column))
        case DropColumn():
            name = change.column.name
            return replace(table, columns=tuple(c for c in table.columns if c.name != name))
        case AddIndex():
            return replace(table, indexes=(*table.indexes, change.index))
        case DropIndex():
            dropped = change.index.name
            return replace(table, indexes=tuple(i for i in table.indexes if i.name != dropped))


def _column_renamed(table: Table, change: RenameColumn) -> Table:
    def named(name: str | None) -> str | None:
        return change.after if name == change.before else name

    return replace(
        table,
        columns=tuple(replace(c, name=named(c.name) or "") for c in table.columns),
        indexes=tuple(
            replace(i, parts=tuple(replace(p, column=named(p.column)) for p in i.parts))
            for i in table.indexes
        ),
    )


def place(live: Table, target: Table, column: str) -> str:
    """`` AFTER …`` or `` FIRST`` where the column is not to be the table's last."""
    wanted = [item.name for item in target.columns]
    present = {item.name for item in live.columns} - {column}
    if column not in wanted:
        return ""
    before = [name for name in wanted[: wanted.index(column)] if name in present]
    if len(before) == len(present):
        return ""
    return f" AFTER {quote(before[-1])}" if before else " FIRST"
