"""Changes as statements: one ALTER TABLE for what follows another on the same table.

DDL commits by itself here and every ALTER may copy the table, so neighbouring changes of a
table share a statement. Foreign keys have statements of their own: dropping and adding one
name in a single ALTER is refused, and one that fails must not take others along. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec

from odac_db.dialects.base import Rendered
from odac_db.dialects.mysql import clauses
from odac_db.dialects.mysql.column_types import STRINGS, column_type
from odac_db.dialects.mysql.features import MySQLFeatures
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
from odac_db.schema.model import Column, Generated, Index, Schema, Table
from odac_db.schema.plan import Statement

replace = msgspec.structs.replace


def render(
    changes: Sequence[Change], current: Schema, target: Schema, features: MySQLFeatures
) -> Sequence[Rendered]:
    """One Rendered per change, in the order given; see ``Dialect.render``."""
    renderer = _Renderer(changes, current, target, features)
    for position, change in enumerate(changes):
        renderer.add(position, change)
    renderer.close()
    return renderer.rendered


class _Renderer:
    """Collects the clauses of one ALTER TABLE at a time."""

    def __init__(
        self, changes: Sequence[Change], current: Schema, target: Schema, features: MySQLFeatures
    ) -> None:
        self.changes = changes
        self.target = target
        self.features = features
        self.rendered: list[Rendered] = []
        self.table = ""
        self.carrier = 0
        self.clauses: list[str] = []
        self.fulltext = False
        self.brought_along: dict[int, int] = {}
        self.live = dict(current.tables)
        self.invisible = {
            (item.table, item.name)
            for item in current.unsupported
            if item.kind == "invisible column"
        }
        self.created = {
            change.table.name: position
            for position, change in enumerate(changes)
            if isinstance(change, CreateTable)
        }

    def add(self, position: int, change: Change) -> None:
        if isinstance(change, AddIndex) and change.table in self.created:
            carrier = self.created[change.table]
            self.rendered.append(Rendered(change=change, carried_by=carrier))
            return
        if position in self.brought_along:
            carrier = self.brought_along[position]
            self.rendered.append(Rendered(change=change, carried_by=carrier))
            return
        statements = self.own_statements(position, change)
        if statements is not None:
            self.close()
            found = tuple(Statement(sql) for sql in statements)
            self.rendered.append(Rendered(change=change, statements=found))
        else:
            self.add_clauses(position, change)
        self.follow(change)

    def add_clauses(self, position: int, change: Change) -> None:
        table = table_of(change)
        fulltext = isinstance(change, AddIndex) and change.index.method == "fulltext"
        if table != self.table or (fulltext and self.fulltext):
            self.close()
            self.table, self.carrier = table, position
        carried_by = None if position == self.carrier else self.carrier
        self.rendered.append(Rendered(change=change, carried_by=carried_by))
        self.fulltext = self.fulltext or fulltext
        for clause in self.alter_clauses(change):
            if clause not in self.clauses:
                self.clauses.append(clause)
        if isinstance(change, (DropPrimaryKey, DropIndex)):
            self.settle_number(position, change)
        if isinstance(change, (AddPrimaryKey, AddIndex)):
            self.bring_along(self.covered(position, change.table, _key_columns(change)))
        if isinstance(change, DropColumn):
            self.bring_along(self.indexes_on(position, change.table, change.column.name))
        if isinstance(change, AlterColumn) and "type" in change.aspects:
            self.bring_along(self.indexes_on(position, change.table, change.after.name))

    def indexes_on(self, position: int, table: str, column: str) -> list[int]:
        """The drops further down of indexes on that column.

        An index vanishes with its last column, and one on a column that becomes a text
        without a length is refused.
        """
        return [
            at
            for at in range(position + 1, len(self.changes))
            if isinstance(other := self.changes[at], DropIndex)
            and at not in self.brought_along
            and other.table == table
            and column in other.index.columns
        ]

    def settle_number(self, position: int, change: DropPrimaryKey | DropIndex) -> None:
        """A column that numbers itself cannot be without a key, not even between statements.

        Where its last key goes, dropping the column itself comes along from further down;
        where the column stays, it stops numbering and may be null.
        """
        column = self.unkeyed_number(change)
        if column is None:
            return
        later = range(position + 1, len(self.changes))
        along = [
            at
            for at in later
            if at not in self.brought_along and _drops(self.changes[at], change.table, column.name)
        ]
        if not along:
            plain = replace(column, identity=None, nullable=True)
            self.clauses.append(self.modify(change.table, plain))
        self.bring_along(along)

    def covered(self, position: int, table: str, columns: tuple[str | None, ...]) -> list[int]:
        """The drops further down of indexes that the new key covers.

        An index made for a foreign key vanishes by itself as soon as another key covers it,
        even when the foreign key has gone before; then DROP INDEX fails with error 1091.
        """
        return [
            at
            for at in range(position + 1, len(self.changes))
            if isinstance(other := self.changes[at], DropIndex)
            and at not in self.brought_along
            and other.table == table
            and not other.index.unique
            and columns[: len(other.index.parts)] == other.index.columns
        ]

    def without_covered(self, position: int, change: AddForeignKey) -> list[str]:
        """Clauses that drop what the key's own index covers, or what has the name it will get."""
        key = change.foreign_key
        namesakes = [
            at
            for at in range(position + 1, len(self.changes))
            if isinstance(other := self.changes[at], DropIndex)
            and at not in self.brought_along
            and (other.table, other.index.name) == (change.table, key.name)
        ]
        found = []
        for at in {*namesakes, *self.covered(position, change.table, key.columns)}:
            self.brought_along[at] = position
            found.extend(self.alter_clauses(self.changes[at]))
            self.follow(self.changes[at])
        return found

    def bring_along(self, positions: Sequence[int]) -> None:
        """Carries changes that come later in the ALTER TABLE that is open."""
        for at in positions:
            self.brought_along[at] = self.carrier
            self.clauses.extend(self.alter_clauses(self.changes[at]))
            self.follow(self.changes[at])

    def unkeyed_number(self, change: DropPrimaryKey | DropIndex) -> Column | None:
        """The auto_increment column whose last key this change drops, nothing else keying it."""
        table = self.live[change.table]
        column = next((c for c in table.columns if c.identity is not None), None)
        if column is None:
            return None
        mine = [other for other in self.changes if table_of(other) == table.name]
        dropped = [other.index for other in mine if isinstance(other, DropIndex)]
        firsts = [index.parts[0].column for index in table.indexes if index not in dropped]
        firsts += [o.index.parts[0].column for o in mine if isinstance(o, AddIndex)]
        firsts += [o.primary_key.columns[0] for o in mine if isinstance(o, AddPrimaryKey)]
        if table.primary_key and not any(isinstance(o, DropPrimaryKey) for o in mine):
            firsts.append(table.primary_key.columns[0])
        settled = any(isinstance(o, AlterColumn) and o.after.name == column.name for o in mine)
        return None if settled or column.name in firsts else column

    def close(self) -> None:
        """Ends the ALTER TABLE that is open, giving its statement to the first change in it."""
        if self.clauses:
            statement = Statement(_alter(self.table, *self.clauses))
            self.rendered[self.carrier] = replace(
                self.rendered[self.carrier], statements=(statement,)
            )
        self.table, self.clauses, self.fulltext = "", [], False

    def own_statements(self, position: int, change: Change) -> list[str] | None:
        """The statements of a change that shares none; None for one that is a clause."""
        match change:
            case CreateTable():
                return [self.create(change.table)]
            case DropTable():
                return [f"DROP TABLE {quote(change.table.name)}"]
            case RenameTable():
                return [f"RENAME TABLE {quote(change.before)} TO {quote(change.after)}"]
            case RenameColumn():
                names = f"{quote(change.before)} TO {quote(change.after)}"
                return [_alter(change.table, f"RENAME COLUMN {names}")]
            case AddForeignKey():
                key = clauses.foreign_key(change.foreign_key, self.features)
                return [_alter(change.table, *self.without_covered(position, change), f"ADD {key}")]
            case DropForeignKey():
                name = quote(change.foreign_key.name or "")
                return [_alter(change.table, f"DROP FOREIGN KEY {name}")]
            case CleanOrphans():
                return []
            case AlterColumn() if _was_virtual(change):
                return self.materialized(change)
            case _:
                return None

    def create(self, table: Table) -> str:
        """CREATE TABLE with the indexes that the plan adds to it later."""
        later = [
            change.index
            for change in self.changes
            if isinstance(change, AddIndex) and change.table == table.name
        ]
        return clauses.create_table(table, [*table.indexes, *later], self.features)

    def materialized(self, change: AlterColumn) -> list[str]:
        """A virtual column made a plain one, its values kept.

        The servers refuse that in one step: it is first made a stored one, by dropping and
        adding it, which computes the same values. Each step alone leaves a valid table.
        """
        made = change.before.generated
        assert made is not None
        stored = replace(change.before, generated=Generated(made.expression, True))
        around = [item for item in self.indexes(change.table) if _uses(item, change.before.name)]
        return [
            _alter(
                change.table,
                *(f"DROP INDEX {quote(item.name or '')}" for item in around),
                f"DROP COLUMN {quote(change.before.name)}",
                f"ADD COLUMN {clauses.column(stored, self.features)}"
                + self.position(change.table, change.before.name),
                *(f"ADD {clauses.index(item)}" for item in around),
            ),
            _alter(change.table, f"MODIFY COLUMN {clauses.column(change.after, self.features)}"),
        ]

    def indexes(self, table: str) -> tuple[Index, ...]:
        return self.live[table].indexes if table in self.live else ()

    def position(self, table: str, column: str) -> str:
        """``AFTER …`` where the column does not come last in the table as it is to be."""
        wanted = [item.name for item in self.target.tables[table].columns]
        present = {item.name for item in self.live[table].columns} - {column}
        if column not in wanted:
            return ""
        before = [name for name in wanted[: wanted.index(column)] if name in present]
        if len(before) == len(present):
            return ""
        return f" AFTER {quote(before[-1])}" if before else " FIRST"

    def alter_clauses(self, change: Change) -> list[str]:  # noqa: C901 - one line a change
        """The clauses of a change inside ALTER TABLE."""
        features = self.features
        match change:
            case AddColumn():
                name = change.column.name
                place = self.position(change.table, name)
                return [f"ADD COLUMN {clauses.column(change.column, features)}{place}"]
            case DropColumn():
                return [f"DROP COLUMN {quote(change.column.name)}"]
            case AlterColumn():
                return [self.modify(change.table, change.after)]
            case AddPrimaryKey():
                return [f"ADD PRIMARY KEY ({clauses.names(change.primary_key.columns)})"]
            case DropPrimaryKey():
                return ["DROP PRIMARY KEY"]
            case AddIndex():
                return [f"ADD {clauses.index(change.index)}"]
            case DropIndex():
                return [f"DROP INDEX {quote(change.index.name or '')}"]
            case AddCheck():
                return [f"ADD {clauses.check(change.check)}"]
            case DropCheck():
                word = "CONSTRAINT" if features.mariadb else "CHECK"
                return [f"DROP {word} {quote(change.check.name or '')}"]
            case RenameConstraint():
                return [f"RENAME INDEX {quote(change.before)} TO {quote(change.after)}"]
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
                | RenameColumn()
                | AddForeignKey()
                | DropForeignKey()
                | CleanOrphans()
            ):
                raise AssertionError("these have statements of their own")
            case (
                CreateEnum()
                | AddEnumValue()
                | ReplaceEnum()
                | DropEnum()
                | RenameEnum()
                | SetEnumComment()
                | AddExclusion()
                | DropExclusion()
            ):
                raise AssertionError(f"{features.label} has no such objects")
            case _:
                assert_never(change)

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

    def follow(self, change: Change) -> None:
        """Keeps ``live`` true to what the statements so far have made."""
        live = self.live
        match change:
            case CreateTable():
                live[change.table.name] = change.table
            case RenameTable():
                live[change.after] = replace(live.pop(change.before), name=change.after)
            case RenameColumn():
                self.rename_column(change)
            case AddColumn():
                table = live[change.table]
                live[change.table] = replace(table, columns=(*table.columns, change.column))
            case DropColumn():
                table = live[change.table]
                kept = tuple(c for c in table.columns if c.name != change.column.name)
                live[change.table] = replace(table, columns=kept)
            case AddIndex():
                table = live[change.table]
                live[change.table] = replace(table, indexes=(*table.indexes, change.index))
            case DropIndex():
                table = live[change.table]
                left = tuple(i for i in table.indexes if i.name != change.index.name)
                live[change.table] = replace(table, indexes=left)
            case _:
                pass

    def rename_column(self, change: RenameColumn) -> None:
        table = self.live[change.table]

        def named(name: str | None) -> str | None:
            return change.after if name == change.before else name

        self.live[change.table] = replace(
            table,
            columns=tuple(replace(c, name=named(c.name) or "") for c in table.columns),
            indexes=tuple(
                replace(i, parts=tuple(replace(p, column=named(p.column)) for p in i.parts))
                for i in table.indexes
            ),
        )
        if (change.table, change.before) in self.invisible:
            self.invisible.add((change.table, change.after))


def _alter(table: str, *parts: str) -> str:
    return f"ALTER TABLE {quote(table)} " + ", ".join(parts)


def _was_virtual(change: AlterColumn) -> bool:
    made = change.before.generated
    return made is not None and not made.stored and change.after.generated is None


def _key_columns(change: AddPrimaryKey | AddIndex) -> tuple[str | None, ...]:
    if isinstance(change, AddPrimaryKey):
        return change.primary_key.columns
    return tuple(part.column for part in change.index.parts)


def _drops(change: Change, table: str, column: str) -> bool:
    """Whether the change drops that column, or an index that goes with it."""
    match change:
        case DropColumn():
            return change.table == table and change.column.name == column
        case DropIndex():
            return change.table == table and column in change.index.columns
        case _:
            return False


def _uses(index: Index, column: str) -> bool:
    return column in index.columns


def _is_string(column: Column) -> bool:
    return column_type(column.type, True).name in STRINGS
