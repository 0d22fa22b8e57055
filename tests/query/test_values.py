"""Values: what goes in comes out, equal and of the same type; what does not fit is refused."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from odac_db import Database, QueryRefused
from tests.behaviours.steps import table
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server
from tests.query.conftest import SiteOf
from tests.query.site import write

KYOTO = timezone(timedelta(hours=9))
UNICODE = "Grüße, 世界 𝄞 \u200d '\"`\\%_:name \t\n end"

VALUES: dict[str, tuple[Any, list[Any]]] = {
    "small": ("small_integer", [0, -32768, 32767]),
    "whole": ("integer", [0, -(2**31), 2**31 - 1]),
    "big": ("big_integer", [2**63 - 1, -(2**63), 2**53 + 1]),
    "single": ("float", [0.5, 0.1, -1.5, 16777216.0, 1.5e30]),
    "real": ("double", [0.1, 1e300, -5e-300, 3.0, 0.30000000000000004]),
    "exact": (
        {"type": "decimal", "precision": 15, "scale": 4},
        [Decimal("12345678901.2345"), Decimal("-0.0001"), Decimal("1.5000"), Decimal("0.0000")],
    ),
    "words": ("string", ["", "x", UNICODE, " blanks at both ends "]),
    "prose": ("text", ["", UNICODE * 50]),
    "sized": ({"type": "char", "length": 5}, ["abc", "", "ä b"]),
    "truth": ("boolean", [True, False]),
    "day": ("date", [date(2026, 2, 28), date(1970, 1, 1), date(9999, 12, 31)]),
    "clock": ("time", [time(12, 30), time(0, 0), time(23, 59, 59, 999999)]),
    "at": (
        "datetime",
        [
            datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
            datetime(2026, 1, 1, 9, 0, 0, 123456, KYOTO),
            datetime(1969, 7, 20, 20, 17, 40, tzinfo=UTC),
        ],
    ),
    "stamp": ("timestamp", [datetime(2026, 10, 25, 1, 30, 0, 1, UTC)]),
    "octets": ("binary", [b"", b"\x00\xff'\"\\%", bytes(range(256))]),
    "doc": (
        "json",
        [{"a": [1, 2.5, None, True, "ä"], "b": {}}, [], [1], "text", 5, 1.5, True, False, 2**53],
    ),
    "docb": ("jsonb", [{"nested": {"deep": [{"x": "y"}]}}, "", 0]),
    "ident": ("uuid", [UUID("12345678-1234-5678-1234-567812345678"), UUID(int=0)]),
    "choice": ({"type": "enum", "values": ["a", "b c", "d'e"]}, ["a", "b c", "d'e"]),
    "span": (
        "interval",
        [timedelta(0), timedelta(days=400, microseconds=1), timedelta(seconds=-1)],
    ),
}
ARRAYS: dict[str, tuple[Any, list[Any]]] = {
    "texts": ("text[]", [[], ["a", None, "b,c", '"', UNICODE]]),
    "wholes": ("integer[]", [[1, None, 3], [2**31 - 1]]),
    "exacts": ("decimal[]", [[Decimal("1.50")]]),
    "idents": ("uuid[]", [[UUID(int=5)]]),
    "ats": ("timestamp[]", [[datetime(2026, 1, 1, tzinfo=UTC)]]),
    "moods": ("mood[]", [["sad", "ok"], []]),
}


EVENTS = {"events": table({"id": "increments", "at": "timestamp", "timestamps": "timestamps"})}
MOODS = {"_types": {"enums": {"mood": {"values": ["sad", "ok"]}}}}


def kinds(server: Server) -> dict[str, tuple[Any, list[Any]]]:
    return VALUES | (ARRAYS if server.family == "postgresql" else {})


@pytest.fixture
def db(server: Server, site_of: SiteOf) -> Database:
    columns = {name: declared for name, (declared, _) in kinds(server).items()}
    own = MOODS if server.family == "postgresql" else {}
    things = table({"id": "increments", **columns})
    keyed = {"type": "string", "length": 10, "primary": True}
    seed = [{"name": "a", "at": "2026-01-01T12:00:00"}]
    sown = table({"name": keyed, "at": "timestamp"}, seed_key="name", seed=seed)
    return site_of(server, "values", {"things": things, "sown": sown, **EVENTS, **own}).db


def same(one: Any, other: Any) -> bool:
    """Equal and of the same type, all the way down."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return all(map(same, one, other))
    return not isinstance(one, Decimal) or str(one) == str(other)


def test_every_value_comes_back_as_it_was(db: Database, server: Server) -> None:
    longest = max(len(values) for _, values in kinds(server).values())
    rows = [
        {name: values[n % len(values)] for name, (_, values) in kinds(server).items()}
        for n in range(longest)
    ]
    keys = [db.things.insert(rows[0]), *(db.things.returning("id").insert(rows[1:]))]
    ids = [key if isinstance(key, int) else key.id for key in keys]
    for row, key in zip(rows, ids, strict=True):
        found = db.things.get(key)
        assert found is not None
        lost = {n: (v, found[n]) for n, v in row.items() if not same(v, found[n])}
        assert lost == {}
        again = db.things.where(id=key).returning("*").update(row)[0]
        assert [n for n, v in row.items() if not same(v, again[n])] == []


UNORDERED = ("truth", "octets", "ident")  # PostgreSQL has no greatest of these
COMPARED = "small whole big real exact words prose sized truth day clock at stamp octets ident"


def test_a_value_finds_its_row(db: Database, server: Server) -> None:
    for name in [*COMPARED.split(), "choice", "span"]:
        for value in kinds(server)[name][1]:
            key = db.things.insert({name: value})
            assert db.things.where(**{name: value}).pluck("id") == [key], (name, value)
            assert db.things.where(**{f"{name}__in": [value]}).pluck("id") == [key]
            assert db.things.where(**{f"{name}__ne": value}).exists() is False
            if name not in UNORDERED:
                assert same(db.things.max(name), value)
            db.things.where(id=key).delete()


def test_none_is_null_in_every_column(db: Database, server: Server) -> None:
    names = list(kinds(server))
    key = db.things.insert(dict.fromkeys(names))
    row = db.things.get(key)
    assert row is not None
    assert {row[name] for name in names} == {None}
    for name in names:
        assert db.things.where(**{name: None}).pluck("id") == [key]


def test_instants_come_back_in_utc_and_compare_with_the_servers_clock(
    db: Database,
) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    key = db.events.insert({"at": datetime(2026, 1, 1, 9, tzinfo=KYOTO)})
    row = db.events.get(key)
    assert row is not None
    assert (row.at.tzinfo, row.at.hour) == (UTC, 0)
    assert row.created_at.tzinfo is UTC
    assert before <= row.created_at <= datetime.now(UTC) + timedelta(seconds=2)
    assert db.events.where(created_at=row.created_at).exists()
    assert db.events.where(created_at__gt=row.created_at).exists() is False
    later = row.created_at + timedelta(microseconds=1)
    assert db.events.where(created_at__lt=later, id=key).exists()


def test_a_seeded_instant_is_found(db: Database) -> None:
    """Whoever wrote it: the seeds, the server's clock, or the table API."""
    seeded = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert db.sown.where(at=seeded).pluck("name") == ["a"]
    db.sown.upsert({"name": "b", "at": seeded})
    assert db.sown.where(at=seeded).order_by("name").pluck("name") == ["a", "b"]
    db.sown.where(name="b").delete()


def test_patterns_go_with_every_kind_of_column(db: Database) -> None:
    ident = UUID("12345678-1234-5678-1234-567812345678")
    db.things.insert({"choice": "b c", "whole": 1234, "ident": ident, "day": date(2026, 2, 28)})
    likes = {"choice__ends_with": " c", "whole__like": "12%", "ident__starts_with": "12345678-"}
    for name, pattern in (likes | {"day__contains": "26-02"}).items():
        assert db.things.where({name: pattern}).count() == 1, name
        assert db.things.where({name: f"z{pattern}"}).count() == 0, name


class Mood(enum.Enum):
    A = "a"


class Shout(enum.StrEnum):
    A = "a"


def test_members_of_enums_and_texts_of_uuids_are_taken(db: Database) -> None:
    ident = VALUES["ident"][1][0]
    key = db.things.insert({"choice": Mood.A, "words": Shout.A, "ident": str(ident).upper()})
    row = db.things.get(key)
    assert row is not None
    assert (row.choice, row.words, row.ident) == ("a", "a", ident)
    assert type(row.words) is str
    assert db.things.where(choice=Shout.A, ident=ident).exists()


def test_numbers_of_other_classes_are_taken_where_they_are_the_same(db: Database) -> None:
    key = db.things.insert(
        {"exact": 2, "real": 3, "whole": 4.0, "big": True, "octets": bytearray(b"x")}
    )
    row = db.things.get(key)
    assert row is not None
    values = [row.exact, row.real, row.whole, row.big, row.octets]
    assert values == [Decimal(2), 3.0, 4, 1, b"x"]
    assert [type(one) for one in values] == [Decimal, float, int, int, bytes]
    assert db.things.where(exact=2.5).exists() is False


REFUSED = [
    ("whole", "5", "whole numbers"),
    ("whole", 1.5, "whole numbers"),
    ("whole", Decimal("NaN"), "whole numbers"),
    ("big", 2**63, "more than 64 bits"),
    ("whole", -(2**63) - 1, "more than 64 bits"),
    ("whole", float("inf"), "whole numbers"),
    ("words", "\ud800", "half a character"),
    ("at", datetime(1, 1, 1, tzinfo=KYOTO), "no year of UTC"),
    ("words", 5, "texts"),
    ("words", b"x", "texts"),
    ("truth", "yes", "True or False"),
    ("truth", 2, "True or False"),
    ("real", "1.5", "numbers"),
    ("exact", "1.5", "decimal numbers"),
    ("exact", Decimal("NaN"), "infinite or no number"),
    ("exact", float("inf"), "infinite or no number"),
    ("day", "2026-01-01", "days"),
    ("day", datetime(2026, 1, 1, tzinfo=UTC), "days"),
    ("clock", "12:00", "times of day"),
    ("clock", time(12, tzinfo=UTC), "times of day"),
    ("at", datetime(2026, 1, 1), "without one"),  # noqa: DTZ001
    ("at", date(2026, 1, 1), "datetime with a zone"),
    ("octets", "text", "bytes"),
    ("doc", {1, 2}, "what JSON can hold"),
    ("doc", {"x": float("nan")}, "what JSON can hold"),
    ("doc", object(), "what JSON can hold"),
    ("ident", "12345", "UUIDs"),
    ("ident", 5, "UUIDs"),
    ("choice", "z", "one of 'a', 'b c'"),
    ("span", 5, "spans of time"),
]


def test_what_does_not_fit_is_refused_before_it_is_sent(db: Database) -> None:
    for name, value, message in REFUSED:
        with pytest.raises(QueryRefused, match=message) as refused:
            db.things.insert({name: value})
        assert str(refused.value).startswith(f"things.{name} ")
        with pytest.raises(QueryRefused, match=message):
            db.things.insert([{"id": 1}, {"id": 2, name: value}])
        if not isinstance(value, set):
            with pytest.raises(QueryRefused, match=message):
                db.things.where(**{name: value}).all()
        with pytest.raises(QueryRefused, match=message):
            db.things.where(id=1).update({name: value})
    assert db.things.count() == 0


def test_a_refused_value_is_not_told(db: Database) -> None:
    with pytest.raises(QueryRefused) as refused:
        db.things.insert({"whole": "my password"})
    assert "password" not in str(refused.value)


def test_a_text_never_equals_a_number(db: Database) -> None:
    """MySQL takes 'abc' for 0, and 0 for any text without digits."""
    db.things.insert({"whole": 0, "words": "abc"})
    for wrong in ({"whole": "abc"}, {"whole": "0 OR 1=1"}, {"words": 0}, {"words__in": [0]}):
        with pytest.raises(QueryRefused):
            db.things.where(**wrong).all()


def test_sqlite_refuses_decimals_that_it_would_change(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    wide = {"type": "decimal", "precision": 30, "scale": 10}
    folder = write(
        tmp_path / "schema", {"sums": table({"id": "increments", "n": wide, "r": "double"})}
    )
    with Database.open(sqlite_database.url, schema=folder, migrate=True) as db:
        with pytest.raises(QueryRefused, match="fifteen digits"):
            db.sums.insert({"n": Decimal("12345678901234567.1")})
        with pytest.raises(QueryRefused, match="NULL"):
            db.sums.insert({"r": float("nan")})
        db.sums.insert([{"n": Decimal("0.1")}, {"n": Decimal("0.2")}])
        assert same(db.sums.sum("n"), Decimal("0.3000000000"))
        assert db.sums.where(n=Decimal("0.1")).count() == 1


NATIVE = {
    "postgresql": {
        "address": ("inet", "10.0.0.1/24"),
        "tags": ("text[]", ["a", "b"]),
        "name": ("varchar(12)", "x"),
        "n": ("int8", 5),
        "plain": ("timestamp", datetime(2026, 1, 1, 12)),  # noqa: DTZ001
    },
    "mysql": {
        "colours": ("set('red','blue')", "red,blue"),
        "n": ("mediumint", 5),
        "name": ("varchar(12)", "x"),
        "blob_": ("tinyblob", b"\x00"),
        "y": ("year", 2026),
        "huge": ("bigint unsigned", 2**64 - 1),
    },
    "sqlite": {"n": ("INT", 5), "name": ("NVARCHAR(12)", "x"), "any": ("NUMERIC", 1.5)},
}


def test_types_of_the_servers_own_and_live_tables(database: LiveDatabase, server: Server) -> None:
    """Without a schema the tables are those of the database; values are the driver's."""
    quote = "`" if server.family == "mysql" else '"'
    natives = NATIVE[server.family]
    columns = [f"{quote}{name}{quote} {kind}" for name, (kind, _) in natives.items()]
    database.execute(f"CREATE TABLE things (id int PRIMARY KEY, {', '.join(columns)})")
    row = {name: value for name, (_, value) in natives.items()}
    with Database.open(database.url) as db:
        db.things.insert({"id": 1, **row})
        found = db.things.get(1)
        assert found is not None
        assert {name: str(found[name]) for name in row} == {n: str(v) for n, v in row.items()}
        with pytest.raises(QueryRefused, match="texts"):
            db.things.where(name=5).all()
        assert db.things.where(n__gt=4).count() == 1
        assert db.execute(text("SELECT count(*) FROM things")).scalar_one() == 1
