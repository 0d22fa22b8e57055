"""The live schema kept true to the statements rendered so far. Pure."""

from __future__ import annotations

import msgspec

from odac_db.dialects.mysql.literals import quote
from odac_db.dialects.mysql.rename_column import renamed_texts
from odac_db.schema.changes import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    Change,
    CreateTable,
    DropColumn,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    RenameColumn,
    RenameConstraint,
    RenameTable,
)
from odac_db.schema.model import ForeignKey, Index, IndexPart, Table

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
        case AddForeignKey():
            live[change.table] = _referring(live[change.table], change.foreign_key)
        case DropForeignKey():
            table = live[change.table]
            kept = tuple(k for k in table.foreign_keys if k.name != change.foreign_key.name)
            live[change.table] = replace(table, foreign_keys=kept)
        case AddPrimaryKey():
            live[change.table] = replace(live[change.table], primary_key=change.primary_key)
        case DropPrimaryKey():
            live[change.table] = replace(live[change.table], primary_key=None)
        case RenameConstraint():
            live[change.table] = _index_renamed(live[change.table], change)
        case _:
            pass


def _referring(table: Table, key: ForeignKey) -> Table:
    """With the key, and with the index the server makes for it where it finds none."""
    indexes = table.indexes
    if not covering(table, key.columns):
        parts = tuple(IndexPart(column=column) for column in key.columns)
        indexes = (*indexes, Index(name=key.name, parts=parts, implicit=True))
    return replace(table, foreign_keys=(*table.foreign_keys, key), indexes=indexes)


def covering(table: Table, columns: tuple[str, ...], but: str | None = None) -> bool:
    """Whether a key other than the index ``but`` starts with these columns."""
    keys = [index.columns for index in table.indexes if index.name != but and _is_plain(index)]
    if table.primary_key is not None:
        keys.append(table.primary_key.columns)
    return any(key[: len(columns)] == columns for key in keys)


def _is_plain(index: Index) -> bool:
    whole = all(part.column is not None and part.length is None for part in index.parts)
    return whole and index.method is None


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


def _index_renamed(table: Table, change: RenameConstraint) -> Table:
    """Only indexes change their names in place here."""
    return replace(
        table,
        indexes=tuple(
            replace(index, name=change.after) if index.name == change.before else index
            for index in table.indexes
        ),
    )


def _column_renamed(table: Table, change: RenameColumn) -> Table:
    def named(name: str) -> str:
        return change.after if name == change.before else name

    def part(item: IndexPart) -> IndexPart:
        return item if item.column is None else replace(item, column=named(item.column))

    key = table.primary_key
    return replace(
        table,
        columns=tuple(replace(renamed_texts(c, change), name=named(c.name)) for c in table.columns),
        primary_key=key and replace(key, columns=tuple(map(named, key.columns))),
        indexes=tuple(replace(i, parts=tuple(map(part, i.parts))) for i in table.indexes),
        foreign_keys=tuple(
            replace(each, columns=tuple(map(named, each.columns))) for each in table.foreign_keys
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
