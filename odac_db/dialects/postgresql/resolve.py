"""Declarations in PostgreSQL's words. Pure.

Portable types and literal defaults come out exactly as the server prints them back;
expressions, and types it does not know, as they are declared: ``canonicalize`` asks the
server for those.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from odac_db.dialects.base import Resolved
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.resolve_columns import (
    NUMBERED,
    Enums,
    Report,
    chosen,
    resolved_column,
)
from odac_db.dialects.postgresql.resolve_keys import Keys
from odac_db.dialects.refusals import Check as Refusal
from odac_db.dialects.refusals import long_names, refused, scale_over_precision
from odac_db.errors import Problem
from odac_db.schema.declaration import (
    Declarations,
    PrimaryKeyDeclaration,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.model import (
    Check,
    Column,
    Exclusion,
    ForeignKey,
    Index,
    PrimaryKey,
    Schema,
    Table,
)

replace = msgspec.structs.replace
Named = PrimaryKey | Index | ForeignKey | Check | Exclusion


def resolve(declarations: Declarations, features: PostgreSQLFeatures) -> Resolved:
    """The desired schema, and what this server cannot do of it."""
    problems = refused(declarations, features, *_refusals(features))
    enums = Enums(declarations.enums, features)
    primary_keys = {name: primary_key(one.body) for name, one in declarations.tables.items()}
    tables = {
        name: _table(declared, enums, features, primary_keys, problems)
        for name, declared in declarations.tables.items()
    }
    for name, enum in enums.types.items():
        if name in tables:
            source = declarations.tables[name].source
            problems.append(
                source.problem(
                    f"a table and an enum type cannot both be called {name}: give the enum "
                    "another name (enum_name)"
                )
            )
        if len(set(enum.values)) < len(enum.values) and declarations.enums_source is not None:
            problems.append(
                declarations.enums_source.problem(f"enum {name} repeats a value", "enums", name)
            )
    return Resolved(schema=Schema(tables=tables, enums=dict(enums.types)), problems=tuple(problems))


def _refusals(features: PostgreSQLFeatures) -> list[Refusal]:
    return [long_names] if features.any_scale else [long_names, scale_over_precision]


def primary_key(body: TableFile) -> tuple[str, ...]:
    """The declared key's columns: spelt out, marked ``primary``, or that of increments."""
    if isinstance(body.primary_key, PrimaryKeyDeclaration):
        return body.primary_key.columns
    if body.primary_key:
        return body.primary_key
    marked = tuple(name for name, column in body.columns.items() if column.primary)
    if marked:
        return marked
    numbered = (name for name, one in body.columns.items() if chosen(one.type) in NUMBERED)
    return tuple(numbered)[:1]


def _table(
    declared: TableDeclaration,
    enums: Enums,
    features: PostgreSQLFeatures,
    primary_keys: Mapping[str, tuple[str, ...]],
    problems: list[Problem],
) -> Table:
    def report(message: str, *path: str | int) -> None:
        problems.append(declared.source.problem(message, *path))

    columns = _columns(declared, enums, features, primary_keys[declared.name], report)
    keys = Keys(declared, features, report, primary_keys)
    table = Table(
        name=declared.name,
        columns=tuple(columns.values()),
        primary_key=keys.primary_key(),
        indexes=keys.indexes(),
        foreign_keys=keys.foreign_keys(),
        checks=keys.checks(),
        exclusions=keys.exclusions(),
        comment=declared.body.comment or None,
        options=_options(declared.body),
    )
    _report_repeated_names(table, report)
    return table


def _columns(
    declared: TableDeclaration,
    enums: Enums,
    features: PostgreSQLFeatures,
    key: tuple[str, ...],
    report: Report,
) -> dict[str, Column]:
    columns = {}
    for name, body in declared.body.columns.items():
        column = resolved_column(declared.name, name, body, enums, report)
        made = column.generated
        if made is not None and not made.stored and not features.virtual_columns:
            report(
                f"{features.label} stores computed columns: stored: false needs PostgreSQL 18",
                "columns",
                name,
                "generated",
            )
        columns[name] = replace(column, nullable=False) if name in key else column
    return columns


def _options(body: TableFile) -> dict[str, str]:
    unlogged = body.options.get("unlogged")
    if unlogged is None:
        return {}
    return {"unlogged": "true" if str(unlogged).lower() == "true" else "false"}


def _report_repeated_names(table: Table, report: Report) -> None:
    """Two objects under one given name, of which the server would refuse the second.

    Indexes and constraints have names of their own each; the index of a constraint has both.
    """
    key: list[Named] = [] if table.primary_key is None else [table.primary_key]
    unique = [index for index in table.indexes if index.constraint]
    indexes: list[Named] = [*key, *table.indexes, *table.exclusions]
    constraints = [*key, *unique, *table.exclusions, *table.checks, *table.foreign_keys]
    for what, group in (("indexes", indexes), ("constraints", constraints)):
        given = Counter(item.name for item in group if item.named)
        for name, count in given.items():
            if count > 1:
                report(f"{count} {what} of {table.name} are called {name}")
