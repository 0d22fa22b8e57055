"""Every type of column, every server, both stores: what is kept comes back as what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, select, text, type_coerce
from sqlalchemy.types import TypeDecorator

from odac_db import Cache, Database
from tests.behaviours.steps import table
from tests.fixtures.servers import Server
from tests.query.conftest import SiteOf
from tests.query.test_values import MOODS, NATIVE, kinds, same


@pytest.fixture(params=["memory", "redis"])
def db(
    request: pytest.FixtureRequest, server: Server, site_of: SiteOf, redis_url: str, tmp_path: Path
) -> Iterator[Database]:
    """A table with a column of each type, and rows of their values and of NULL."""
    own = MOODS if server.family == "postgresql" else {}
    columns = {name: declared for name, (declared, _) in kinds(server).items()}
    more = {"large": "big_increments", "key": "nanoid", "timestamps": "timestamps"}
    tables = {
        "things": table({"id": "increments", **columns}),
        "more": table({**more, "id": {"type": "integer"}}),
        **own,
    }
    site = site_of(server, "types", tables)
    store = "memory" if request.param == "memory" else redis_url
    directory = tmp_path if request.param == "memory" else None
    cache = Cache(store=store, directory=directory, mode="relaxed", namespace=str(tmp_path))
    with Database.open(site.database.url, schema=site.folder, cache=cache) as opened:
        fill(opened, server)
        yield opened


def fill(db: Database, server: Server) -> None:
    found = kinds(server)
    longest = max(len(values) for _, values in found.values())
    for number in range(longest):
        db.things.insert({name: v[number % len(v)] for name, (_, v) in found.items()})
    db.things.insert(dict.fromkeys(found))
    db.more.insert([{"id": 1}, {"id": 2}])


def spoil(value: Any) -> None:
    """Does to a value whatever its reader can do to it."""
    if isinstance(value, list):
        for each in value:
            spoil(each)
        value.append("changed")
        value.reverse()
    elif isinstance(value, dict):
        for each in list(value.values()):
            spoil(each)
        value["changed"] = 1
    elif isinstance(value, bytearray):
        value += b"changed"


def kept_right(db: Database, read: Callable[[bool], list[Any]], *, hits: int = 2) -> None:
    """Miss and hits equal what is read directly, whatever was done to those before."""
    before = db.cache.stats()
    direct = read(False)
    for _ in range(3):
        found = read(True)
        assert len(found) == len(direct)
        for row, expected in zip(found, direct, strict=True):
            for value, other in zip(row, expected, strict=True):
                assert same(value, other), (value, other)
                spoil(value)
    after = db.cache.stats()
    assert after.hits - before.hits == hits
    assert after.unknown_values - before.unknown_values == 3 - hits - (hits == 2)


def test_every_type_comes_back_equal_and_of_its_class(db: Database, server: Server) -> None:
    cached = db.things.cache(60)
    for name in ("id", *kinds(server)):
        kept_right(
            db,
            lambda kept, name=name: [  # type: ignore[misc]
                tuple(row)
                for row in (cached if kept else db.things).order_by("id").select(name).all()
            ],
        )
    kept_right(db, lambda kept: [tuple(r) for r in (cached if kept else db.things).all()])
    kept_right(db, lambda kept: [tuple(r) for r in (db.more.cache(60) if kept else db.more).all()])


def test_core_and_text_come_back_as_the_driver_gives_them(db: Database) -> None:
    things = db.things.c.id.table
    for statement in (select(things), text("SELECT * FROM things"), text("SELECT * FROM more")):
        kept_right(
            db,
            lambda kept, asked=statement: [  # type: ignore[misc]
                tuple(row) for row in db.execute(asked, cache=60 if kept else None)
            ],
        )


class Mutable(TypeDecorator[Any]):
    """Bytes as something that its reader can change."""

    impl = LargeBinary
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Any) -> Any:
        del dialect
        return None if value is None else bytearray(value)


def test_bytes_that_can_be_changed_are_each_readers_own(db: Database) -> None:
    octets = select(type_coerce(db.things.c.octets, Mutable()))
    kept_right(
        db,
        lambda kept: [tuple(row) for row in db.execute(octets, cache=60 if kept else None)],
        hits=0,
    )


def test_native_types_come_back_or_are_not_kept(db: Database, server: Server) -> None:
    quote = "`" if server.family == "mysql" else '"'
    natives = NATIVE[server.family]
    columns = [f"{quote}{name}{quote} {kind}" for name, (kind, _) in natives.items()]
    with db.engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE IF EXISTS natives")
        conn.exec_driver_sql(f"CREATE TABLE natives (id int PRIMARY KEY, {', '.join(columns)})")
    with Database.open(db.engine.url) as plain:
        plain.natives.insert({"id": 1, **{name: value for name, (_, value) in natives.items()}})
    for name in natives:
        asked = text(f"SELECT {quote}{name}{quote} FROM natives")
        direct = db.execute(asked).scalar_one()
        for _ in range(3):
            assert same(db.execute(asked, cache=60).scalar_one(), direct), name
    with db.engine.begin() as conn:
        conn.exec_driver_sql("DROP TABLE natives")
