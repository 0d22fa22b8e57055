"""What keeps rows out, and what is to keep them out instead. Pure.

A UNIQUE, a key or a CHECK that goes while its replacement is stopped would let in just the
rows that stop it. So one that is dropped waits for those that are to be made over a column of
its own; of foreign keys, to the same table. Told as needs, like all that waits (see ``needs``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeAlias

from odac_db.migrate.expressions import named
from odac_db.migrate.needs import Need
from odac_db.schema.changes import (
    AddCheck,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    DropCheck,
    DropExclusion,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    table_of,
)
from odac_db.schema.model import IndexPart

__all__ = ["guarded", "guarding", "relieved"]

_Key: TypeAlias = (
    AddIndex | AddPrimaryKey | AddExclusion | DropIndex | DropPrimaryKey | DropExclusion
)


def guarding(change: Change) -> Iterator[Need]:
    """What nothing new guards while a change is not done."""
    match change:
        case AddPrimaryKey() | AddExclusion():
            yield from _needs("unique guard", change.table, _keyed(change))
        case AddIndex() if change.index.unique:
            yield from _needs("unique guard", change.table, _keyed(change))
        case AddCheck():
            yield from _needs("check guard", change.table, named(change.check.expression))
        case AlterColumn() if change.after.check is not None and "check" in change.aspects:
            yield from _needs("check guard", change.table, named(change.after.check))
        case AddForeignKey():
            yield from _referring(change)
        case DropForeignKey():  # some servers make the index of a standing key again
            yield "index of key", change.table, ",".join(change.foreign_key.columns)
        case _:
            return


def guarded(change: Change) -> Iterator[Need]:
    """What a change leaves to others to guard."""
    match change:
        case DropPrimaryKey() | DropExclusion():
            yield from _needs("unique guard", change.table, _keyed(change))
        case DropIndex() if change.index.unique and change.index.valid:
            yield from _needs("unique guard", change.table, _keyed(change))
        case DropIndex() if change.index.implicit:
            yield "index of key", change.table, ",".join(change.index.columns)
        case DropCheck():
            yield from _needs("check guard", change.table, named(change.check.expression))
        case AlterColumn() if change.before.check is not None and change.after.check is None:
            yield from _needs("check guard", change.table, named(change.before.check))
        case DropForeignKey():
            yield from _referring(change)
        case _:
            return


def _needs(what: str, table: str, names: Collection[str]) -> Iterator[Need]:
    for name in sorted(names):
        yield what, table, name


def _referring(change: AddForeignKey | DropForeignKey) -> Iterator[Need]:
    key = change.foreign_key
    yield from _needs(f"guard of what refers to {key.ref_table}", change.table, key.columns)


def relieved(changes: Sequence[Change]) -> set[int]:
    """The drops, by ``id``, after which others of these changes guard all that they did.

    Rows that are unlike in some of the columns are unlike in all of them. A CHECK is made
    again under its name, a foreign key over its columns.
    """
    keys: dict[str, list[Collection[str]]] = {}
    for change in changes:
        if isinstance(change, AddIndex | AddPrimaryKey | AddExclusion) and _is_full(change):
            keys.setdefault(change.table, []).append(_keyed(change))
    again: set[tuple[object, ...]] = {
        (c.table, c.check.name) for c in changes if isinstance(c, AddCheck)
    }
    again |= {_ends(c) for c in changes if isinstance(c, AddForeignKey)}
    return {id(c) for c in changes if _is_relieved(c, keys.get(table_of(c), ()), again)}


def _ends(change: AddForeignKey | DropForeignKey) -> tuple[object, ...]:
    key = change.foreign_key
    return change.table, key.columns, key.ref_table, key.ref_columns


def _is_relieved(
    change: Change,
    keys: Collection[Collection[str]],
    again: Collection[tuple[object, ...]],
) -> bool:
    match change:
        case DropCheck():
            return (change.table, change.check.name) in again
        case DropForeignKey():
            return _ends(change) in again
        case DropIndex() | DropPrimaryKey() | DropExclusion():
            mine = set(_keyed(change))
            return any(mine.issuperset(key) for key in keys)
        case _:
            return False


def _is_full(change: AddIndex | AddPrimaryKey | AddExclusion) -> bool:
    if not isinstance(change, AddIndex):
        return True
    return change.index.unique and change.index.where is None


def _keyed(change: _Key) -> Collection[str]:
    """The columns of a key, those inside of expressions included."""
    parts: Sequence[IndexPart]
    match change:
        case AddPrimaryKey() | DropPrimaryKey():
            return {name.lower() for name in change.primary_key.columns}
        case AddIndex() | DropIndex():
            parts = change.index.parts
        case AddExclusion() | DropExclusion():
            parts = [each.part for each in change.exclusion.parts]
    plain = {part.column.lower() for part in parts if part.column is not None}
    return plain.union(*(named(part.expression) for part in parts if part.expression is not None))
