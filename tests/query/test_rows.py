"""Rows: immutable, by attribute, name and position."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from odac_db import Row, UnknownName
from odac_db.query.rows import row_class


@pytest.fixture
def row() -> Row:
    return row_class(("id", "title", "count", "_private", "a b"))((1, "x", 3, 4, {"n": [1]}))


def test_a_row_is_read_in_three_ways(row: Row) -> None:
    assert (row.id, row["id"], row[0], row[-1]) == (1, 1, 1, {"n": [1]})
    assert row.count == row["count"] == 3
    assert row["_private"] == 4
    assert row[1:3] == ("x", 3)
    assert row == (1, "x", 3, 4, {"n": [1]})
    assert list(row) == [1, "x", 3, 4, {"n": [1]}]
    identity, *_ = row
    assert identity == 1
    assert isinstance(row, Row)
    assert repr(row_class(("a",))((5,))) == "Row(a=5)"


def test_a_dict_of_a_row_is_ones_own(row: Row) -> None:
    made = row._asdict()
    assert made == {"id": 1, "title": "x", "count": 3, "_private": 4, "a b": {"n": [1]}}
    made["id"] = 9
    assert row.id == 1


def test_a_row_cannot_be_changed(row: Row) -> None:
    changed: Any = row
    for name in ("id", "new", "_fields", "count"):
        with pytest.raises(AttributeError):
            setattr(changed, name, 5)
    with pytest.raises(AttributeError):
        del changed.id
    for key in ("id", 0):
        with pytest.raises(TypeError):
            changed[key] = 5
        with pytest.raises(TypeError):
            del changed[key]
    assert row.id == 1


def test_what_a_row_does_not_have_is_told_with_the_nearest(row: Row) -> None:
    with pytest.raises(UnknownName, match="'titel'; did you mean 'title'"):
        _ = row.titel
    with pytest.raises(KeyError, match="did you mean 'title'"):
        row["titel"]
    with pytest.raises(IndexError):
        row[5]
    assert not hasattr(row, "titel")


def test_rows_are_pickled_and_copied(row: Row) -> None:
    for again in (pickle.loads(pickle.dumps(row)), copy.copy(row), copy.deepcopy(row)):  # noqa: S301
        assert again == row
        assert type(again) is type(row)
        assert again["a b"] == {"n": [1]}
    assert row_class(("a",)) is row_class(("a",))
    assert len({row_class(("a",))((1,)), row_class(("a",))((1,))}) == 1
