"""What is too much for a server at once, or for a column ever."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from odac_db import RowRefused
from odac_db.buffer import calls, faults, flush, shapes
from odac_db.buffer.fold import Step, count, divided, halves
from odac_db.buffer.shapes import Chunk, Once, Shape
from tests.fixtures.buffers import Opened, openings
from tests.fixtures.databases import LiveDatabase

SCHEMA = {
    "events": "columns:\n  n: {type: integer}\n",
    "notes": "columns:\n  text: {type: text}\n",
    "counts": """
columns:
  id: {type: integer, primary: true}
  n:  {type: big_integer, nullable: false, default: 0}
""",
}
ROOM = 10
"""What is left of the range of a counter."""


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(database.url, SCHEMA, tmp_path) as opened:
        yield opened


def test_a_batch_that_is_too_slow_for_the_server_is_tried_in_parts(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was tried again as large as it was, for ever, and nothing of its lane landed."""
    real, most = faults.apply, 100

    def impatient(conn: Connection, ground: Any, todo: Sequence[Step]) -> None:
        if sum(len(insert.rows) for step in todo for insert in step.inserts) > most:
            raise TimeoutError("too slow")
        real(conn, ground, todo)

    monkeypatch.setattr(flush, "apply", impatient)
    db = opened()
    db.buffer["events"].insert([{"n": n} for n in range(1000)])
    answer = db.buffer.flush(wait=60)
    assert (answer.rows, answer.dead, answer.pending) == (1000, 0, 0)
    assert sorted(db.table("events").pluck("n")) == list(range(1000))


def test_a_statement_timeout_is_such(postgresql_database: LiveDatabase, tmp_path: Path) -> None:
    database = postgresql_database
    with openings(database.url, SCHEMA, tmp_path) as opened:
        db = opened()
        slow = "BEGIN PERFORM pg_sleep(0.0003); RETURN new; END"
        database.execute(
            f"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $${slow}$$",
            "CREATE TRIGGER slow BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION slow()",
            f"ALTER DATABASE {database.name} SET statement_timeout = 400",
        )
        db.buffer["events"].insert([{"n": n} for n in range(3000)])
        answer = db.buffer.flush(wait=60)
    assert (answer.rows, answer.dead, answer.pending) == (3000, 0, 0)


def test_a_counter_that_has_no_room_left_is_refused(opened: Opened) -> None:
    """SQLite made a float of it in silence. What still has room lands."""
    db = opened()
    least, most = -(2**63), 2**63 - 1
    db.table("counts").insert([{"id": 1, "n": most - ROOM}, {"id": 2, "n": least + ROOM}])
    for _ in range(ROOM + 1):
        db.buffer["counts"].where(1).increment("n")
        db.buffer["counts"].where(2).increment("n", -1)
    answer = db.buffer.flush(wait=20)
    assert (answer.dead, answer.pending) == (2, 0)
    assert db.table("counts").order_by("id").pluck("n") == [most, least]


def test_a_row_that_no_journal_can_give_back_is_refused(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was acknowledged, and all behind it taken for damage. The limit is 1 GiB."""
    monkeypatch.setattr(calls, "LARGEST", 2000)
    monkeypatch.setattr(calls, "FRAME_BYTES", 1000)
    monkeypatch.setattr(shapes, "FRAME_BYTES", 1000)
    notes = opened().buffer["notes"]
    notes.insert([{"text": "x" * 900} for _ in range(10)])
    with pytest.raises(RowRefused, match=r"notes.*2,000 of a row"):
        notes.insert({"text": "x" * 2000})
    with pytest.raises(RowRefused) as refused:
        notes.insert([{"text": "x"}, {"text": "x"}, {"text": "x" * 2000}])
    assert refused.value.position == 2
    answer = notes.flush(wait=20)
    assert (answer.rows, answer.dead, answer.pending) == (10, 0, 0)


def chunk(first: int, *rows: int, once: Once | None = None) -> Chunk:
    return Chunk(first, Shape("l", "t", "insert", (), ("n",)), [(row,) for row in rows], once)


@pytest.mark.parametrize("most", range(8))
def test_operations_are_divided_without_a_gap(most: int) -> None:
    chunks = [chunk(1, 1, 2, 3), chunk(4, 4), chunk(5, 5, 6)]
    one, other = divided(chunks, most)
    assert count(one) == min(most, 6)
    assert [row for part in (*one, *other) for row in part.rows] == [(n,) for n in range(1, 7)]
    assert [part.first for part in (*one, *other)] == [part.rows[0][0] for part in (*one, *other)]


def test_a_call_with_a_key_is_not_divided() -> None:
    once = Once("k", "d")
    keyed, plain = chunk(1, 1, 2, 3, once=once), chunk(4, 4)
    assert divided([keyed, plain], 2) == ([keyed], [plain])
    assert divided([keyed, plain], 3) == ([keyed], [plain])
    assert divided([plain, keyed], 2) == ([plain], [keyed])
    assert [count(part) for part in halves([keyed])] == [1, 2]
