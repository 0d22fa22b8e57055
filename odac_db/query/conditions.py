"""Conditions: what ``where`` is given becomes a shape and values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ClauseElement, select

from odac_db.errors import QueryRefused
from odac_db.query import resolve, statements
from odac_db.query.operators import Operator, Taken
from odac_db.query.shapes import Shape
from odac_db.query.state import Both, Condition, Either, Ref, State, Test, replace

Tested = tuple[str, Ref, Operator, Taken]


def narrowed(
    shape: Shape, given: tuple[Any, ...], named: Mapping[str, Any], *, either: bool
) -> tuple[Shape, tuple[Any, ...]]:
    """The shape after a ``where`` or ``or_where``, and the values it adds."""
    named, clauses = _sorted_out(given, named)
    if not named and not clauses:
        return shape, ()
    tests: list[Tested] = []
    for name, value in named.items():
        ref, operator = _parsed(shape, name)
        if hasattr(value, "_as_subquery") and operator.takes == "values":
            clauses.append(_among(shape, ref, operator, name, value._as_subquery()))
        elif isinstance(value, ClauseElement):
            clauses.append(_compared(shape, ref, operator, name, value))
        else:
            tests.append((name, ref, operator, operator.take(name, value)))
    values = tuple(value for *_, taken in tests for value in taken.values)

    def state() -> State:
        return _with(shape.state, tests, clauses, shape.size, either=either)

    if clauses:
        return shape.next(state(), len(values), shared=False), values
    key = ("or" if either else "and", tuple((name, taken.variant) for name, *_, taken in tests))
    after = shape.step(key, state, len(values))
    one_each = all(op.takes == "value" and not taken.variant for _, _, op, taken in tests)
    if not either and one_each:
        shape.wheres[tuple(named)] = after
    return after, values


def _sorted_out(
    given: tuple[Any, ...], named: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """Mappings join the keywords; expressions are by themselves."""
    keywords, clauses = dict(named), []
    for one in given:
        if isinstance(one, Mapping):
            keywords.update(one)
        elif isinstance(one, ClauseElement):
            clauses.append(one)
        else:
            raise QueryRefused(
                f"where takes keywords, mappings and SQLAlchemy expressions, not "
                f"{type(one).__name__}: a value needs its column, where(id=...)"
            )
    return keywords, clauses


def _parsed(shape: Shape, name: str) -> tuple[Ref, Operator]:
    found = shape.parsed.get(name)
    if found is None:
        found = shape.parsed[name] = resolve.tested(shape.state, shape.catalog, name)
    return found


def _compared(shape: Shape, ref: Ref, operator: Operator, name: str, value: Any) -> Any:
    """A column compared with an expression."""
    if operator.takes != "value":
        raise QueryRefused(f"{name} takes no expression: give the whole condition as one")
    column = statements.referred(shape.state, shape.catalog.source, ref)
    return operator.compare(column, value)


def _among(shape: Shape, ref: Ref, operator: Operator, name: str, query: Any) -> Any:
    """A column held against the values of another query."""
    if len(query.selected_columns) != 1:
        raise QueryRefused(f'{name} takes a query of one column: select("id")')
    column = statements.referred(shape.state, shape.catalog.source, ref)
    # Once more around it: MySQL takes no LIMIT in an IN, nor the table that is written.
    return operator.compare(column, select(query.subquery()))


def _with(
    state: State, tests: list[Tested], clauses: list[Any], place: int, *, either: bool
) -> State:
    parts: list[Any] = []
    for _, ref, operator, taken in tests:
        parts.append(Test(ref, operator, taken.variant, place))
        place += len(taken.values)
    found: Condition = _one(parts + clauses, Both)
    if state.where is not None:
        found = (Either if either else Both)((state.where, found))
    return replace(state, where=found)


def _one(parts: list[Any], several: type[Both]) -> Condition:
    only: Condition = parts[0] if len(parts) == 1 else several(tuple(parts))
    return only


def key_of(shape: Shape, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """The primary key as keywords of ``where``. Raises QueryRefused for anything else."""
    state = shape.state
    key = shape.catalog.definition(state.table).key
    if not key:
        raise QueryRefused(f"{state.table} has no primary key: use where(...).first()")
    if len(given) == 1 and isinstance(given[0], tuple | list):
        given = tuple(given[0])
    found = {**dict(zip(key, given, strict=False)), **named}
    right = len(given) + len(named) == len(key) and found.keys() == set(key)
    if not right or any(value is None for value in found.values()):
        wanted = ", ".join(f"{name}=..." for name in key)
        raise QueryRefused(f"get takes the whole primary key of {state.table}: get({wanted})")
    return found
