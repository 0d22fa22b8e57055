"""Foreign keys that live tables hold and that the changes would leave nothing to stand on. Pure.

A key can only be made again behind a change that leaves its two ends of types that compare
and what it refers to unique. Where it could not (its other end is in a table that nobody
declares), the change must not be made: the key would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec

from odac_db.migrate.needs import REWRITING
from odac_db.migrate.orphans.find import key_label
from odac_db.migrate.transform import transformed
from odac_db.schema.changes import (
    AlterColumn,
    Change,
    CreateEnum,
    DropColumn,
    DropEnum,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    RenameColumn,
    RenameConstraint,
    RenameEnum,
    RenameTable,
    ReplaceEnum,
    SetTableOptions,
)
from odac_db.schema.model import Column, ForeignKey, Schema, Table

__all__ = ["Refers", "StandingKey", "standing_keys"]

Refers = Callable[[Column, Column], bool]
"""Whether a foreign key may go from the first column to the second."""

_Elsewhere = (
    RenameTable | RenameColumn | RenameConstraint | RenameEnum | CreateEnum | ReplaceEnum | DropEnum
)


@dataclass(frozen=True, kw_only=True)
class StandingKey:
    """A live foreign key and the changes that, together, it does not survive."""

    table: str
    key: ForeignKey
    causes: tuple[Change, ...]
    reason: str


def standing_keys(
    live: Schema, changes: Sequence[Change], declared: Collection[str], refers: Refers
) -> Iterator[StandingKey]:
    """The keys that no change drops and that could not be made again after the changes.

    ``live`` has its new names already.
    """
    after = transformed(live, sorted(_structural(changes), key=_makes))
    going = {(c.table, c.foreign_key) for c in changes if isinstance(c, DropForeignKey)}
    for table in live.tables.values():
        for key in table.foreign_keys:
            if (table.name, key) in going or _stands(after, table.name, key, refers):
                continue
            causes = tuple(_causes(changes, table.name, key))
            if causes and _stands(live, table.name, key, refers):
                told = _reason(after, table.name, key, declared)
                yield StandingKey(table=table.name, key=key, causes=causes, reason=told)


def _structural(changes: Sequence[Change]) -> Iterator[Change]:
    return (change for change in changes if not isinstance(change, _Elsewhere))


def _makes(change: Change) -> bool:
    """Drops come first: what is dropped and made again is there in the end."""
    return not isinstance(change, DropIndex | DropPrimaryKey | DropForeignKey | DropColumn)


def _ends(
    schema: Schema, name: str, key: ForeignKey
) -> Iterator[tuple[Column | None, Column | None]]:
    table, parent = schema.tables[name], schema.tables[key.ref_table]
    for mine, other in zip(key.columns, key.ref_columns, strict=True):
        yield _collated(table, mine), _collated(parent, other)


def _collated(table: Table, name: str) -> Column | None:
    """The column with the collation it has or takes on from its table."""
    column = table.column(name)
    if column is None or column.collation is not None:
        return column
    return msgspec.structs.replace(column, collation=table.options.get("collation"))


def _stands(schema: Schema, name: str, key: ForeignKey, refers: Refers) -> bool:
    if name not in schema.tables or key.ref_table not in schema.tables:
        return True  # who drops the table drops the key
    return _is_unique(schema.tables[key.ref_table], key) and all(
        mine is not None and other is not None and refers(mine, other)
        for mine, other in _ends(schema, name, key)
    )


def _is_unique(parent: Table, key: ForeignKey) -> bool:
    columns = set(key.ref_columns)
    if parent.primary_key is not None and set(parent.primary_key.columns) == columns:
        return True
    return any(
        index.unique and index.where is None and {part.column for part in index.parts} == columns
        for index in parent.indexes
    )


def _causes(changes: Sequence[Change], table: str, key: ForeignKey) -> Iterator[Change]:
    ends = {*((table, one) for one in key.columns)} | {
        (key.ref_table, one) for one in key.ref_columns
    }
    for change in changes:
        match change:
            case AlterColumn() if change.aspects & REWRITING:
                if (change.table, change.after.name) in ends:
                    yield change
            case SetTableOptions() if "collation" in change.after:
                if change.table in {table, key.ref_table}:
                    yield change
            case DropColumn():
                if (change.table, change.column.name) in ends:
                    yield change
            case DropPrimaryKey():
                if _refers_to(key, change.table, change.primary_key.columns):
                    yield change
            case DropIndex() if change.index.unique:
                if _refers_to(key, change.table, change.index.columns):
                    yield change
            case _:
                pass


def _refers_to(key: ForeignKey, table: str, columns: Collection[str]) -> bool:
    return key.ref_table == table and set(key.ref_columns) == set(columns)


def _reason(after: Schema, name: str, key: ForeignKey, declared: Collection[str]) -> str:
    mine = ", ".join(f"{name}.{_typed(after, name, one)}" for one in key.columns)
    other = ", ".join(f"{key.ref_table}.{_typed(after, key.ref_table, o)}" for o in key.ref_columns)
    undeclared = [one for one in dict.fromkeys((name, key.ref_table)) if one not in declared]
    advice = "change both alike"
    if undeclared:
        advice = f"declare table {' and '.join(undeclared)} and change both alike"
    return (
        f"foreign key {key_label(name, key)} of table {name} would be lost: {mine} could not "
        f"refer to {other}, or to nothing unique; {advice}, or drop the key by hand first"
    )


def _typed(schema: Schema, table: str, name: str) -> str:
    column = schema.tables[table].column(name)
    return f"{name} (dropped)" if column is None else f"{name} ({column.type})"
