"""From the names in a query to the columns and foreign keys they mean. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement

from odac_db.errors import QueryRefused, UnknownName
from odac_db.query.catalog import Catalog
from odac_db.query.names import unknown
from odac_db.query.operators import OPERATORS, Operator
from odac_db.query.state import Join, Ordering, Ref, State

__all__ = ["column", "columns", "join", "ordering", "tested"]

_NULLS = re.compile(r"(.+?)\s+nulls\s+(first|last)", re.IGNORECASE | re.DOTALL)


def column(state: State, catalog: Catalog, name: str) -> Ref:
    """The column of that name: the first table's, or ``users.name``, or a joined table's.

    Raises UnknownName, and QueryRefused for one that several joined tables have.
    """
    found = _plain(state, catalog, name)
    if found is not None:
        return found
    table, dot, rest = name.partition(".")
    while dot:
        if table in state.tables and catalog.definition(state.tables[table]).has(rest):
            return Ref(table, rest)
        more, dot, rest = rest.partition(".")
        table = f"{table}.{more}"
    raise _no_column(state, catalog, name)


def _plain(state: State, catalog: Catalog, name: str) -> Ref | None:
    having = [alias for alias, table in state.tables.items() if catalog.definition(table).has(name)]
    if state.table in having or len(having) == 1:
        return Ref(state.table if state.table in having else having[0], name)
    if having:
        which = " or ".join(f"{alias}.{name}" for alias in having)
        raise QueryRefused(f"{name} is a column of several joined tables: write {which}")
    return None


def _no_column(state: State, catalog: Catalog, name: str) -> UnknownName:
    known = list(catalog.definition(state.table).columns)
    for alias, table in state.tables.items():
        if alias != state.table or "." in name:
            known += [f"{alias}.{one}" for one in catalog.definition(table).columns]
    return unknown(f"{state.table} has no column", name, known)


def tested(state: State, catalog: Catalog, name: str) -> tuple[Ref, Operator]:
    """What a keyword of ``where`` means: ``views``, ``views__gt``, ``users__name__like``.

    A column that is called so comes first. Raises UnknownName.
    """
    for candidate in (name, name.replace("__", ".", 1)):
        try:
            return column(state, catalog, candidate), OPERATORS["eq"]
        except UnknownName:
            pass
    left, separator, operator = name.rpartition("__")
    if not separator:
        return column(state, catalog, name), OPERATORS["eq"]
    try:
        ref = column(state, catalog, left)
    except UnknownName:
        ref = column(state, catalog, left.replace("__", ".", 1))
    if operator not in OPERATORS:
        raise unknown(f"{name}: there is no operator", operator, OPERATORS)
    return ref, OPERATORS[operator]


def columns(
    state: State,
    catalog: Catalog,
    given: Sequence[str | ColumnElement[Any]],
    named: Mapping[str, str | ColumnElement[Any]],
) -> tuple[tuple[str, Ref | ClauseElement], ...]:
    """What ``select`` is given, as names and what they are. Raises QueryRefused."""
    found: list[tuple[str, Ref | ClauseElement]] = []
    for one in given:
        if isinstance(one, str):
            found += _selected(state, catalog, one)
        else:
            found.append((_label(one), one))
    for name, what in named.items():
        found.append((name, column(state, catalog, what) if isinstance(what, str) else what))
    names = [name for name, _ in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = f"two columns would be called {twice!r}"
        raise QueryRefused(f'{message}: give one another name, select(other="table.{twice}")')
    if not found:
        raise QueryRefused('select needs columns: select("id", "title")')
    return tuple(found)


def _selected(state: State, catalog: Catalog, name: str) -> list[tuple[str, Ref | ClauseElement]]:
    prefix = name.removesuffix("*").removesuffix(".")
    if name == "*" or (name.endswith(".*") and prefix in state.tables):
        alias = prefix or state.table
        all_columns = catalog.definition(state.tables[alias]).columns
        return [(one, Ref(alias, one)) for one in all_columns]
    selected = dict(state.columns or ())
    if name in selected:  # by a select before this one
        return [(name, selected[name])]
    ref = column(state, catalog, name)
    return [(ref.column, ref)]


def _label(clause: Any) -> str:
    if not isinstance(clause, ClauseElement):
        raise QueryRefused(f"select takes names and expressions, not {type(clause).__name__}")
    name = getattr(clause, "name", None) or getattr(clause, "key", None)
    if not name:
        raise QueryRefused("an expression needs a name: select(total=...)")
    return str(name)


def ordering(state: State, catalog: Catalog, name: str) -> Ordering:
    """``created_at``, ``-created_at``, the name of a selected column; ``nulls last`` behind it.

    A name that is a column's as it stands is that column. Raises UnknownName.
    """
    words = _NULLS.fullmatch(name)
    if words is None:
        return _ordering(state, catalog, name)
    try:
        return _ordering(state, catalog, name)
    except UnknownName:
        nulls: Any = words[2].lower()
        return _ordering(state, catalog, words[1])._replace(nulls=nulls)


def _ordering(state: State, catalog: Catalog, name: str) -> Ordering:
    selected = dict(state.columns or ())
    for text, descending in ((name, False), (name[1:], True)):
        if descending and not name.startswith("-"):
            break
        if text in selected:
            return Ordering(selected[text], descending)
        try:
            return Ordering(column(state, catalog, text), descending)
        except UnknownName:
            if descending or not name.startswith("-"):
                raise
    return Ordering(column(state, catalog, name))


def join(state: State, catalog: Catalog, table: str, name: str, outer: bool, on: Any) -> Join:
    """The join of another table under a name. Raises QueryRefused where it is not clear how."""
    catalog.definition(table)
    if name in state.tables:
        raise QueryRefused(f'{name} is in the query already: join it as_="another name"')
    if isinstance(on, ClauseElement):
        return Join(name, table, outer, on)
    wider = State(state.table, (*state.joins, Join(name, table, outer, ())))
    if isinstance(on, Mapping):
        pairs = [(column(wider, catalog, a), column(wider, catalog, b)) for a, b in on.items()]
        return Join(name, table, outer, tuple(pairs))
    columns = None if on is None else ((on,) if isinstance(on, str) else tuple(on))
    found = _keys(state, catalog, table, name, columns)
    if len(found) == 1:
        return Join(name, table, outer, found[0])
    raise _unclear(state, table, found)


def _keys(
    state: State, catalog: Catalog, table: str, name: str, columns: tuple[str, ...] | None
) -> list[tuple[tuple[Ref, Ref], ...]]:
    """The foreign keys between what is in the query and the table, as pairs of columns."""
    found = []
    for alias, known in state.tables.items():
        for owner, other, target in ((alias, name, table), (name, alias, known)):
            own_table = known if owner == alias else table
            for key in catalog.definition(own_table).references:
                if key.table == target and columns in (None, key.columns):
                    pairs = zip(key.columns, key.targets, strict=True)
                    found.append(tuple((Ref(owner, a), Ref(other, b)) for a, b in pairs))
    return found


def _unclear(
    state: State, table: str, found: Sequence[tuple[tuple[Ref, Ref], ...]]
) -> QueryRefused:
    if not found:
        known = ", ".join(state.tables)
        message = f"there is no such foreign key between {known} and {table}"
        return QueryRefused(f'{message}: say how, on={{"column": "{table}.column"}}')
    ways = "; ".join(
        " and ".join(
            f"{left.table}.{left.column} = {right.table}.{right.column}" for left, right in pairs
        )
        for pairs in found
    )
    return QueryRefused(f"{table} can be joined in several ways ({ways}): say which with on=...")
