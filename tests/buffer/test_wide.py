"""Tables with many columns, keys that ids fill, and who has lost its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odac_db import Database
from odac_db.buffer import ledger
from odac_db.buffer.flush import Flush, flush
from tests.fixtures.buffers import Opened, openings
from tests.fixtures.databases import LiveDatabase

WIDTH, ROWS = 120, 600
"""72,000 values: more than PostgreSQL (65,535) or SQLite (32,766) takes in one statement."""
WIDE = "columns:\n  id: {type: integer, primary: true}\n" + "".join(
    f"  c{n}: {{type: integer}}\n" for n in range(WIDTH)
)
SCHEMA = {
    "wide": WIDE,
    "ids": "columns:\n  id: {type: nanoid, primary: true}\n  short: {type: nanoid, length: 8}\n",
}


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(database.url, SCHEMA, tmp_path) as opened:
        yield opened


def sums(db: Database) -> list[int]:
    return [
        sum(row[f"c{n}"] for n in range(WIDTH)) for row in db.table("wide").order_by("id").all()
    ]


def test_a39_w10_wide_rows_go_in_however_many_values_they_have(opened: Opened) -> None:
    """And once, though the last of them is refused: none of the lots before it is tried twice."""
    db = opened()
    wide = db.buffer["wide"]
    rows = [{"id": id_, **{f"c{n}": id_ for n in range(WIDTH)}} for id_ in range(ROWS)]
    wide.insert([*rows, {"id": 0, "c0": 7}])
    answer = db.buffer.flush(wait=20)
    assert (answer.rows, answer.dead, answer.pending) == (ROWS, 1, 0)
    assert sums(db) == [WIDTH * id_ for id_ in range(ROWS)]
    for id_ in range(ROWS):
        wide.where(id_).update({f"c{n}": 1 for n in range(0, WIDTH, 2)})
        added: dict[str, Any] = {f"c{n}": 1 for n in range(1, WIDTH, 2)}
        wide.where(id_).increment(**added)
    assert db.buffer.flush(wait=20).dead == 0
    half = WIDTH // 2
    assert sums(db) == [half + half * (id_ + 1) for id_ in range(ROWS)]


def test_a42_ids_fill_what_is_missing_or_none_and_nothing_else(opened: Opened) -> None:
    db = opened()
    ids = db.buffer["ids"]
    given: list[dict[str, Any]] = [
        {},
        {"id": None},
        {"id": "", "short": "0"},
        {"id": "x", "short": None},
    ]
    keys = [ids.insert(row)["id"] for row in given] + [key["id"] for key in ids.insert([{}, {}])]
    assert db.buffer.flush(wait=20).dead == 0
    assert [len(key) for key in keys] == [21, 21, 0, 1, 21, 21]
    found = {row.id: row.short for row in db.table("ids").all()}
    assert sorted(found) == sorted(keys)
    assert found[""] == "0"
    assert {len(short) for key, short in found.items() if key} == {8}


def test_d4_who_has_lost_its_place_writes_nothing(opened: Opened) -> None:
    """The position, compared and set in the transaction of the rows, is what a lease would be."""
    db = opened()
    db.buffer["ids"].insert([{"id": "a"}, {"id": "b"}])
    flusher = db.buffer._start().flusher
    with flusher.turn:
        own = flusher.own
        assert own is not None
        lane = own.lane("ids")
        own.believe(flusher.session, lane)
        chunks = lane.cursor.read(100, 1 << 20)
        with db.engine.begin() as other:
            assert ledger.moved(other, own.id, "ids", 0, 1)  # somebody has applied the first
        work = Flush(own.id, "ids", 0, chunks)
        assert flush(flusher.session.connection(), flusher.ground, work) is None
        assert db.table("ids").count() == 0
        lane.chunks, lane.believed = chunks, flusher.session.made  # believing it still had it
    answer = db.buffer.flush(wait=20)
    assert (answer.rows, answer.dead, answer.pending) == (1, 0, 0)
    assert [row.id for row in db.table("ids").all()] == ["b"]
