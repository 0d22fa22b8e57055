"""Constraint and index renames in an order in which no name is taken twice. Pure.

``x1 → x2`` can only run once ``x2`` is free. Names that change places in a circle go by way
of a name of ours. What stands aside while its columns change is made again under its last
name, and not renamed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import xxhash

from odac_db.schema.changes import (
    AddCheck,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    Change,
    DropCheck,
    DropExclusion,
    DropForeignKey,
    DropIndex,
    RenameConstraint,
)

replace = msgspec.structs.replace
Drop = (DropCheck, DropExclusion, DropForeignKey, DropIndex)
_Key = tuple[str, str, str | None]


def unclashing(changes: Sequence[Change]) -> list[Change]:
    """The changes, with the renames of constraints last and sorted among themselves."""
    gone = {_named(change) for change in changes if isinstance(change, Drop)}
    keys = {key for key, _ in gone}
    renames = [change for change in changes if isinstance(change, RenameConstraint)]
    others = [change for change in changes if not isinstance(change, RenameConstraint)]
    anew = {key: change.after for change in renames if (key := _renamed(change)) in keys}
    made = [_under(anew, change) if _named(change) in gone else change for change in others]
    return [*made, *_sorted([change for change in renames if _renamed(change) not in anew])]


def _renamed(change: RenameConstraint) -> _Key:
    what = "index" if change.what == "unique" else change.what
    return change.table, what, change.before


def _named(change: Change) -> tuple[_Key, object]:
    """The constraint or index that a change drops or adds: in the words of a rename, whole."""
    match change:
        case AddIndex() | DropIndex():
            return (change.table, "index", change.index.name), change.index
        case AddForeignKey() | DropForeignKey():
            return (change.table, "foreign_key", change.foreign_key.name), change.foreign_key
        case AddCheck() | DropCheck():
            return (change.table, "check", change.check.name), change.check
        case AddExclusion() | DropExclusion():
            return (change.table, "exclusion", change.exclusion.name), change.exclusion
        case _:
            return ("", "", None), None


def _under(names: Mapping[_Key, str], change: Change) -> Change:
    """What is made again, under another name if there is one for it; a drop as it is."""
    name = names.get(_named(change)[0])
    if name is None:
        return change
    match change:
        case AddIndex():
            return replace(change, index=replace(change.index, name=name))
        case AddForeignKey():
            return replace(change, foreign_key=replace(change.foreign_key, name=name))
        case AddCheck():
            return replace(change, check=replace(change.check, name=name))
        case AddExclusion():
            return replace(change, exclusion=replace(change.exclusion, name=name))
        case _:
            return change


def _sorted(renames: list[RenameConstraint]) -> Iterator[RenameConstraint]:
    waiting = list(renames)
    while waiting:
        taken = {change.before for change in waiting}
        free = [change for change in waiting if change.after not in taken]
        if free:
            yield from free
            waiting = [change for change in waiting if change not in free]
            continue
        first = waiting[0]
        aside = f"_odac_{xxhash.xxh3_64_hexdigest(first.before.encode())}"
        yield replace(first, after=aside)
        waiting[0] = replace(first, before=aside)
