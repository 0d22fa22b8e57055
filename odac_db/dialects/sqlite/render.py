"""Changes as SQLite statements: in place where ALTER TABLE can, else one rebuild a table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import assert_never

import msgspec

from odac_db.dialects.base import Features, Rendered
from odac_db.dialects.sqlite.column_types import allowed_in_strict
from odac_db.dialects.sqlite.create import (
    check_text,
    column_text,
    create_index,
    create_table,
    is_numbered,
    reference_text,
    rowid_alias,
)
from odac_db.dialects.sqlite.in_place import needs_rebuild, riders
from odac_db.dialects.sqlite.index_names import IndexNames
from odac_db.dialects.sqlite.leftovers import ON_CONFLICT
from odac_db.dialects.sqlite.rebuild import rebuild
from odac_db.dialects.sqlite.renames import (
    rename_statements,
    renamed_tables,
    renamed_triggers,
    renames_of,
)
from odac_db.dialects.sqlite.spelling import quote
from odac_db.dialects.taken_away import former_names
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
from odac_db.schema.model import Schema, Table
from odac_db.schema.plan import Statement


def render(
    changes: Sequence[Change],
    current: Schema,
    target: Schema,
    features: Features,
    big: Collection[str] = (),  # one writer at a time, whatever the size
) -> list[Rendered]:
    """One Rendered per change. Renames come first, so that rebuilds may rely on them.

    A table that needs a rebuild has it once, at its first change that is no matter of a
    plain index; that change carries the table's others. Orphans are cleaned together once
    the last rebuild is done: the foreign keys are in place then, and not enforced yet.
    """
    return _Renderer(changes, current, target).rendered()


class _Renderer:
    """Renders one plan."""

    def __init__(self, changes: Sequence[Change], current: Schema, target: Schema) -> None:
        self.current = current
        self.target = target
        self.renames = renames_of(changes)
        self.live = renamed_tables(current, self.renames)
        self.former = former_names(self.renames)
        self.created = {c.table.name for c in changes if isinstance(c, CreateTable)}
        self.dropped = {c.table.name for c in changes if isinstance(c, DropTable)}
        self.by_table = _by_table(changes)
        self.rebuilt = {
            name
            for name, own in self.by_table.items()
            if name not in self.created | self.dropped
            and needs_rebuild(own, self.live[name], target.tables[name], current)
        }
        self.triggers = renamed_triggers(current, self.renames) if self.rebuilt else {}
        self.order = self.ordered(changes)
        self.positions = {id(change): n for n, change in enumerate(self.order)}
        self.carriers = self.find_carriers()
        self.index_names = IndexNames(self.live, target.tables)

    def rendered(self) -> list[Rendered]:
        return [self.one(change) for change in self.order]

    def ordered(self, changes: Sequence[Change]) -> list[Change]:
        """Renames, then all else as given but for carriers before indexes and cleanings last."""
        rest = [change for change in changes if not isinstance(change, (RenameTable, RenameColumn))]
        places = {id(change): float(position) for position, change in enumerate(rest)}
        last = -1.0
        for name in self.rebuilt:
            own = self.by_table[name]
            carrier = next(change for change in own if _is_definition(change))
            first = next(c for c in own if c is carrier or isinstance(c, AddIndex))
            if first is not carrier:
                places[id(carrier)] = places[id(first)] - 0.5
            last = max(last, places[id(carrier)])
        cleanings = [change for change in rest if isinstance(change, CleanOrphans)]
        last = max([last, *(places[id(change)] for change in cleanings)])
        places.update((id(change), last + 0.25) for change in cleanings)
        return [*self.renames, *sorted(rest, key=lambda change: places[id(change)])]

    def find_carriers(self) -> dict[str, int]:
        """Where each rebuilt, created or dropped table has the statement of its others."""
        found: dict[str, int] = {}
        for position, change in enumerate(self.order):
            name = table_of(change)
            if isinstance(change, (CreateTable, DropTable)):
                found[name] = position
            elif name in self.rebuilt and _is_definition(change):
                found.setdefault(name, position)
        return found

    def one(self, change: Change) -> Rendered:
        """A change with its statements, or with the position of the one that has them."""
        position = self.positions[id(change)]
        carrier = self.carrier_of(change)
        if carrier is not None and carrier != position:
            return Rendered(change=change, carried_by=carrier)
        statements = list(self.index_names.cleared_for(change, position))
        if carrier == position and table_of(change) in self.rebuilt:
            statements += self.rebuild(table_of(change))
        else:
            statements += self.in_place(change)
        return Rendered(change=change, statements=tuple(Statement(sql=sql) for sql in statements))

    def carrier_of(self, change: Change) -> int | None:
        name = table_of(change)
        if isinstance(change, (RenameTable, RenameColumn, CleanOrphans)):
            return None
        if isinstance(change, AddIndex) and not change.index.constraint:
            return None
        if name in self.carriers:
            if not _is_definition(change) and self.positions[id(change)] < self.carriers[name]:
                return None
            return self.carriers[name]
        if isinstance(change, DropIndex):
            return self.index_names.displaced_by(change)
        for host in self.by_table.get(name, ()):
            if any(rider is change for rider in riders(host, self.by_table[name])):
                return self.positions[id(host)]
        return None

    def rebuild(self, name: str) -> list[str]:
        """The rebuild of a table, with all but the indexes that are made later."""
        own = self.by_table[name]
        added = [change.index for change in own if isinstance(change, AddIndex)]
        dropped = {change.column.name for change in own if isinstance(change, DropColumn)}
        new = {change.column.name for change in own if isinstance(change, AddColumn)}
        table = self.shaped(name)
        former = self.former.get(name, name)
        restored = [i for i in table.indexes if not i.constraint and i not in added]
        self.index_names.leave_only(name, restored)
        return rebuild(
            self.live[name],
            table,
            restored,
            self.triggers.get(name, ()),
            anew=dropped & new,
            conflicts={
                item.name: item.detail
                for item in self.current.unsupported
                if item.kind == ON_CONFLICT and item.table == former
            },
        )

    def shaped(self, name: str) -> Table:
        """What a table is to be, without options that no declaration asks for and that its
        other changes make impossible. How a former key was spelt means nothing for another.
        """
        live, table = self.live[name], self.target.tables[name]
        options = dict(table.options)
        if table.primary_key is None or is_numbered(table):
            options.pop("without_rowid", None)
        if not all(allowed_in_strict(column.type) for column in table.columns):
            options.pop("strict", None)
        asked = any(
            isinstance(change, SetTableOptions) and "null_keys" in change.after
            for change in self.by_table[name]
        )
        same = live.primary_key == table.primary_key and rowid_alias(live) == rowid_alias(table)
        if not same and not asked:
            options.pop("null_keys", None)
        return msgspec.structs.replace(table, options=options)

    def in_place(self, change: Change) -> Sequence[str]:  # noqa: C901 - one line a change
        match change:
            case CreateTable():
                return [create_table(self.target.tables[change.table.name])]
            case DropTable():
                return [f"DROP TABLE {quote(change.table.name)}"]
            case RenameTable() | RenameColumn():
                return rename_statements(change)
            case AddColumn():
                return [self.add_column(change)]
            case DropColumn():
                return [
                    f"ALTER TABLE {quote(change.table)} DROP COLUMN {quote(change.column.name)}"
                ]
            case AddIndex():
                return [create_index(change.table, change.index)]
            case DropIndex():
                return [f"DROP INDEX {quote(change.index.name or '')}"]
            case RenameConstraint():
                return list(self.rename_index(change))
            case CleanOrphans() | SetTableComment() | SetObjectComment():
                return []
            case CreateEnum() | AddEnumValue() | ReplaceEnum() | RenameEnum() | DropEnum():
                raise AssertionError(f"SQLite has no enum types: {change}")
            case SetEnumComment() | AddExclusion() | DropExclusion():
                raise AssertionError(f"resolve refuses this for SQLite: {change}")
            case (
                AlterColumn() | Backfill() | AddPrimaryKey() | DropPrimaryKey() | SetTableOptions()
            ):
                raise AssertionError(f"this is for a rebuild: {change}")
            case AddForeignKey() | DropForeignKey() | AddCheck() | DropCheck():
                raise AssertionError(f"this is for a rebuild: {change}")
            case _:
                assert_never(change)

    def add_column(self, change: AddColumn) -> str:
        """ADD COLUMN with the foreign keys and CHECKs that it takes along."""
        text = column_text(change.column, self.target.tables[change.table])
        for rider in riders(change, self.by_table[change.table]):
            if isinstance(rider, AddCheck):
                text += f" {check_text(rider.check)}"
            else:
                text += f" {reference_text(rider.foreign_key)}"
        return f"ALTER TABLE {quote(change.table)} ADD COLUMN {text}"

    def rename_index(self, change: RenameConstraint) -> Iterator[str]:
        """SQLite cannot rename an index: it is made again, under its last name only."""
        indexes = self.target.tables[change.table].indexes
        yield f"DROP INDEX IF EXISTS {quote(change.before)}"
        for index in indexes:
            if index.name == change.after and not index.constraint:
                yield create_index(change.table, index)


def _is_definition(change: Change) -> bool:
    """Whether the change is about the CREATE TABLE text, and not about a plain index."""
    match change:
        case AddIndex() | DropIndex():
            return bool(change.index.constraint)
        case RenameConstraint():
            return change.what != "index"
        case CleanOrphans() | SetTableComment() | SetObjectComment():
            return False
        case RenameTable() | RenameColumn():
            return False
        case _:
            return True


def _by_table(changes: Sequence[Change]) -> dict[str, list[Change]]:
    found: dict[str, list[Change]] = {}
    for change in changes:
        name = table_of(change)
        if name and not isinstance(change, (RenameTable, RenameColumn, CleanOrphans)):
            found.setdefault(name, []).append(change)
    return found
