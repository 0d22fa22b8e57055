"""Conditions in any combination find what logic with NULL says."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from odac_db import Database

NUMBERS: list[int | None] = [None, -1, 0, 1, 2, 3]
ROWS: list[dict[str, Any]] = [{"a": a, "b": b} for a in NUMBERS for b in (None, "x", "y%")]

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
    "contains": lambda cell, text: text in cell,
    "starts_with": lambda cell, text: cell.startswith(text),
    "between": lambda cell, ends: ends[0] <= cell <= ends[1],
}


def holds(name: str, value: Any, row: dict[str, Any]) -> bool | None:
    """Whether one keyword holds for a row; None where NULL leaves that open."""
    column, _, called = name.partition("__")
    cell = row[column]
    match called:
        case "is_null":
            return (cell is None) is value
        case "" | "eq" if value is None:
            return cell is None
        case "ne" if value is None:
            return cell is not None
        case "in":
            return cell in value if cell is not None or None in value else None
        case "not_in":
            return True if not value else (None if cell is None else cell not in value)
    if cell is None:
        return None
    if called in ("", "eq", "ne"):
        return (cell == value) is (called != "ne")
    return COMPARE[called](cell, value)


numbers = st.sampled_from([-1, 0, 1, 2, 3])
keywords = st.one_of(
    st.tuples(st.sampled_from(["a", "a__eq", "a__ne"]), st.sampled_from(NUMBERS)),
    st.tuples(st.sampled_from(["a__gt", "a__gte", "a__lt", "a__lte"]), numbers),
    st.tuples(st.sampled_from(["a__in", "a__not_in"]), st.lists(st.sampled_from(NUMBERS))),
    st.tuples(st.just("a__between"), st.tuples(numbers, numbers)),
    st.tuples(st.sampled_from(["a__is_null", "b__is_null"]), st.booleans()),
    st.tuples(st.sampled_from(["b", "b__ne"]), st.sampled_from([None, "x", "y%", "z"])),
    st.tuples(st.sampled_from(["b__contains", "b__starts_with"]), st.sampled_from(["y", "%", "x"])),
)
steps = st.lists(
    st.tuples(st.sampled_from(["where", "or_where"]), st.lists(keywords, max_size=2).map(dict)),
    max_size=4,
)


def kept(given_steps: list[tuple[str, dict[str, Any]]], row: dict[str, Any]) -> bool:
    """Each step applies to all that stands before it; NULL is neither true nor false."""
    standing: bool | None = True
    first = True
    for step, named in given_steps:
        if not named:
            continue
        found = [holds(name, value, row) for name, value in named.items()]
        own = False if False in found else (None if None in found else True)
        pair = (standing, own)
        if first:
            standing = own
        elif step == "where":
            standing = False if False in pair else (None if None in pair else True)
        else:
            standing = True if True in pair else (None if None in pair else False)
        first = False
    return standing is True


def test_any_conditions_find_what_logic_says(db: Database) -> None:
    db.notes.insert(ROWS)

    @given(steps)
    def check(given_steps: list[tuple[str, dict[str, Any]]]) -> None:
        query = db.notes.where()
        for step, named in given_steps:
            query = getattr(query, step)(**named)
        expected = [(row["a"], row["b"]) for row in ROWS if kept(given_steps, row)]
        assert sorted(map(tuple, query.all()), key=repr) == sorted(expected, key=repr)
        assert query.count() == len(expected)
        assert query.exists() is bool(expected)

    check()
