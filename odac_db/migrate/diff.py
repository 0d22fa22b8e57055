"""What turns one schema into another: one algorithm for every server. Pure.

Both sides are in the server's own words, so objects are compared by plain equality;
where texts may differ and mean the same, ``reconcile`` has made them equal before. The
changes come in no promised order: that is ``order``'s.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from odac_db.dialects.base import Features
from odac_db.migrate.diff_columns import changed_columns
from odac_db.migrate.diff_enums import changed_enums
from odac_db.migrate.free_names import FreeNames
from odac_db.migrate.matching import matched
from odac_db.schema.changes import (
    AddCheck,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    Change,
    CreateTable,
    DropCheck,
    DropExclusion,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    RenameConstraint,
    SetObjectComment,
    SetTableComment,
    SetTableOptions,
)
from odac_db.schema.model import Check, Exclusion, FkAction, ForeignKey, Index, Schema, Table


def diff(live: Schema, desired: Schema, features: Features, *, prune: bool = False) -> list[Change]:
    """Every change that makes ``live`` what ``desired`` says.

    Live tables that are not desired are left alone unless ``prune``. Renames are not found
    here: ``live`` already has its new names (see ``rename``).
    """
    names = FreeNames(live, desired, features)
    changes: list[Change] = []
    for table in desired.tables.values():
        before = live.tables.get(table.name)
        if before is None:
            changes.extend(_created(table, names, features))
        elif before != table:
            changes.extend(changed_table(before, table, features, names))
    if prune:
        changes.extend(_pruned(live, desired))
    changes.extend(changed_enums(live, desired, changes, prune=prune))
    return changes


def changed_table(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
    """The changes of one table that exists."""
    yield from changed_columns(live, desired, features)
    yield from _changed_primary_key(live, desired, features)
    yield from _changed_indexes(live, desired, features, names)
    yield from _changed_foreign_keys(live, desired, features, names)
    yield from _changed_checks(live, desired, features, names)
    yield from _changed_exclusions(live, desired, features, names)
    if live.comment != desired.comment and features.comments:
        yield SetTableComment(table=desired.name, before=live.comment, after=desired.comment)
    after = {key: value for key, value in desired.options.items() if live.options.get(key) != value}
    if after:
        before = {key: live.options[key] for key in after if key in live.options}
        yield SetTableOptions(table=desired.name, before=before, after=after)


def _created(table: Table, names: FreeNames, features: Features) -> Iterator[Change]:
    """A new table: what can be inline is; plain indexes and foreign keys follow on their own.

    A UNIQUE over the columns of another key is no part of CREATE TABLE: PostgreSQL would
    take the two for one.
    """
    inline: list[Index] = []
    later: list[Index] = []
    keyed = {table.primary_key.columns if table.primary_key else ()}
    for index in table.indexes:
        apart = features.alters_in_place and index.columns in keyed
        (inline if index.constraint and not apart else later).append(
            names.given(table.name, index)
        )
        if index.constraint:
            keyed.add(index.columns)
    checks = tuple(names.given(table.name, check) for check in table.checks)
    yield CreateTable(
        table=msgspec.structs.replace(
            table, indexes=tuple(inline), foreign_keys=(), checks=checks, comment=table.comment
        )
    )
    for index in later:
        yield AddIndex(table=table.name, index=index)
    for key in table.foreign_keys:
        yield AddForeignKey(table=table.name, foreign_key=names.given(table.name, key))


def _pruned(live: Schema, desired: Schema) -> Iterator[Change]:
    for table in live.tables.values():
        if table.name not in desired.tables:
            for key in table.foreign_keys:
                yield DropForeignKey(table=table.name, foreign_key=key)
            yield DropTable(table=table)


def _changed_primary_key(live: Table, desired: Table, features: Features) -> Iterator[Change]:
    before, after = live.primary_key, desired.primary_key
    if before is None or after is None:
        same = before is after
    else:
        plain = msgspec.structs.replace
        same = plain(before, name=None, named=False) == plain(after, name=None, named=False)
    if not same:
        if before is not None:
            yield DropPrimaryKey(table=desired.name, primary_key=before)
        if after is not None:
            yield AddPrimaryKey(table=desired.name, primary_key=after)
    elif before is not None and after is not None and features.named_primary_keys:
        yield from _renamed(desired.name, "primary_key", before.name, after.name, after.named)


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


def _changed_indexes(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
    found = matched(
        live.indexes,
        _satisfying(live, desired),
        lambda index: (index_structure(index), bool(index.constraint)),
    )
    dropped = [index for index in found.dropped if not _needed(index, desired, features)]
    for before, after in found.same:
        what = "unique" if before.constraint else "index"
        if not after.named and names.is_claimed(before.name, desired.name):
            after = msgspec.structs.replace(names.given(desired.name, after), named=True)  # noqa: PLW2901
        if after.named and before.name != after.name and what not in features.renames_constraints:
            dropped.append(before)
            found.added.append(after)
            continue
        yield from _renamed(desired.name, what, before.name, after.name, after.named)
        if before.comment != after.comment and features.comments:
            name = after.name if after.named else before.name
            yield SetObjectComment(
                table=desired.name, what=what, name=name or "", after=after.comment
            )
    for after in found.added:
        replaced = _taken_over(after, dropped)
        if replaced is None:
            after = names.given(desired.name, after)  # noqa: PLW2901
        else:
            dropped.remove(replaced)
            yield DropIndex(table=desired.name, index=replaced, replaced=True)
        yield AddIndex(table=desired.name, index=after, replaces=replaced)
    for before in dropped:
        yield DropIndex(table=desired.name, index=before)


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


def _changed_foreign_keys(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
    def structure(key: ForeignKey) -> ForeignKey:
        plain = msgspec.structs.replace(key, name=None, named=False, comment=None, orphans=None)
        if not features.restrict_is_no_action:
            return plain
        return msgspec.structs.replace(
            plain, on_delete=_unrestricted(key.on_delete), on_update=_unrestricted(key.on_update)
        )

    found = matched(live.foreign_keys, desired.foreign_keys, structure)
    for before, after in found.same:
        if after.named and before.name != after.name:
            if "foreign_key" not in features.renames_constraints:
                found.dropped.append(before)
                found.added.append(after)
                continue
            yield from _renamed(desired.name, "foreign_key", before.name, after.name, True)
        if before.comment != after.comment and features.comments:
            yield _comment(desired.name, "foreign_key", before, after)
    for before in found.dropped:
        yield DropForeignKey(table=desired.name, foreign_key=before)
    gone = {key.name for key in found.dropped}
    for after in found.added:
        yield AddForeignKey(
            table=desired.name, foreign_key=names.given(desired.name, after, freed=gone)
        )


def _unrestricted(action: FkAction) -> FkAction:
    return "NO ACTION" if action == "RESTRICT" else action


def _changed_checks(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
    def structure(check: Check) -> Check:
        return msgspec.structs.replace(check, name=None, named=False, comment=None)

    found = matched(live.checks, desired.checks, structure)
    for before, after in found.same:
        if after.named and before.name != after.name:
            if "check" not in features.renames_constraints:
                found.dropped.append(before)
                found.added.append(after)
                continue
            yield from _renamed(desired.name, "check", before.name, after.name, True)
        if before.comment != after.comment and features.comments:
            yield _comment(desired.name, "check", before, after)
    gone = {check.name for check in found.dropped}
    for before in found.dropped:
        yield DropCheck(table=desired.name, check=before)
    for after in found.added:
        yield AddCheck(table=desired.name, check=names.given(desired.name, after, freed=gone))


def _changed_exclusions(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
    def structure(item: Exclusion) -> Exclusion:
        return msgspec.structs.replace(item, name=None, named=False, comment=None)

    found = matched(live.exclusions, desired.exclusions, structure)
    for before, after in found.same:
        yield from _renamed(desired.name, "exclusion", before.name, after.name, after.named)
        if before.comment != after.comment and features.comments:
            yield _comment(desired.name, "exclusion", before, after)
    gone = {item.name for item in found.dropped}
    for before in found.dropped:
        yield DropExclusion(table=desired.name, exclusion=before)
    for after in found.added:
        yield AddExclusion(
            table=desired.name, exclusion=names.given(desired.name, after, freed=gone)
        )


def _renamed(
    table: str, what: str, before: str | None, after: str | None, named: bool
) -> Iterator[Change]:
    if named and before is not None and after is not None and before != after:
        yield RenameConstraint(table=table, what=what, before=before, after=after)


def _comment(
    table: str,
    what: str,
    before: ForeignKey | Check | Exclusion,
    after: ForeignKey | Check | Exclusion,
) -> SetObjectComment:
    name = after.name if after.named else before.name
    return SetObjectComment(table=table, what=what, name=name or "", after=after.comment)
