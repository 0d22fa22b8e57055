"""What a call is promised when it returns or raises: all of it or none, in time, by known words."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from odac_db import BufferedRowRefused, BufferFull, BufferRefused, JournalFailed
from odac_db.buffer import files, tables
from odac_db.buffer.files import End
from odac_db.buffer.journal import UNWRITTEN_BYTES
from odac_db.buffer.running import Running
from tests.fixtures.buffers import Opened, openings
from tests.fixtures.databases import LiveDatabase

SCHEMA = {
    "parents": "columns:\n  id: {type: integer, primary: true}\n",
    "kids": """
columns:
  id:  {type: integer, primary: true}
  pid: {type: integer, references: parents.id}
  x:   {type: text}
""",
}
MIXED: list[dict[str, Any]] = [
    {"id": 1, "x": "a"},
    {"id": 2, "pid": 99},
    {"id": 3, "x": "b"},
    {"id": 4},
]


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(database.url, SCHEMA, tmp_path) as opened:
        yield opened


@pytest.fixture
def quickly(sqlite_database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    """On SQLite alone: it asks nothing of the server."""
    with openings(sqlite_database.url, SCHEMA, tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("how", ["flush", "insert"])
def test_who_waits_while_another_flusher_hangs_is_answered_in_time(
    quickly: Opened, how: str
) -> None:
    db = quickly(full_timeout=0.2)
    db.buffer["kids"].insert({"id": 1})
    running = db.buffer._start()
    done = threading.Event()

    def waits() -> None:
        if how == "flush":
            assert db.buffer.flush(wait=0.2).pending == 1
        else:
            with pytest.raises(BufferFull, match="not committed yet"):
                db.buffer["kids"].insert({"id": 2}, acknowledge="db")
        done.set()

    with running.flusher.turn:  # the database that it talks to does not answer
        thread = threading.Thread(target=waits)
        thread.start()
        assert done.wait(10)
    thread.join()
    assert db.buffer.flush(wait=10).pending == 0


def test_rows_that_name_different_columns_are_one_call(opened: Opened) -> None:
    """The first of the shapes was refused, and the others were never taken."""
    db = opened()
    with pytest.raises(BufferedRowRefused) as refused:
        db.buffer["kids"].insert(MIXED, acknowledge="db")
    assert refused.value.position == 1
    assert [row.id for row in db.table("kids").order_by("id").all()] == [1, 3, 4]
    assert [one.seq for one in db.buffer.dead_letters()] == list(refused.value.letters) == [2]


def test_of_a_call_that_finds_no_room_nothing_is_taken(
    quickly: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first rows were, and were written twice by whoever made it again."""
    db = quickly(when_full="raise")
    db.buffer["parents"].insert({"id": 1})
    running = db.buffer._start()
    took = running.took

    def full(count: int) -> None:
        took(count)
        running.limit = End(0, 0)

    monkeypatch.setattr(running, "took", full)
    db.buffer["kids"].insert(MIXED)  # there was room when it came
    with pytest.raises(BufferFull):
        db.buffer["kids"].insert([{"id": 11}, {"id": 12, "x": "a"}])
    assert db.buffer.status().pending == 5


def test_a_call_of_many_shapes_that_the_disk_refuses_leaves_nothing(
    quickly: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = quickly(when_full="raise", segment_bytes=1 << 16)
    _ = db.buffer["kids"]
    long: list[dict[str, Any]] = [
        {"id": n, "x": "x" * 20_000} if n % 2 else {"id": n} for n in range(2, 14)
    ]

    def refuses(*_: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "made", refuses)
        with pytest.raises(BufferFull):
            db.buffer["kids"].insert(long)
    assert db.buffer.status().pending == 0
    db.buffer["kids"].insert(long)
    assert db.buffer.flush(wait=10).rows == 12
    assert db.table("kids").count() == 12


@pytest.mark.parametrize("option", [{"acknowledge": "fsync"}, {"when_full": "drop"}])
def test_words_that_no_option_has_are_refused(quickly: Opened, option: dict[str, Any]) -> None:
    """They were taken as the default, without a word."""
    with pytest.raises(BufferRefused, match="is unknown: it is one of"):
        _ = quickly(**option).buffer


@pytest.mark.parametrize("key", [None, "k"])
def test_a_level_that_there_is_not_is_refused(quickly: Opened, key: str | None) -> None:
    kids: Any = quickly().buffer["kids"]
    calls: list[Callable[[], object]] = [
        lambda: kids.insert({"id": 1}, acknowledge="Disk", idempotency_key=key),
        lambda: kids.insert([{"id": 1}], acknowledge="Disk", idempotency_key=key),
        lambda: kids.where(1).update(x="a", acknowledge="", idempotency_key=key),
    ]
    for call in calls:
        with pytest.raises(BufferRefused, match=r"acknowledge='(Disk)?' is unknown"):
            call()
    assert kids._buffer.status().pending == 0


def test_at_level_memory_each_byte_is_written_once(
    quickly: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind the first 256 KiB every call wrote all of them again."""
    db = quickly(acknowledge="memory")
    _ = db.buffer["kids"]
    put, written = files.put, []

    def noted(file: int, held: Any, data: bytes, offset: int) -> None:
        written.append(len(data))
        put(file, held, data, offset)

    running = db.buffer._start()
    with running.flusher.turn:
        running._synced = float("inf")  # nobody else writes them out
        monkeypatch.setattr(files, "put", noted)
        for number in range(300):
            db.buffer["kids"].insert({"id": number, "x": "x" * 4000})
        monkeypatch.undo()
        assert UNWRITTEN_BYTES < sum(written) < 300 * 4100
        assert len(running.journal._unwritten) < 70
    assert db.buffer.flush(wait=10).rows == 300
    assert db.table("kids").where(x="x" * 4000).count() == 300


def test_a_relative_folder_is_the_one_it_was(
    quickly: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    db = quickly(folder="here")
    _ = db.buffer["kids"]
    monkeypatch.chdir("/")
    db.buffer["kids"].insert({"id": 1})
    assert db.buffer.flush(wait=10).rows == 1
    assert (tmp_path / "here" / "default").is_dir()


def test_a_folder_that_is_removed_is_said_and_no_more_is_taken(
    quickly: Opened, tmp_path: Path
) -> None:
    db = quickly()
    db.buffer["kids"].insert({"id": 1}, acknowledge="db")
    shutil.rmtree(tmp_path / "journal")
    db.buffer["kids"].insert({"id": 2})
    answer = db.buffer.flush()
    assert (answer.rows, answer.pending) == (0, 1)
    assert "the journal's files are gone" in answer.paused["kids"]
    running = db.buffer._start()
    running._synced = 0.0
    running._look_after_the_journal()
    with pytest.raises(JournalFailed):
        db.buffer["kids"].insert({"id": 3})


KEYS: dict[str, tuple[str, Any]] = {
    "uuid": ("uuid", UUID("4a6e9f0c-58a6-4c88-8a0d-3d3f4f3d5a10")),
    "date": ("date", date(2020, 1, 2)),
    "instant": ("datetime", datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)),
    "decimal": ("decimal, precision: 8, scale: 2", Decimal("1.5")),
    "text": ("varchar(20)", "a'b"),
    "number": ("integer", 3),
}


def test_get_finds_a_row_by_a_key_of_any_type(database: LiveDatabase, tmp_path: Path) -> None:
    """PostgreSQL compared a uuid, a date or a decimal with a text, and refused."""
    schema = {
        name: f"columns:\n  id: {{type: {kind}, primary: true}}\n"
        "  v: {type: integer, nullable: false, default: 0}\n"
        for name, (kind, _) in KEYS.items()
    }
    with openings(database.url, schema, tmp_path) as opened:
        db = opened()
        for name, (_, key) in KEYS.items():
            db.buffer[name].insert({"id": key})
            db.buffer[name].where(key).increment("v", 2)
        coming = {name: db.buffer[name].where(key).get("v") for name, (_, key) in KEYS.items()}
        assert db.buffer.flush(wait=20).pending == 0
        there = {name: db.buffer[name].where(key).get("v") for name, (_, key) in KEYS.items()}
        assert coming == there == dict.fromkeys(KEYS, 2)
        assert all(db.table(name).where(v=2).count() == 1 for name in KEYS)


def test_a_folder_is_tried_by_many_at_once(tmp_path: Path) -> None:
    """They tried it by one name, and refused each other."""
    refused: list[BaseException] = []

    def tries() -> None:
        try:
            for _ in range(300):
                files.fit_folder(tmp_path)
        except BufferRefused as error:
            refused.append(error)

    threads = [threading.Thread(target=tries) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not refused
    assert list(tmp_path.iterdir()) == []


def test_the_last_flush_may_be_interrupted_and_what_is_unwritten_is_kept(
    quickly: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = quickly(acknowledge="memory")
    db.buffer["kids"].insert({"id": 1})

    def interrupted(*_: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Running, "drain", interrupted)
        with pytest.raises(KeyboardInterrupt):
            db.buffer.close()
    db.buffer.adopt()
    assert db.buffer.flush(wait=10).rows == 1


def test_of_rows_that_name_the_same_columns_one_form_is_kept(quickly: Opened) -> None:
    """One of every order was, which whoever sends the rows may choose."""
    table = quickly().buffer["kids"]._table
    row = {"id": 1, "pid": 1, "x": "a"}
    shapes = {id(table.row(dict(order))[0]) for order in permutations(row.items())}
    forms = {id(form) for form in table._forms.values()}
    assert (len(shapes), len(forms), len(table._forms)) == (1, 1, 6)
    for number in range(tables.ORDERS):
        table._forms[f"{number}",] = table._forms["id", "pid", "x"]
    table.row({"x": "a", "id": 1})
    assert len(table._forms) <= tables.ORDERS
