"""One copied row, put back: inserted again, or its columns set again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    Text,
    bindparam,
    cast,
    literal_column,
    select,
    update,
)

from odac_db.dialects.base import Dialect, Features
from odac_db.migrate.orphans.copies import lenient_text
from odac_db.migrate.row_json import encode_row
from odac_db.migrate.selectables import Raw, insertion, key_columns, key_in, relation
from odac_db.schema.model import ForeignKey, Schema, Table

__all__ = ["Place", "Refused", "insert_row", "reset_columns"]


class Refused(Exception):
    """A row cannot be put back, and why."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where rows are put back, and the schema as it is."""

    conn: Connection
    dialect: Dialect
    features: Features
    live: Schema

    def table(self, name: str) -> Table:
        """The live table. Raises Refused when it is gone."""
        table = self.live.tables.get(name)
        if table is None:
            raise Refused(f"table {name} no longer exists")
        return table


def insert_row(place: Place, name: str, row: Mapping[str, Any]) -> None:
    """Insert a deleted row as it was.

    Raises Refused, or what the driver raises.
    """
    table = place.table(name)
    for column, value in row.items():
        if value is not None and table.column(column) is None:
            raise Refused(f"column {column} no longer exists, and the copy has a value for it")
    columns = [each for each in table.columns if each.name in row and each.generated is None]
    _check_parents(place, table, row, table.foreign_keys)
    placed = {each.name: _placed(number, row[each.name]) for number, each in enumerate(columns)}
    statement = insertion(place.dialect, place.features, table, placed)
    binds = [_bound(row[each.name], f"v{number}") for number, each in enumerate(columns)]
    place.conn.execute(statement.bindparams(*binds))
    _check_stored(place, table, row)


def reset_columns(
    place: Place, name: str, row: Mapping[str, Any], columns: Sequence[str], *, was_null: bool
) -> None:
    """Give columns that were nullified, or set to their default, the values they had.

    Raises Refused, or what the driver raises.
    """
    table = place.table(name)
    touched = [key for key in table.foreign_keys if set(key.columns) & set(columns)]
    _check_parents(place, table, row, touched)
    key = _find(place, table, row, columns, was_null)
    target = relation(name, (each.name for each in table.columns), place.features.namespace)
    kept = {each.name: target.c[each.name] for each in table.columns if each.on_update}
    statement = (
        update(target)
        .values({**kept, **{column: _value(row[column]) for column in columns}})
        .where(key_in(key_columns(place.dialect, table), [key]))
        # Rows alike in every byte share a key where a table has none (MySQL).
        .with_dialect_options(mysql_limit=1, mariadb_limit=1)
    )
    place.conn.execute(statement)


def _find(
    place: Place, table: Table, row: Mapping[str, Any], columns: Sequence[str], was_null: bool
) -> tuple[Any, ...]:
    """The key of the row as it stands: by primary key, or by all that was not set."""
    if any(table.column(name) is None for name in columns):
        raise Refused(f"{', '.join(columns)}: no longer all there")
    primary = table.primary_key.columns if table.primary_key else ()
    present = {each.name for each in table.columns} & set(row)
    known = {name: row[name] for name in primary or row if name in present and name not in columns}
    found = _row_like(place, table, known, (), exactly=not primary)
    if found is None:
        raise Refused("the row no longer exists")
    if was_null:
        found = _row_like(place, table, known, columns, exactly=not primary)
    if found is None:
        raise Refused(f"{', '.join(columns)} has been given another value since")
    return found


def _row_like(
    place: Place,
    table: Table,
    known: Mapping[str, Any],
    nulls: Sequence[str],
    *,
    exactly: bool,
) -> tuple[Any, ...] | None:
    """The key of a row with these values, and NULL in those columns.

    ``exactly``: the server picks the candidates, and they are compared here, because not
    every type has an equality there that can be trusted.
    """
    keys = key_columns(place.dialect, table)
    kept = [each.name for each in table.columns if each.name in known]
    read = _readable(place, table)
    shown = [*keys, *(read[name] for name in kept if exactly)]
    labelled = [each.label(f"odac_{number}") for number, each in enumerate(shown)]
    source = relation(table.name, nulls, place.features.namespace)
    rows = select(*labelled).select_from(source)
    rows = rows.where(*_same(place, table, known), *(source.c[name].is_(None) for name in nulls))
    wanted = encode_row({name: known[name] for name in kept})
    with lenient_text(place.conn), place.conn.execute(rows) as found:
        for row in found:
            values = dict(zip(kept, row[len(keys) :], strict=False))
            if not exactly or encode_row(values) == wanted:
                return tuple(row[: len(keys)])
    return None


def _readable(place: Place, table: Table) -> dict[str, ColumnElement[Any]]:
    names = (each.name for each in table.columns)
    expressions = zip(names, place.dialect.typed_row(table), strict=True)
    return {name: literal_column(expression, Raw()) for name, expression in expressions}


def _same(place: Place, table: Table, known: Mapping[str, Any]) -> list[ColumnElement[bool]]:
    """The values as conditions, but for bytes and JSON, which no column may equal (MySQL)."""
    read = _readable(place, table)
    conditions: list[ColumnElement[bool]] = []
    for name, value in known.items():
        column = table.column(name)
        primary = table.primary_key is not None and name in table.primary_key.columns
        if column is None:
            continue
        if value is None:
            conditions.append(read[name].is_(None))
        elif primary or not (isinstance(value, bytes) or column.type == "json"):
            conditions.append(read[name] == _value(value))
    return conditions


def _check_parents(
    place: Place, table: Table, row: Mapping[str, Any], keys: Iterable[ForeignKey]
) -> None:
    """Asked beforehand, because a server may check only at the end, or not at all (SQLite)."""
    for key in keys:
        values = [row.get(name) for name in key.columns]
        if any(value is None for value in values) or key.ref_table not in place.live.tables:
            continue
        if key.ref_table == table.name and values == [row.get(name) for name in key.ref_columns]:
            continue
        parent = relation(key.ref_table, key.ref_columns, place.features.namespace)
        pairs = list(zip(key.ref_columns, values, strict=True))
        same = [parent.c[name] == _value(value) for name, value in pairs]
        statement: Select[Any] = (
            select(literal_column("1")).select_from(parent).where(*same).limit(1)
        )
        if place.conn.execute(statement).first() is None:
            wanted = ", ".join(f"{name}={value}" for name, value in pairs)
            raise Refused(f"no row of {key.ref_table} has {wanted}")


def _check_stored(place: Place, table: Table, row: Mapping[str, Any]) -> None:
    """MySQL gives a row with id 0 the next number instead."""
    primary = table.primary_key.columns if table.primary_key else ()
    known = {name: row[name] for name in primary if name in row}
    if not known:
        return
    source = relation(table.name, (), place.features.namespace)
    statement: Select[Any] = (
        select(literal_column("1")).select_from(source).where(*_same(place, table, known))
    )
    if place.conn.execute(statement.limit(1)).first() is None:
        raise Refused("the server gave the row another key")


def _is_broken(value: Any) -> bool:
    """Whether a text came from bytes that are not UTF-8 (SQLite)."""
    return isinstance(value, str) and any("\udc80" <= char <= "\udcff" for char in value)


def _placed(number: int, value: Any) -> str:
    return f"CAST(:v{number} AS TEXT)" if _is_broken(value) else f":v{number}"


def _bound(value: Any, name: str | None = None) -> BindParameter[Any]:
    stored = value.encode("utf-8", "surrogateescape") if _is_broken(value) else value
    return bindparam(name, stored, type_=Raw())


def _value(value: Any) -> ColumnElement[Any]:
    bound = _bound(value)
    return cast(bound, Text) if _is_broken(value) else bound
