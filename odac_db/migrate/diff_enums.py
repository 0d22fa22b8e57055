"""The changes of enum types (PostgreSQL). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from odac_db.schema.changes import (
    AddEnumValue,
    AlterColumn,
    Change,
    CreateEnum,
    DropColumn,
    DropEnum,
    DropTable,
    ReplaceEnum,
    SetEnumComment,
)
from odac_db.schema.model import Column, EnumType, Schema


def changed_enums(
    live: Schema, desired: Schema, changes: Sequence[Change], *, prune: bool
) -> Iterator[Change]:
    """Types to create, extend, replace and drop.

    A type no declaration names is dropped when this plan takes away its last use, or when
    nothing uses it and ``prune`` is asked for.
    """
    for enum in desired.enums.values():
        before = live.enums.get(enum.name)
        if before is None:
            yield CreateEnum(enum=enum)
            continue
        yield from _changed_values(before, enum, live, desired)
        if before.comment != enum.comment:
            yield SetEnumComment(enum=enum.name, before=before.comment, after=enum.comment)
    released = _released(changes)
    used = _used(live, changes)
    for name, enum in live.enums.items():
        if name not in desired.enums and name not in used and (prune or name in released):
            yield DropEnum(enum=enum)


def _changed_values(
    before: EnumType, after: EnumType, live: Schema, desired: Schema
) -> Iterator[Change]:
    if before.values == after.values:
        return
    kept = [value for value in after.values if value in before.values]
    if tuple(kept) != before.values:
        yield ReplaceEnum(
            before=before, after=after, columns=tuple(_columns(after.name, live, desired))
        )
        return
    for position, value in enumerate(after.values):
        if value not in before.values:
            following = (v for v in after.values[position:] if v in before.values)
            yield AddEnumValue(enum=after.name, value=value, before=next(following, None))


def _columns(enum: str, live: Schema, desired: Schema) -> Iterator[tuple[str, Column, Column]]:
    """Live columns of the type, each with the column it is to be (itself if undeclared)."""
    for table in live.tables.values():
        wanted = desired.tables.get(table.name)
        for column in table.columns:
            if column.enum == enum:
                after = wanted.column(column.name) if wanted is not None else None
                yield table.name, column, after or column


def _released(changes: Sequence[Change]) -> set[str]:
    """Types that a column of this plan stops using."""
    names: set[str | None] = set()
    for change in changes:
        match change:
            case AlterColumn():
                if change.before.enum != change.after.enum:
                    names.add(change.before.enum)
            case DropColumn():
                names.add(change.column.enum)
            case DropTable():
                names.update(column.enum for column in change.table.columns)
            case _:
                pass
    return {name for name in names if name is not None}


def _used(live: Schema, changes: Sequence[Change]) -> set[str]:
    """Types that some live column still uses after the changes."""
    gone: set[tuple[str, str]] = set()
    for change in changes:
        match change:
            case AlterColumn():
                if change.before.enum != change.after.enum:
                    gone.add((change.table, change.before.name))
            case DropColumn():
                gone.add((change.table, change.column.name))
            case DropTable():
                gone.update((change.table.name, column.name) for column in change.table.columns)
            case _:
                pass
    return {
        column.enum
        for table in live.tables.values()
        for column in table.columns
        if column.enum is not None and (table.name, column.name) not in gone
    }
