"""Which changes ALTER TABLE can do, whatever the rows. Pure.

What ADD COLUMN takes depends on the rows that are there (on an empty table nearly all
passes), so only what it takes on any table counts. DROP COLUMN re-reads every view and
trigger of the database and fails on one that is broken already: with any about, a rebuild
is the way that always works.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from odac_db.dialects.sqlite.column_types import allowed_in_strict
from odac_db.dialects.sqlite.leftovers import TRIGGER, VIEW
from odac_db.dialects.sqlite.pieces import mentions
from odac_db.dialects.sqlite.spelling import is_constant
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    Change,
    DropColumn,
    DropIndex,
    RenameConstraint,
    SetObjectComment,
    SetTableComment,
)
from odac_db.schema.model import Column, Index, Schema, Table


def needs_rebuild(changes: Sequence[Change], live: Table, target: Table, schema: Schema) -> bool:
    """Whether the changes of one table need it to be rebuilt.

    ``live`` is the table as renamed, ``target`` what it is to be, ``schema`` all that is.
    """
    guests = {id(guest) for change in changes for guest in riders(change, changes)}
    watched = any(item.kind in (TRIGGER, VIEW) for item in schema.unsupported)
    return not all(
        id(change) in guests or _in_place(change, live, target, watched=watched)
        for change in changes
    )


def _in_place(change: Change, live: Table, target: Table, *, watched: bool) -> bool:
    match change:
        case AddColumn():
            return _addable(change.column, target)
        case DropColumn():
            return not watched and _droppable(change.column, live, target)
        case AddIndex() | DropIndex():
            return not change.index.constraint
        case RenameConstraint():
            return change.what == "index"
        case SetTableComment() | SetObjectComment():
            return True
        case _:
            return False


def _addable(column: Column, target: Table) -> bool:
    key = target.primary_key
    if target.options.get("strict") == "true" and not allowed_in_strict(column.type):
        return False
    if column.identity is not None or (key is not None and column.name in key.columns):
        return False
    if column.generated is not None:
        return column.nullable and not column.generated.stored
    if column.default is None or column.default.upper() == "NULL":
        return column.nullable
    return is_constant(column.default)


def _droppable(column: Column, live: Table, target: Table) -> bool:
    """Nothing but the column itself may speak of it, before or after."""
    for table in (live, target):
        key = table.primary_key
        if key is not None and column.name in key.columns:
            return False
        if any(column.name in each.columns for each in table.foreign_keys):
            return False
        if any(mentions(text, column.name) for text in _expressions(table)):
            return False
    kept = [*target.indexes, *(index for index in live.indexes if index.constraint)]
    return not any(_uses(index, column.name) for index in kept)


def _expressions(table: Table) -> Iterator[str]:
    for check in table.checks:
        yield check.expression
    for column in table.columns:
        if column.generated is not None:
            yield column.generated.expression


def _uses(index: Index, column: str) -> bool:
    texts = [index.where, *(part.expression for part in index.parts)]
    return column in index.columns or any(mentions(text, column) for text in texts if text)


def riders(change: Change, changes: Collection[Change]) -> list[AddForeignKey | AddCheck]:
    """What ADD COLUMN can take along: its own foreign keys, and CHECKs that speak of it.

    A foreign key goes along only with a column that starts as NULL everywhere.
    """
    if not isinstance(change, AddColumn):
        return []
    name = change.column.name
    found: list[AddForeignKey | AddCheck] = []
    for other in changes:
        if isinstance(other, AddForeignKey):
            if other.foreign_key.columns == (name,) and change.column.default is None:
                found.append(other)
        elif isinstance(other, AddCheck) and _is_last_named(other, name, changes):
            found.append(other)
    return found


def _is_last_named(check: AddCheck, name: str, changes: Collection[Change]) -> bool:
    """Whether the column is the last added one the CHECK speaks of: then all are there."""
    added = [
        change.column.name
        for change in changes
        if isinstance(change, AddColumn) and mentions(check.check.expression, change.column.name)
    ]
    return bool(added) and added[-1] == name
