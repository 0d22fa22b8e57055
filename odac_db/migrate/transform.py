"""What a schema becomes when changes are applied to it. Pure.

Renderers that must know the outcome (a SQLite rebuild) get it from here, and tests hold
``diff`` to it: applying a diff to the live schema gives the desired one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from odac_db.migrate.expressions import renamed
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddEnumValue,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Backfill,
    Change,
    CleanOrphans,
    CreateEnum,
    CreateTable,
    DropCheck,
    DropColumn,
    DropEnum,
    DropExclusion,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    RenameColumn,
    RenameConstraint,
    RenameEnum,
    RenameTable,
    ReplaceEnum,
    SetEnumComment,
    SetObjectComment,
    SetTableComment,
    SetTableOptions,
    table_of,
)
from odac_db.schema.model import Column, EnumType, Index, IndexPart, PrimaryKey, Schema, Table

replace = msgspec.structs.replace
S = TypeVar("S", bound=msgspec.Struct)


def transformed(schema: Schema, changes: Iterable[Change]) -> Schema:
    """The schema after the changes, in their order."""
    tables = dict(schema.tables)
    enums = dict(schema.enums)
    for change in changes:
        match change:
            case CreateTable():
                tables[change.table.name] = change.table
            case DropTable():
                tables.pop(change.table.name, None)
            case RenameTable():
                _rename_table(tables, change)
            case RenameColumn():
                _rename_column(tables, change)
            case CreateEnum() | AddEnumValue() | ReplaceEnum() | DropEnum() | SetEnumComment():
                _change_enum(enums, change)
            case RenameEnum():
                _rename_enum(tables, enums, change)
            case CleanOrphans() | Backfill():
                pass
            case _:
                name = table_of(change)
                tables[name] = _changed(tables[name], change)
    return replace(schema, tables=tables, enums=enums)


def _changed(table: Table, change: Change) -> Table:  # noqa: C901 - one line a change
    match change:
        case AddColumn():
            return replace(table, columns=(*table.columns, change.column))
        case DropColumn():
            kept = (column for column in table.columns if column.name != change.column.name)
            return replace(table, columns=tuple(kept))
        case AlterColumn():
            return replace(table, columns=_swapped(table.columns, change.before, change.after))
        case AddPrimaryKey():
            key = change.primary_key
            return replace(table, primary_key=key, columns=_not_null(table.columns, key))
        case DropPrimaryKey():
            return replace(table, primary_key=None)
        case AddIndex():
            return replace(table, indexes=(*table.indexes, change.index))
        case DropIndex():
            return replace(table, indexes=_without(table.indexes, change.index))
        case AddForeignKey():
            return replace(table, foreign_keys=(*table.foreign_keys, change.foreign_key))
        case DropForeignKey():
            return replace(table, foreign_keys=_without(table.foreign_keys, change.foreign_key))
        case AddCheck():
            return replace(table, checks=(*table.checks, change.check))
        case DropCheck():
            return replace(table, checks=_without(table.checks, change.check))
        case AddExclusion():
            return replace(table, exclusions=(*table.exclusions, change.exclusion))
        case DropExclusion():
            return replace(table, exclusions=_without(table.exclusions, change.exclusion))
        case SetTableComment():
            return replace(table, comment=change.after)
        case SetTableOptions():
            return replace(table, options={**table.options, **change.after})
        case RenameConstraint() | SetObjectComment():
            return _constraint_changed(table, change)
        case _:
            raise AssertionError(change)


_GROUPS = {
    "index": "indexes",
    "unique": "indexes",
    "foreign_key": "foreign_keys",
    "check": "checks",
    "exclusion": "exclusions",
}


def _constraint_changed(table: Table, change: RenameConstraint | SetObjectComment) -> Table:
    def touched(item: Any) -> Any:
        if isinstance(change, RenameConstraint):
            return replace(item, name=change.after) if item.name == change.before else item
        return replace(item, comment=change.after) if item.name == change.name else item

    if change.what == "primary_key":
        return replace(table, primary_key=touched(table.primary_key))
    group = _GROUPS[change.what]
    return replace(table, **{group: tuple(touched(item) for item in getattr(table, group))})


def _without(items: tuple[S, ...], item: S) -> tuple[S, ...]:
    return tuple(other for other in items if other != item)


def _swapped(columns: tuple[Column, ...], before: Column, after: Column) -> tuple[Column, ...]:
    return tuple(after if column.name == before.name else column for column in columns)


def _not_null(columns: tuple[Column, ...], key: PrimaryKey) -> tuple[Column, ...]:
    return tuple(
        replace(column, nullable=False) if column.name in key.columns else column
        for column in columns
    )


def _rename_table(tables: dict[str, Table], change: RenameTable) -> None:
    table = tables.pop(change.before)
    tables[change.after] = replace(table, name=change.after)
    for name, other in tables.items():
        keys = tuple(
            replace(key, ref_table=change.after) if key.ref_table == change.before else key
            for key in other.foreign_keys
        )
        if keys != other.foreign_keys:
            tables[name] = replace(other, foreign_keys=keys)


def _rename_column(tables: dict[str, Table], change: RenameColumn) -> None:
    def name(column: str) -> str:
        return change.after if column == change.before else column

    def text(expression: str | None) -> str | None:
        return expression and renamed(expression, change.before, change.after)

    def default(expression: str | None) -> str | None:
        """Only MySQL and MariaDB take other columns in a default, and print them so."""
        return expression and renamed(expression, change.before, change.after, marked=True)

    for table in tables.values():
        changed = table
        if table.name == change.table:
            changed = _column_renamed(table, name, text, default)
        keys = tuple(
            replace(key, ref_columns=tuple(name(column) for column in key.ref_columns))
            if key.ref_table == change.table
            else key
            for key in changed.foreign_keys
        )
        if changed is not table or keys != table.foreign_keys:
            tables[table.name] = replace(changed, foreign_keys=keys)


def _column_renamed(
    table: Table,
    name: Callable[[str], str],
    text: Callable[[str | None], str | None],
    default: Callable[[str | None], str | None],
) -> Table:
    def names(columns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name(column) for column in columns)

    def part(item: IndexPart) -> IndexPart:
        plain = item.column and name(item.column)
        return replace(item, column=plain, expression=text(item.expression))

    def index(item: Index) -> Index:
        parts = tuple(part(key) for key in item.parts)
        return replace(item, parts=parts, include=names(item.include), where=text(item.where))

    key = table.primary_key
    return replace(
        table,
        columns=tuple(
            replace(_computed_from(item, text), name=name(item.name), default=default(item.default))
            for item in table.columns
        ),
        primary_key=key and replace(key, columns=names(key.columns), include=names(key.include)),
        indexes=tuple(index(item) for item in table.indexes),
        foreign_keys=tuple(
            replace(item, columns=names(item.columns), set_columns=names(item.set_columns))
            for item in table.foreign_keys
        ),
        checks=tuple(replace(item, expression=text(item.expression)) for item in table.checks),
        exclusions=tuple(
            replace(
                item,
                parts=tuple(replace(one, part=part(one.part)) for one in item.parts),
                where=text(item.where),
            )
            for item in table.exclusions
        ),
    )


def _computed_from(item: Column, text: Callable[[str | None], str | None]) -> Column:
    """The column with new names in what it is computed from and checked for."""
    made = item.generated
    if made is not None:
        made = replace(made, expression=text(made.expression) or "")
    return replace(item, generated=made, check=text(item.check))


def _change_enum(
    enums: dict[str, EnumType],
    change: CreateEnum | AddEnumValue | ReplaceEnum | DropEnum | SetEnumComment,
) -> None:
    match change:
        case CreateEnum():
            enums[change.enum.name] = change.enum
        case AddEnumValue():
            enum = enums[change.enum]
            at = len(enum.values) if change.before is None else enum.values.index(change.before)
            values = (*enum.values[:at], change.value, *enum.values[at:])
            enums[change.enum] = replace(enum, values=values)
        case ReplaceEnum():
            enums[change.after.name] = change.after
        case DropEnum():
            enums.pop(change.enum.name, None)
        case SetEnumComment():
            enums[change.enum] = replace(enums[change.enum], comment=change.after)


def _rename_enum(tables: dict[str, Table], enums: dict[str, EnumType], change: RenameEnum) -> None:
    enums[change.after] = replace(enums.pop(change.before), name=change.after)

    def column(item: Column) -> Column:
        if item.enum != change.before:
            return item
        return replace(
            item,
            enum=change.after,
            type=renamed(item.type, change.before, change.after),
            default=item.default and renamed(item.default, change.before, change.after),
        )

    for name, table in tables.items():
        if any(item.enum == change.before for item in table.columns):
            tables[name] = replace(table, columns=tuple(column(item) for item in table.columns))
