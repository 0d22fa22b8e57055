"""Idempotency keys: a call made again is taken once; another one under its key is an error."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from odac_db import Database, KeyReused, RowRefused
from odac_db.buffer import flush, ledger, once
from odac_db.dialects.sqlite import buffering
from tests.fixtures.buffers import Opened, dies, openings
from tests.fixtures.databases import LiveDatabase

SCHEMA = {
    "orders": "columns:\n  id: {type: nanoid, primary: true}\n  total: {type: integer}\n",
    "stock": "columns:\n  id: {type: integer, primary: true}\n  n: {type: integer, default: 0}\n",
}


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(database.url, SCHEMA, tmp_path) as opened:
        yield opened


def brought_in(db: Database) -> tuple[int, int, int]:
    db.buffer.adopt()
    answer = db.buffer.flush(wait=10)
    return answer.rows, answer.dead, answer.pending


def test_d6_the_same_call_is_taken_once_with_the_same_answer(opened: Opened) -> None:
    db = opened()
    orders = db.buffer["orders"]
    first = orders.insert({"total": 5}, idempotency_key="a")
    assert orders.insert({"total": 5}, idempotency_key="a") == first
    assert brought_in(db) == (1, 0, 0)
    assert orders.insert({"total": 5}, idempotency_key="a") == first
    several = orders.insert([{"total": 1}, {"total": 2}], idempotency_key="b")
    assert orders.insert([{"total": 1}, {"total": 2}], idempotency_key="b") == several
    assert brought_in(db) == (2, 0, 0)
    assert len({one["id"] for one in [first, *several]}) == 3
    assert sorted(row.total for row in db.table("orders").all()) == [1, 2, 5]
    assert db.table("orders").where(id=first["id"]).count() == 1


def test_d6_in_a_process_after_it_too(opened: Opened) -> None:
    """Whether the first has reached the database or waits in the journal of a dead process."""
    one = opened()
    first = one.buffer["orders"].insert({"total": 5}, idempotency_key="flushed")
    assert brought_in(one)[0] == 1
    second = one.buffer["orders"].insert({"total": 6}, idempotency_key="waiting")
    one.buffer["stock"].insert({"id": 1})
    one.buffer["stock"].where(1).increment("n", 5, idempotency_key="added")
    dies(one)
    other = opened()
    assert other.buffer["orders"].insert({"total": 5}, idempotency_key="flushed") == first
    assert other.buffer["orders"].insert({"total": 6}, idempotency_key="waiting") == second
    assert other.buffer._running is not None
    assert other.buffer._running.journal.lanes == {"orders": 1}
    brought_in(other)
    other.buffer["stock"].where(1).increment("n", 5, idempotency_key="added")
    assert brought_in(other)[1:] == (0, 0)
    assert sorted(row.total for row in other.table("orders").all()) == [5, 6]
    assert [row.n for row in other.table("stock").all()] == [5]


def test_d6_another_call_under_the_key_is_an_error(opened: Opened) -> None:
    one = opened()
    one.buffer["orders"].insert({"total": 5}, idempotency_key="a")
    with pytest.raises(KeyReused, match="'a'"):
        one.buffer["orders"].insert({"total": 6}, idempotency_key="a")
    brought_in(one)
    dies(one)
    other = opened()
    for wrong in (
        lambda: other.buffer["orders"].insert({"total": 6}, idempotency_key="a"),
        lambda: other.buffer["stock"].insert({"id": 1}, idempotency_key="a"),
        lambda: other.buffer["stock"].where(1).update(n=5, idempotency_key="a"),
    ):
        with pytest.raises(KeyReused, match="'a'"):
            wrong()
    assert brought_in(other) == (0, 0, 0)


def test_d6_found_out_by_the_flush_it_is_a_dead_letter(opened: Opened) -> None:
    """Two processes use a key for different things before either has flushed."""
    one, other = opened(), opened()
    one.buffer["orders"].insert({"total": 5}, idempotency_key="a")
    other.buffer["orders"].insert([{"total": 6}, {"total": 7}], idempotency_key="a")
    other.buffer["orders"].insert({"total": 8})
    assert one.buffer.flush().rows == 1
    answer = other.buffer.flush()
    assert (answer.rows, answer.dead, answer.pending) == (1, 2, 0)
    assert [one.error for one in other.buffer.dead_letters()] == [str(KeyReused("a"))] * 2
    assert sorted(row.total for row in one.table("orders").all()) == [5, 8]


def test_d6_two_flushers_with_one_key_at_once_apply_it_once(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One flushes when the other is about to write the key down; SQLite makes it wait."""
    monkeypatch.setattr(buffering, "BUSY", 1)
    one, other = opened(), opened()
    for db in (one, other):
        db.buffer["orders"].insert({"total": 5}, idempotency_key="a")
    whole = once._write_down

    def late(*arguments: Any) -> None:
        monkeypatch.setattr(once, "_write_down", whole)
        one.buffer.flush()
        whole(*arguments)

    monkeypatch.setattr(once, "_write_down", late)
    other.buffer.flush()
    assert other.buffer.flush(wait=10).pending == 0
    assert one.buffer.flush(wait=10).pending == 0
    assert one.table("orders").count() == 1
    assert one.buffer.dead_letters() == ()


def test_an_error_keeps_no_key(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    db = opened()
    running = db.buffer._start()
    monkeypatch.setattr(running.journal, "append_lots", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        db.buffer["orders"].insert({"total": 5}, idempotency_key="a")
    monkeypatch.undo()
    db.buffer["orders"].insert({"total": 5}, idempotency_key="a")
    assert brought_in(db) == (1, 0, 0)


def test_keys_are_forgotten_after_their_time(opened: Opened, database: LiveDatabase) -> None:
    db = opened()
    db.buffer["orders"].insert({"total": 5}, idempotency_key="old")
    brought_in(db)
    db.buffer["orders"].insert({"total": 6}, idempotency_key="new")
    brought_in(db)
    database.execute(
        "UPDATE _odac_buffer_keys SET created_at = '2001-01-01 00:00:00' WHERE name = 'old'"
    )
    running = db.buffer._start()
    with running.flusher.turn:
        running.flusher.tend(at_once=True)
    assert database.execute("SELECT name FROM _odac_buffer_keys") == [("new",)]


def test_a_key_that_cannot_be_is_refused(opened: Opened) -> None:
    orders = opened().buffer["orders"]
    for wrong in ("", "x" * 256, 5, "a\0"):
        with pytest.raises(RowRefused, match="text of 1 to 255"):
            orders.insert({"total": 5}, idempotency_key=wrong)  # type: ignore[arg-type]
    with pytest.raises(RowRefused, match="name the same columns"):
        orders.insert([{"total": 5}, {"id": "x" * 21}], idempotency_key="a")
    with pytest.raises(RowRefused, match="at most"):
        orders.insert([{"total": 5}] * 50_000, idempotency_key="a")
    assert orders.insert([], idempotency_key="a") == []


def test_a_keyed_call_acknowledged_by_the_database_is_there(opened: Opened) -> None:
    """Though the call that took it was content with less."""
    db = opened()
    db.buffer["orders"].insert({"total": 5}, idempotency_key="a")
    assert db.table("orders").count() == 0
    db.buffer["orders"].insert({"total": 5}, idempotency_key="a", acknowledge="db")
    assert db.table("orders").count() == 1


def test_a_start_that_is_killed_between_its_commits_is_made_up_for(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every later start had a KeyError, and of four at once on a new database one in two."""
    db = opened()
    whole = ledger._insert_once

    def killed(conn: sa.Connection, row: dict[str, str]) -> None:
        if row["name"] == "format":
            raise SystemExit
        whole(conn, row)

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "_insert_once", killed)
        with pytest.raises(SystemExit):
            db.buffer["orders"].insert({"total": 5})
    db.buffer["orders"].insert({"total": 5})
    assert brought_in(db) == (1, 0, 0)
    with db.engine.connect() as conn:
        assert ledger.facts(conn).keys() == {"database", "format"}


def test_tables_of_an_older_buffer_get_the_table_of_keys(
    opened: Opened, database: LiveDatabase
) -> None:
    before = opened()
    before.buffer["orders"].insert({"total": 5})
    brought_in(before)
    dies(before)
    database.execute("DROP TABLE _odac_buffer_keys")
    with before.engine.connect() as conn:
        identity = ledger.facts(conn)["database"]
    after = opened()
    after.buffer["orders"].insert({"total": 6}, idempotency_key="a")
    assert brought_in(after)[0] == 1
    assert after.buffer._database() == identity
    assert sa.inspect(after.engine).has_table("_odac_buffer_keys")
    assert os.listdir(after.buffer._home)


DEFERRED = {
    "parents": "columns:\n  id: {type: integer, primary: true}\n",
    "kids": """
columns:
  id:  {type: increments}
  pid: {type: integer}
foreign_keys:
  - {columns: [pid], references: {table: parents, columns: [id]}, deferrable: deferred}
""",
}


def test_who_meets_a_key_of_another_flusher_while_burying_loses_nothing(
    sqlite_database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction stayed open while it waited, and with it SQLite's one right to write."""
    real = flush._flush_none

    def contended(*given: Any) -> Any:
        with monkeypatch.context() as inner:
            inner.setattr(flush, "admitted", meets_another)
            return real(*given)

    def meets_another(*_: Any) -> None:
        raise once.Contended("an idempotency key is being written by another flusher")

    with openings(sqlite_database.url, DEFERRED, tmp_path) as opened:
        db = opened()
        db.buffer["kids"].insert({"pid": 1}, idempotency_key="k")
        with monkeypatch.context() as patched:
            patched.setattr(flush, "_flush_none", contended)
            for _ in range(2):
                answer = db.buffer.flush()
                assert (answer.rows, answer.dead, answer.pending) == (0, 0, 1)
                db.table("parents").upsert({"id": 2})
        assert db.buffer.flush(wait=10).dead == 1


def test_a_key_whose_call_commit_refused_is_used(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    """The dead letter of the first call and the call made again were both applied."""
    with openings(sqlite_database.url, DEFERRED, tmp_path) as opened:
        db = opened()
        call = {"pid": 1}
        db.buffer["kids"].insert(call, idempotency_key="k")
        assert db.buffer.flush(wait=10).dead == 1
        db.table("parents").insert({"id": 1})
        dies(db)
        db = opened()
        db.buffer["kids"].insert(call, idempotency_key="k")
        assert brought_in(db) == (0, 0, 0)
        assert db.buffer.retry_dead_letters().refused == 0
        assert db.table("kids").count() == 1
