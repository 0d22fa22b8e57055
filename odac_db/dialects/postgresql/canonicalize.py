"""Desired tables as the server stores them: made in a scratch place, read back, undone.

They are temporary tables under their own names. A role that may make none, and may make
tables, makes them beside the others under names nobody has; nobody sees either, because
the transaction is never committed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.canonical import Canonical
from odac_db.dialects.postgresql import render_enums, render_numbering
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.introspect import read_enums, read_tables
from odac_db.dialects.postgresql.naming import quote
from odac_db.dialects.postgresql.reading import pin_printing, run, undone
from odac_db.dialects.postgresql.render_keys import create_index
from odac_db.dialects.postgresql.render_tables import create_table
from odac_db.dialects.postgresql.scratch import scratch_place
from odac_db.schema.model import Check, Exclusion, Index, Schema, Table
from odac_db.schema.names import shortened

T = TypeVar("T", Index, Check, Exclusion)
replace = msgspec.structs.replace

# Every temporary table and index takes a place in the server's lock table, which has room
# for some thousand (max_locks_per_transaction times max_connections).
_BATCH = 100


def canonicalize(
    connection: Connection, tables: Sequence[Table], schema: Schema, features: PostgreSQLFeatures
) -> Canonical:
    """Each table as it would be stored; one that the server refuses is absent.

    Names, comments and foreign keys come back as given. Enum types that do not exist, or
    that lack a value, are made for as long as this takes and seen by nobody else.
    """
    place = scratch_place(connection)
    found: dict[str, Table] = {}
    for start in range(0, len(tables), _BATCH):
        batch = {
            place.name(table, number): table
            for number, table in enumerate(tables[start : start + _BATCH])
        }
        with undone(connection):
            _make_enums(connection, list(batch.values()), schema)
            made = [
                name
                for name, table in batch.items()
                if _made(connection, place.table(name, table), features, temporary=place.temporary)
            ]
            pin_printing(connection)
            stored = read_tables(connection, features, made, place.schema) if made else {}
        for name in made:
            table = batch[name]
            found[table.name] = _as_given(table, stored[name], features)
    return Canonical(tables=found)


def _make_enums(connection: Connection, tables: Sequence[Table], schema: Schema) -> None:
    used = {column.enum for table in tables for column in table.columns}
    wanted = [enum for enum in schema.enums.values() if enum.name in used]
    if not wanted:
        return
    live = read_enums(connection)
    for position, enum in enumerate(wanted):
        have = live.get(enum.name)
        if have is None or have.values != enum.values:
            if have is not None:
                aside = quote(f"_odac_{position}")
                run(connection, f"ALTER TYPE {quote(enum.name)} RENAME TO {aside}")
            run(connection, render_enums.type_of(enum))


def _made(
    connection: Connection, table: Table, features: PostgreSQLFeatures, *, temporary: bool
) -> bool:
    columns = (render_numbering.named(table.name, one, features) for one in table.columns)
    table = _numbered(replace(table, columns=tuple(columns)), features)
    statements = [*create_table(table, temporary=temporary)]
    plain = (index for index in table.indexes if not index.constraint)
    statements += [create_index(table.name, index) for index in plain]
    run(connection, 'SAVEPOINT "_odac_table"')
    try:
        for statement in statements:
            run(connection, statement)
    except DBAPIError:
        run(connection, 'ROLLBACK TO SAVEPOINT "_odac_table"')
        return False
    finally:
        run(connection, 'RELEASE SAVEPOINT "_odac_table"')
    return True


def _numbered(table: Table, features: PostgreSQLFeatures) -> Table:
    """The table with numbers for names, because what has no name may share a generated one."""

    def named(group: str, items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(
            replace(item, name=_scratch_name(table, group, number, features))
            for number, item in enumerate(items)
        )

    return replace(
        table,
        indexes=named("i", table.indexes),
        checks=named("c", table.checks),
        exclusions=named("x", table.exclusions),
    )


def _scratch_name(table: Table, group: str, number: int, features: PostgreSQLFeatures) -> str:
    return shortened(f"{group}{number} {table.name}", features.fits)


def _as_given(given: Table, stored: Table, features: PostgreSQLFeatures) -> Table:
    """The stored texts in the given table's objects."""
    columns = {column.name: column for column in stored.columns}

    def pairs(group: str, ours: tuple[T, ...], theirs: tuple[T, ...]) -> list[tuple[T, T]]:
        names = {one.name: one for one in theirs}
        scratch = (_scratch_name(stored, group, number, features) for number in range(len(ours)))
        return [
            (one, replace(names[name], name=one.name, named=one.named, comment=one.comment))
            for one, name in zip(ours, scratch, strict=True)
            if name in names
        ]

    return replace(
        given,
        columns=tuple(
            replace(columns[one.name], comment=one.comment, identity=one.identity)
            for one in given.columns
        ),
        indexes=tuple(
            replace(index, constraint=given_index.constraint)
            for given_index, index in pairs("i", given.indexes, stored.indexes)
        ),
        checks=tuple(check for _, check in pairs("c", given.checks, stored.checks)),
        exclusions=tuple(one for _, one in pairs("x", given.exclusions, stored.exclusions)),
    )
