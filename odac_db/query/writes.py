"""Writes: UPDATE, DELETE and INSERT of a query, each done as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    CursorResult,
    Delete,
    Executable,
    Table,
    Update,
    bindparam,
    delete,
    func,
    insert,
    update,
)

from odac_db.errors import QueryRefused
from odac_db.ids import nanoid
from odac_db.query import statements
from odac_db.query.catalog import Definition
from odac_db.query.names import unknown

if TYPE_CHECKING:
    from odac_db.query.performer import Work
    from odac_db.query.steps import Steps

Row = Mapping[str, Any]


def updated(query: Steps, values: Row) -> int:
    """How many rows an UPDATE met."""
    return _changed(query, updating(query, values))


def incremented(query: Steps, column: str, by: Any) -> int:
    """How many rows an UPDATE that adds to a column met."""
    return _changed(query, incrementing(query, column, by))


def deleted(query: Steps) -> int:
    """How many rows a DELETE took."""
    return _changed(query, deleting(query))


def _changed(query: Steps, statement: Executable) -> int:
    def work(tx: Work) -> int:
        return tx.execute(statement).rowcount

    return query._performer.write(work, several=False)


def updating(query: Steps, values: Row) -> Update:
    """The UPDATE. Raises UnknownName and QueryRefused."""
    table = _table(query, "update")
    definition = definition_of(query)
    if not values:
        raise QueryRefused(f"{definition.name}.update needs values: update(title=...)")
    known(definition, values)
    columns = {column_of(table, name): value for name, value in values.items()}
    return update(table).where(*_where(query, table)).values(columns)


def incrementing(query: Steps, column: str, by: Any) -> Update:
    """The UPDATE that adds. Raises UnknownName and QueryRefused."""
    table = _table(query, "increment")
    known(definition_of(query), (column,))
    if isinstance(by, bool) or not isinstance(by, int | float | Decimal):
        raise QueryRefused(f"increment adds a number, not {type(by).__name__}")
    found = column_of(table, column)
    added = bindparam(None, by, type_=found.type, unique=True)
    return (
        update(table).where(*_where(query, table)).values({found: func.coalesce(found, 0) + added})
    )


def deleting(query: Steps) -> Delete:
    """The DELETE. Raises QueryRefused."""
    table = _table(query, "delete")
    return delete(table).where(*_where(query, table))


def _table(query: Steps, verb: str) -> Table:
    """The table, if the query is one that can be written through."""
    state = query._shape.state
    if state.joins or not state.is_plain:
        message = (
            f"{verb} takes where(...) and nothing else: no join, limit, offset, group or distinct"
        )
        raise QueryRefused(message)
    if state.where is None and not state.all_rows:
        message = f"{state.table}.{verb} would meet every row"
        raise QueryRefused(f"{message}: narrow it with where(...), or say all_rows() before it")
    return query._shape.catalog.table(state.table)


def _where(query: Steps, table: Table) -> Iterator[ColumnElement[bool]]:
    shape = query._shape
    if shape.state.where is not None:
        bind = shape.literal(query._values)
        yield statements.condition(shape.state.where, {shape.state.table: table}, bind)


def definition_of(query: Steps) -> Definition:
    return query._shape.catalog.definition(query._shape.state.table)


def known(definition: Definition, names: Iterable[str]) -> None:
    """Raises UnknownName for the first that is no column of the table."""
    for name in names:
        if not definition.has(name):
            raise unknown(f"{definition.name} has no column", name, definition.columns)


def column_of(table: Table, name: str) -> Any:
    return statements.column_of(table, name)


def filled(definition: Definition, row: Any) -> dict[str, Any]:
    """A row to insert, its nanoids filled; the one given is left as it is."""
    if not isinstance(row, Mapping):
        raise QueryRefused(f"a row is a mapping of columns to values, not {type(row).__name__}")
    known(definition, row)
    made = dict(row)
    for name, size in definition.nanoids.items():
        if made.get(name) is None:
            made[name] = nanoid(size)
    return made


def insert_one(tx: Work, table: Table, row: Row, statement: Any = None) -> CursorResult[Any]:
    """Inserts a row, by a statement of one's own or plainly."""
    values = {column_of(table, name): value for name, value in row.items()}
    base = insert(table) if statement is None else statement
    return tx.execute(base.values(values) if values else base)


def insert_all(
    tx: Work, table: Table, rows: Sequence[Row], statement: Callable[[Sequence[str]], Any]
) -> int:
    """Inserts rows in their order, those with the same columns in one go; how many are new."""
    count = 0
    for names, group in groupby(rows, key=lambda row: tuple(sorted(row))):
        several = list(group)
        made = statement(names)
        if not names or len(several) == 1 or any(map(is_computed, several)):
            count += sum(insert_one(tx, table, row, made).rowcount for row in several)
            continue
        keys = {name: column_of(table, name).key for name in names}
        params = [{keys[name]: value for name, value in row.items()} for row in several]
        done = tx.execute(made, params).rowcount
        count += done if done >= 0 else len(several)
    return count


def is_computed(row: Row) -> bool:
    return any(isinstance(value, ClauseElement) for value in row.values())


def key_of(definition: Definition, row: Row, result: CursorResult[Any] | None) -> tuple[Any, ...]:
    """The primary key of an inserted row: as it was given, else as the server made it."""
    found = [row.get(name) for name in definition.key]
    if all(value is not None and not isinstance(value, ClauseElement) for value in found):
        return tuple(found)
    made = result.inserted_primary_key if result is not None else None
    return tuple(made) if made is not None else tuple(found)
