"""From what a query says to SQLAlchemy's statement of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import Numeric, TypeEngine

from odac_db.dialects.values import Exact, Real
from odac_db.query.operators import Bind
from odac_db.query.state import (
    Both,
    Condition,
    Either,
    Join,
    Ordering,
    Output,
    Ref,
    State,
    Test,
    replace,
)

__all__ = [
    "Bind",
    "carried",
    "condition",
    "figure",
    "labels",
    "parameter",
    "referred",
    "selection",
    "shown",
]

Tables = Callable[[str, str], FromClause]
"""A table under the name it has in the query: the same one each time."""
Sources = Mapping[str, FromClause]


class Names(Protocol):
    """What ``labels`` asks a catalog."""

    def definition(self, name: str, /) -> Any: ...


def parameter(place: int) -> str:
    """The name of the parameter for the value at that position."""
    return f"odac_{place}"


def named(place: int, kind: TypeEngine[Any], several: bool) -> BindParameter[Any]:
    return bindparam(parameter(place), type_=kind, expanding=several)


def carried(value: Any, kind: TypeEngine[Any], several: bool) -> BindParameter[Any]:
    """A parameter that has its value with it."""
    return bindparam(None, value, type_=kind, unique=True, expanding=several)


def labels(state: State, catalog: Names) -> tuple[str, ...]:
    """The names of a row's columns."""
    if state.columns is not None:
        return tuple(name for name, _ in state.columns)
    columns: tuple[str, ...] = catalog.definition(state.table).columns
    return columns


def selection(state: State, tables: Tables, bind: Bind | None = None) -> Select[Any]:
    """The SELECT of a query; its values are named parameters unless ``bind`` makes others."""
    bind = bind or named
    if state.output == "rows":
        return _rows(state, tables, bind)
    if state.output == "exists":
        return _rows(replace(state, columns=(("found", literal_column("1")),)), tables, bind)
    if state.is_plain:
        return _base(state, tables, bind, [_aggregate(state, _of(state, tables))])
    inner = state.of is not None and (("of", state.of),)
    counted = state.columns if state.distinct else (("one", literal_column("1")),)
    rows = replace(state, output="rows", columns=inner or counted)
    listed = _rows(rows, tables, bind).subquery()
    column = None if state.of is None else listed.c["of"]
    return select(_aggregate(state, column)).select_from(listed)


def shown(state: State, tables: Tables) -> list[ColumnElement[Any]]:
    """The columns of a query's rows."""
    sources = _sources(state, tables)
    return [_labelled(sources, name, what) for name, what in _columns(state, tables)]


def _rows(state: State, tables: Tables, bind: Bind) -> Select[Any]:
    sources = _sources(state, tables)
    columns = shown(state, tables)
    statement = _base(state, tables, bind, columns)
    for group in state.groups:
        statement = statement.group_by(_expression(sources, group))
    statement = statement.having(*state.having) if state.having else statement
    statement = statement.distinct() if state.distinct else statement
    for one in state.order:
        statement = statement.order_by(*_order(sources, one))
    if state.limit is not None:
        statement = statement.limit(bind(state.limit, Integer(), False))
    if state.offset is not None:
        statement = statement.offset(bind(state.offset, Integer(), False))
    return statement


def _base(state: State, tables: Tables, bind: Bind, columns: list[Any]) -> Select[Any]:
    """SELECT, FROM and WHERE."""
    sources = _sources(state, tables)
    origin: FromClause = sources[state.table]
    for join in state.joins:
        origin = origin.join(sources[join.name], _on(sources, join), isouter=join.outer)
    statement = select(*columns).select_from(origin)
    if state.where is None:
        return statement
    return statement.where(condition(state.where, sources, bind))


def _sources(state: State, tables: Tables) -> Sources:
    return {name: tables(table, name) for name, table in state.tables.items()}


def _columns(state: State, tables: Tables) -> list[tuple[str, Any]]:
    if state.columns is not None:
        return list(state.columns)
    own = tables(state.table, state.table).c
    return [(str(column.name), Ref(state.table, str(column.name))) for column in own]


def _labelled(sources: Sources, name: str, what: Any) -> ColumnElement[Any]:
    found: ColumnElement[Any] = _expression(sources, what)
    return found if isinstance(what, Ref) and what.column == name else found.label(name)


def _expression(sources: Sources, what: Any) -> Any:
    return column_of(sources[what.table], what.column) if isinstance(what, Ref) else what


def column_of(source: FromClause, name: str) -> ColumnElement[Any]:
    """A column by its name in the database, which may not be its key in a MetaData."""
    found = source.c.get(name)
    if found is not None and found.name == name:
        return found
    return next(column for column in source.c if column.name == name)


def _of(state: State, tables: Tables) -> ColumnElement[Any] | None:
    return None if state.of is None else referred(state, tables, state.of)


def referred(state: State, tables: Tables, ref: Ref) -> ColumnElement[Any]:
    """A column of a query."""
    return column_of(_sources(state, tables)[ref.table], ref.column)


def _aggregate(state: State, column: ColumnElement[Any] | None) -> ColumnElement[Any]:
    return func.count() if column is None else figure(state.output, column)


def figure(output: Output, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of whole numbers the average is a float, and the sum a whole number."""
    match output:
        case "sum":
            return type_coerce(func.sum(column), column.type)
        case "avg":
            exact = isinstance(column.type, Exact) or type(column.type) is Numeric
            return type_coerce(func.avg(column), column.type if exact else Real(str(column)))
        case "min":
            return func.min(column)
        case _:
            return func.max(column)


def _order(sources: Sources, one: Ordering) -> Iterator[Any]:
    """MySQL has no NULLS FIRST: whether it is NULL is a value to order by on every server."""
    found = _expression(sources, one.by)
    if one.nulls is not None:
        yield found.is_(None).desc() if one.nulls == "first" else found.is_(None)
    yield found.desc() if one.descending else found


def _on(sources: Sources, join: Join) -> ColumnElement[bool]:
    if isinstance(join.on, tuple):
        pairs = (
            _expression(sources, left) == _expression(sources, right) for left, right in join.on
        )
        return and_(*pairs)
    return join.on  # type: ignore[return-value]


def condition(what: Condition, sources: Sources, bind: Bind) -> Any:
    """The WHERE of a query."""
    if isinstance(what, Test):
        column = column_of(sources[what.ref.table], what.ref.column)
        return what.operator.condition(column, what.variant, what.place, bind)
    if isinstance(what, Both):
        return and_(*(condition(part, sources, bind) for part in what.parts))
    if isinstance(what, Either):
        return or_(*(condition(part, sources, bind) for part in what.parts))
    return what
