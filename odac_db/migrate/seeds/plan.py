"""Which seed rows would be inserted or updated, in an order the foreign keys allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features
from odac_db.ids import nanoid, nanoid_columns
from odac_db.migrate.reference_order import parents_first
from odac_db.migrate.seeds.stored import (
    Row,
    SeedTable,
    key_text,
    seed_table,
    spelled,
    stored_rows,
)
from odac_db.schema.declaration import Declarations
from odac_db.schema.model import ForeignKey, Schema, Table

__all__ = ["PendingSeed", "plan_seeds"]


@dataclass(frozen=True, kw_only=True)
class PendingSeed:
    """A row to write. ``row`` is the seed, ``values`` what is written of it.

    ``later`` are columns that refer to a row inserted afterwards: they are NULL at first.
    """

    kind: Literal["seed_insert", "seed_update"]
    seeds: SeedTable
    row: Row
    values: Mapping[str, Any]
    later: Mapping[str, Any]

    @property
    def table(self) -> str:
        return self.seeds.table.name

    @property
    def key(self) -> str:
        """The row's key for people."""
        return key_text(self.seeds.key, self.row)


def are_in(declarations: Declarations) -> bool:
    """Whether any table declares seeds."""
    return any(table.body.seed for table in declarations.tables.values())


def plan_seeds(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    schema: Schema,
    declarations: Declarations,
) -> tuple[PendingSeed, ...]:
    """The seed rows that are missing or differ, parents before children. Only reads.

    ``schema`` is the declared schema in the server's words. Values are compared by type, so
    seeds that are there as declared are absent from the answer whatever their types. A
    table that is not there yet, or lacks a seeded column, waits.

    Raises SeedError for rows without a key, rows with the same key, and values that a
    column cannot hold.
    """
    seeded = {name for name, table in declarations.tables.items() if table.body.seed}
    live = dialect.introspect(conn, features, seeded).tables if seeded else {}
    nanoids = nanoid_columns(declarations)
    pending: list[PendingSeed] = []
    for name in _in_order(schema, seeded):
        seeds = seed_table(
            dialect, features, declarations.tables[name], schema.tables[name], nanoids.get(name, {})
        )
        if _is_there(seeds, live.get(name)):
            pending += _pending(conn, features, spelled(conn, seeds))
    return _deferred(pending)


def _in_order(schema: Schema, seeded: set[str]) -> list[str]:
    tables = {name: schema.tables[name] for name in seeded if name in schema.tables}
    references = {
        name: {key.ref_table for key in table.foreign_keys} for name, table in tables.items()
    }
    required = {
        name: {key.ref_table for key in table.foreign_keys if not _nullable(table, key)}
        for name, table in tables.items()
    }
    return parents_first(references, required)


def _is_there(seeds: SeedTable, live: Table | None) -> bool:
    return live is not None and all(live.column(name) is not None for name in seeds.columns)


def _pending(conn: Connection, features: Features, seeds: SeedTable) -> list[PendingSeed]:
    found: list[PendingSeed] = []
    stored = stored_rows(conn, features, seeds)
    for row, comparable, there in zip(seeds.rows, seeds.spelled, stored, strict=True):
        if there is None:
            values = _filled(seeds, row)
            found.append(
                PendingSeed(kind="seed_insert", seeds=seeds, row=row, values=values, later={})
            )
        elif changed := _changed(seeds, row, comparable, there):
            found.append(
                PendingSeed(kind="seed_update", seeds=seeds, row=row, values=changed, later={})
            )
    return found


def _filled(seeds: SeedTable, row: Row) -> Row:
    """The row with a fresh id in each nanoid column it does not fill."""
    fresh = {
        name: nanoid(length) for name, length in seeds.nanoids.items() if row.get(name) is None
    }
    return {**row, **fresh}


def _changed(seeds: SeedTable, row: Row, comparable: Row, there: Row) -> Row:
    """The declared columns that differ. An id once given stays."""
    return {
        name: row[name]
        for name, value in comparable.items()
        if not seeds.columns[name].same(value, there[name])
        and not (value is None and name in seeds.nanoids)
    }


def _deferred(pending: list[PendingSeed]) -> tuple[PendingSeed, ...]:
    """References to rows that are inserted later are left NULL first, where they can be."""
    places = _places(pending)
    return tuple(
        _with_deferred(seed, position, places) if seed.kind == "seed_insert" else seed
        for position, seed in enumerate(pending)
    )


Places = dict[tuple[str, tuple[str, ...]], dict[tuple[Any, ...], int]]


def _places(pending: list[PendingSeed]) -> Places:
    """Where in the order each row comes that others may refer to, by table and columns."""
    wanted = {
        (key.ref_table, key.ref_columns)
        for seed in pending
        for key in seed.seeds.table.foreign_keys
    }
    places: Places = {each: {} for each in wanted}
    for position, seed in enumerate(pending):
        if seed.kind == "seed_insert":
            for table, columns in wanted:
                value = _reference(seed, columns) if table == seed.table else None
                if value is not None:
                    places[table, columns][value] = position
    return places


def _reference(seed: PendingSeed, columns: tuple[str, ...]) -> tuple[Any, ...] | None:
    """The row's values of these columns as text; None when one is NULL or not declared."""
    values = []
    for name in columns:
        value = seed.values.get(name)
        if value is None:
            return None
        column = seed.seeds.columns.get(name)
        values.append(str(column.canonical(value) if column else value))
    return tuple(values)


def _with_deferred(seed: PendingSeed, position: int, places: Places) -> PendingSeed:
    later: Row = {}
    for key in seed.seeds.table.foreign_keys:
        value = _reference(seed, key.columns)
        if value is None:
            continue
        if places[key.ref_table, key.ref_columns].get(value, -1) > position:
            later |= {name: seed.values[name] for name in _nullable(seed.seeds.table, key)}
    if not later:
        return seed
    values = {**seed.values, **dict.fromkeys(later)}
    return replace(seed, values=values, later=later)


def _nullable(table: Table, key: ForeignKey) -> list[str]:
    columns = [table.column(name) for name in key.columns]
    return [column.name for column in columns if column is not None and column.nullable]
