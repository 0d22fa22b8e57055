"""Rows checked in one go are what they are when every value is checked by itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

from odac_db import BufferOptions, Database, RowRefused
from odac_db.buffer.tables import BufferTable
from tests.fixtures.databases import LiveDatabase

THINGS = """
columns:
  id:    {type: nanoid, primary: true}
  small: {type: small_integer, nullable: false}
  big:   {type: big_integer}
  text:  {type: string, length: 5}
  long:  {type: text}
  ok:    {type: boolean}
  real:  {type: double}
  money: {type: decimal, precision: 8, scale: 2}
  at:    {type: datetime}
  day:   {type: date}
  state: {type: enum, values: [draft, live]}
  data:  {type: json}
  raw:   {type: binary}
  uuid:  {type: uuid}
"""
NAMES = "id small big text long ok real money at day state data raw uuid".split()


class Text(str):
    __slots__ = ()


class Word(str, Enum):  # noqa: UP042 - one of many that applications have
    LIVE = "live"


NUMBERS: list[Any] = [0, 1, -1, 2**15 - 1, 2**15, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 2**70]
FLOATS: list[Any] = [0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 1e308]
TEXTS: list[Any] = ["", "a", "abcde", "abcdef", "a\0", "live", "LIVE", "\u00c4\u00d6", "\ud800"]
OWN: list[Any] = [Text("a"), Text("abcdef"), Word.LIVE, object(), [1], {"a": "\0"}]
MOMENTS: list[Any] = [datetime(2026, 1, 2, tzinfo=UTC), date(2026, 1, 2), time(1, 2), timedelta(1)]
OTHERS: list[Any] = [
    None,
    True,
    False,
    b"",
    b"\0x",
    bytearray(b"x"),
    f"{0:08}-0000-4000-8000-{0:012}",
]
DECIMALS: list[Any] = [Decimal("1.5"), Decimal("NaN"), Decimal(10) ** 9]
ODD = NUMBERS + FLOATS + TEXTS + OWN + MOMENTS + OTHERS + DECIMALS


@pytest.fixture
def things(database: LiveDatabase, tmp_path: Path) -> Iterator[BufferTable]:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "things.yaml").write_text(THINGS)
    options = BufferOptions(folder=tmp_path / "journal", interval=3600.0)
    with Database.open(database.url, schema=folder, migrate=True, buffer=options) as db:
        yield db.buffer._table("things")


def whole(table: BufferTable, row: dict[str, Any]) -> Any:
    """Checked value by value."""
    form = table._forms.get(tuple(row)) or table._form(row, 0)
    try:
        return table._values(form, row, 0)
    except RowRefused as refused:
        return refused.problems


def same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124 - NaN


def test_quickly_checked_a_row_is_what_it_would_be(things: BufferTable) -> None:
    fine: dict[str, Any] = {"id": "x" * 21, "small": 1}
    taken = 0
    for name in NAMES:
        for value in ODD:
            row = {**fine, name: value}
            form = things._forms.get(tuple(row)) or things._form(row, 0)
            quick = form.quick.one(row)
            if name == "id" and value is None:
                assert quick is None
                continue
            taken += quick is not None
            assert quick is None or same(quick, whole(things, row)), (name, value)
            several = form.quick.many([fine | row, row])
            assert (several is None) == (quick is None), (name, value)
            assert several is None or same(several[1], quick)
    assert taken > 100


@given(
    chosen=st.dictionaries(st.sampled_from(NAMES[1:]), st.sampled_from(ODD)),
    ids=st.lists(st.text("ab", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_any_rows_are_taken_or_refused_as_one_by_one(
    things: BufferTable, chosen: dict[str, Any], ids: list[str]
) -> None:
    rows = [{"id": each, "small": 1, **chosen} for each in ids]
    singly = [whole(things, row) for row in rows]
    found: list[Any]
    try:
        found = [values for _, several, _ in things.rows(rows) for values in several]
    except RowRefused as refused:
        singly, found = [singly[refused.position]], [refused.problems]
    assert all(map(same, found, singly))


def test_what_only_looks_right_is_kept_as_it_reads(things: BufferTable) -> None:
    """Texts of an application's own classes are plain texts in the journal."""
    row = {"id": Text("x"), "small": 1, "text": Text("a"), "state": Word.LIVE}
    shape, values, _ = things.row(row)
    assert dict(zip(shape.columns, values, strict=True))["text"] == "a"
    assert all(type(value) in (str, int) for value in values)
