"""The part of a plan that comes before data migrations: what adds and what loosens. Pure.

A file finds every new table and column, and still finds the old ones. What refuses rows
(NOT NULL, keys, checks, narrower types) and what goes waits until the files have run; then
the database is looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec

from odac_db.dialects.base import Dialect, Features
from odac_db.migrate.checked import Checked
from odac_db.migrate.dependants import Verdict
from odac_db.migrate.naming import naming, unnamed
from odac_db.migrate.plan import Draft, rendered
from odac_db.schema.changes import (
    AddColumn,
    AddEnumValue,
    AddForeignKey,
    AddIndex,
    AlterColumn,
    Change,
    CreateEnum,
    CreateTable,
    DropCheck,
    DropColumn,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    RenameColumn,
    RenameEnum,
    RenameTable,
    table_of,
)
from odac_db.schema.model import Column
from odac_db.schema.plan import Operation, Plan

replace = msgspec.structs.replace
Lossy = Callable[[Column, Column], str | None]

_ADDING = (CreateEnum, AddEnumValue, RenameEnum, RenameTable, RenameColumn, CreateTable, DropCheck)


def expanded(dialect: Dialect, features: Features, draft: Draft) -> Plan:
    """That part of a draft's plan, rendered by itself."""
    changes = expansion(
        draft.plan.operations, lambda before, after: dialect.lossy(before, after, features)
    )
    verdicts = [Verdict(change=change) for change in changes]
    answer = Checked(verdicts=verdicts, findings={})
    # Nothing here takes long: as on small tables, in one transaction.
    found = rendered(dialect, features, answer, draft.live, draft.settled, {})
    return msgspec.structs.replace(draft.plan, operations=tuple(found))


def expansion(operations: Sequence[Operation], lossy: Lossy) -> list[Change]:
    """The changes of a plan that come before its data migrations.

    A column that is to be NOT NULL is added as one that may be NULL, for a file to fill.
    """
    changes = [one.change for one in operations if one.status == "pending"]
    made = {change.table.name for change in changes if isinstance(change, CreateTable)}
    busy = set(_touched(changes))
    stopped = [one.change for one in operations if one.status != "pending"]
    awaited = {need for change in stopped for need in unnamed(change)}
    found: list[Change] = []
    for operation in operations:
        change = operation.change
        if not awaited.isdisjoint(naming(change)):
            continue
        if operation.status == "pending" and isinstance(change, _ADDING):
            found.append(change)
        elif isinstance(change, AddColumn) and operation.status != "held_back":
            found += _added(change, operation.status, changes)
        elif operation.status == "pending":
            found += _of_new_tables(change, made) or _loosened(change, busy, lossy)
    return found


def _touched(changes: Sequence[Change]) -> Iterator[str]:
    """Tables of which keys go: a type may only change after that."""
    for change in changes:
        if isinstance(change, DropForeignKey):
            yield from (change.table, change.foreign_key.ref_table)
        elif isinstance(change, DropIndex | DropPrimaryKey):
            yield change.table


def _added(change: AddColumn, status: str, changes: Sequence[Change]) -> Iterator[Change]:
    column = change.column
    again = any(
        isinstance(other, DropColumn)
        and (other.table, other.column.name) == (change.table, column.name)
        for other in changes
    )
    filled = column.default is not None or column.identity is not None
    filled = filled or column.generated is not None
    if again or (status == "blocked" and (column.nullable or filled)):
        return
    if column.nullable or filled:
        yield change
    else:
        yield replace(change, column=replace(column, nullable=True))


def _of_new_tables(change: Change, made: Collection[str]) -> list[Change]:
    """Keys and indexes of new tables refuse nothing that is there, and guard what comes."""
    if isinstance(change, AddIndex) and change.table in made:
        return [change]
    if isinstance(change, AddForeignKey) and {change.table, change.foreign_key.ref_table} <= {
        *made
    }:
        return [change]
    return []


def _loosened(change: Change, busy: Collection[str], lossy: Lossy) -> list[Change]:
    """An altered column as far as it takes more than before; nothing where it may lose."""
    if not isinstance(change, AlterColumn) or table_of(change) in busy:
        return []
    before, after = change.before, change.after
    if before.identity != after.identity or before.generated != after.generated:
        return []
    if lossy(before, after) is not None:
        return []
    wider = replace(after, nullable=before.nullable or after.nullable)
    return [] if wider == before else [replace(change, after=wider)]
