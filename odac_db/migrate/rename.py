"""Renames: those the declarations ask for, and the questions nobody has answered. Pure.

A rename is done when the old name is live and the new one is not; once both or only the
new one is live it is history and harmless. Nothing is ever guessed: a drop and an add
that look like a rename become a question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from odac_db.dialects.base import Features
from odac_db.migrate.diff_columns import folded
from odac_db.migrate.transform import transformed
from odac_db.schema.changes import (
    AddColumn,
    Change,
    CreateTable,
    DropColumn,
    RenameColumn,
    RenameEnum,
    RenameTable,
)
from odac_db.schema.declaration import Declarations, TableFile
from odac_db.schema.model import Column, Schema, Table


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """An add that may be a rename of a drop. ``table`` is empty for a question of tables."""

    table: str
    before: str
    after: str

    def __str__(self) -> str:
        what = f"column {self.table}.{self.after}" if self.table else f"table {self.after}"
        return (
            f"{what} looks like {self.before} renamed: write `renamed_from: {self.before}` "
            f"beside it, or `renamed_from: []` if it is new"
        )


def declared_renames(
    live: Schema, declarations: Declarations, desired: Schema, features: Features
) -> list[Change]:
    """The renames still to be done, tables first, in an order that never clashes."""
    tables = [*_respelt_tables(live, desired, features), *_tables(live, declarations, features)]
    after_tables = transformed(live, tables)
    columns = list(_columns(after_tables, declarations, features))
    after_columns = transformed(after_tables, columns)
    return [*tables, *columns, *_enums(after_columns, desired)]


def _respelt_tables(live: Schema, desired: Schema, features: Features) -> Iterator[Change]:
    """Tables whose name is declared in another case, where the server calls that the same."""
    if features.folds_table_case:
        have = {name.lower(): name for name in live.tables}
        for name in desired.tables:
            before = have.get(name.lower(), name)
            if before != name:
                yield RenameTable(before=before, after=name)


def _tables(live: Schema, declarations: Declarations, features: Features) -> Iterator[Change]:
    def key(name: str) -> str:
        return name.lower() if features.folds_table_case else name

    have = {key(name): name for name in live.tables}
    for name, declaration in declarations.tables.items():
        if key(name) in have:
            continue
        for old in _names(declaration.body.renamed_from):
            if key(old) in have and old not in declarations.tables:
                yield RenameTable(before=have.pop(key(old)), after=name)
                have[key(name)] = name
                break


def _columns(live: Schema, declarations: Declarations, features: Features) -> Iterator[Change]:
    for name, declaration in declarations.tables.items():
        table = live.tables.get(name)
        if table is None:
            continue
        have = {folded(column.name, features): column.name for column in table.columns}
        for column, body in declaration.body.columns.items():
            if folded(column, features) in have:
                continue
            for old in _names(body.renamed_from):
                if folded(old, features) in have:
                    before = have.pop(folded(old, features))
                    have[folded(column, features)] = column
                    yield RenameColumn(table=name, before=before, after=column)
                    break


def _enums(live: Schema, desired: Schema) -> Iterator[Change]:
    """Enum types that follow their renamed table or column."""
    done: set[str] = set()
    for table in desired.tables.values():
        before = live.tables.get(table.name)
        for column in table.columns if before is not None else ():
            old = before.column(column.name) if before is not None else None
            if old is None or old.enum is None or column.enum is None or old.enum in done:
                continue
            if old.enum not in desired.enums and column.enum not in live.enums:
                done.add(old.enum)
                live = transformed(live, [RenameEnum(before=old.enum, after=column.enum)])
                yield RenameEnum(before=old.enum, after=column.enum)


def _names(renamed_from: str | Iterable[str] | None) -> Iterable[str]:
    if renamed_from is None:
        return ()
    return (renamed_from,) if isinstance(renamed_from, str) else renamed_from


def questions(
    live: Schema, changes: Sequence[Change], declarations: Declarations
) -> list[Question]:
    """Adds that look like renames and whose declarations do not say what they are."""
    return [
        *_table_questions(live, changes, declarations),
        *_column_questions(changes, declarations),
    ]


def _table_questions(
    live: Schema, changes: Sequence[Change], declarations: Declarations
) -> Iterator[Question]:
    """A new table with just the columns of a live one that no file declares."""
    loose = {
        name: _shape(table)
        for name, table in live.tables.items()
        if name not in declarations.tables
    }
    for change in changes:
        if not isinstance(change, CreateTable):
            continue
        name = change.table.name
        if _silent(declarations.tables[name].body):
            shape = _shape(change.table)
            twin = next((old for old, other in loose.items() if other == shape), None)
            if twin is not None:
                loose.pop(twin)
                yield Question(table="", before=twin, after=name)


def _shape(table: Table) -> frozenset[tuple[str, str]]:
    return frozenset((column.name.lower(), column.type) for column in table.columns)


def _column_questions(changes: Sequence[Change], declarations: Declarations) -> Iterator[Question]:
    dropped: dict[str, list[Column]] = {}
    for change in changes:
        if isinstance(change, DropColumn) and change.column.generated is None:
            dropped.setdefault(change.table, []).append(change.column)
    for change in changes:
        if not isinstance(change, AddColumn) or change.column.generated is not None:
            continue
        body = declarations.tables[change.table].body.columns.get(change.column.name)
        if body is None or body.renamed_from is not None:
            continue
        olds = dropped.get(change.table, [])
        twin = next((old for old in olds if old.type == change.column.type), None)
        if twin is not None:
            olds.remove(twin)
            yield Question(table=change.table, before=twin.name, after=change.column.name)


def _silent(body: TableFile) -> bool:
    return body.renamed_from is None
