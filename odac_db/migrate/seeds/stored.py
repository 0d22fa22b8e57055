"""Seeded tables and the rows of theirs that are there already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Text,
    and_,
    cast,
    literal_column,
    or_,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import UserDefinedType

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import SeedError
from odac_db.migrate.seeds.values import SeedColumn
from odac_db.migrate.selectables import Raw, batched, relation
from odac_db.schema.declaration import ColumnDeclaration, TableDeclaration
from odac_db.schema.model import Table

__all__ = ["Key", "Row", "SeedTable", "key_text", "seed_table", "spelled", "stored_rows"]

Key = tuple[Any, ...]
Row = dict[str, Any]

# SQLite parses a chain of ORs as a tree at most 1,000 deep.
_ROWS_PER_SELECT = 200
# PostgreSQL's limit of columns in one SELECT is 1,664.
_VALUES_PER_SELECT = 500


@dataclass(frozen=True, kw_only=True)
class SeedTable:
    """A table with seeds. ``rows`` are as declared.

    ``spelled`` are the same rows for comparing: what only the server can spell is in its
    words there.
    """

    table: Table
    key: tuple[str, ...]
    columns: Mapping[str, SeedColumn]
    rows: Sequence[Row]
    nanoids: Mapping[str, int] = field(default_factory=dict)
    spelled: Sequence[Row] = ()

    def key_of(self, row: Row) -> Key:
        """The canonical key of a row."""
        return tuple(self.columns[name].canonical(row[name]) for name in self.key)


class _Spelled(UserDefinedType[Any]):
    """A type in the server's own words, for CAST."""

    cache_ok = True

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling

    def get_col_spec(self, **_: Any) -> str:
        return self.spelling


def key_text(key: Iterable[str], row: Row) -> str:
    """The key of a row for people: ``slug=hello``."""
    return ", ".join(f"{name}={row.get(name)}" for name in key)


def seed_table(
    dialect: Dialect,
    features: Features,
    declared: TableDeclaration,
    table: Table,
    nanoids: Mapping[str, int],
) -> SeedTable:
    """What a table's seeds need.

    Raises SeedError for a row without its key, for two rows with the same key, and for a
    value its column cannot hold.
    """
    body = declared.body
    key = (body.seed_key,) if isinstance(body.seed_key, str) else tuple(body.seed_key or ())
    names = [column.name for column in table.columns]
    expressions = dict(zip(names, dialect.typed_row(table), strict=True))
    # Some servers' rows are read as text throughout, others' as the driver gives them.
    is_text = all(expressions[name] != dialect.quote(name) for name in names)
    seeded = {*key, *(name for row in body.seed for name in row)}
    columns = {
        column.name: SeedColumn(
            type=_type_name(body.columns[column.name], dialect, features),
            column=column,
            declared=body.columns[column.name],
            expression=expressions[column.name],
            is_text=is_text,
        )
        for column in table.columns
        if column.name in seeded
    }
    seeds = SeedTable(table=table, key=key, columns=columns, rows=body.seed, nanoids=nanoids)
    _check(seeds)
    return seeds


def _type_name(column: ColumnDeclaration, dialect: Dialect, features: Features) -> str:
    if isinstance(column.type, str):
        return column.type.lower()
    types = {str(name): text for name, text in column.type.items()}
    return types.get(features.name, types.get(dialect.name, "")).lower()


def _check(seeds: SeedTable) -> None:
    name = seeds.table.name
    seen: set[Key] = set()
    for row in seeds.rows:
        if any(row.get(column) is None for column in seeds.key) or not seeds.key:
            raise SeedError(f"a seed row of {name} lacks its key {', '.join(seeds.key)}: {row}")
        for column, value in row.items():
            try:
                seeds.columns[column].canonical(value)
            except (ValueError, TypeError, ArithmeticError) as error:
                where = f"the seed row {key_text(seeds.key, row)} of {name}"
                raise SeedError(f"{where}: {column} cannot be {value!r}: {error}") from error
        key = seeds.key_of(row)
        if key in seen:
            raise SeedError(f"{name} has two seed rows {key_text(seeds.key, row)}")
        seen.add(key)


def spelled(conn: Connection, seeds: SeedTable) -> SeedTable:
    """The seeds with what only the server can spell in its words; one SELECT, as a rule.

    Raises SeedError when the server refuses a value.
    """
    asking = [name for name, column in seeds.columns.items() if column.asks_server]
    wanted = [
        (number, name)
        for number, row in enumerate(seeds.rows)
        for name in asking
        if row.get(name) is not None
    ]
    rows = [dict(row) for row in seeds.rows]
    for batch in batched(wanted, _VALUES_PER_SELECT):
        values = [
            _server_text(seeds.columns[name], seeds.rows[number][name]).label(f"odac_{place}")
            for place, (number, name) in enumerate(batch)
        ]
        try:
            texts = conn.execute(select(*values)).one()
        except DBAPIError as error:
            raise SeedError(f"the seeds of {seeds.table.name}: {error.orig}") from error
        for (number, name), text in zip(batch, texts, strict=True):
            rows[number][name] = text
    return replace(seeds, spelled=rows)


def _server_text(column: SeedColumn, value: Any) -> ColumnElement[str]:
    return cast(cast(column.bound(value), _Spelled(column.column.type)), Text)


def stored_rows(conn: Connection, features: Features, seeds: SeedTable) -> list[Row | None]:
    """For each seed its row as stored, None where there is none; one SELECT per 200 seeds."""
    found: list[Row | None] = []
    source = relation(seeds.table.name, seeds.columns, features.namespace)
    read = [
        literal_column(column.expression, Raw()).label(f"odac_{number}")
        for number, column in enumerate(seeds.columns.values())
    ]
    for batch in batched(zip(seeds.rows, seeds.spelled, strict=True), _ROWS_PER_SELECT):
        condition = _with_keys(source, seeds, [row for row, _ in batch])
        rows = conn.execute(select(*read).select_from(source).where(condition))
        stored = [dict(zip(seeds.columns, row, strict=True)) for row in rows]
        found += _matched(seeds, [row for _, row in batch], stored)
    return found


def _with_keys(source: FromClause, seeds: SeedTable, rows: Iterable[Row]) -> ColumnElement[bool]:
    columns = seeds.columns
    if len(seeds.key) == 1:
        (name,) = seeds.key
        return source.c[name].in_([columns[name].bound(row[name]) for row in rows])
    return or_(
        *(
            and_(*(source.c[name] == columns[name].bound(row[name]) for name in seeds.key))
            for row in rows
        )
    )


def _matched(seeds: SeedTable, rows: Iterable[Row], stored: Iterable[Row]) -> list[Row | None]:
    """The stored row of each seed: the same key, else one the server itself calls equal."""
    exact: dict[Key, Row] = {}
    folded: dict[Key, Row] = {}
    for row in stored:
        key = seeds.key_of(row)
        exact[key] = row
        folded.setdefault(_folded(key), row)
    keys = [seeds.key_of(row) for row in rows]
    return [exact.get(key) or folded.get(_folded(key)) for key in keys]


def _folded(key: Key) -> Key:
    return tuple(part.casefold().rstrip(" ") if isinstance(part, str) else part for part in key)
