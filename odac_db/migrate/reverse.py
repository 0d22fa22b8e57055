"""Taking a run back: the plan from what there is to what there was before it.

A run keeps the definition of everything it is about to change. Going back is then the
ordinary plan towards that: judged, checked against the rows and rendered like any other.
Values are not kept: what a run dropped comes back empty, and the plan says so.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features
from odac_db.migrate.dangling import unsupported
from odac_db.migrate.plan import Draft, Way, operations_of
from odac_db.migrate.transform import transformed
from odac_db.schema.changes import (
    AddColumn,
    AlterColumn,
    Change,
    CreateEnum,
    CreateTable,
    RenameColumn,
    RenameEnum,
    RenameTable,
    table_of,
)
from odac_db.schema.model import EnumType, Schema, Table
from odac_db.schema.plan import Hazard, Operation, Plan

replace = msgspec.structs.replace
Rename: TypeAlias = RenameTable | RenameColumn | RenameEnum


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found: every table and enum type it changed, under the names they had.

    ``renames`` are those it made, in their order; ``made`` and ``made_enums`` what was
    not there. ``run`` is filled in when it is read back.
    """

    run: str = ""
    tables: Mapping[str, Table] = {}
    enums: Mapping[str, EnumType] = {}
    renames: tuple[Rename, ...] = ()
    made: tuple[str, ...] = ()
    made_enums: tuple[str, ...] = ()

    @property
    def touched(self) -> frozenset[str]:
        """The tables by all names they had, before the run and after it."""
        names = {each.after for each in self.renames if isinstance(each, RenameTable)}
        return frozenset({*self.tables, *self.made, *names})


def found_by(live: Schema, changes: Sequence[Change]) -> Before:
    """What these changes are about to change in a live schema."""
    renames = tuple(change for change in changes if isinstance(change, Rename))
    former = {each.after: each.before for each in renames if isinstance(each, RenameTable)}
    names = {former.get(name, name) for name in map(table_of, changes)}
    names |= {each.before for each in renames if isinstance(each, RenameTable)}
    return Before(
        tables={name: live.tables[name] for name in sorted(names & set(live.tables))},
        enums=live.enums if any(map(_concerns_enums, changes)) else {},
        renames=renames,
        made=tuple(each.table.name for each in changes if isinstance(each, CreateTable)),
        made_enums=tuple(each.enum.name for each in changes if isinstance(each, CreateEnum)),
    )


def _concerns_enums(change: Change) -> bool:
    return not table_of(change)


def renames_back(live: Schema, before: Before) -> list[Change]:
    """The run's renames the other way round, as far as they can still be done."""
    found: list[Change] = []
    backwards = before.renames[::-1]
    for made in sorted(backwards, key=lambda each: not isinstance(each, RenameTable)):
        back = _back(made, before)
        if _is_possible(transformed(live, found), back):
            found.append(back)
    return found


def _back(made: Rename, before: Before) -> Rename:
    """Columns go back under the table's former name, for tables go first."""
    back = replace(made, before=made.after, after=made.before)
    if not isinstance(back, RenameColumn):
        return back
    former = {each.after: each.before for each in before.renames if isinstance(each, RenameTable)}
    return replace(back, table=former.get(back.table, back.table))


def _is_possible(live: Schema, back: Rename) -> bool:
    match back:
        case RenameTable():
            return back.before in live.tables and back.after not in live.tables
        case RenameEnum():
            return back.before in live.enums and back.after not in live.enums
        case RenameColumn():
            table = live.tables.get(back.table)
            names = {column.name for column in table.columns} if table else set()
            return back.before in names and back.after not in names


def drafted_back(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    live: Schema,
    before: Before,
    allow: Collection[str],
) -> Draft:
    """The plan back to what a run found. Changes nothing.

    What the run made is dropped, which needs leave like any other drop.
    """
    renames = renames_back(live, before)
    renamed = transformed(live, renames)
    former = as_before(renamed, before)
    way = Way(
        live=live,
        renames=renames,
        renamed=renamed,
        declared=former,
        settled=former,
        allow=allow,
        prune=True,
    )
    operations = operations_of(conn, dialect, features, way)
    plan = Plan(
        operations=tuple(told(each, dialect, features) for each in operations),
        unsupported=unsupported(live),
    )
    return Draft(plan=plan, live=live, declared=former, settled=former)


def as_before(renamed: Schema, before: Before) -> Schema:
    """The live schema, already under its former names, with the former definitions."""
    kept = {name: table for name, table in renamed.tables.items() if name not in before.made}
    enums = {name: enum for name, enum in renamed.enums.items() if name not in before.made_enums}
    return replace(renamed, tables={**kept, **before.tables}, enums={**enums, **before.enums})


def told(operation: Operation, dialect: Dialect, features: Features) -> Operation:
    """The operation, saying what the definition alone does not bring back."""
    missing = _missing(operation.change, dialect, features)
    if not missing:
        return operation
    return replace(operation, hazards=(*operation.hazards, Hazard("not_restored", missing)))


def _missing(change: Change, dialect: Dialect, features: Features) -> str:
    match change:
        case CreateTable():
            return f"table {change.table.name} comes back without its rows"
        case AddColumn() if change.column.generated is None:
            return f"column {change.table}.{change.column.name} comes back without its values"
        case AlterColumn() if dialect.lossy(change.after, change.before, features):
            return f"values of {change.table}.{change.after.name} stay as the run converted them"
        case _:
            return ""
