"""A network that breaks around COMMIT, and a database that is away while rows keep coming."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odac_db import BufferOptions, Database
from tests.crash.buffer.proxy import Cut, Proxy
from tests.fixtures.databases import LiveDatabase

Dose = Callable[[int, int], int]
Told = Callable[[str, object], None]
Reached = Callable[[LiveDatabase], tuple[Proxy, Database]]


@pytest.fixture
def reached(tmp_path: Path) -> Iterator[Reached]:
    """A table without a key, in which whatever comes twice shows, by way of a proxy."""
    found: list[tuple[Proxy, Database]] = []

    def make(database: LiveDatabase) -> tuple[Proxy, Database]:
        database.execute("CREATE TABLE events (n INTEGER NOT NULL)")
        database.execute("CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
        database.execute("INSERT INTO counters VALUES (1, 0)")
        proxy = Proxy(database.url)
        options = BufferOptions(folder=tmp_path / "journal", interval=3600.0, exit_timeout=1.0)
        found.append((proxy, Database.open(proxy.url, buffer=options)))
        return found[-1]

    yield make
    for proxy, db in found:
        db.close()
        proxy.away()


def exactly(database: LiveDatabase, count: int, added: int) -> None:
    found = Counter(n for (n,) in database.execute("SELECT n FROM events"))
    assert (len(found), max(found.values())) == (count, 1)
    assert database.execute("SELECT n FROM counters") == [(added,)]


def cut_around_commit(reached: tuple[Proxy, Database], database: LiveDatabase, count: int) -> str:
    proxy, db = reached
    cuts: list[Cut] = ["after", "before"]
    for cycle in range(count):
        db.buffer["events"].insert([{"n": cycle * 20 + n} for n in range(20)])
        db.buffer["counters"].where(1).increment("n")
        proxy.arm(cuts[cycle % 2])
        assert db.buffer.flush(wait=30).pending == 0
    exactly(database, count * 20, count)
    assert proxy.cuts >= count * 0.9
    return f"TORTURE db={database.server.label} cycles={count} cuts={proxy.cuts} lost=0 dup=0"


@pytest.mark.torture
def test_cut_off_around_commit_each_operation_is_there_once_on_postgresql(
    reached: Reached, postgresql_database: LiveDatabase, dose: Dose, record_property: Told
) -> None:
    told = cut_around_commit(reached(postgresql_database), postgresql_database, dose(6, 150))
    record_property("told", told)


@pytest.mark.torture
def test_cut_off_around_commit_each_operation_is_there_once_on_mysql(
    reached: Reached, mysql_database: LiveDatabase, dose: Dose, record_property: Told
) -> None:
    told = cut_around_commit(reached(mysql_database), mysql_database, dose(6, 150))
    record_property("told", told)


def away_under_load(reached: tuple[Proxy, Database], database: LiveDatabase, seconds: int) -> None:
    proxy, db = reached
    events, counters = db.buffer["events"], db.buffer["counters"]
    events.insert({"n": 0})
    assert db.buffer.flush(wait=20).pending == 0
    proxy.away()
    until, taken = time.monotonic() + seconds, 1
    pace = threading.Event()  # some thousand rows a second, for as long as it is away
    slowest = 0.0
    while time.monotonic() < until:
        began = time.monotonic()
        events.insert([{"n": taken + n} for n in range(10)])
        counters.where(1).increment("n", 10)
        slowest = max(slowest, time.monotonic() - began)
        taken += 10
        if taken % 1000 == 1:
            assert db.buffer.flush().pending > 0
        pace.wait(0.001)
    status: Any = db.buffer.status()
    assert (status.pending, status.dropped, status.dead) == (taken - 1 + (taken - 1) // 10, 0, 0)
    assert status.paused
    assert status.oldest > seconds / 2
    assert slowest < 2.0  # nobody waits for the database
    proxy.back()
    assert db.buffer.flush(wait=60).pending == 0
    exactly(database, taken, taken - 1)


@pytest.mark.torture
def test_a_database_that_is_away_under_load_gets_everything_once_on_postgresql(
    reached: Reached, postgresql_database: LiveDatabase, dose: Dose
) -> None:
    away_under_load(reached(postgresql_database), postgresql_database, dose(1, 60))


@pytest.mark.torture
def test_a_database_that_is_away_under_load_gets_everything_once_on_mysql(
    reached: Reached, mysql_database: LiveDatabase, dose: Dose
) -> None:
    away_under_load(reached(mysql_database), mysql_database, dose(1, 60))
