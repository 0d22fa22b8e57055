"""A buffered value is what the table API would have written, or it is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import SQLAlchemyError

from odac_db import Database, QueryRefused, RowRefused
from odac_db.buffer.fitting import sifted
from odac_db.buffer.shapes import Chunk, Shape
from odac_db.dialects.mysql.buffering import accepts
from odac_db.schema.model import Column, Schema
from tests.fixtures.buffers import Opened, openings
from tests.fixtures.databases import LiveDatabase, drop

SCHEMA = {
    "things": """
columns:
  id:     {type: integer, primary: true}
  exact:  {type: decimal, precision: 30, scale: 10, default: 0}
  money:  {type: decimal, precision: 10, scale: 2}
  data:   {type: json}
  at:     {type: timestamp}
  moment: {type: datetime}
  day:    {type: date}
  clock:  {type: time}
  uuid:   {type: uuid}
  ok:     {type: boolean}
  real:   {type: double}
  text:   {type: text}
  code:   {type: char, length: 4}
  raw:    {type: binary}
""",
}
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
ELSEWHERE = timezone(timedelta(hours=2))
SAME: list[tuple[str, Any]] = [
    ("exact", Decimal("1.5")),
    ("exact", Decimal("0.1")),
    ("exact", 7),
    ("exact", 0.25),
    ("money", Decimal("2.25")),
    ("data", {"a": [1, None, "\u00e4"], "b": 1.5}),
    ("data", ["x", True]),
    ("at", NOON),
    ("at", NOON.replace(microsecond=120)),
    ("moment", NOON.astimezone(ELSEWHERE)),
    ("moment", datetime(1000, 2, 3, tzinfo=UTC)),
    ("day", date(2026, 1, 2)),
    ("clock", time(12, 0)),
    ("clock", time(12, 0, 1, 5)),
    ("uuid", UUID(int=7)),
    ("ok", True),
    ("real", 1.5),
    ("real", Decimal("0.1")),
    ("text", "it's \\ \u00e4 \u20ac"),
    ("code", "ab  "),
    ("raw", b"\0\xff'"),
]
REFUSED: list[tuple[str, Any]] = [
    ("exact", Decimal("NaN")),
    ("exact", "1.5"),
    ("data", {"x": math.nan}),
    ("data", {"x": b"ab"}),
    ("data", {"x": {1}}),
    ("data", {"x": Decimal("1.10")}),
    ("data", {"x": NOON}),
    ("at", datetime(2026, 1, 1)),  # noqa: DTZ001 - that it has no zone is the point
    ("moment", datetime(2026, 1, 1)),  # noqa: DTZ001
    ("moment", date(2026, 1, 1)),
    ("day", NOON),
    ("clock", timedelta(hours=1)),
    ("clock", time(12, tzinfo=ELSEWHERE)),
    ("real", 10**400),
    ("text", b"x"),
    ("text", "half \ud800"),
]


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(database.url, SCHEMA, tmp_path) as opened:
        yield opened


def stored(database: LiveDatabase, column: str) -> list[Any]:
    """As the driver has it, on SQLite with its type."""
    kind = f", typeof({column})" if database.family == "sqlite" else ""
    mark = "`" if database.family == "mysql" else '"'
    return database.execute(f"SELECT {mark}{column}{mark}{kind} FROM things ORDER BY id")


def test_a_buffered_value_is_what_the_table_api_writes(
    opened: Opened, database: LiveDatabase
) -> None:
    db = opened()
    things = db.buffer["things"]
    for column, value in SAME:
        db.table("things").insert({"id": 1, column: value})
        things.insert({"id": 2, column: value})
        things.insert([{"id": 3, column: value}, {"id": 4, column: None}])
        things.where(4).update({column: value})
        assert db.buffer.flush(wait=20).dead == 0
        first, *others = stored(database, column)
        assert others == [first] * 3, (column, value)
        if column != "data":
            assert db.table("things").where(**{column: value}).count() == 4, (column, value)
        database.execute("DELETE FROM things")


def test_what_the_table_api_refuses_the_buffer_refuses(opened: Opened) -> None:
    db = opened()
    things = db.buffer["things"]
    for column, value in REFUSED:
        for rows in ({"id": 1, column: value}, [{"id": 1, column: value}] * 2):
            with pytest.raises(RowRefused):
                things.insert(rows)
        with pytest.raises(RowRefused):
            things.where(1).update({column: value})
        with pytest.raises((QueryRefused, SQLAlchemyError)):
            db.table("things").insert({"id": 1, column: value})
    assert db.buffer.flush().rows == 0


def test_sqlite_takes_decimals_that_it_keeps_and_adds_them_as_such(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    """It keeps fifteen digits of a decimal; a float that drifts would not be found again."""
    with openings(sqlite_database.url, SCHEMA, tmp_path) as opened:
        db = opened()
        things = db.buffer["things"]
        with pytest.raises(RowRefused, match="15 digits"):
            things.insert({"id": 1, "exact": Decimal("12345678901234567.89")})
        things.insert({"id": 1})
        with pytest.raises(RowRefused, match="15 digits"):
            things.where(1).increment("exact", Decimal("0.1234567890123456"))
        for _ in range(3):
            things.where(1).increment("exact", Decimal("0.1"))
            assert db.buffer.flush().rows
        assert things.where(1).get("exact") == Decimal("0.3")
        assert stored(sqlite_database, "exact") == [(0.3, "real")]
        assert db.table("things").where(exact=Decimal("0.3")).count() == 1
        things.where(1).increment("exact", Decimal("0.7"))
        assert db.buffer.flush().rows == 1
        assert stored(sqlite_database, "exact") == [(1, "integer")]


def test_a_dead_letter_keeps_numbers_that_json_has_not(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    with openings(postgresql_database.url, SCHEMA, tmp_path) as opened:
        db = opened()
        db.table("things").insert([{"id": 1}, {"id": 2}])
        db.buffer["things"].insert([{"id": 1, "real": math.inf}, {"id": 2, "real": math.nan}])
        assert db.buffer.flush(wait=20).dead == 2
        db.table("things").where(id__in=[1, 2]).delete()
        assert db.buffer.retry_dead_letters().applied == 2
        first, second = stored(postgresql_database, "real")
        assert (first[0], math.isnan(second[0])) == (math.inf, True)


def test_text_goes_into_a_database_of_another_encoding(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """psycopg passes bytes through as they are; what LATIN1 has no letter for is put aside."""
    name = f"{postgresql_database.name}_latin"
    url = postgresql_database.url.replace(postgresql_database.name, name)
    latin = LiveDatabase(postgresql_database.server, name, url)
    postgresql_database.execute(
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'"
    )
    try:
        for place, shown in (("one", url), ("two", f"{url}?client_encoding=latin1")):
            (tmp_path / place).mkdir()
            with openings(shown, SCHEMA, tmp_path / place) as opened:
                db = opened()
                at = 1 if place == "one" else 11
                db.buffer["things"].insert(
                    [{"id": at, "text": "\u00e4\u00df"}, {"id": at + 1, "text": "\u20ac"}]
                )
                db.buffer["things"].where(at).update(code="\u00f6")
                answer = db.buffer.flush(wait=20)
                assert (answer.rows, answer.dead, answer.pending) == (2, 1, 0), answer
                row = db.table("things").get(at)
                assert row is not None
                assert (row.text, row.code) == ("\u00e4\u00df", "\u00f6")
                assert "\\u20ac" in db.buffer.dead_letters()[-1].payload
    finally:
        drop(latin)


def test_what_is_added_is_no_value_of_a_column_whose_type_has_changed() -> None:
    """After int unsigned has become bigint unsigned, -5 is still to be added."""
    columns = {
        name: accepts(Column(name=name, type=type_), Schema())
        for name, type_ in {"id": "int", "n": "bigint unsigned"}.items()
    }
    shape = Shape("t", "t", "increment", ("id",), ("n",), ("int", "int unsigned"))
    fitting, unfit = sifted([Chunk(1, shape, [(1, -5)])], lambda _: columns)
    assert (len(fitting), unfit) == (1, [])
    fitting, unfit = sifted([Chunk(1, shape, [(1, "0.5")])], lambda _: columns)
    assert (fitting, len(unfit)) == ([], 1)
    update = shape._replace(kind="update")
    assert not sifted([Chunk(1, update, [(1, -5)])], lambda _: columns)[0]


KEYED_BY_TEXT = {
    "sqlite": "CREATE TABLE t (id VARCHAR(20) PRIMARY KEY COLLATE NOCASE, n INTEGER)",
    "mysql": "CREATE TABLE t (id varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, n int)",
}


@pytest.mark.parametrize("between", [0, 500])
def test_keys_that_the_server_takes_for_one_keep_their_order(
    database: LiveDatabase, tmp_path: Path, between: int
) -> None:
    """By case, accents or blanks; however many other keys lie between them."""
    if database.family == "postgresql":
        database.execute(
            "CREATE COLLATION nocase"
            " (provider = icu, locale = 'und-u-ks-level1', deterministic = false)",
            "CREATE TABLE t (id varchar(20) COLLATE nocase PRIMARY KEY, n int)",
        )
    else:
        database.execute(KEYED_BY_TEXT[database.family])
    spellings = (
        ["bob", "BOB", "bob"] if database.family == "sqlite" else ["b\u00f6b", "BOB", "b\u00f6b"]
    )
    with Database.open(database.url, buffer=str(tmp_path / "journal")) as db:
        db.buffer["t"].insert({"id": "bob", "n": 0})
        assert db.buffer.flush(wait=20).pending == 0
        for turn, name in enumerate(spellings, 1):
            db.buffer["t"].where(name).update(n=turn)
            db.buffer["t"].where(name).increment("n", 10 * turn)
            others = [{"id": f"{turn}-{n}", "n": 0} for n in range(between)]
            if others:
                db.buffer["t"].insert(others)
            for each in others:
                db.buffer["t"].where(each["id"]).update(n=1)
        answer = db.buffer.flush(wait=20)
        assert (answer.dead, answer.pending) == (0, 0)
    assert database.execute("SELECT n FROM t WHERE id = 'bob'") == [(33,)]
