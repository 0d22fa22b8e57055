"""The changes of one table's indexes and UNIQUE constraints. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import xxhash

from odac_db.dialects.base import Features
from odac_db.migrate.diff_constraints import renamed
from odac_db.migrate.free_names import FreeNames
from odac_db.migrate.matching import matched
from odac_db.schema.changes import (
    AddIndex,
    Change,
    DropIndex,
    RenameConstraint,
    SetObjectComment,
)
from odac_db.schema.model import Index, Table


def index_structure(index: Index) -> tuple[object, ...]:
    """All of an index that makes it this index and no other, its name apart.

    What sort of unique it is (constraint or index) is compared apart: see ``satisfies``.
    """
    return (
        index.parts,
        index.unique,
        index.method,
        index.include,
        index.where,
        index.nulls_not_distinct,
        index.deferrable,
        index.valid,
    )


def _satisfying(live: Table, desired: Table) -> tuple[Index, ...]:
    """Desired indexes, with an open choice of constraint or index settled by the live ones."""
    have = {(index_structure(index), bool(index.constraint)) for index in live.indexes}
    settled = []
    for index in desired.indexes:
        choice = index.constraint
        if choice is None:
            as_constraint = (index_structure(index), True) in have
            as_index = (index_structure(index), False) in have
            choice = as_constraint and not as_index
        settled.append(msgspec.structs.replace(index, constraint=choice))
    return tuple(settled)


def changed_indexes(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
    """Indexes to rename, comment on, add and drop."""
    found = matched(
        live.indexes,
        _satisfying(live, desired),
        lambda index: (index_structure(index), bool(index.constraint)),
    )
    dropped = [index for index in found.dropped if not _needed(index, desired, features)]
    wanted: set[str | None] = set()
    for before in [index for index in dropped if not index.valid]:
        dropped.remove(before)  # what a build that failed left: it stands in for nothing
        yield DropIndex(table=desired.name, index=before, replaced=True)
    for before, after in found.same:
        what = "unique" if before.constraint else "index"
        if not after.named and names.is_claimed(before, desired.name):
            after = msgspec.structs.replace(names.given(desired.name, after), named=True)  # noqa: PLW2901
        if after.named and before.name != after.name and what not in features.renames_constraints:
            dropped.append(before)
            found.added.append(after)
            continue
        renames = list(renamed(desired.name, what, before.name, after.name, after.named))
        wanted.update(after.name for _ in renames)
        yield from renames
        if before.comment != after.comment and features.comments:
            name = after.name if after.named else before.name
            yield SetObjectComment(
                table=desired.name, what=what, name=name or "", after=after.comment
            )
    wanted.update(old.name for old in dropped if names.is_claimed(old, desired.name))
    if features.foreign_keys_need_index:
        yield from _put_aside(desired.name, dropped, wanted)
    yield from _replaced(desired.name, dropped, found.added, wanted, names)


def _put_aside(table: str, dropped: list[Index], wanted: set[str | None]) -> Iterator[Change]:
    """Renames what holds a wanted name, where a foreign key may need it until it is replaced."""
    for position, old in enumerate(dropped):
        if old.name is not None and old.name in wanted:
            aside = f"_odac_{xxhash.xxh3_64_hexdigest(old.name.encode())}"
            yield RenameConstraint(table=table, what="index", before=old.name, after=aside)
            dropped[position] = msgspec.structs.replace(old, name=aside)


def _replaced(
    table: str,
    dropped: list[Index],
    added: list[Index],
    wanted: set[str | None],
    names: FreeNames,
) -> Iterator[Change]:
    """Adds and drops. What holds a ``wanted`` name goes first, others once they are replaced."""
    for after in added:
        replaced = _taken_over(after, dropped)
        if replaced is None:
            after = names.given(table, after)  # noqa: PLW2901
        else:
            dropped.remove(replaced)
            yield DropIndex(table=table, index=replaced, replaced=True)
            if replaced.name in wanted:
                replaced = None
        yield AddIndex(table=table, index=after, replaces=replaced)
    for before in dropped:
        yield DropIndex(table=table, index=before, replaced=before.name in wanted)


def _taken_over(index: Index, dropped: list[Index]) -> Index | None:
    """The dropped index this one stands in for: of the same name, else over the same columns."""
    same_name = [old for old in dropped if old.name == index.name]
    same_columns = [old for old in dropped if set(old.columns) == set(index.columns)]
    return next(iter([*same_name, *same_columns]), None)


def _needed(index: Index, desired: Table, features: Features) -> bool:
    """Whether the server keeps this undeclared index for a foreign key (MySQL).

    Dropping it is refused (error 1553) unless another index starts with the key's columns.
    """
    if not features.foreign_keys_need_index or index.unique:
        return False
    others = [other.columns for other in desired.indexes]
    if desired.primary_key is not None:
        others.append(desired.primary_key.columns)
    for key in desired.foreign_keys:
        size = len(key.columns)
        if index.columns[:size] != key.columns:
            continue
        covered = any(columns[:size] == key.columns for columns in others)
        if not covered or index.implicit:
            return True
    return False
