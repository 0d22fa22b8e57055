"""What a change needs, and what is not as desired while it is not done. Pure.

Both are told as needs; a change must wait for another when one of its needs is missing as
long as the other is not done. Expressions are told apart (``change_expressions``), because only
their text says which columns they stand on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    CreateTable,
    DropCheck,
    DropColumn,
    DropEnum,
    DropExclusion,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    ReplaceEnum,
    SetTableOptions,
    table_of,
)
from odac_db.schema.model import Column

__all__ = ["REWRITING", "disturbed", "missing", "needs"]

Need = tuple[str, str, str]
"""The sort of thing, its table, its column or columns."""

_Built = (
    AddIndex
    | AddPrimaryKey
    | AddForeignKey
    | AddExclusion
    | DropIndex
    | DropPrimaryKey
    | DropForeignKey
    | DropExclusion
)

REWRITING = frozenset({"type", "collation", "enum"})
"""What of a column its dependants must not see changing."""


def missing(change: Change) -> Iterator[Need]:
    """What is not as desired while a change is not done."""
    yield from _identity(change)
    yield from _unmade(change)
    yield from _kept(change)


def needs(change: Change) -> Iterator[Need]:
    """What must be as desired before a change can be done."""
    yield from _identity(change)
    yield from _made(change)
    yield from _released(change)


def _identity(change: Change) -> Iterator[Need]:
    """What the drop of a thing has in common with making it again: one waits for the other."""
    table = table_of(change)
    match change:
        case AddColumn() | DropColumn():
            yield "column", table, change.column.name
        case AddPrimaryKey() | DropPrimaryKey():
            yield "primary", table, ""
        case AddIndex() | DropIndex():
            yield "index", table, str(change.index.name)
            if isinstance(change, AddIndex) and change.replaces is not None:
                yield "index", table, str(change.replaces.name)
        case AddForeignKey() | DropForeignKey():
            yield "key", table, ",".join(change.foreign_key.columns)
        case AddCheck() | DropCheck():
            yield "check", table, str(change.check.name)
        case AddExclusion() | DropExclusion():
            yield "exclusion", table, str(change.exclusion.name)
        case _:
            return


def _unmade(change: Change) -> Iterator[Need]:
    """What is not there yet."""
    match change:
        case CreateTable():
            yield "table", change.table.name, ""
        case AlterColumn():
            if change.aspects & REWRITING:
                yield "type", change.table, change.after.name
            if not change.after.nullable:
                yield "not null", change.table, change.after.name
        case AddPrimaryKey():
            yield "unique", change.table, _set(change.primary_key.columns)
            for name in change.primary_key.columns:
                yield "numbering key", change.table, name
        case AddIndex():
            yield "unique", change.table, _set(change.index.columns)
        case ReplaceEnum():
            yield "enum", "", change.after.name
        case _:
            return


def _kept(change: Change) -> Iterator[Need]:
    """What is still there."""
    match change:
        case DropColumn():
            yield from _uses(change.column)
            yield from _numbers(change.table, change.column)
        case AlterColumn() if change.before.identity and not change.after.identity:
            yield from _numbers(change.table, change.before)
        case AlterColumn() if change.before.enum != change.after.enum:
            yield from _uses(change.before)
        case DropTable():
            yield "gone", change.table.name, ""
            for column in change.table.columns:
                yield from _uses(column)
        case DropIndex() if change.replaced:
            yield "name", "", str(change.index.name)
        case DropCheck() if change.replaced:
            yield "name of check", "", str(change.check.name)
        case DropForeignKey():
            yield from _referring(change)
        case DropPrimaryKey():
            for name in change.primary_key.columns:
                yield "never null", change.table, name
        case _:
            pass
    if isinstance(change, DropForeignKey | DropPrimaryKey | DropIndex | DropExclusion):
        yield from _stands(change.table, _keyed(change))


def _referring(change: DropForeignKey) -> Iterator[Need]:
    """A foreign key that is still there."""
    key = change.foreign_key
    if change.replaced:
        yield "name of key", "", str(key.name)
    yield "referred", key.ref_table, ""
    yield "referred", key.ref_table, _set(key.ref_columns)
    yield from _stands(key.ref_table, key.ref_columns)


def _uses(column: Column) -> Iterator[Need]:
    """The enum type that a column which stays goes on using."""
    if column.enum is not None:
        yield "use", "", column.enum


def _numbers(table: str, column: Column) -> Iterator[Need]:
    """The numbering of rows that goes on with a column which stays, and the key it may need."""
    if column.identity is not None:
        yield "numbered", table, ""
        if column.identity.kind == "auto_increment":
            yield "numbers", table, column.name


def _stands(table: str, columns: Collection[str]) -> Iterator[Need]:
    for column in columns:
        yield "stands", table, column


def _set(columns: Collection[str]) -> str:
    return ",".join(sorted(columns))


def _made(change: Change) -> Iterator[Need]:
    """What must be there."""
    table = table_of(change)
    match change:
        case DropIndex() | DropPrimaryKey() | DropForeignKey() | DropExclusion():
            yield from _columns(table, _keyed(change))
        case AddIndex() | AddPrimaryKey() | AddForeignKey() | AddExclusion():
            yield from _as_declared(table, _keyed(change))
            yield from _of_key(change)
            if isinstance(change, AddIndex):
                yield "name", "", str(change.index.name)
        case CreateTable():
            for column in change.table.columns:
                yield from _of_column(column)
            for check in change.table.checks:
                yield "name of check", "", str(check.name)
        case AddColumn():
            yield "table", table, ""
            yield from _of_column(change.column)
            yield from _numbered(table, change.column)
        case AlterColumn():
            yield from _of_column(change.after)
        case AddCheck():
            yield "table", table, ""
            yield "name of check", "", str(change.check.name)
        case _:
            return


def _keyed(change: _Built) -> Sequence[str]:
    """The columns that an index, key or exclusion is built on."""
    match change:
        case AddIndex() | DropIndex():
            return *change.index.columns, *change.index.include
        case AddPrimaryKey() | DropPrimaryKey():
            return change.primary_key.columns
        case AddForeignKey() | DropForeignKey():
            return change.foreign_key.columns
        case AddExclusion() | DropExclusion():
            parts = (each.part.column for each in change.exclusion.parts)
            return [column for column in parts if column is not None]


def _of_key(change: Change) -> Iterator[Need]:
    if isinstance(change, AddPrimaryKey):
        for column in change.primary_key.columns:
            yield "not null", change.table, column
    if isinstance(change, AddForeignKey):
        key = change.foreign_key
        yield "name of key", "", str(key.name)
        yield from _as_declared(key.ref_table, key.ref_columns)
        yield "unique", key.ref_table, _set(key.ref_columns)


def _of_column(column: Column) -> Iterator[Need]:
    if column.enum is not None:
        yield "enum", "", column.enum


def _numbered(table: str, column: Column) -> Iterator[Need]:
    """The key without which some servers number no rows."""
    if column.identity is not None and column.identity.kind == "auto_increment":
        yield "numbering key", table, column.name


def _columns(table: str, columns: Collection[str]) -> Iterator[Need]:
    yield "table", table, ""
    for column in columns:
        yield "column", table, column


def _as_declared(table: str, columns: Collection[str]) -> Iterator[Need]:
    yield from _columns(table, columns)
    for column in columns:
        yield "type", table, column


def _released(change: Change) -> Iterator[Need]:
    """What must be gone."""
    table = table_of(change)
    match change:
        case DropForeignKey():
            yield "gone", table, ""
        case DropTable():
            yield "referred", table, ""
        case DropPrimaryKey():
            yield "referred", table, _set(change.primary_key.columns)
            for column in change.primary_key.columns:
                yield "numbers", table, column
        case DropIndex():
            yield "gone", table, ""  # it goes first only to leave its name to another
            if change.index.unique:
                yield "referred", table, _set(change.index.columns)
        case AlterColumn() if change.after.nullable and not change.before.nullable:
            yield "never null", table, change.after.name
        case DropEnum():
            yield "use", "", change.enum.name
        case SetTableOptions():  # a table without rowids has a key, and numbers nothing
            yield "primary", table, ""
            yield "numbered", table, ""
        case _:
            pass
    for name, column in disturbed(change):
        yield "stands", name, column


def disturbed(change: Change) -> Iterator[tuple[str, str]]:
    """The tables and columns whose dependants must stand aside for this change."""
    match change:
        case DropColumn():
            yield change.table, change.column.name
        case AlterColumn() if change.aspects & REWRITING:
            yield change.table, change.after.name
        case ReplaceEnum():
            for table, column, _ in change.columns:
                yield table, column.name
        case _:
            return
