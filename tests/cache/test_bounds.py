"""What is remembered is bounded, what is asked is asked once, and no log tells a value."""

from __future__ import annotations

import logging
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from xxhash import xxh3_64_intdigest

from odac_db import Cache, Database
from odac_db.cache import memory, opening, redis_store
from odac_db.cache.memory import MemoryStore
from odac_db.cache.parsed import parsed
from odac_db.cache.redis_store import RedisStore
from odac_db.cache.stamps import SLOTS
from odac_db.cache.words import changes_session, sort_of
from odac_db.dialects.sqlite.reach import GRAMMAR
from tests.cache.conftest import Open
from tests.fixtures.databases import LiveDatabase

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def catalogs(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows whenever a catalog is read."""
    read: list[object] = []
    real = opening._reach

    def counted(connection: Any) -> Any:
        read.append(connection)
        return real(connection)

    monkeypatch.setattr(opening, "_reach", counted)
    return read


def test_while_redis_is_away_a_catalog_is_good_for_a_second(
    database: LiveDatabase, catalogs: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("odac_db.cache.catalog.time", SimpleNamespace(monotonic=lambda: now[0]))
    with Database.open(database.url, cache=Cache(store=NOWHERE)) as db:
        name = db.engine.dialect.name
        call = {"postgresql": "pg_backend_pid()", "sqlite": "changes()"}.get(name, "version()")
        for count in (1, 2):
            for _ in range(5):
                db.execute(text(f"SELECT {call}"))
            assert len(catalogs) == count
            now[0] += 1.1


def test_no_table_shares_the_slot_of_the_catalog(tmp_path: Path) -> None:
    """So that its writes are none of the catalog."""
    store = MemoryStore("bounds", entries=1, size=1000, token_seconds=60.0, directory=tmp_path)
    slot = xxh3_64_intdigest(b"*") % SLOTS
    like = (
        name for name in map(str, range(10**6)) if xxh3_64_intdigest(name.encode()) % SLOTS == slot
    )
    names = [next(like), *map(str, range(50_000))]
    places = {store.places((name,))[0] for name in names[:1]} | {
        place
        for at in range(0, len(names), 500)
        for place in store.places(tuple(names[at : at + 500]))
    }
    (own,) = store.places(("*",))
    assert own not in places
    assert min(places) > own
    store.close()


def test_long_texts_are_not_remembered() -> None:
    def asks(of: Callable[..., object], *rest: object) -> int:
        before = tracemalloc.get_traced_memory()[0]
        for number in range(200):
            of(f"INSERT INTO posts (title) VALUES ('{str(number) * 50_000}')", *rest)
        return tracemalloc.get_traced_memory()[0] - before

    tracemalloc.start()
    try:
        for of in (sort_of, changes_session):
            assert asks(of) < 5 * 2**20
        assert asks(parsed, GRAMMAR) < 10 * 2**20
    finally:
        tracemalloc.stop()


def test_names_of_tables_that_come_and_go_are_forgotten(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (memory, redis_store):
        monkeypatch.setattr(module, "MOST_NAMES", 10)
    near = MemoryStore("bounds", entries=1, size=1000, token_seconds=60.0, directory=tmp_path)
    far = RedisStore(redis_url, "bounds", token_seconds=60.0, quarantine_seconds=0.0)
    for store in (near, far):
        for number in range(50):
            tables = (f"temporary_{number}",)
            first = store.settle(tables)
            assert first is not None
            assert store.stamps(tables) == first
    assert len(near._places) <= 10
    assert max(len(far._names), len(far._asking_stamps)) <= 10
    near.close()
    far.close()


def test_what_the_parser_says_of_values_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        parsed("/* note */ REPLACE INTO users VALUES (1, 'hunter2')", GRAMMAR)
        parsed("CALL hunter2()", GRAMMAR)
        parsed("VACUUM hunter2", GRAMMAR)
    assert "hunter2" not in caplog.text
    logging.getLogger("sqlglot").warning("of another's parsing")
    assert "another's" in caplog.text


def test_what_may_write_by_its_words_is_counted(stored: Open) -> None:
    db = stored().db
    for _ in range(2):
        assert db.execute(text("SELECT 'no update'"), cache=60).scalar_one() == "no update"
    assert db.cache.stats().uncached == {"by its words it may write": 2}
