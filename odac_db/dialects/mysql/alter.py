"""The clauses of single changes inside ALTER TABLE. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec

from odac_db.dialects.mysql import clauses
from odac_db.dialects.mysql.column_types import STRINGS, column_type
from odac_db.dialects.mysql.companions import Companions
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.following import covering, place
from odac_db.dialects.mysql.literals import quote, string
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
)
from odac_db.schema.model import Column, Index, IndexPart, Schema, Table

replace = msgspec.structs.replace


class Clauses:
    """What each change is inside ALTER TABLE, as things stand when it is its turn.

    ``live`` is kept true by the renderer, statement by statement.
    """

    def __init__(
        self,
        changes: Sequence[Change],
        current: Schema,
        target: Schema,
        companions: Companions,
        features: MySQLFeatures,
    ) -> None:
        self.changes = changes
        self.target = target
        self.companions = companions
        self.features = features
        self.live: dict[str, Table] = dict(current.tables)
        self.invisible = {
            (item.table, item.name)
            for item in current.unsupported
            if item.kind == "invisible column"
        }

    def indexes(self, table: str) -> tuple[Index, ...]:
        return self.live[table].indexes if table in self.live else ()

    def place(self, table: str, column: str) -> str:
        return place(self.live[table], self.target.tables[table], column)

    def of(self, change: Change) -> list[str]:
        """The clauses of a change inside ALTER TABLE."""
        match change:
            case AddColumn() | DropColumn() | AlterColumn():
                return [self.of_column(change)]
            case AddPrimaryKey() | DropPrimaryKey() | AddCheck() | DropCheck():
                return [self.of_constraint(change)]
            case AddIndex():
                return [f"ADD {clauses.index(change.index)}"]
            case DropIndex():
                dropped = f"DROP INDEX {quote(change.index.name or '')}"
                return [dropped, *(f"ADD {clauses.index(i)}" for i in self.stand_ins(change))]
            case SetTableComment():
                return [f"COMMENT = {string(change.after or '')}"]
            case SetTableOptions():
                return self.option_clauses(change)
            case SetObjectComment():
                return self.index_comment(change)
            case (
                CreateTable()
                | DropTable()
                | RenameTable()
                | RenameConstraint()
                | RenameColumn()
                | AddForeignKey()
                | DropForeignKey()
                | CleanOrphans()
                | Backfill()
                | CreateEnum()
                | AddEnumValue()
                | ReplaceEnum()
                | DropEnum()
                | RenameEnum()
                | SetEnumComment()
                | AddExclusion()
                | DropExclusion()
            ):
                raise AssertionError(f"{change!r} is no part of ALTER TABLE here")
            case _:
                assert_never(change)

    def of_column(self, change: AddColumn | DropColumn | AlterColumn) -> str:
        match change:
            case AddColumn():
                place = self.place(change.table, change.column.name)
                return f"ADD COLUMN {clauses.column(change.column, self.features)}{place}"
            case DropColumn():
                return f"DROP COLUMN {quote(change.column.name)}"
            case AlterColumn():
                return self.modify(change.table, change.after)

    def of_constraint(self, change: AddPrimaryKey | DropPrimaryKey | AddCheck | DropCheck) -> str:
        match change:
            case AddPrimaryKey():
                return f"ADD PRIMARY KEY ({clauses.names(change.primary_key.columns)})"
            case DropPrimaryKey():
                return "DROP PRIMARY KEY"
            case AddCheck():
                return f"ADD {clauses.check(change.check)}"
            case DropCheck():
                word = "CONSTRAINT" if self.features.mariadb else "CHECK"
                return f"DROP {word} {quote(change.check.name or '')}"

    def stand_ins(self, change: DropIndex) -> list[Index]:
        """Indexes for the foreign keys that only the dropped one served (error 1553).

        They get the names that the server would have given them.
        """
        added = {one.columns for one in self.companions.added_indexes(change.table)}
        table = self.live[change.table]
        found = []
        for key in table.foreign_keys:
            size = len(key.columns)
            if change.index.columns[:size] != key.columns:
                continue
            promised = any(columns[:size] == key.columns for columns in added)
            if not promised and not covering(table, key.columns, but=change.index.name):
                parts = tuple(IndexPart(column=column) for column in key.columns)
                found.append(Index(name=key.name, parts=parts, implicit=True))
        self.live[change.table] = replace(table, indexes=(*table.indexes, *found))
        return found

    def keep_invisible(self, change: RenameColumn) -> None:
        """Remembers that a hidden column is hidden under its new name too."""
        if (change.table, change.before) in self.invisible:
            self.invisible.add((change.table, change.after))

    def modify(self, table: str, column: Column) -> str:
        hidden = (table, column.name) in self.invisible
        return f"MODIFY COLUMN {clauses.column(column, self.features, invisible=hidden)}"

    def option_clauses(self, change: SetTableOptions) -> list[str]:
        """Options; a new collation also reaches the columns that have none of their own."""
        found = clauses.options(change.after)
        if "collation" in change.after:
            altered = {
                other.after.name
                for other in self.changes
                if isinstance(other, AlterColumn) and other.table == change.table
            }
            found.extend(
                self.modify(change.table, column)
                for column in self.live[change.table].columns
                if column.collation is None and column.name not in altered and _is_string(column)
            )
        return found

    def index_comment(self, change: SetObjectComment) -> list[str]:
        """An index is made again for its comment; other constraints cannot have one."""
        index = next((i for i in self.indexes(change.table) if i.name == change.name), None)
        if index is None:
            return []
        again = replace(index, comment=change.after)
        return [f"DROP INDEX {quote(change.name)}", f"ADD {clauses.index(again)}"]


def _is_string(column: Column) -> bool:
    return column_type(column.type, True).name in STRINGS
