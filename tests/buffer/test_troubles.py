"""Disks that are full or closed, as the kernel says it; one bad row among very many."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from odac_db import BufferFull, BufferOptions, BufferRefused, Database, JournalFailed, OdacDbError
from odac_db.buffer import files
from odac_db.buffer.cursor import Cursor
from odac_db.buffer.journal import Journal
from odac_db.buffer.log import Log
from odac_db.buffer.shapes import Shape
from tests.fixtures.databases import LiveDatabase

EVENTS = Shape("events", "events", "insert", (), ("n",))
NOBODY = 65534
Dose = Callable[[int, int], int]


def elsewhere(work: Callable[[], None]) -> None:
    """In a child, whose limits and rights are nobody else's."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def unprivileged() -> None:
    if os.geteuid() == 0:
        os.seteuid(NOBODY)


@pytest.fixture
def anybodys() -> Iterator[Path]:
    """A folder for whoever the child is."""
    made = Path(tempfile.mkdtemp(prefix="odac-buffer-"))
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


def kept(journal: Journal) -> list[int]:
    cursor = Cursor(Log(journal.folder), "events")
    cursor.seek(0)
    return [row[0] for chunk in cursor.read(1 << 40, 1 << 40) for row in chunk.rows]


def written(journal: Journal) -> tuple[int, OdacDbError]:
    """How many rows were taken before the disk refused, and how."""
    for taken in range(10_000):
        try:
            journal.append(EVENTS, [(taken,)])
        except OdacDbError as error:
            assert taken > 100
            return taken, error
    raise AssertionError


def test_a_disk_without_room_is_said_and_what_was_taken_is_kept(tmp_path: Path) -> None:
    """The kernel refuses to reserve the next segment; when there is room, it goes on."""

    def work() -> None:
        journal = Journal(tmp_path, "db", segment_bytes=1 << 14)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, hard))
        taken, refused = written(journal)
        assert isinstance(refused, BufferFull)
        assert "File too large" in str(refused)
        assert kept(journal) == list(range(taken))
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        journal.append(EVENTS, [(taken,)])
        assert kept(journal) == list(range(taken + 1))
        journal.close()

    elsewhere(work)


def test_a_folder_that_may_only_be_read_is_refused_at_once(anybodys: Path) -> None:
    home = anybodys / "journal"
    home.mkdir()
    home.chmod(0o555)

    def work() -> None:
        unprivileged()
        with pytest.raises(BufferRefused, match="cannot be written: Permission denied"):
            files.fit_folder(home)

    elsewhere(work)
    assert list(home.iterdir()) == []


def test_a_folder_that_can_be_written_no_more_costs_nothing_that_was_taken(anybodys: Path) -> None:
    def work() -> None:
        unprivileged()
        journal = Journal(anybodys, "db", segment_bytes=1 << 14)
        journal.folder.chmod(0o555)
        taken, refused = written(journal)
        assert isinstance(refused, JournalFailed)
        assert "Permission denied" in str(refused)
        assert kept(journal) == list(range(taken))
        journal.folder.chmod(0o700)
        journal.append(EVENTS, [(taken,)])
        assert kept(journal) == list(range(taken + 1))
        journal.close()

    elsewhere(work)


def test_a_journal_of_another_user_stops_nothing_else(anybodys: Path) -> None:
    """Every look ended at it: nothing was adopted, pruned or listed any more."""

    def work() -> None:
        unprivileged()
        (anybodys / "schema").mkdir()
        (anybodys / "schema" / "events.yaml").write_text("columns:\n  n: {type: integer}\n")
        home = anybodys / "journal" / "default"
        options = BufferOptions(folder=anybodys / "journal", interval=3600.0)
        url = f"sqlite:///{anybodys}/app.db"
        with Database.open(url, schema=anybodys / "schema", migrate=True, buffer=options) as db:
            db.buffer["events"].insert({"n": 0})
            running = db.buffer._start()
            closed = home / ("0" * 32)
            closed.mkdir()
            os.utime(closed, (0, 0))  # the oldest is looked at first
            closed.chmod(0)
            dead = Journal(home, running.known.database)
            dead.append(EVENTS, [(1,)])
            dead.abandon()
            with running.flusher.turn:
                running.flusher.tend(at_once=True)
            assert dead.id in running.flusher.sources
            assert db.buffer.flush().rows == 2
            assert "cannot be read" in db.buffer.status().foreign[closed.name]
            faults = {one.journal: one.fault for one in db.buffer.journals()}
            assert "cannot be read" in faults.pop(closed.name)
            assert set(faults.values()) == {""}
            closed.chmod(0o700)
            db.buffer.adopt()
            assert db.buffer.status().foreign == {}

    elsewhere(work)


def test_a_journal_that_cannot_be_cleared_away_stops_no_other(
    sqlite_database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite_database.execute("CREATE TABLE events (n INTEGER)")
    options = BufferOptions(folder=tmp_path / "journal", interval=3600.0, retention=0.0)
    with Database.open(sqlite_database.url, buffer=options) as db:
        db.buffer["events"].insert({"n": 1})
        running = db.buffer._start()
        for _ in range(2):
            dead = Journal(running.home, running.known.database)
            dead.append(EVENTS, [(1,)])
            dead.abandon()
        db.buffer.adopt()
        db.buffer.flush()
        first, second = [one for one in running.flusher.sources if one != running.journal.id]
        whole = Log.applied_for

        def removed(log: Log, *, done: bool) -> float:
            if log.id == first:
                raise FileNotFoundError(log.folder)
            return whole(log, done=done)

        monkeypatch.setattr(Log, "applied_for", removed)
        with running.flusher.turn:
            running.flusher.tend(at_once=True)
            running.flusher.tend(at_once=True)
        assert second not in running.flusher.sources
        assert first in running.flusher.sources


@pytest.mark.torture
def test_one_bad_row_among_very_many_is_put_aside(
    database: LiveDatabase, tmp_path: Path, dose: Dose
) -> None:
    """100,000 in the long dose."""
    count = dose(20_000, 100_000)
    database.execute("CREATE TABLE events (n INTEGER NOT NULL, CHECK (n >= 0))")
    options = BufferOptions(folder=tmp_path / "journal", interval=3600.0)
    with Database.open(database.url, buffer=options) as db:
        rows = [{"n": n} for n in range(count)]
        rows[count * 2 // 3]["n"] = -1
        for start in range(0, count, 5000):
            db.buffer["events"].insert(rows[start : start + 5000])
        answer = db.buffer.flush(wait=60)
        status = db.buffer.status()
        assert (status.applied, status.dead, answer.pending) == (count - 1, 1, 0)
        (letter,) = db.buffer.dead_letters()
        assert (letter.seq, letter.payload) == (count * 2 // 3 + 1, '{"key":{},"columns":{"n":-1}}')
    assert database.execute("SELECT count(*), count(DISTINCT n) FROM events") == [
        (count - 1, count - 1)
    ]
