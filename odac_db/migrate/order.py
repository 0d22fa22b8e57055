"""The order in which changes can run: expansion first, contraction last. Pure.

Phases decide, then the table (parents before children), then the name, so that the same
changes always come in the same order.

0 enum types, so that columns can use them      5 new tables, parents first
1 tables renamed                                6 each table's columns, keys and indexes
2 what stands in the way goes                   7 orphans cleaned, foreign keys added
3 columns renamed                               8 what is no longer declared goes
4 constraints renamed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from odac_db.migrate.early import early_drops
from odac_db.migrate.reference_order import parents_first
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
from odac_db.schema.model import Schema

Rank = tuple[int, int, int, int]
"""Phase, then a step before the tables, the table's place, and a step within the table."""


def ordered(changes: Sequence[Change], live: Schema, desired: Schema) -> list[Change]:
    """The changes in an order the server accepts. Equal ranks keep the order they came in."""
    if not changes:
        return []
    places = _places(live, desired)
    successors: set[object] = {
        (c.table, c.column.name) for c in changes if isinstance(c, AddColumn)
    }
    # An index that another takes over from stays until then; one that only stands aside
    # must be gone before the column it is built on is.
    successors.update(
        (c.table, c.replaces) for c in changes if isinstance(c, AddIndex) and c.replaces
    )
    early = early_drops(changes)
    remade = {(c.table, c.column.name) for c in changes if isinstance(c, DropColumn)} & successors

    def rank(change: Change) -> Rank:
        if isinstance(change, RenameColumn) and (change.table, change.after) in remade:
            return 2, 2, places.get(change.table, 0), -1  # it is dropped under its coming name
        if id(change) in early:
            return 2, 2, places.get(table_of(change), 0), int(isinstance(change, DropColumn))
        return _rank(change, places, successors)

    return sorted(changes, key=rank)


def _places(live: Schema, desired: Schema) -> dict[str, int]:
    """Each table's place, parents before children."""
    tables = {**live.tables, **desired.tables}
    parents = {
        name: {key.ref_table for key in table.foreign_keys} for name, table in tables.items()
    }
    return {name: place for place, name in enumerate(parents_first(parents))}


def _rank(  # noqa: C901 - one line a change
    change: Change, places: Mapping[str, int], successors: set[object]
) -> Rank:
    place = places.get(table_of(change), 0)
    match change:
        case RenameEnum() | CreateEnum() | AddEnumValue() | SetEnumComment():
            return 0, _ENUM_STEPS[type(change)], 0, 0
        case RenameTable():
            return 1, 0, 0, 0
        case DropForeignKey():
            return 2, 0, place, 0
        case DropCheck() | DropExclusion():
            return 2, 1, place, 0
        case DropIndex():
            return _index_drop(change, place, successors)
        case DropColumn() if (change.table, change.column.name) in successors:
            return 2, 3, place, int(change.column.generated is None)
        case RenameColumn():
            return 3, 0, place, 0
        case RenameConstraint():  # as ``unclashing`` left them
            return 4, 0, 0, 0
        case CreateTable():
            return 5, 0, place, 0
        case AlterColumn() if change.before.generated is not None:  # before what it stands on
            return 6, 1, place, _TABLE_STEPS[DropPrimaryKey]
        case ReplaceEnum():
            return 6, 0, 0, 0
        case CleanOrphans() | AddForeignKey():  # in a cycle one cleaning makes work for another
            return 7, int(isinstance(change, AddForeignKey)), place, 0
        case DropColumn():  # a computed one before those it is computed from
            return 8, 0, place, 1 + int(change.column.generated is None)
        case DropTable():
            return 8, 1, -place, 0
        case DropEnum():
            return 8, 2, 0, 0
        case AlterColumn() if change.aspects == {"nullable"} and not change.after.nullable:
            return 6, 1, place, 5  # once what was NULL is filled
        case _:
            return 6, 1, place, _TABLE_STEPS[type(change)]


def _index_drop(change: DropIndex, place: int, successors: set[object]) -> Rank:
    if change.replaced:
        return (6, 1, place, 0) if (change.table, change.index) in successors else (2, 2, place, 0)
    if change.index.unique:  # lest a foreign key is built on it
        return 6, 2, place, 0
    return 8, 0, place, 0


_ENUM_STEPS: Mapping[type, int] = {
    RenameEnum: 0,
    CreateEnum: 1,
    AddEnumValue: 2,
    SetEnumComment: 3,
}
_TABLE_STEPS: Mapping[type, int] = {
    SetTableOptions: 1,
    DropPrimaryKey: 2,
    AlterColumn: 3,
    Backfill: 4,
    AddColumn: 6,
    AddPrimaryKey: 7,
    AddIndex: 8,
    AddCheck: 9,
    AddExclusion: 10,
    SetTableComment: 11,
    SetObjectComment: 12,
}
