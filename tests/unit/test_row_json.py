"""Rows as JSON and back: the same values of the same classes."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odac_db.migrate.row_json import decode_row, encode_row

_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters()),  # lone surrogates too: text that was not UTF-8
    st.binary(),
    st.decimals(allow_nan=False),
    st.datetimes(timezones=st.none() | st.just(UTC)),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.uuids(),
    st.frozensets(st.text()),
)


@given(st.dictionaries(st.text(), _values))
def test_a_row_comes_back_as_it_was(row: dict[str, Any]) -> None:
    text = encode_row(row)
    assert text.isascii()
    json.loads(text)
    back = decode_row(text)
    assert back == row
    assert {name: type(value) for name, value in back.items()} == {
        name: type(value) for name, value in row.items()
    }


def test_what_is_equal_but_not_the_same_is_kept_apart() -> None:
    row = {"a": 1, "b": 1.0, "c": True, "d": Decimal("1.00"), "e": "1", "f": -0.0}
    back = decode_row(encode_row(row))
    assert [repr(value) for value in back.values()] == [repr(value) for value in row.values()]


def test_no_number_is_one_too() -> None:
    assert math.isnan(decode_row(encode_row({"x": math.nan}))["x"])


def test_it_can_be_read_by_people() -> None:
    row = {
        "id": 7,
        "at": datetime(2024, 1, 2, 3, tzinfo=UTC),
        "day": date(2024, 1, 2),
        "clock": time(1, 2),
        "span": timedelta(days=1),
        "key": UUID(int=1),
    }
    assert '"at": {"datetime": "2024-01-02T03:00:00+00:00"}' in encode_row(row)


def test_mutable_bytes_and_sets_are_taken_as_values() -> None:
    row = {"x": bytearray(b"a"), "y": memoryview(b"b"), "z": {"c"}}
    assert decode_row(encode_row(row)) == {"x": b"a", "y": b"b", "z": frozenset("c")}


def test_a_class_no_driver_returns_is_refused() -> None:
    with pytest.raises(TypeError, match="class object"):
        encode_row({"x": object()})
