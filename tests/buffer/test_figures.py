"""What a buffer says of itself, and what it clears away."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from odac_db import BufferFull, BufferOptions, Database
from odac_db.buffer import files
from odac_db.buffer.ages import MOST, Ages
from odac_db.dialects.sqlite import buffering
from odac_db.prometheus import BufferCollector
from tests.fixtures.databases import LiveDatabase

Opened = Callable[..., Database]


@pytest.fixture
def opened(
    sqlite_database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opened]:
    monkeypatch.setattr(buffering, "BUSY", 1)
    sqlite_database.execute("CREATE TABLE events (n INTEGER NOT NULL)")
    found: list[Database] = []

    def make(**options: Any) -> Database:
        chosen = {"folder": tmp_path / "journal", "interval": 3600.0, "exit_timeout": 0.5}
        buffer = BufferOptions(**{**chosen, **options})
        found.append(Database.open(sqlite_database.url, buffer=buffer))
        return found[-1]

    yield make
    for db in found:
        db.close()


def test_what_waits_is_as_old_as_its_oldest_though_some_is_always_waiting() -> None:
    """It used to grow for as long as something new came before the last was flushed."""
    ages = Ages(0.0)
    for second in range(1, 100):
        ages.look(second, {("j", "l"): second})
        ages.applied(second + 0.5, lambda ends, done=second - 1: ends["j", "l"] <= done, 1)  # type: ignore[misc]
        assert second - ages.since == 1 or second == 1
    ages.applied(200, lambda _: True, 0)
    assert ages.since == 200


def test_looks_at_what_waits_for_long_are_few() -> None:
    ages = Ages(0.0)
    for second in range(1, 10_000):
        ages.look(second, {("j", "l"): second})
        ages.applied(second, lambda _: False, 1)
    assert len(ages._looks) <= MOST
    assert ages.since == 0.0
    ages.applied(10_000, lambda ends: ends["j", "l"] <= 5000, 1)
    assert ages.since <= 5000


def test_a35_it_is_full_while_something_is_older_than_it_may_be(
    opened: Opened, sqlite_database: LiveDatabase
) -> None:
    db = opened(max_age=0.05, when_full="raise")
    events = db.buffer["events"]
    with closing(sqlite3.connect(sqlite_database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        events.insert({"n": 1})
        until = time.monotonic() + 20
        while db.buffer.status().oldest <= 0.05 and time.monotonic() < until:
            db.buffer.flush()
        db.buffer.flush()
        with pytest.raises(BufferFull, match=r"more than max_age \(0.05 s\)"):
            events.insert({"n": 2})
        other.execute("COMMIT")
    assert db.buffer.flush(wait=20).pending == 0
    events.insert({"n": 2})
    status = db.buffer.status()
    assert 0 < status.slowest_flush <= status.flush_seconds
    assert status.retries > 0


def test_what_prometheus_is_told_of_a_buffer(opened: Opened, sqlite_database: LiveDatabase) -> None:
    db = opened()
    registry = CollectorRegistry()
    registry.register(BufferCollector(db, database="main"))

    def told(name: str) -> float | None:
        return registry.get_sample_value(f"odac_db_buffer_{name}", {"database": "main"})

    assert told("pending") is None
    assert not db.buffer.is_running  # to be asked begins nothing
    db.buffer["events"].insert([{"n": 1}, {"n": 2}])
    assert (told("pending"), told("applied_total"), told("paused")) == (2, 0, 0)
    with closing(sqlite3.connect(sqlite_database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        db.buffer.flush()
        assert told("paused") == 1
    db.buffer.flush(wait=20)
    db.buffer["events"].insert({"n": 3})
    assert (told("pending"), told("applied_total"), told("flushes_total")) == (1, 2, 1)
    for name in ("retries_total", "flush_seconds_total", "slowest_flush_seconds", "bytes"):
        assert told(name), name
    for name in ("dead_total", "dropped_total", "rewound_total"):
        assert told(name) == 0, name
    assert told("journals") == 1


def test_what_processes_left_that_died_at_their_start_is_cleared_away(
    opened: Opened, tmp_path: Path
) -> None:
    home = tmp_path / "journal/default"
    names = {name: home / f"{files.UNFINISHED}{name}" for name in ("dead", "alive", "new", "old")}
    for folder in names.values():
        folder.mkdir(parents=True)
    dead = files.locked(names["dead"], make=True)
    assert dead is not None
    os.close(dead)
    (names["dead"] / f"{0:020d}.odj").touch()
    os.utime(names["dead"], (0, 0))
    alive = files.locked(names["alive"], make=True)
    assert alive is not None
    os.utime(names["old"], (0, 0))
    opened().buffer["events"].insert({"n": 1})
    assert {name for name, folder in names.items() if folder.exists()} == {"alive", "new"}
    os.close(alive)


def test_a_journal_that_is_just_being_made_is_not_cleared_away(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another process that comes between its lock's file and the lock."""
    home, real = tmp_path / "journal/default", fcntl.flock
    come: list[int] = []

    def flock(descriptor: int, operation: int) -> None:
        if not come:
            come.append(descriptor)
            files.clear_unfinished(home)
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    opened().buffer["events"].insert({"n": 1})
    assert come
