"""A buffer among the troubles of a process: full, forked, ended, without its database."""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from odac_db import (
    BufferFull,
    BufferOptions,
    BufferRefused,
    Database,
    FlushResult,
    LedgerIsNewer,
    LossDetected,
    OdacDbError,
    RowRefused,
)
from odac_db.buffer import files
from odac_db.buffer.files import End
from odac_db.buffer.frames import frame_at
from odac_db.buffer.source import Source, Taken
from odac_db.dialects.sqlite import buffering
from tests.fixtures.buffers import LATER, Opened, dies
from tests.fixtures.databases import LiveDatabase

EVENTS = """
columns:
  id: {type: integer, primary: true}
  n:  {type: integer, nullable: false}
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "schema"
    made.mkdir()
    (made / "events.yaml").write_text(EVENTS)
    return made


def open_in(database: LiveDatabase, folder: Path, **options: Any) -> Database:
    home = options.pop("home", folder.parent / "journal")
    chosen = {"folder": home, "interval": LATER, "exit_timeout": 0.5}
    buffer = BufferOptions(**{**chosen, **options})
    return Database.open(database.url, schema=folder, migrate=True, buffer=buffer)


@pytest.fixture
def opened(sqlite_database: LiveDatabase, folder: Path) -> Iterator[Opened]:
    found: list[Database] = []

    def make(**options: Any) -> Database:
        found.append(open_in(sqlite_database, folder, **options))
        return found[-1]

    yield make
    for db in found:
        db.close()


def ids(db: Database) -> list[int]:
    return [row.id for row in db.table("events").order_by("id").all()]


def row(number: int) -> dict[str, int]:
    return {"id": number, "n": number}


@pytest.fixture
def locked(sqlite_database: LiveDatabase) -> Iterator[sqlite3.Connection]:
    """Another program that has the right to write, and keeps it."""
    with closing(sqlite3.connect(sqlite_database.path, isolation_level=None)) as other:
        yield other


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flusher does not wait for others' locks."""
    monkeypatch.setattr(buffering, "BUSY", 1)


def test_a_database_that_is_away_costs_time_and_nothing_else(
    opened: Opened, locked: sqlite3.Connection
) -> None:
    db = opened()
    _ = db.buffer["events"]  # it has asked the database what it must know
    locked.execute("BEGIN IMMEDIATE")
    for number in range(100):
        db.buffer["events"].insert(row(number))
    answer = db.buffer.flush()
    assert (answer.rows, answer.pending) == (0, 100)
    assert "locked" in answer.paused["events"]
    assert db.buffer.status().retries > 0
    locked.execute("COMMIT")
    assert db.buffer.flush(wait=20).pending == 0
    assert ids(db) == list(range(100))


def test_acknowledged_by_the_database_it_is_there(opened: Opened) -> None:
    db = opened()
    db.buffer["events"].insert(row(1))
    db.buffer["events"].insert(row(2), acknowledge="db")
    assert ids(db) == [1, 2]


def test_acknowledged_by_the_disk_it_is_synced(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = opened(acknowledge="disk")
    db.buffer["events"].insert(row(1))
    synced: list[int] = []
    whole = os.fdatasync

    def noted(file: int) -> None:
        synced.append(threading.get_ident())
        whole(file)

    monkeypatch.setattr(os, "fdatasync", noted)
    db.buffer["events"].insert(row(2), acknowledge="process")
    assert threading.get_ident() not in synced
    db.buffer["events"].insert(row(3))
    assert threading.get_ident() in synced


SMALL = {"max_bytes": 1 << 12, "segment_bytes": 1 << 12, "full_timeout": 0.2}


def fill(db: Database) -> int:
    """How many rows were taken before it was full."""
    for number in range(10_000):
        try:
            db.buffer["events"].insert(row(number))
        except BufferFull:
            return number
    raise AssertionError("it never was full")


@pytest.mark.parametrize("policy", ["raise", "block"])
def test_a35_full_it_raises_and_keeps_what_it_has(
    opened: Opened, locked: sqlite3.Connection, policy: Any
) -> None:
    db = opened(when_full=policy, **SMALL)
    _ = db.buffer["events"]  # it has asked the database what it must know
    locked.execute("BEGIN IMMEDIATE")
    taken = fill(db)
    assert 50 < taken < 1000
    with pytest.raises(BufferFull, match="max_bytes"):
        db.buffer["events"].insert(row(20_000))
    locked.execute("COMMIT")
    assert db.buffer.flush(wait=20).pending == 0
    db.buffer["events"].insert(row(taken))
    db.buffer.flush()
    assert ids(db) == list(range(taken + 1))


def test_a35_full_it_drops_what_is_newest_and_counts_it(
    opened: Opened, locked: sqlite3.Connection
) -> None:
    db = opened(when_full="drop_newest", **SMALL)
    _ = db.buffer["events"]  # it has asked the database what it must know
    locked.execute("BEGIN IMMEDIATE")
    for number in range(1000):
        db.buffer["events"].insert(row(number))
    locked.execute("COMMIT")
    db.buffer.flush(wait=20)
    dropped = db.buffer.status().dropped
    assert 0 < dropped < 950
    assert ids(db) == list(range(1000 - dropped))


def test_a35_full_it_writes_through(opened: Opened) -> None:
    db = opened(when_full="write_through", **SMALL)
    for number in range(1000):
        db.buffer["events"].insert(row(number))
    assert len(ids(db)) > 500


def test_a_lane_that_stands_still_counts_to_what_the_journal_may_hold(
    opened: Opened, folder: Path
) -> None:
    """Its cursor had read on: half a megabyte stood where 64 KiB were allowed."""
    (folder / "other.yaml").write_text(EVENTS)
    db = opened(when_full="raise", max_bytes=1 << 15, segment_bytes=1 << 12, retention=0.0)
    _ = db.buffer["other"]
    with db.engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE other RENAME TO away")
    db.buffer["other"].insert(row(1))

    def work() -> None:
        for number in range(10_000):
            db.buffer["events"].insert(row(number))
            if number % 100 == 0:
                db.buffer.flush()
                tended(db)

    with pytest.raises(BufferFull, match=r"lane other: .*other"):
        work()
    assert db.buffer.status().bytes <= (1 << 15) + 2 * (1 << 12)
    with db.engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE away RENAME TO other")
    assert db.buffer.flush(wait=10).pending == 0
    db.buffer["events"].insert(row(20_000))


def test_a_lane_that_was_idle_while_its_segment_was_pruned_goes_on(
    opened: Opened, folder: Path
) -> None:
    """It counted as full for a moment, and the flush went wrong once."""
    for name in ("other", "third"):
        (folder / f"{name}.yaml").write_text(EVENTS)
    db = opened(when_full="raise", max_bytes=1 << 14, segment_bytes=1 << 12, retention=0.0)
    db.buffer["other"].insert(row(1))
    for number in range(2000):
        db.buffer["events"].insert(row(number))
        if number % 100 == 0:
            db.buffer.flush()
            tended(db)
    db.buffer.flush()
    running = db.buffer._start()
    assert running.journal.end.segment > 8
    for name in ("other", "third"):
        db.buffer[name].insert(row(2))
        running._tell()
        assert not running.is_full
    answer = db.buffer.flush()
    assert (answer.rows, answer.pending, answer.paused) == (2, 0, {})
    assert db.buffer.status().retries == 0


def test_under_steady_load_everything_else_has_its_turn(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The round in the background ended when nothing came for the time of a flush."""
    db = opened()
    db.buffer["events"].insert(row(0))
    running = db.buffer._start()
    steps = iter(range(1, 400))
    step, tend = Source.step, running.flusher.tend
    began, done = threading.Event(), threading.Event()

    def fed(self: Source, *given: Any) -> Taken:
        began.set()
        taken = step(self, *given)
        if (number := next(steps, None)) is not None:
            db.buffer["events"].insert(row(number))
        return taken

    def noted() -> None:
        tend()
        if began.is_set():
            done.set()

    monkeypatch.setattr(Source, "step", fed)
    monkeypatch.setattr(running.flusher, "tend", noted)
    running.wake()
    assert done.wait(30)
    assert next(steps, None) is not None
    monkeypatch.undo()
    assert db.buffer.flush(wait=10).pending == 0


def test_room_is_made_with_every_batch(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    db = opened(when_full="raise", max_bytes=1 << 16, segment_bytes=1 << 12)
    running = db.buffer._start()
    assert running.flusher.own is not None
    with running.flusher.turn:
        taken = fill(db)
        running.flusher.own.lane("events").batch = 10
    step = Source.step
    limits = []

    def noted(self: Source, *given: Any) -> Taken:
        limits.append(running.limit)
        return step(self, *given)

    monkeypatch.setattr(Source, "step", noted)
    assert db.buffer.flush(wait=10).pending == 0
    assert len(set(limits)) > 2
    assert ids(db) == list(range(taken))


def test_who_waits_for_a_commit_waits_for_nothing_behind_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one flushes: what is wanted may be in while that one goes on."""
    db = opened(full_timeout=60.0)
    _ = db.buffer["events"]
    running = db.buffer._start()
    taken = threading.Event()
    monkeypatch.setattr(running, "took", lambda _: taken.set())
    waiting = threading.Thread(target=lambda: db.buffer["events"].insert(row(1), acknowledge="db"))
    with running.flusher.turn:
        waiting.start()
        assert taken.wait(10)
        running.flusher.drain()
        waiting.join(10)
        assert not waiting.is_alive()


def test_a_full_disk_is_said_and_costs_nothing_that_was_taken(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = opened(when_full="raise", segment_bytes=1 << 12)
    db.buffer["events"].insert(row(0))

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    for number in range(1, 10_000):
        try:
            db.buffer["events"].insert(row(number))
        except BufferFull as error:
            assert "No space left" in str(error)  # noqa: PT017
            break
    monkeypatch.undo()
    assert db.buffer.flush().pending == 0
    assert ids(db) == list(range(number))


def test_a_forked_child_has_a_journal_of_its_own(opened: Opened) -> None:
    db = opened()
    db.buffer["events"].insert(row(1))
    child = os.fork()
    if not child:
        try:
            db.buffer["events"].insert(row(2))
            left = db.buffer.close(timeout=10)
        finally:
            os._exit(left)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ids(db) == [2]
    db.buffer.flush()
    assert ids(db) == [1, 2]


def test_an_operation_that_meets_the_close_of_another_thread_goes_into_the_next_journal(
    opened: Opened,
) -> None:
    """It wrote to a closed file's number, and was acknowledged."""
    db = opened()
    db.buffer["events"].insert(row(1))
    late = db.buffer._intake()  # as a thread has it that was let go before it reached the lock
    shape, values, _ = db.buffer["events"]._table.row(row(2))
    db.buffer.close()
    assert late.take([(shape, [values])], None)
    assert db.buffer._running is not None
    assert db.buffer._running.intake is not late
    late.running.limit = End(0, 0)  # full, and nobody makes room in it any more
    shape, values, _ = db.buffer["events"]._table.row(row(3))
    assert late.take([(shape, [values])], "db")
    db.buffer.flush()
    assert ids(db) == [1, 2, 3]


@pytest.mark.parametrize("level", ["memory", "process", "disk"])
def test_a_handler_that_closes_in_the_midst_of_an_insert_costs_nothing(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, level: Any
) -> None:
    db = opened(exit_timeout=0.0)
    db.buffer["events"].insert(row(1), acknowledge=level)
    number = signal.SIGUSR1
    before = signal.signal(number, lambda *_: db.buffer.close() and None)
    whole = files.put

    def signalled(*given: Any) -> None:
        whole(*given)
        signal.raise_signal(number)

    monkeypatch.setattr(files, "put", signalled)
    try:
        db.buffer["events"].insert(row(2), acknowledge=level)
        db.buffer.close()
    finally:
        signal.signal(number, before)
        monkeypatch.undo()
    db.buffer.adopt()
    db.buffer.flush(wait=10)
    assert ids(db) == [1, 2]


ENDING = """
import os, signal, sys
from odac_db import BufferOptions, Database
db = Database.open(sys.argv[1], schema=sys.argv[2], migrate=True,
                   buffer=BufferOptions(folder=sys.argv[3], interval=3600.0))
for number in range(50):
    db.buffer["events"].insert({"id": number, "n": number})
if sys.argv[4] == "term":
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
if sys.argv[4] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("end", "code"), [("exit", 0), ("term", 143), ("killed", -9)])
def test_a41_however_a_process_ends_its_rows_are_there(
    opened: Opened, sqlite_database: LiveDatabase, folder: Path, end: str, code: int
) -> None:
    """odac's SIGTERM lost every row that was buffered."""
    journal = str(folder.parent / "journal")
    arguments = [sqlite_database.url, str(folder), journal, end]
    done = subprocess.run([sys.executable, "-c", ENDING, *arguments], cwd=ROOT, check=False)
    assert done.returncode == code
    db = opened()
    assert ids(db) == ([] if end == "killed" else list(range(50)))
    db.buffer.adopt()
    db.buffer.flush()
    assert ids(db) == list(range(50))


def test_a_table_that_is_missing_stops_its_lane_alone(opened: Opened, folder: Path) -> None:
    (folder / "other.yaml").write_text(EVENTS)
    db = opened()
    with db.engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE other RENAME TO away")
    db.buffer["other"].insert(row(1))
    db.buffer["events"].insert(row(1))
    answer = db.buffer.flush()
    assert (answer.rows, answer.pending) == (1, 1)
    assert "other" in answer.paused["other"]
    with db.engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE away RENAME TO other")
    assert db.buffer.flush().pending == 0
    assert db.table("other").count() == 1


def left_by_the_dead(db: Database, folder: Path) -> Path:
    """The journal's first segment; its frames are an opening, an introduction, 50 rows."""
    home = folder.parent / "journal" / "default"
    before = set(files.journal_names(home)) if home.exists() else set()
    for number in range(50):
        db.buffer["events"].insert(row(number))
    dies(db)
    (name,) = set(files.journal_names(home)) - before
    return files.segment_path(home / name, 0)


def tended(db: Database) -> None:
    running = db.buffer._start()
    with running.flusher.turn:
        running.flusher.tend(at_once=True)


def test_a_journal_whose_rows_nobody_can_read_is_named_and_never_removed(
    opened: Opened, folder: Path
) -> None:
    path = left_by_the_dead(opened(), folder)
    held = bytearray(path.read_bytes())
    opening = frame_at(bytes(held), 0)
    assert opening is not None
    held[opening.end + 20] ^= 1  # in the introduction
    path.write_bytes(held)
    db = opened(retention=0.0)
    db.buffer.adopt()
    assert db.buffer.flush(wait=10).rows == 0
    tended(db)
    assert path.read_bytes() == bytes(held)
    assert "tells no more" in db.buffer.status().foreign[path.parent.name]
    assert [bool(one.fault) for one in db.buffer.journals()].count(True) == 1


def test_a_journal_that_is_applied_late_is_kept_and_then_removed(
    opened: Opened, folder: Path
) -> None:
    path = left_by_the_dead(opened(), folder)
    os.utime(path, (0, 0))  # the database was away for years
    db = opened(retention=600.0)
    db.buffer.adopt()
    assert db.buffer.flush(wait=10).rows == 50
    for _ in range(2):
        tended(db)
    assert path.exists()
    mark = path.parent / files.APPLIED
    os.utime(mark, (0, mark.stat().st_mtime - 601))
    tended(db)
    assert not path.parent.exists()


def test_a_journal_of_another_database_is_let_alone(
    opened: Opened, sqlite_database: LiveDatabase
) -> None:
    db = opened()
    db.buffer["events"].insert(row(1))
    running = db.buffer._running
    assert running is not None
    dies(db)
    with sqlite3.connect(sqlite_database.path) as file:
        file.execute("UPDATE _odac_buffer_meta SET value = 'x' WHERE name = 'database'")
    other = opened()
    other.buffer.adopt()
    assert other.buffer.flush().pending == 0
    assert ids(other) == []
    assert running.journal.id in other.buffer.status().foreign


def flushed_into_an_old_copy(db: Database, database: LiveDatabase) -> FlushResult:
    """What comes of the second row where the first one and its journal are known no more."""
    db.buffer["events"].insert(row(1))
    db.buffer.flush()
    with sqlite3.connect(database.path) as file:
        file.execute("DELETE FROM _odac_buffer")
        file.execute("DELETE FROM events")
    db.buffer["events"].insert(row(2))
    return db.buffer.flush()


def test_a_registered_journal_that_the_database_does_not_know_is_not_replayed(
    opened: Opened, sqlite_database: LiveDatabase
) -> None:
    db = opened()
    answer = flushed_into_an_old_copy(db, sqlite_database)
    assert answer.pending > 0
    assert "does not know the journal" in answer.paused["events"]
    assert ids(db) == []


def test_somebody_says_that_the_database_is_the_right_one(
    opened: Opened, sqlite_database: LiveDatabase
) -> None:
    """It has lost all it knew of the journal, and the advice that was given did not help."""
    db = opened()
    reason = flushed_into_an_old_copy(db, sqlite_database).paused["events"]
    assert "operations" not in reason
    assert "--accept-loss" in reason
    dies(db)
    db = opened()
    db.buffer.adopt()
    assert db.buffer.flush().pending == 2
    db.buffer.adopt(accept_loss=True)
    assert db.buffer.flush(wait=20).pending == 0
    assert ids(db) == [1, 2]


def test_where_it_cannot_keep_its_promise_it_does_not_begin(
    opened: Opened, sqlite_database: LiveDatabase, folder: Path, tmp_path: Path
) -> None:
    memory = Database.open("sqlite://", schema=folder, buffer=tmp_path / "j")
    with memory, pytest.raises(BufferRefused, match="in memory"):
        memory.buffer["events"].insert(row(1))
    bare = Database.open(sqlite_database.url, schema=folder)
    with bare, pytest.raises(BufferRefused, match="not buffered"):
        _ = bare.buffer
    (tmp_path / "file").touch()
    db = opened(home=tmp_path / "file" / "journal")
    with pytest.raises(BufferRefused, match="cannot be written"):
        db.buffer["events"].insert(row(1))
    opened().buffer["events"].insert(row(1))
    with sqlite3.connect(sqlite_database.path) as file:
        file.execute("UPDATE _odac_buffer_meta SET value = '99' WHERE name = 'format'")
    with pytest.raises(LedgerIsNewer, match="99"):
        opened().buffer["events"].insert(row(2))


def test_an_engine_without_transactions_is_refused(
    mysql_database: LiveDatabase, folder: Path
) -> None:
    with open_in(mysql_database, folder) as db:
        mysql_database.execute("ALTER TABLE events ENGINE = MyISAM")
        with pytest.raises(BufferRefused, match="MyISAM"):
            db.buffer["events"].insert(row(1))


def test_a38_rows_that_cannot_be_are_refused_with_all_their_faults(opened: Opened) -> None:
    events = opened().buffer["events"]
    with pytest.raises(RowRefused) as raised:
        events.insert([row(1), {"id": "one", "n": None}])
    assert raised.value.position == 1
    assert raised.value.problems == (
        "id takes a whole number, not an object of class str",
        "n takes no NULL",
    )
    with pytest.raises(RowRefused, match="'m' is no column"):
        events.insert({"id": 1, "n": 1, "m": 1})
    with pytest.raises(RowRefused, match="n takes no NULL and has no default"):
        events.insert({"id": 1})
    for wrong in ({}, {"n": 1}, {"id": 1, "n": 1}, None):
        with pytest.raises(RowRefused):
            events.where(wrong)
    with pytest.raises(RowRefused, match="part of the key"):
        events.where(1).update(id=2)
    with pytest.raises(KeyError, match="no table is declared as 'none'"):
        opened().buffer.table("none")


def test_a37_w6_a_text_is_only_ever_a_value_of_the_key(opened: Opened, folder: Path) -> None:
    """odac read '{}' as a filter, and updated every row."""
    (folder / "names.yaml").write_text(
        "columns:\n  id: {type: string, primary: true}\n  n: {type: integer, default: 0}\n"
    )
    db = opened()
    db.table("names").insert([{"id": "{}"}, {"id": "a:b"}, {"id": "1"}])
    for key in ("{}", "a:b"):
        db.buffer["names"].where(key).increment("n")
    assert db.buffer.flush().dead == 0
    assert {one.id: one.n for one in db.table("names").all()} == {"{}": 1, "a:b": 1, "1": 0}


def test_errors_can_be_sent_to_other_processes() -> None:
    import pickle  # noqa: PLC0415

    for error in (
        LossDetected("j", "lane", 1, 2, "gone"),
        RowRefused("t", ["a", "b"], 3),
        BufferFull("why", 1.5),
    ):
        again: OdacDbError = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert str(again) == str(error)


def test_sigterm_of_an_application_with_its_own_handler_is_left_to_it(opened: Opened) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        opened().buffer["events"].insert(row(1))
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)
