"""Buffered writes: behaviours 80 to 127 of odac's own tests, and the holes that it had."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from odac_db import Database, QueryRefused
from tests.fixtures.buffers import Opened, openings
from tests.fixtures.databases import LiveDatabase

SCHEMA = {
    "posts": """
columns:
  id:    {type: integer, primary: true}
  views: {type: integer, default: 0}
  likes: {type: big_integer}
  score: {type: decimal, precision: 12, scale: 3, default: 0}
  title: {type: string, length: 40}
  state: {type: enum, values: [draft, live], default: draft}
""",
    "stats": """
columns:
  day:  {type: integer}
  site: {type: string, length: 20}
  hits: {type: integer, nullable: false, default: 0}
primary_key: [day, site]
""",
    "events": """
columns:
  id:    {type: nanoid, primary: true}
  short: {type: nanoid, length: 8}
  n:     {type: integer, nullable: false}
checks:
  - {name: n_is_small, expression: n < 1000}
""",
}


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(database.url, SCHEMA, tmp_path) as opened:
        yield opened


@pytest.fixture
def db(opened: Opened) -> Database:
    made = opened()
    made.table("posts").insert([{"id": one, "views": 5 * one, "title": "a"} for one in (1, 2, 3)])
    made.table("stats").insert({"day": 1, "site": "x", "hits": 1})
    return made


def column(db: Database, name: str) -> list[Any]:
    return [row[name] for row in db.table("posts").order_by("id").all()]


def test_b80_to_b89_counters_are_what_they_will_be(db: Database) -> None:
    posts, stats = db.buffer["posts"], db.buffer["stats"]
    assert posts.where(1).get("views") == 5
    posts.where(1).increment("views")
    assert posts.where(1).get("views") == 6
    posts.where(1).increment("views", 10)
    posts.where(2).increment("views", -3)
    posts.where(1).increment(likes=2, score=Decimal("0.125"))
    stats.where(day=1, site="x").increment("hits", 4)
    assert posts.where(1).get("views") == 16
    assert posts.where(2).get("views") == 7
    assert posts.where(1).get("likes") == 2  # NULL counts as 0
    assert posts.where(1).get("score") == Decimal("0.125")
    assert stats.where({"site": "x", "day": 1}).get("hits") == 5
    assert posts.where(99).get("views") == 0
    assert column(db, "views") == [5, 10, 15]  # b100: nothing is written before a flush


def test_b101_to_b106_deltas_reach_the_database_once(db: Database) -> None:
    posts = db.buffer["posts"]
    for _ in range(3):
        posts.where(1).increment(views=1, likes=5)
    done = db.buffer.flush()
    assert (done.rows, done.dead, done.pending) == (3, 0, 0)
    assert column(db, "views") == [8, 10, 15]
    assert column(db, "likes") == [15, None, None]
    assert posts.where(1).get("views") == 8
    posts.where(1).increment("views")
    assert posts.where(1).get("views") == 9
    assert db.buffer.flush().rows == 1
    assert column(db, "views")[0] == 9
    assert db.buffer.flush().rows == 0  # b109, b103: nothing is left


def test_b90_to_b98_updates_merge_and_the_last_value_wins(db: Database) -> None:
    posts = db.buffer["posts"]
    posts.where(1).update(title="b")
    posts.where(1).update({"title": "c", "state": "live"})
    posts.where(2).update(title="other")
    posts.where(1).increment("views", 2)
    db.buffer["stats"].where(day=1, site="x").update(hits=40)
    assert posts.where(1).get("title") == "c"
    assert db.buffer.flush().pending == 0
    assert column(db, "title") == ["c", "other", "a"]
    assert column(db, "state") == ["live", "draft", "draft"]
    assert column(db, "views") == [7, 10, 15]
    assert [row.hits for row in db.table("stats").all()] == [40]


def test_a_set_and_an_addition_keep_their_order(db: Database) -> None:
    posts = db.buffer["posts"]
    posts.where(1).increment("views", 100)
    posts.where(1).update(views=1)
    posts.where(1).increment("views", 2)
    assert posts.where(1).get("views") == 3
    db.buffer.flush()
    assert column(db, "views")[0] == 3


def test_b107_b118_to_b121_rows_go_in_with_their_ids(db: Database) -> None:
    events = db.buffer["events"]
    row = {"n": 1}
    key = events.insert(row)
    assert row == {"n": 1}  # w9: what is the caller's stays as it is
    row["n"] = 7
    keys = events.insert([{"n": n} for n in range(2, 400)])
    assert events.insert({"id": "mine", "n": 400}) == {"id": "mine"}
    ids = [key["id"], *(one["id"] for one in keys), "mine"]
    assert len(set(ids)) == 400
    assert len(ids[0]) == 21
    assert db.table("events").count() == 0
    db.buffer.flush()
    found = {row.id: row for row in db.table("events").all()}
    assert [found[id_].n for id_ in ids] == list(range(1, 401))
    assert {len(row.short) for row in found.values()} == {8}


def test_holes_16_17_changes_follow_the_inserts_they_need(db: Database) -> None:
    """odac flushes counters first, and forgets those that find no row."""
    posts = db.buffer["posts"]
    posts.insert({"id": 7, "views": 0})
    posts.where(7).increment("views", 3)
    posts.where(8).increment("views", 3)
    done = db.buffer.flush()
    assert (done.rows, done.dead) == (2, 1)
    assert column(db, "views") == [5, 10, 15, 3]


def test_a34_one_bad_row_is_put_aside_and_the_others_land(db: Database) -> None:
    events = db.buffer["events"]
    events.insert([{"id": f"e{n}", "n": 5000 if n == 617 else n % 1000} for n in range(2000)])
    events.insert({"id": "e3", "n": 1})
    done = db.buffer.flush()
    assert (done.rows, done.dead, done.pending) == (1999, 2, 0)
    assert db.table("events").count() == 1999
    letters = db.buffer.dead_letters()
    assert [(one.seq, one.table, one.operation) for one in letters] == [
        (618, "events", "insert"),
        (2001, "events", "insert"),
    ]
    assert '"n":5000' in letters[0].payload
    assert letters[0].error


def test_b122_to_b127_what_a_dead_process_left_is_brought_in(opened: Opened, db: Database) -> None:
    """The journal is what odac's checkpoint was to be."""
    db.buffer["events"].insert([{"id": f"r{n}", "n": n} for n in range(10)])
    db.buffer["posts"].where(1).increment("views", 10)
    running = db.buffer._running
    assert running is not None
    running.abandon()  # as if the process were gone: its lock is free
    db.buffer._running = None
    other = opened()
    other.buffer["posts"].where(1).increment("views", 5)
    other.buffer.adopt()
    assert other.buffer.flush().pending == 0
    assert column(other, "views")[0] == 20
    assert other.table("events").count() == 10
    assert other.buffer.flush().rows == 0


def test_b110_many_rows_flush_by_themselves(opened: Opened) -> None:
    db = opened()
    for _ in range(3):
        db.buffer["events"].insert([{"n": n % 1000} for n in range(10_000)])
    running = db.buffer._start()
    with running._room:
        assert running._room.wait_for(lambda: not running.pending(), 30)
    assert db.table("events").count() == 30_000


def test_w11_a_flush_invalidates_what_was_cached(opened: Opened) -> None:
    db = opened(cache="memory")
    db.table("posts").insert({"id": 1, "views": 0})
    cached = db.table("posts").cache(60)
    for round_ in range(1, 4):
        db.buffer["events"].insert({"n": round_})
        db.buffer["posts"].where(1).increment("views")
        assert [row.views for row in cached.all()] == [round_ - 1]
        assert db.table("events").cache(60).count() == round_ - 1
        assert db.buffer.flush().pending == 0
        assert [row.views for row in cached.all()] == [round_]
        assert db.table("events").cache(60).count() == round_
    assert db.cache.stats().fills > 0


def test_b111_to_b117_the_same_by_way_of_the_table(db: Database) -> None:
    key = db.posts.buffer.insert({"id": 50, "views": 1})
    db.posts.buffer.where(key).increment("views", 4)
    db.posts.buffer.where(50).update(title="t")
    assert db.posts.buffer.where(50).get("views") == 5
    assert db.buffer.flush().rows == 3
    assert [row.title for row in db.posts.where(id=50).all()] == ["t"]
    with db.transaction() as tx, pytest.raises(QueryRefused, match="no part of a transaction"):
        _ = tx.posts.buffer
