"""``where`` and ``or_where``: every operator, NULL, empty lists, patterns, expressions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, text

from odac_db import Database, Query, QueryRefused

ROWS: list[dict[str, Any]] = [
    {"a": 1, "b": "one"},
    {"a": 2, "b": "Two"},
    {"a": 3, "b": None},
    {"a": None, "b": "100%"},
    {"a": 5, "b": "a_b"},
    {"a": 6, "b": "back\\slash"},
    {"a": 7, "b": "Öl ☂ 𝄞 'quoted' \"twice\" `so`"},
]

FOUND: dict[str, tuple[dict[str, Any], list[int | None]]] = {
    "equal": ({"a": 2}, [2]),
    "equal, spelt out": ({"a__eq": 2}, [2]),
    "NULL": ({"b": None}, [3]),
    "not equal": ({"a__ne": 2}, [1, 3, 5, 6, 7]),
    "not NULL": ({"a__ne": None}, [1, 2, 3, 5, 6, 7]),
    "greater": ({"a__gt": 5}, [6, 7]),
    "greater or equal": ({"a__gte": 5}, [5, 6, 7]),
    "less": ({"a__lt": 2}, [1]),
    "less or equal": ({"a__lte": 2}, [1, 2]),
    "between": ({"a__between": (2, 5)}, [2, 3, 5]),
    "in": ({"a__in": [1, 6, 99]}, [1, 6]),
    "in a set": ({"a__in": {1}}, [1]),
    "in, made as it goes": ({"a__in": range(1, 3)}, [1, 2]),
    "in nothing": ({"a__in": []}, []),
    "in NULL alone": ({"a__in": [None]}, [None]),
    "in NULL, too": ({"a__in": [1, None]}, [1, None]),
    "not in": ({"a__not_in": [1, 2]}, [3, 5, 6, 7]),
    "not in nothing": ({"a__not_in": []}, [1, 2, 3, None, 5, 6, 7]),
    "not in, nor NULL": ({"a__not_in": [1, None]}, [2, 3, 5, 6, 7]),
    "like": ({"b__like": "on%"}, [1]),
    "like one character": ({"b__like": "a_b"}, [5]),
    "like an escaped one": ({"b__like": "100\\%"}, [None]),
    "not like": ({"b__not_like": "%o%"}, [None, 5, 6]),
    "like, whatever the case": ({"b__ilike": "TWO"}, [2]),
    "contains a percent sign": ({"b__contains": "0%"}, [None]),
    "contains an underscore": ({"b__contains": "a_b"}, [5]),
    "contains a backslash": ({"b__contains": "k\\s"}, [6]),
    "contains quotes": ({"b__contains": "'quoted' \"twice\" `so`"}, [7]),
    "starts with": ({"b__starts_with": "Öl ☂ 𝄞"}, [7]),
    "ends with": ({"b__ends_with": "%"}, [None]),
    "is null": ({"b__is_null": True}, [3]),
    "is not null": ({"b__is_null": False}, [1, 2, None, 5, 6, 7]),
    "both": ({"a__gt": 1, "b__is_null": True}, [3]),
    "an integer that no column holds": ({"a__lt": 2**62}, [1, 2, 3, 5, 6, 7]),
    "a whole float": ({"a": 2.0}, [2]),
    "a whole decimal": ({"a": Decimal(2)}, [2]),
}


@pytest.fixture
def notes(db: Database) -> Query:
    db.notes.insert(ROWS)
    return db.notes


def found(query: Query) -> list[int | None]:
    order = {row["a"]: place for place, row in enumerate(ROWS)}
    return sorted(query.pluck("a"), key=lambda a: order[a])


def test_every_operator_finds_its_rows(notes: Query) -> None:
    for name, (named, expected) in FOUND.items():
        assert found(notes.where(**named)) == expected, name


def test_conditions_are_said_again_with_other_values(notes: Query) -> None:
    for a in (1, 2, 5):
        assert found(notes.where(a=a)) == [a]
        assert found(notes.where(a__in=[a, 7])) == [a, 7]
        assert found(notes.where(a__between=(a, a))) == [a]
    assert [found(notes.where(a=a)) for a in (1, None, 2)] == [[1], [None], [2]]


def test_or_where_widens_what_was_said_before_it(notes: Query) -> None:
    assert found(notes.where(a=1).or_where(a=2)) == [1, 2]
    assert found(notes.where(a=1).or_where(a=2, b="Two")) == [1, 2]
    assert found(notes.where(a=1).or_where(a=2, b="three")) == [1]
    assert found(notes.where(a__lt=3).or_where(a=5).where(b__like="%e")) == [1]
    assert found(notes.or_where(a=2)) == [2]
    assert found(notes.where().or_where()) == [row["a"] for row in ROWS]


def test_expressions_and_mappings_are_conditions(db: Database, notes: Query) -> None:
    a, b = db.notes.c.a, db.notes.c["b"]
    assert found(notes.where(a + 1 == 3)) == [2]
    assert found(notes.where((a == 1) | (b == "Two"), a__lt=2)) == [1]
    assert found(notes.where({"a": 3}, b=None)) == [3]
    assert found(notes.where(text("a > :least").bindparams(least=6))) == [7]
    assert found(notes.where(a__gt=func.length("12345"))) == [6, 7]
    assert found(notes.where(a=1).or_where(b.in_(["a_b"]))) == [1, 5]


def test_values_may_be_those_of_another_query(db: Database, notes: Query) -> None:
    few = db.notes.where(a__gt=1).order_by("a").limit(2)
    assert found(notes.where(a__in=few.select("a"), b__is_null=False)) == [2]
    some = db.notes.where(b__in=["one", "Two"]).or_where(a=7)
    assert found(notes.where(a__in=some.select("a")).where(a__lt=7)) == [1, 2]
    assert found(notes.where(a__not_in=some.select("a"))) == [3, 5, 6]
    assert notes.where(a__in=notes.where(b=None).select("a")).update(b="three") == 1
    with pytest.raises(QueryRefused, match="a query of one column"):
        notes.where(a__in=some)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a value that is no number": ({"a": "1"}, "notes.a takes whole numbers"),
    "a number that is not whole": ({"a__gt": 1.5}, "notes.a takes whole numbers"),
    "a number for a text": ({"b": 0}, "notes.b takes texts"),
    "compared with NULL": ({"a__gt": None}, "a__is_null=True finds NULL"),
    "like NULL": ({"b__like": None}, "takes a text"),
    "a text for several values": ({"b__in": "abc"}, "several values"),
    "no list of values": ({"a__in": 5}, "several values"),
    "three ends": ({"a__between": (1, 2, 3)}, "two values"),
    "an open end": ({"a__between": (1, None)}, "two values"),
    "no truth": ({"a__is_null": 1}, "True or False"),
    "a pattern that is none": ({"b__contains": 5}, "takes a text"),
    "one of them of another kind": ({"a__in": [1, "2"]}, "notes.a takes whole numbers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_operator_or_a_column_does_not_take_is_refused(db: Database, case: str) -> None:
    named, message = REFUSED[case]
    with pytest.raises(QueryRefused, match=message):
        db.notes.where(**named).all()


def test_a_bare_value_is_no_condition(db: Database) -> None:
    for value in (5, "1 = 1", None, ["a"]):
        with pytest.raises(QueryRefused, match="a value needs its column"):
            db.notes.where(value)
