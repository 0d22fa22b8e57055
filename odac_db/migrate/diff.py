"""What turns one schema into another: one algorithm for every server. Pure.

Both sides are in the server's own words, so objects are compared by plain equality;
where texts may differ and mean the same, ``reconcile`` has made them equal before. The
changes come in no promised order: that is ``order``'s.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from odac_db.dialects.base import Features
from odac_db.migrate.dangling import with_dangling
from odac_db.migrate.diff_columns import changed_columns
from odac_db.migrate.diff_constraints import changed_constraints, renamed
from odac_db.migrate.diff_enums import changed_enums
from odac_db.migrate.diff_indexes import changed_indexes
from odac_db.migrate.free_names import FreeNames
from odac_db.schema.changes import (
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    Change,
    CreateTable,
    DropCheck,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    SetTableComment,
    SetTableOptions,
)
from odac_db.schema.model import Index, Schema, Table


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
            after = with_dangling(before, table, live, desired)
            changes.extend(changed_table(before, after, features, names))
    if prune:
        changes.extend(_pruned(live, desired, names))
    changes.extend(changed_enums(live, desired, changes, prune=prune))
    return changes


def changed_table(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
    """The changes of one table that exists."""
    yield from changed_columns(live, desired, features)
    yield from _changed_primary_key(live, desired, features, names)
    yield from changed_indexes(live, desired, features, names)
    yield from changed_constraints(live, desired, features, names)
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
        (inline if index.constraint and not apart else later).append(names.given(table.name, index))
        if index.constraint:
            keyed.add(index.columns)
    primary = table.primary_key and names.given(table.name, table.primary_key)
    checks = tuple(names.given(table.name, check) for check in table.checks)
    yield CreateTable(
        table=msgspec.structs.replace(
            table, primary_key=primary, indexes=tuple(inline), foreign_keys=(), checks=checks
        )
    )
    for index in later:
        yield AddIndex(table=table.name, index=index)
    for key in table.foreign_keys:
        yield AddForeignKey(table=table.name, foreign_key=names.given(table.name, key))


def _pruned(live: Schema, desired: Schema, names: FreeNames) -> Iterator[Change]:
    """Tables that go, last of all; what has a name that is declared elsewhere goes before."""
    for table in live.tables.values():
        if table.name not in desired.tables:
            for key in table.foreign_keys:
                claimed = names.is_claimed(key, table.name)
                yield DropForeignKey(table=table.name, foreign_key=key, replaced=claimed)
            for index in table.indexes:
                if names.is_claimed(index, table.name):
                    yield DropIndex(table=table.name, index=index, replaced=True)
            for check in table.checks:
                if names.is_claimed(check, table.name):
                    yield DropCheck(table=table.name, check=check, replaced=True)
            yield DropTable(table=table)


def _changed_primary_key(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
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
            gone = () if before is None else (before.name,)
            after = names.given(desired.name, after, freed=gone)
            yield AddPrimaryKey(table=desired.name, primary_key=after)
    elif before is not None and after is not None and features.named_primary_keys:
        yield from renamed(desired.name, "primary_key", before.name, after.name, after.named)
