"""Changes as PostgreSQL's statements: one entry per change, in the order given."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import assert_never

import msgspec
import xxhash

from odac_db.dialects.base import Rendered
from odac_db.dialects.postgresql import render_columns as columns
from odac_db.dialects.postgresql import render_enums as enums
from odac_db.dialects.postgresql import render_keys as keys
from odac_db.dialects.postgresql import render_numbering as numbering
from odac_db.dialects.postgresql import render_tables as tables
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import quote
from odac_db.dialects.postgresql.staged import Staging, in_stages
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
from odac_db.schema.model import Index, Schema, Table
from odac_db.schema.plan import Stage, Statement

replace = msgspec.structs.replace


def render(
    changes: Sequence[Change],
    current: Schema,
    target: Schema,  # every change says all that this server needs
    features: PostgreSQLFeatures,
    big: Collection[str] = (),
) -> tuple[Rendered, ...]:
    """Each change's statements. CleanOrphans has none: it is carried out in batches."""
    changes = in_stages(changes, big)
    renderer = _Renderer(changes, current, features)
    staging = Staging(changes, current, big, features)
    rendered = []
    for change in changes:
        statements = staging.of(change, renderer.aside(change))
        if statements is None:
            stage: Stage = "ahead" if isinstance(change, AddEnumValue) else "main"
            statements = tuple(Statement(sql, stage) for sql in renderer.statements(change))
        first = staging.stage_of(change) if isinstance(change, CleanOrphans) else "main"
        rendered.append(Rendered(change=change, statements=statements, stage=first))
    return tuple(
        replace(one, statements=()) if staging.is_adopted(one.change) else one for one in rendered
    )


class _Renderer:
    """Remembers live names through renames, and indexes that make room for their successors."""

    def __init__(
        self, changes: Sequence[Change], current: Schema, features: PostgreSQLFeatures
    ) -> None:
        self._features = features
        self._live = dict(current.tables)
        self._aside = _making_room(changes)
        self._enums = former_names(changes, RenameEnum)

    def statements(self, change: Change) -> Iterator[str]:
        match change:
            case AddEnumValue():  # runs ahead of everything, renames too
                yield enums.add_value(
                    replace(change, enum=self._enums.get(change.enum, change.enum))
                )
            case CreateEnum() | ReplaceEnum() | RenameEnum():
                yield from _enum(change)
            case DropEnum() | SetEnumComment():
                yield from _enum(change)
            case CreateTable() | DropTable() | RenameTable() | SetTableComment():
                yield from self._table(change)
            case SetTableOptions():
                yield from self._table(change)
            case AddColumn() | DropColumn() | AlterColumn() | RenameColumn():
                yield from self._column(change)
            case AddIndex() | DropIndex():
                yield from self._index(change)
            case RenameConstraint():
                yield keys.rename(change, change.table)
            case SetObjectComment():
                yield keys.comment(change)
            case CleanOrphans():
                pass
            case Backfill():
                yield from columns.backfill(change)
            case _:
                yield from _constraint(change)

    def _table(
        self, change: CreateTable | DropTable | RenameTable | SetTableComment | SetTableOptions
    ) -> Iterator[str]:
        match change:
            case CreateTable():
                named = (
                    numbering.named(change.table.name, column, self._features)
                    for column in change.table.columns
                )
                yield from tables.create_table(replace(change.table, columns=tuple(named)))
            case DropTable():
                yield f"DROP TABLE {quote(change.table.name)}"
            case RenameTable():
                yield from self._renamed_table(change)
            case SetTableComment():
                yield tables.table_comment(change.table, change.after)
            case SetTableOptions():
                kind = "UNLOGGED" if change.after.get("unlogged") == "true" else "LOGGED"
                yield f"ALTER TABLE {quote(change.table)} SET {kind}"
            case _:
                assert_never(change)

    def _renamed_table(self, change: RenameTable) -> Iterator[str]:
        yield f"ALTER TABLE {quote(change.before)} RENAME TO {quote(change.after)}"
        table = self._live.pop(change.before, None)
        if table is not None:
            self._live[change.after] = replace(table, name=change.after)
            for column in table.columns:
                yield from numbering.renamed(
                    (change.before, column), (change.after, column.name), self._features
                )

    def _column(self, change: AddColumn | DropColumn | AlterColumn | RenameColumn) -> Iterator[str]:
        match change:
            case AddColumn():
                yield from columns.add_column(change.table, change.column, self._features)
            case DropColumn():
                yield f"ALTER TABLE {quote(change.table)} DROP COLUMN {quote(change.column.name)}"
            case AlterColumn():
                yield from columns.alter_column(change, self._features)
            case RenameColumn():
                yield from self._renamed_column(change)
            case _:
                assert_never(change)

    def _renamed_column(self, change: RenameColumn) -> Iterator[str]:
        yield (
            f"ALTER TABLE {quote(change.table)} RENAME COLUMN {quote(change.before)} "
            f"TO {quote(change.after)}"
        )
        table = self._live.get(change.table)
        column = None if table is None else table.column(change.before)
        if table is not None and column is not None:
            self._live[change.table] = _with_renamed(table, change.before, change.after)
            yield from numbering.renamed(
                (change.table, column), (change.table, change.after), self._features
            )

    def aside(self, change: Change) -> RenameConstraint | None:
        """The rename by which the old index makes room for a successor of its name."""
        old = change.replaces if isinstance(change, AddIndex) else None
        if isinstance(change, DropIndex) and change.replaced:
            old = change.index
        if old is None or (table_of(change), old.name) not in self._aside:
            return None
        return _aside(table_of(change), old)

    def _index(self, change: AddIndex | DropIndex) -> Iterator[str]:
        aside = self.aside(change)
        if isinstance(change, AddIndex):
            if aside is not None:
                yield keys.rename(aside, change.table)
            yield from keys.add_index(change.table, change.index)
            return
        name = aside.after if aside is not None else change.index.name or ""
        yield keys.drop_index(change.table, change.index, name)


def _with_renamed(table: Table, before: str, after: str) -> Table:
    renamed = (
        replace(column, name=after) if column.name == before else column for column in table.columns
    )
    return replace(table, columns=tuple(renamed))


def _making_room(changes: Sequence[Change]) -> set[tuple[str, str | None]]:
    """Live indexes whose successor has their name and is made before they are dropped."""
    found, clashing = set(), set()
    for change in changes:
        if isinstance(change, AddIndex) and change.replaces is not None:
            if change.replaces.name == change.index.name:
                clashing.add((change.table, change.index.name))
        elif isinstance(change, DropIndex) and change.replaced:
            key = (change.table, change.index.name)
            if key in clashing:
                found.add(key)
    return found


def _aside(table: str, index: Index) -> RenameConstraint:
    """The rename that makes room; the name is free, for nobody else's begins with _odac_."""
    name = index.name or ""
    digest = xxhash.xxh3_64_hexdigest(name.encode())
    return RenameConstraint(
        table=table,
        what="unique" if index.constraint else "index",
        before=name,
        after=f"_odac_{digest}",
    )


def _enum(
    change: CreateEnum | ReplaceEnum | RenameEnum | DropEnum | SetEnumComment,
) -> Iterator[str]:
    match change:
        case CreateEnum():
            yield from enums.create(change.enum)
        case ReplaceEnum():
            yield from enums.replace(change)
        case RenameEnum():
            yield f"ALTER TYPE {quote(change.before)} RENAME TO {quote(change.after)}"
        case DropEnum():
            yield f"DROP TYPE {quote(change.enum.name)}"
        case SetEnumComment():
            yield enums.comment(change.enum, change.after)
        case _:
            assert_never(change)


def _constraint(
    change: AddPrimaryKey
    | DropPrimaryKey
    | AddForeignKey
    | DropForeignKey
    | AddCheck
    | DropCheck
    | AddExclusion
    | DropExclusion,
) -> Iterator[str]:
    table = quote(change.table)
    match change:
        case AddPrimaryKey():
            yield f"ALTER TABLE {table} ADD {keys.primary_key(change.primary_key)}"
        case AddForeignKey():
            yield f"ALTER TABLE {table} ADD {keys.foreign_key(change.foreign_key)}"
            yield from keys.commented(change.table, "foreign_key", change.foreign_key)
        case AddCheck():
            yield f"ALTER TABLE {table} ADD {keys.check(change.check)}"
            yield from keys.commented(change.table, "check", change.check)
        case AddExclusion():
            yield f"ALTER TABLE {table} ADD {keys.exclusion(change.exclusion)}"
            yield from keys.commented(change.table, "exclusion", change.exclusion)
        case DropPrimaryKey():
            yield _dropped(table, change.primary_key.name)
        case DropForeignKey():
            yield _dropped(table, change.foreign_key.name)
        case DropCheck():
            yield _dropped(table, change.check.name)
        case DropExclusion():
            yield _dropped(table, change.exclusion.name)
        case _:
            assert_never(change)


def _dropped(table: str, name: str | None) -> str:
    assert name is not None
    return f"ALTER TABLE {table} DROP CONSTRAINT {quote(name)}"
