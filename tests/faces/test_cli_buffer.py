"""``odac-db buffer``: what operators do with journals and dead letters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from odac_db import BufferOptions, Database
from odac_db.buffer import files
from tests.docs.examples import called
from tests.fixtures.databases import LiveDatabase

EVENTS = """
columns:
  id: {type: integer, primary: true}
  n:  {type: integer, nullable: false}
checks:
  - {name: n_is_small, expression: n < 100}
"""


@pytest.fixture
def left(sqlite_database: LiveDatabase, tmp_path: Path) -> list[str]:
    """A process died with 50 rows in its journal, one of them bad; the options to reach it."""
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema/events.yaml").write_text(EVENTS)
    options = BufferOptions(folder=tmp_path / "journal", interval=3600.0)
    url, schema = sqlite_database.url, tmp_path / "schema"
    db = Database.open(url, schema=schema, migrate=True, buffer=options)
    for number in range(50):
        db.buffer["events"].insert({"id": number, "n": 100 if number == 7 else number})
    running = db.buffer._start()
    with running.flusher.turn:
        running.abandon()
    db.buffer._running = None
    db.engine.dispose()
    return ["--url", url, "--schema", str(schema), "--buffer", str(tmp_path / "journal")]


def run(verb: str, *options: str, expected: int = 0) -> Any:
    code, text = called(["buffer", verb, *options, "--json"])
    assert code == expected, text
    return json.loads(text)


def test_what_a_dead_process_left_is_shown_brought_in_and_mended(
    left: list[str], sqlite_database: LiveDatabase
) -> None:
    shown = run("status", *left)
    assert (shown["pending"], shown["dead"]) == (50, 0)
    assert [each["alive"] for each in shown["journals"]] == [False]
    drained = run("drain", *left)
    assert (drained["rows"], drained["dead"], drained["pending"]) == (49, 1, 0)
    (letter,) = run("dead", *left)["dead"]
    assert json.loads(letter["payload"])["columns"] == {"id": 7, "n": 100}
    again = run("retry", *left, expected=3)
    assert (again["applied"], again["refused"]) == (0, 1)
    sqlite_database.execute("CREATE TABLE wider (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
    sqlite_database.execute("INSERT INTO wider SELECT * FROM events", "DROP TABLE events")
    sqlite_database.execute("ALTER TABLE wider RENAME TO events")
    assert run("retry", *left)["applied"] == 1
    assert sqlite_database.execute("SELECT count(*), max(n) FROM events") == [(50, 100)]
    assert run("dead", *left)["dead"] == []


def test_dead_letters_are_discarded_only_when_that_is_meant(left: list[str]) -> None:
    run("drain", *left)
    assert called(["buffer", "discard", *left])[0] == 2
    assert run("discard", *left, "--table", "other", "--yes") == {"discarded": 0}
    assert run("discard", *left, "--yes") == {"discarded": 1}
    assert run("dead", *left)["dead"] == []


def test_a_loss_stops_a_drain_until_it_is_accepted(
    left: list[str], sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    home = tmp_path / "journal/default"
    (name,) = files.journal_names(home)
    path = files.segment_path(home / name, 0)
    held = bytearray(path.read_bytes())
    held[len(held.rstrip(b"\0")) // 2] ^= 255
    path.write_bytes(held)
    found = run("drain", *left, "--wait", "1", expected=3)
    assert "are lost" in found["paused"]["events"]
    run("drain", *left, "--accept-loss")
    assert sqlite_database.execute("SELECT count(*) FROM events") == [(48,)]
    lost = "SELECT seq, dead, lost FROM _odac_buffer WHERE lane = 'events'"
    assert sqlite_database.execute(lost) == [(50, 1, 1)]


def test_a_journal_that_says_no_more_what_it_is_stays_and_is_named(
    left: list[str], tmp_path: Path
) -> None:
    """Drain passed it by, and was done."""
    home = tmp_path / "journal/default"
    (name,) = files.journal_names(home)
    path = files.segment_path(home / name, 0)
    held = bytearray(path.read_bytes())
    held[20] ^= 255
    path.write_bytes(held)
    for more in ([], ["--accept-loss"]):
        found = run("drain", *left, *more, expected=3)
        assert found["foreign"] == {name: "segment 0 has no beginning"}
    code, text = called(["buffer", "drain", *left])
    assert code == 3
    assert f"journal {name} is let alone: segment 0 has no beginning" in text
    assert path.read_bytes() == bytes(held)


def test_without_a_folder_it_says_how_to_name_one(sqlite_database: LiveDatabase) -> None:
    code, text = called(["buffer", "status", "--url", sqlite_database.url])
    assert code == 2
    assert "ODAC_DB_BUFFER" in text
