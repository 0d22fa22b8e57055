"""Desired tables as the server would store them, by storing them in a temporary table."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.mysql import catalog, clauses
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote
from odac_db.dialects.mysql.show_create import read_table
from odac_db.schema.model import Index, Schema, Table

replace = msgspec.structs.replace


def canonicalize(
    connection: Connection,
    tables: Sequence[Table],
    schema: Schema,  # noqa: ARG001 - for servers with types of their own
    features: MySQLFeatures,
) -> Mapping[str, Table]:
    """Each table as SHOW CREATE TABLE tells it back; a table the server refuses is absent.

    Nothing is committed and nothing stays: a temporary table belongs to this session and is
    dropped at once. Foreign keys and full-text indexes, which temporary tables cannot have,
    come back as given, and so do names, comments and options.
    """
    found = {}
    for table in tables:
        stored = _stored(connection, table, features)
        if stored is not None:
            found[table.name] = stored
    return found


def _stored(connection: Connection, table: Table, features: MySQLFeatures) -> Table | None:
    scratch = f"_odac_scratch_{secrets.token_hex(8)}"
    asked = tuple(index for index in table.indexes if index.method is None)
    options = {key: value for key, value in table.options.items() if key == "collation"}
    plain = replace(table, options=options, comment=None)
    sql = clauses.create_table(plain, asked, features, temporary=scratch)
    try:
        catalog.execute(connection, sql)
    except DBAPIError:
        return None
    try:
        read = read_table(catalog.show_create(connection, scratch)[scratch], features)
    finally:
        catalog.execute(connection, f"DROP TEMPORARY TABLE {quote(scratch)}")
    return replace(
        read,
        name=table.name,
        indexes=_merged(table.indexes, read.indexes),
        foreign_keys=table.foreign_keys,
        comment=table.comment,
        options=table.options,
    )


def _merged(given: Sequence[Index], read: Sequence[Index]) -> tuple[Index, ...]:
    stored = {index.name: index for index in read}
    return tuple(
        replace(
            stored[index.name],
            named=index.named,
            constraint=index.constraint,
            implicit=index.implicit,
        )
        if index.name in stored
        else index
        for index in given
    )
