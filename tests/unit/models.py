"""Features and schemas for tests of the pure parts, of no server in particular."""

from __future__ import annotations

from dataclasses import replace

from odac_db.dialects.base import Features
from odac_db.schema.model import Column, Schema, Table

PLAIN = Features(
    name="plain",
    label="Plain 1.0",
    version=(1, 0),
    namespace="main",
    identifier_limit=63,
    identifier_limit_in_bytes=True,
    transactional_ddl=True,
    alters_in_place=True,
    foreign_keys_need_index=False,
    enum_types=True,
    named_primary_keys=True,
    unique_constraints=True,
    comments=True,
    renames_constraints=frozenset({"index", "unique", "foreign_key", "check", "primary_key"}),
)
KEEPS_KEY_INDEXES = replace(
    PLAIN, foreign_keys_need_index=True, renames_constraints=frozenset({"index", "unique"})
)
REBUILDS = replace(PLAIN, alters_in_place=False, renames_constraints=frozenset())


def column(name: str, type_: str = "integer", *, nullable: bool = True, **rest: object) -> Column:
    return Column(name=name, type=type_, nullable=nullable, **rest)  # type: ignore[arg-type]


def table(name: str, *columns: Column | str, **rest: object) -> Table:
    made = tuple(column(each) if isinstance(each, str) else each for each in columns)
    return Table(name=name, columns=made, **rest)  # type: ignore[arg-type]


def schema(*tables: Table, **rest: object) -> Schema:
    return Schema(tables={each.name: each for each in tables}, **rest)  # type: ignore[arg-type]
