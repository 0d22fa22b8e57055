"""Rows come back equal and of the same classes, or are not kept at all."""

from __future__ import annotations

import datetime as dt
import ipaddress
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odac_db.cache.codec import decoded, encoded
from odac_db.cache.rows import Rows
from odac_db.cache.tags import Unknown, exact

BERLIN = ZoneInfo("Europe/Berlin")
VALUES: list[Any] = [
    None,
    True,
    0,
    -(2**63),
    2**64,
    10**400,
    1.5,
    -0.0,
    float("inf"),
    "text",
    "",
    b"\x00\xff",
    Decimal("1.10"),
    Decimal("NaN"),
    Decimal("-0"),
    Decimal("1E+400"),
    dt.date.min,
    dt.timedelta(days=-1, microseconds=7),
    dt.datetime.fromisoformat("2020-01-01T01:02:03.000004"),
    dt.datetime.fromisoformat("2020-10-25T02:30").replace(fold=1),
    dt.datetime(2020, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
    dt.datetime(2020, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30))),
    dt.time(1, 2, 3),
    dt.time(1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=2))),
    UUID(int=5),
    ipaddress.ip_address("10.0.0.1"),
    ipaddress.ip_network("2001:db8::/32"),
    [1, {"a": [Decimal("1.0"), None]}],
    {"nested": {"list": [True, 1, 1.0]}},
    {1: "not text"},
    (1, "two"),
]


def shown(value: Any) -> tuple[str, str]:
    """NaN is not equal to itself; what is shown of it is."""
    return repr(value), type(value).__qualname__


@pytest.mark.parametrize("value", VALUES, ids=ascii)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    for rows in (((value,),), ((value,), (None,)), ((value,), (1,)), ((value,), ("text",))):
        back = decoded(encoded(Rows(("column",), rows)))
        assert [shown(row[0]) for row in back.rows] == [shown(row[0]) for row in rows]
        assert type(back.rows) is tuple
        assert all(type(row) is tuple for row in back.rows)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.binary(),
    st.decimals(),
    st.dates(),
    st.datetimes(timezones=st.one_of(st.none(), st.timezones())),
    st.times(),
    st.timedeltas(),
    st.uuids(),
)


@given(st.lists(st.tuples(SCALARS, SCALARS, st.lists(SCALARS, max_size=3)), max_size=5))
def test_rows_of_anything_come_back(rows: list[tuple[Any, ...]]) -> None:
    back = decoded(encoded(Rows(("a", "b", "c"), tuple(rows))))
    assert [tuple(map(shown, row)) for row in back.rows] == [tuple(map(shown, row)) for row in rows]
    assert back.keys == ("a", "b", "c")


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value", [object(), Text("x"), {1, 2}, "\ud800"], ids=["object", "subclass", "set", "surrogate"]
)
def test_what_would_not_come_back_is_refused(value: object) -> None:
    with pytest.raises(Unknown):
        encoded(Rows(("column",), ((value,),)))


def test_parameters_that_differ_in_value_or_class_have_other_bytes() -> None:
    values: list[Any] = [
        1,
        True,
        1.0,
        "1",
        b"1",
        Decimal(1),
        Decimal("1.0"),
        0.0,
        -0.0,
        None,
        "",
        [],
        (),
        [1],
        (1,),
        {"a": 1},
        [["a", 1]],
        UUID(int=1),
        str(UUID(int=1)),
        dt.date(2020, 1, 1),
        "2020-01-01",
        ["date", "2020-01-01"],
        dt.datetime.fromisoformat("2020-01-01"),
        dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        dt.datetime(2020, 1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
    ]
    made = [exact((value,)) for value in values]
    assert len(set(made)) == len(values)
    assert len({exact((value, None)) for value in values} | set(made)) == 2 * len(values)
