"""Drops that cannot wait for the end of a plan, because what they stand on changes before. Pure.

A column that is dropped to be added again, or that gets another type, must be free by then
of all that goes anyhow: servers drop keys and indexes with a column, and know them no more
when their turn comes; computed columns, and indexes that the new type cannot have, keep it
from being changed at all. A key whose name another takes cannot wait either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from odac_db.migrate.change_expressions import dropped_texts
from odac_db.migrate.expressions import mentions
from odac_db.migrate.needs import disturbed
from odac_db.schema.changes import (
    AddColumn,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    DropColumn,
    DropIndex,
    DropPrimaryKey,
    RenameConstraint,
    ReplaceEnum,
)

__all__ = ["early_drops"]

_Column = tuple[str, str]


def early_drops(changes: Sequence[Change]) -> set[int]:
    """The ``id`` of each of these changes, columns dropped to be added again apart."""
    added = {_of(c) for c in changes if isinstance(c, AddColumn)}
    again = {_of(c) for c in changes if isinstance(c, DropColumn)} & added
    retyped = {column for c in changes if isinstance(c, AlterColumn) for column in disturbed(c)}
    replaced = {column for c in changes if isinstance(c, ReplaceEnum) for column in disturbed(c)}
    first = [c for c in _computed(changes) if _stands_on(c, again | retyped | replaced)]
    first = [c for c in first if _of(c) not in again]
    gone = again | {_of(c) for c in first}
    taken_over = {(c.table, c.replaces) for c in changes if isinstance(c, AddIndex)}
    early = [*first, *(c for c in _keys(changes) if _stands_on(c, gone))]
    for change in changes:
        if isinstance(change, DropIndex):
            # One that another takes over from goes right before its table is altered.
            stays = (change.table, change.index) in taken_over
            if _stands_on(change, gone | replaced | (set() if stays else retyped)):
                early.append(change)
    return {id(change) for change in [*early, *_namesakes(changes)]}


def _namesakes(changes: Sequence[Change]) -> Iterator[Change]:
    """Keys whose name one of another kind takes."""
    renamed = {(c.table, c.after) for c in changes if isinstance(c, RenameConstraint)}
    keys = {(c.table, c.primary_key.name) for c in changes if isinstance(c, AddPrimaryKey)}
    for change in changes:
        match change:
            case DropPrimaryKey() if (change.table, change.primary_key.name) in renamed:
                yield change
            case DropIndex() if (change.table, change.index.name) in keys:
                yield change
            case _:
                pass


def _of(change: AddColumn | DropColumn) -> _Column:
    return change.table, change.column.name


def _computed(changes: Sequence[Change]) -> Iterator[DropColumn]:
    for change in changes:
        if isinstance(change, DropColumn) and change.column.generated is not None:
            yield change


def _keys(changes: Sequence[Change]) -> Iterator[DropPrimaryKey]:
    return (change for change in changes if isinstance(change, DropPrimaryKey))


def _stands_on(change: DropColumn | DropIndex | DropPrimaryKey, columns: set[_Column]) -> bool:
    """Whether what the change drops is built on one of the columns."""
    match change:
        case DropIndex():
            names = {*change.index.columns, *change.index.include}
        case DropPrimaryKey():
            names = {*change.primary_key.columns, *change.primary_key.include}
        case DropColumn():
            names = set()
    words = list(dropped_texts(change))
    mine = [column for table, column in columns if table == change.table]
    return any(one in names or any(mentions(text, one) for text in words) for one in mine)
