"""Tables change while rows for them are buffered: these go in before, or are put aside."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odac_db import BufferOptions, Database
from odac_db.buffer import settling
from tests.fixtures.buffers import LATER, Opened, dies
from tests.fixtures.databases import LiveDatabase

NOTES = "columns:\n  id: {type: integer, primary: true}\n  n: {type: integer}\n"
WITH_TEXT = NOTES + "  text: {type: string, length: 20}\n"
WITH_NUMBER = NOTES + "  text: {type: integer}\n"


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "other.yaml").write_text(NOTES)
    (folder / "notes.yaml").write_text(WITH_TEXT)
    return folder


@pytest.fixture
def opened(database: LiveDatabase, schema: Path, tmp_path: Path) -> Iterator[Opened]:
    """With ``buffered`` False it is somebody who knows nothing of the journals."""
    found: list[Database] = []

    def make(*, buffered: bool = True, **given: Any) -> Database:
        options = BufferOptions(folder=tmp_path / "journal", interval=LATER, exit_timeout=0.5)
        given = {"migrate": True, "allow": ["destructive"], **given}
        buffer = options if buffered else None
        found.append(Database.open(database.url, schema=schema, buffer=buffer, **given))
        return found[-1]

    yield make
    for db in found:
        db.close()


def left_by_a_dead_process(db: Database, rows: list[dict[str, Any]], name: str = "notes") -> None:
    db.table(name)
    db.buffer[name].insert(rows)
    dies(db)


def rows(count: int, **values: Any) -> list[dict[str, Any]]:
    return [{"id": number, "n": number, **values} for number in range(count)]


def test_what_the_dead_have_buffered_is_in_before_its_table_changes(
    opened: Opened, schema: Path
) -> None:
    left_by_a_dead_process(opened(), rows(50, text="x"))
    (schema / "notes.yaml").write_text(NOTES)
    db = opened()
    assert db.table("notes").count() == 50
    assert db.buffer.dead_letters() == ()


def test_a_change_of_another_table_waits_for_nobody(opened: Opened, schema: Path) -> None:
    left_by_a_dead_process(opened(), rows(50, text="x"))
    (schema / "other.yaml").write_text(WITH_TEXT)
    assert opened().table("notes").count() == 0


def test_a_living_process_is_waited_for(
    opened: Opened, schema: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It flushes only when it is told to, and that is while the other is waiting."""
    db = opened()
    heard, tell = os.pipe()
    ready, told = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            db.buffer["notes"].insert(rows(50, text="x"))
            os.write(told, b"!")
            os.read(heard, 1)
            code = db.buffer.flush(wait=20).pending
        finally:
            os._exit(code)
    os.read(ready, 1)
    (schema / "notes.yaml").write_text(NOTES)
    whole = settling._flusher

    def waits(*arguments: Any) -> Any:
        os.write(tell, b"!")
        return whole(*arguments)

    monkeypatch.setattr(settling, "_flusher", waits)
    found = opened()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert found.table("notes").count() == 50
    assert found.buffer.dead_letters() == ()


def test_who_is_not_done_in_time_is_named_and_loses_nothing(
    opened: Opened, schema: Path, caplog: pytest.LogCaptureFixture
) -> None:
    living = opened()
    living.buffer["notes"].insert([*rows(3, text="x"), {"id": 10, "n": 10}])
    (schema / "notes.yaml").write_text(NOTES)
    with caplog.at_level(logging.WARNING, logger="odac_db.buffer"):
        db = opened(lock_timeout=0.2)
    assert "4 operations are not in" in caplog.text
    assert living.buffer._running is not None
    assert living.buffer._running.journal.id in caplog.text
    dies(living)
    db.buffer.adopt()
    answer = db.buffer.flush()
    assert (answer.rows, answer.dead, answer.pending) == (1, 3, 0)


def test_rows_for_a_column_that_is_gone_are_dead_letters_with_the_reason(
    opened: Opened, schema: Path
) -> None:
    """However many: not their share is wrong, but their table is another one."""
    db = opened()
    db.buffer["notes"].insert([*rows(900, text="x"), {"id": 1000, "n": 5}])
    db.buffer["notes"].where(1000).update(text="y")
    db.buffer["notes"].where(1000).increment("n", 2)
    dies(db)
    (schema / "notes.yaml").write_text(NOTES)
    opened(buffered=False)
    after = opened()
    after.buffer.adopt()
    answer = after.buffer.flush(wait=20)
    assert (answer.rows, answer.dead, answer.pending) == (2, 901, 0)
    assert [(row.id, row.n) for row in after.table("notes").all()] == [(1000, 7)]
    letters = after.buffer.dead_letters()
    assert all("text" in one.error for one in letters)
    assert json.loads(letters[0].payload)["columns"] == {"id": 0, "n": 0, "text": "x"}


def test_rows_that_do_not_fit_the_new_type_are_dead_letters_and_those_that_do_land(
    opened: Opened, schema: Path
) -> None:
    """SQLite would have kept a text in a column of numbers."""
    db = opened()
    db.buffer["notes"].insert([*rows(400, text="five"), {"id": 1000, "n": 0, "text": "5"}])
    db.buffer["notes"].where(1000).update(text="six")
    dies(db)
    (schema / "notes.yaml").write_text(WITH_NUMBER)
    opened(buffered=False)
    after = opened()
    after.buffer.adopt()
    answer = after.buffer.flush(wait=20)
    assert (answer.rows, answer.dead, answer.pending) == (1, 401, 0)
    assert [(row.id, row.text) for row in after.table("notes").all()] == [(1000, 5)]
    assert all("text is int" in one.error.lower() for one in after.buffer.dead_letters())
    again = after.buffer.retry_dead_letters()
    assert (again.applied, again.refused) == (0, 401)
    (schema / "notes.yaml").write_text(WITH_TEXT)
    back = opened()
    assert back.buffer.retry_dead_letters().applied == 401
    assert {row.text for row in back.table("notes").all()} == {"five", "six"}
