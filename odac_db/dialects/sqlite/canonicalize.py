"""Desired tables as SQLite would store them: made in a private memory database and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from odac_db.dialects.base import Features
from odac_db.dialects.canonical import Canonical
from odac_db.dialects.sqlite.create import create_index, create_table
from odac_db.dialects.sqlite.introspect import introspect
from odac_db.schema.model import Schema, Table


def canonicalize(
    conn: Connection,
    tables: Sequence[Table],
    schema: Schema,
    features: Features,
) -> Canonical:
    """Each table as it reads once it is made; one that SQLite refuses is not in the answer.

    The database at hand is not touched: another of the same library does as well.
    """
    wanted = {table.name: table for table in tables}
    found = {
        name: msgspec.structs.replace(table, foreign_keys=wanted[name].foreign_keys)
        for together in _apart(tables)
        for name, table in _read_back(together, features).items()
        if name in wanted
    }
    return Canonical(tables=found)


def _apart(tables: Sequence[Table]) -> list[list[Table]]:
    """The tables in groups in which no two have an index of the same name.

    Generated names are only made to differ where a plan makes them.
    """
    groups: list[tuple[set[str], list[Table]]] = []
    for table in tables:
        names = {table.name.lower(), *((index.name or "").lower() for index in table.indexes)}
        names.discard("")
        for taken, group in groups:
            if taken.isdisjoint(names):
                taken.update(names)
                group.append(table)
                break
        else:
            groups.append((names, [table]))
    return [group for _, group in groups]


def _read_back(tables: Sequence[Table], features: Features) -> Mapping[str, Table]:
    engine = create_engine("sqlite://", poolclass=StaticPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as scratch:
            for table in tables:
                _make(scratch, table)
            return introspect(scratch, features).tables
    finally:
        engine.dispose()


def _make(scratch: Connection, table: Table) -> None:
    try:
        scratch.exec_driver_sql(create_table(table), execution_options={"no_parameters": True})
    except DBAPIError:
        return
    for index in table.indexes:
        if not index.constraint:
            try:
                scratch.exec_driver_sql(
                    create_index(table.name, index), execution_options={"no_parameters": True}
                )
            except DBAPIError:
                scratch.exec_driver_sql(f'DROP TABLE "{table.name}"')
                return
