"""The live schema: five catalog statements, whatever the number of tables."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeVar

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.postgresql import catalog, catalog_keys
from odac_db.dialects.postgresql.catalog_json import OWN_SCHEMA
from odac_db.dialects.postgresql.catalog_unsupported import TAKEN, unsupported
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import sequence_name
from odac_db.dialects.postgresql.reading import pin_printing, run, undone
from odac_db.schema.model import (
    Check,
    Column,
    EnumType,
    Exclusion,
    ExclusionPart,
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    Schema,
    Table,
    Unsupported,
)

T = TypeVar("T")
replace = msgspec.structs.replace


class _Described(msgspec.Struct, frozen=True):
    name: str
    comment: str | None = None
    unlogged: bool = False
    columns: tuple[Column, ...] = ()


class _Excluded(msgspec.Struct, frozen=True):
    name: str
    parts: tuple[IndexPart, ...]
    operators: tuple[str, ...]
    method: str
    where: str | None = None
    deferrable: Literal["immediate", "deferred"] | None = None
    comment: str | None = None


class _Keys(msgspec.Struct, frozen=True):
    indexes: tuple[Index, ...] = ()
    primary_key: PrimaryKey | None = None
    exclusions: tuple[_Excluded, ...] = ()


class _Constraints(msgspec.Struct, frozen=True):
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()


_NO_KEYS = _Keys()
_NO_CONSTRAINTS = _Constraints()
_tables = msgspec.json.Decoder(tuple[_Described, ...])
_indexes = msgspec.json.Decoder(dict[str, _Keys])
_constraints = msgspec.json.Decoder(dict[str, _Constraints])
_enums = msgspec.json.Decoder(dict[str, EnumType])
_unsupported = msgspec.json.Decoder(tuple[Unsupported, ...])


def introspect(
    connection: Connection, features: PostgreSQLFeatures, only: Collection[str] | None
) -> Schema:
    """Everything in the current schema, read inside a transaction that leaves no trace.

    Tables of extensions, partitions, and tables that inherit are not among the tables; what
    else the model cannot hold is in ``unsupported`` (empty where ``only`` limits the answer).
    """
    with undone(connection):
        pin_printing(connection)
        tables = read_tables(connection, features, only)
        enums = read_enums(connection)
        rest: tuple[Unsupported, ...] = ()
        if only is None:
            rest = _answer(connection, unsupported(features), _unsupported)
    return Schema(
        tables=tables,
        enums=enums,
        unsupported=tuple(sorted(one for one in rest if one.kind != TAKEN)),
        taken={one.name: one.detail for one in rest if one.kind == TAKEN},
    )


def read_tables(
    connection: Connection,
    features: PostgreSQLFeatures,
    only: Collection[str] | None,
    schema: str = OWN_SCHEMA,
) -> dict[str, Table]:
    """The tables of a schema, given as SQL for its oid, in three statements."""
    described = _answer(connection, catalog.tables(schema, only), _tables)
    keys = _answer(connection, catalog_keys.indexes(schema, only, features), _indexes)
    constraints = _answer(
        connection, catalog_keys.constraints(schema, only, features), _constraints
    )
    limit = features.identifier_limit
    return {
        table.name: _table(
            table,
            keys.get(table.name, _NO_KEYS),
            constraints.get(table.name, _NO_CONSTRAINTS),
            limit,
        )
        for table in described
    }


def read_enums(connection: Connection) -> dict[str, EnumType]:
    """The enum types of the current schema, in one statement."""
    return _answer(connection, catalog.ENUMS, _enums)


def _answer(connection: Connection, sql: str, decoder: msgspec.json.Decoder[T]) -> T:
    text = run(connection, sql).scalar_one()
    assert isinstance(text, str)
    return decoder.decode(text)


def _table(described: _Described, keys: _Keys, constraints: _Constraints, limit: int) -> Table:
    name, columns = described.name, described.columns
    if any(one.identity is not None and one.identity.sequence is not None for one in columns):
        columns = tuple(_sequence_known(name, column, limit) for column in columns)
    return Table(
        name=name,
        columns=columns,
        primary_key=keys.primary_key,
        indexes=keys.indexes,
        foreign_keys=constraints.foreign_keys,
        checks=constraints.checks,
        exclusions=tuple(map(_exclusion, keys.exclusions)),
        comment=described.comment,
        options={"unlogged": "true" if described.unlogged else "false"},
    )


def _exclusion(found: _Excluded) -> Exclusion:
    pairs = zip(found.parts, found.operators, strict=True)
    return Exclusion(
        name=found.name,
        parts=tuple(ExclusionPart(part=part, operator=operator) for part, operator in pairs),
        method=found.method,
        where=found.where,
        deferrable=found.deferrable,
        comment=found.comment,
    )


def _sequence_known(table: str, column: Column, limit: int) -> Column:
    """The column, its sequence None where its name is a long one cut by the server."""
    identity = column.identity
    if identity is None or identity.sequence != sequence_name(table, column.name, limit):
        return column
    return replace(column, identity=replace(identity, sequence=None))
