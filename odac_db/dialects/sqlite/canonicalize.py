"""Desired tables as SQLite would store them: made in a private memory database and read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from odac_db.dialects.base import Features
from odac_db.dialects.sqlite.create import create_index, create_table
from odac_db.dialects.sqlite.introspect import introspect
from odac_db.schema.model import Schema, Table


def canonicalize(
    conn: Connection,  # noqa: ARG001
    tables: Sequence[Table],
    schema: Schema,  # noqa: ARG001
    features: Features,
) -> Mapping[str, Table]:
    """Each table as it reads once it is made; one that SQLite refuses is not in the answer.

    The database at hand is not touched: another of the same library does as well.
    """
    engine = create_engine("sqlite://", poolclass=StaticPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as scratch:
            for table in tables:
                _make(scratch, table)
            made = introspect(scratch, features).tables
    finally:
        engine.dispose()
    wanted = {table.name: table for table in tables}
    return {
        name: msgspec.structs.replace(table, foreign_keys=wanted[name].foreign_keys)
        for name, table in made.items()
        if name in wanted
    }


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
