"""Desired tables as the server would store them, by storing them in a temporary table."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.canonical import Canonical
from odac_db.dialects.connect import masked_url
from odac_db.dialects.mysql import catalog, clauses
from odac_db.dialects.mysql.errors import said
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote
from odac_db.dialects.mysql.show_create import read_table
from odac_db.errors import ServerRefused
from odac_db.schema.model import Check, Index, Schema, Table

replace = msgspec.structs.replace

_ACCESS_DENIED = 1044  # ER_DBACCESS_DENIED_ERROR
# A key is wanted of tables that are made, not of those that are there; a number behind another
# column of its key is refused by InnoDB, not by the engine that the table may have.
_OTHERWISE_TAKEN = frozenset({1075, 3750})


def canonicalize(
    connection: Connection,
    tables: Sequence[Table],
    schema: Schema,  # for servers with types of their own
    features: MySQLFeatures,
) -> Canonical:
    """Each table as SHOW CREATE TABLE tells it back; why the server refuses those it does.

    Nothing is committed and nothing stays: a temporary table belongs to this session and is
    dropped at once. Foreign keys and full-text indexes, which temporary tables cannot have,
    come back as given, and so do names, comments and options.
    """
    found: dict[str, Table] = {}
    refused: dict[str, str] = {}
    for table in tables:
        answer = _stored(connection, table, features)
        if isinstance(answer, Table):
            found[table.name] = answer
        elif answer:
            refused[table.name] = answer
    return Canonical(tables=found, refused=refused)


def _stored(connection: Connection, table: Table, features: MySQLFeatures) -> Table | str:
    """The table, or why the server refuses it; empty if not for anything the table holds."""
    scratch = f"_odac_scratch_{secrets.token_hex(8)}"
    asked = tuple(index for index in table.indexes if index.method is None)
    options = {key: value for key, value in table.options.items() if key == "collation"}
    # Under names of our own: two objects may have been given the same generated name. MariaDB
    # takes a unique index and a CHECK of one name for the same constraint (error 1826).
    numbered = tuple(replace(each, name=f"_odac_i{n}") for n, each in enumerate(asked))
    checks = tuple(replace(each, name=f"_odac_c{n}") for n, each in enumerate(table.checks))
    plain = replace(table, options=options, comment=None, checks=checks)
    sql = clauses.create_table(plain, numbered, features, temporary=scratch)
    try:
        catalog.execute(connection, sql)
    except DBAPIError as error:
        number, text = said(error.orig)
        if number == _ACCESS_DENIED:
            raise _denied(connection, features) from error
        if error.connection_invalidated:
            raise
        return "" if number in _OTHERWISE_TAKEN else _by_own_names(text, scratch, table, asked)
    try:
        read = read_table(catalog.show_create(connection, scratch)[scratch], features)
    finally:
        catalog.execute(connection, f"DROP TEMPORARY TABLE {quote(scratch)}")
    return replace(
        read,
        name=table.name,
        indexes=_merged(table.indexes, asked, read.indexes),
        checks=_checks(table.checks, read.checks),
        foreign_keys=table.foreign_keys,
        comment=table.comment,
        options=table.options,
    )


def _by_own_names(text: str, scratch: str, table: Table, indexes: Sequence[Index]) -> str:
    """What the server says of the scratch table, said of the declared one."""
    items: dict[str, Sequence[Check | Index]] = {"c": table.checks, "i": indexes}
    named = re.sub(
        r"\b_odac_([ci])(\d+)\b", lambda m: str(items[m[1]][int(m[2])].name or "(unnamed)"), text
    )
    return named.replace(scratch, table.name)


def _denied(connection: Connection, features: MySQLFeatures) -> ServerRefused:
    user = catalog.execute(connection, "SELECT CURRENT_USER()").scalar_one()
    reason = (
        f"whether texts mean the same is found out with a temporary table, and {user} may make "
        f"none: GRANT CREATE TEMPORARY TABLES ON {quote(features.namespace)}.* TO {user}"
    )
    return ServerRefused(masked_url(connection.engine), reason)


def _merged(
    given: Sequence[Index], asked: Sequence[Index], read: Sequence[Index]
) -> tuple[Index, ...]:
    stored = {index.name: index for index in read}
    answers = {id(index): stored.get(f"_odac_i{n}") for n, index in enumerate(asked)}
    return tuple(_named_like(index, answers.get(id(index))) for index in given)


def _named_like(given: Index, stored: Index | None) -> Index:
    if stored is None:
        return given
    return replace(
        stored,
        name=given.name,
        named=given.named,
        constraint=given.constraint,
        implicit=given.implicit,
    )


def _checks(given: Sequence[Check], read: Sequence[Check]) -> tuple[Check, ...]:
    stored = {check.name: check for check in read}
    found = [(each, stored.get(f"_odac_c{n}")) for n, each in enumerate(given)]
    return tuple(
        each if answer is None else replace(answer, name=each.name, named=each.named)
        for each, answer in found
    )
