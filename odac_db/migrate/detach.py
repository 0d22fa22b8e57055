"""Constraints that must stand aside while something they depend on changes. Pure.

Servers refuse to change a column under a foreign key, a computed column or a CHECK that
names it (MySQL 1832, 1833, 3108, 3959; PostgreSQL 0A000, 42804). Such dependants are
dropped first and made again afterwards, as they are to be then. A server that rebuilds
tables (SQLite) needs this for foreign keys only, and only where values may change: both
ends must change or neither, and what then refers to nothing is looked for beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from odac_db.dialects.base import Features
from odac_db.migrate.expressions import mentions
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    Change,
    DropCheck,
    DropColumn,
    DropExclusion,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    RenameColumn,
    ReplaceEnum,
    SetTableOptions,
)
from odac_db.schema.model import Column, Exclusion, ForeignKey, Index, Schema, Table

_REWRITING = frozenset({"type", "collation"})

Lossy = Callable[[Column, Column, Features], str | None]


def detached(
    live: Schema,
    changes: Sequence[Change],
    renames: Sequence[Change],
    features: Features,
    lossy: Lossy,
    kept: Collection[tuple[str, ForeignKey]] = (),
) -> list[Change]:
    """Drop-and-add pairs for every live dependant that no change drops anyhow.

    ``live`` has its new names already; renamed columns count only where the server does
    not carry dependants along (``features.renames_rewrite_dependants``). ``kept`` are the
    foreign keys that must stay, by table, because they could not be added again.
    """
    if not features.alters_in_place:
        return list(_foreign_keys(live, changes, _altered(changes, lossy, features), kept))
    columns = _retyped(changes) | _recollated(live, changes)
    keyed = columns | _nullable_changed(changes, features)
    recreated = _recreated(changes)
    if not features.renames_rewrite_dependants:
        for change in renames:
            if isinstance(change, RenameColumn):
                columns.add((change.table, change.after))
    return [
        *_foreign_keys(live, changes, keyed | recreated, kept),
        *_expressions(live, changes, columns | recreated, recreated),
    ]


def _altered(changes: Sequence[Change], lossy: Lossy, features: Features) -> set[tuple[str, str]]:
    """Columns whose values, or how they compare, may be others afterwards."""
    return {
        (change.table, change.after.name)
        for change in changes
        if isinstance(change, AlterColumn)
        and ("collation" in change.aspects or lossy(change.before, change.after, features))
    }


def _retyped(changes: Sequence[Change]) -> set[tuple[str, str]]:
    found = {
        (change.table, change.after.name)
        for change in changes
        if isinstance(change, AlterColumn) and change.aspects & _REWRITING
    }
    for change in changes:
        if isinstance(change, ReplaceEnum):
            found.update((table, column.name) for table, column, _ in change.columns)
    return found


def _recollated(live: Schema, changes: Sequence[Change]) -> set[tuple[str, str]]:
    """Columns that take on their table's collation as that changes (MySQL)."""
    return {
        (change.table, column.name)
        for change in changes
        if isinstance(change, SetTableOptions) and "collation" in change.after
        for column in live.tables[change.table].columns
        if column.collation is None
    }


def _nullable_changed(changes: Sequence[Change], features: Features) -> set[tuple[str, str]]:
    if not features.foreign_keys_need_index:
        return set()
    return {
        (change.table, change.after.name)
        for change in changes
        if isinstance(change, AlterColumn) and "nullable" in change.aspects
    }


def _recreated(changes: Sequence[Change]) -> set[tuple[str, str]]:
    """Computed columns that are dropped and added: what is built on them goes with them."""
    added = {(c.table, c.column.name) for c in changes if isinstance(c, AddColumn)}
    dropped = {(c.table, c.column.name) for c in changes if isinstance(c, DropColumn)}
    return added & dropped


def _foreign_keys(
    live: Schema,
    changes: Sequence[Change],
    columns: set[tuple[str, str]],
    kept: Collection[tuple[str, ForeignKey]],
) -> Iterator[Change]:
    going = {(c.table, c.foreign_key) for c in changes if isinstance(c, DropForeignKey)}
    going.update(kept)
    unkeyed = _unkeyed(changes)
    for table in live.tables.values():
        for key in table.foreign_keys:
            if (table.name, key) in going:
                continue
            child = any((table.name, column) in columns for column in key.columns)
            parent = any((key.ref_table, column) in columns for column in key.ref_columns)
            if child or parent or (key.ref_table, frozenset(key.ref_columns)) in unkeyed:
                yield DropForeignKey(table=table.name, foreign_key=key)
                yield AddForeignKey(table=table.name, foreign_key=key)


def _unkeyed(changes: Sequence[Change]) -> set[tuple[str, frozenset[str]]]:
    """Column sets whose primary key or unique index goes, on which foreign keys may stand."""
    found = set()
    for change in changes:
        if isinstance(change, DropPrimaryKey):
            found.add((change.table, frozenset(change.primary_key.columns)))
        if isinstance(change, DropIndex) and change.index.unique:
            found.add((change.table, frozenset(change.index.columns)))
    return found


def _expressions(
    live: Schema,
    changes: Sequence[Change],
    columns: set[tuple[str, str]],
    recreated: set[tuple[str, str]],
) -> Iterator[Change]:
    going = {id(item) for item in _dropped(changes)}
    for table_name in {table for table, _ in columns}:
        table = live.tables[table_name]
        names = [column for name, column in columns if name == table_name]
        gone = [column for name, column in recreated if name == table_name]
        for change in _table_expressions(table, names, gone):
            if id(_subject(change)) not in going:
                yield change


def _dropped(changes: Sequence[Change]) -> Iterator[object]:
    for change in changes:
        match change:
            case DropCheck() | DropIndex() | DropExclusion() | DropColumn():
                yield _subject(change)
            case AlterColumn():
                yield change.before
            case _:
                pass


def _subject(change: Change) -> object:
    match change:
        case DropCheck() | AddCheck():
            return change.check
        case DropIndex() | AddIndex():
            return change.index
        case DropExclusion() | AddExclusion():
            return change.exclusion
        case DropColumn() | AddColumn():
            return change.column
        case _:
            return None


def _table_expressions(table: Table, names: list[str], gone: list[str]) -> Iterator[Change]:
    for column in table.columns:
        if column.name not in gone and _computed_from(column, names):
            yield DropColumn(table=table.name, column=column)
            yield AddColumn(table=table.name, column=column)
            gone = [*gone, column.name]
    for check in table.checks:
        if any(mentions(check.expression, name) for name in [*names, *gone]):
            yield DropCheck(table=table.name, check=check)
            yield AddCheck(table=table.name, check=check)
    for index in table.indexes:
        if _index_uses(index, names) or set(gone) & {*index.columns, *index.include}:
            yield DropIndex(table=table.name, index=index, replaced=True)
            yield AddIndex(table=table.name, index=index)
    for item in table.exclusions:
        if _exclusion_uses(item, [*names, *gone]):
            yield DropExclusion(table=table.name, exclusion=item)
            yield AddExclusion(table=table.name, exclusion=item)


def _computed_from(column: Column, names: list[str]) -> bool:
    made = column.generated
    return made is not None and any(mentions(made.expression, name) for name in names)


def _index_uses(index: Index, names: list[str]) -> bool:
    texts = [index.where, *(part.expression for part in index.parts)]
    return any(mentions(text, name) for text in texts for name in names)


def _exclusion_uses(item: Exclusion, names: list[str]) -> bool:
    texts = [item.where, *(one.part.expression for one in item.parts)]
    plain = any(one.part.column in names for one in item.parts)
    return plain or any(mentions(text, name) for text in texts for name in names)
