"""A flush that a signal meets: a handler that raises, flushes or closes, at any place in it."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import odac_db.buffer
from odac_db import BufferRefused, Database
from odac_db.buffer import faults, flush
from tests.fixtures.buffers import Opened, openings
from tests.fixtures.databases import LiveDatabase

SCHEMA = {"events": "columns:\n  n: {type: integer, nullable: false}\n"}
OURS = str(Path(odac_db.buffer.__file__).parent)


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(database.url, SCHEMA, tmp_path) as opened:
        yield opened


class Interruption(BaseException):
    """As KeyboardInterrupt, which would end pytest where it is not caught."""


class Lines:
    """Does something at one line of the buffer's own code, counted as this thread comes to it."""

    def __init__(self, number: int, deed: Callable[[], object]) -> None:
        self.seen = 0
        self._number = number
        self._deed = deed

    def __enter__(self) -> Lines:
        self._before = sys.gettrace()
        sys.settrace(self._called)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _called(self, frame: FrameType, _: str, __: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(OURS) else None

    def _line(self, _: FrameType, event: str, __: Any) -> Any:
        if event == "line":
            self.seen += 1
            if self.seen == self._number:
                sys.settrace(None)
                self._deed()
        return self._line


class Rows:
    """What was acknowledged, and what is in the table."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.count = 0

    def taken(self) -> None:
        for size in (1, 3, *[1] * 10):
            rows = [{"n": self.count + each} for each in range(size)]
            self.db.buffer["events"].insert(rows)
            self.count += size

    def wrong(self) -> str:
        """Which are missing or there more than once."""
        found = Counter(row.n for row in self.db.table("events").all())
        return ", ".join(f"{n}: {found[n]} times" for n in range(self.count) if found[n] != 1)


def flushed_with(rows: Rows, number: int, deed: Callable[[], object]) -> bool:
    """Whether the flush has come to that line; afterwards everything is brought in."""
    rows.taken()
    flusher = rows.db.buffer._start().flusher
    with flusher.turn:
        flusher.session.drop()  # so that it asks for its place, too
    with Lines(number, deed) as lines, suppress(Interruption):
        rows.db.buffer.flush()
    answer = rows.db.buffer.flush(wait=20)
    assert (answer.pending, answer.dead, answer.paused) == (0, 0, {}), number
    return lines.seen >= number


def interrupt() -> None:
    raise Interruption


# The line at which a "with" ends is one of them: no signal comes between it and the closing.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("deed", ["raise", "flush"])
def test_a_flush_interrupted_at_any_place_brings_each_row_in_once(
    opened: Opened, deed: str, dose: Callable[[int, int], int]
) -> None:
    """What had been read when a signal raised was skipped for good, and nothing was said.

    A handler that flushed brought rows in twice.
    """
    db = opened(segment_bytes=1 << 12)
    rows = Rows(db)
    deeds: dict[str, Callable[[], object]] = {
        "raise": interrupt,
        "flush": db.buffer.flush,
    }
    stride = dose(40, 1)
    number = random.randint(1, stride)
    while flushed_with(rows, number, deeds[deed]):
        number += stride
    assert number > 400
    assert rows.wrong() == ""


def amid(monkeypatch: pytest.MonkeyPatch, deed: Callable[[], object]) -> None:
    """Does it once when the next flush has moved the position and applies the rows."""
    whole = faults.apply

    def apply(*given: Any) -> None:
        monkeypatch.setattr(flush, "apply", whole)
        deed()
        whole(*given)

    monkeypatch.setattr(flush, "apply", apply)


def test_a_handler_that_closes_in_a_flush_leaves_its_end_to_that(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = opened()
    rows = Rows(db)
    running = db.buffer._start()
    left: list[int] = []
    with running.flusher.turn:
        rows.taken()
        amid(monkeypatch, lambda: left.append(db.buffer.close(timeout=5)))
    assert db.buffer.flush().pending == 0
    assert left == [rows.count]
    assert running.journal.closed
    assert not running.flusher.session.is_open
    assert not running.thread.is_alive()
    assert not db.buffer.is_running
    assert rows.wrong() == ""


def test_what_a_handler_cannot_do_in_a_flush_is_refused(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = opened()
    rows = Rows(db)

    met: list[bool] = []

    def refused() -> None:
        with pytest.raises(BufferRefused, match="midst"):
            db.buffer.adopt()
        met.append(True)

    with db.buffer._start().flusher.turn:
        rows.taken()
        amid(monkeypatch, refused)
    assert db.buffer.flush().pending == 0
    assert met == [True]
    assert db.buffer.flush().pending == 0
    assert rows.wrong() == ""


def test_an_interrupted_try_of_a_dead_letter_keeps_it(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its deletion was committed by the next look at the ledger, without the row."""
    db = opened()
    rows = Rows(db)
    with db.engine.begin() as conn:
        conn.exec_driver_sql("CREATE UNIQUE INDEX one ON events (n)")
    db.buffer["events"].insert([{"n": 700}, {"n": 700}])
    assert db.buffer.flush(wait=20).dead == 1
    db.table("events").where(n=700).delete()
    with monkeypatch.context() as patched:
        patched.setattr("odac_db.buffer.letters.apply", lambda *_: interrupt())
        with pytest.raises(Interruption):
            db.buffer.retry_dead_letters()
    rows.taken()
    flusher = db.buffer._start().flusher
    with flusher.turn:
        flusher.tend(at_once=True)
    assert db.buffer.flush(wait=20).pending == 0
    assert len(db.buffer.dead_letters()) == 1
    assert db.buffer.retry_dead_letters().applied == 1
    assert db.table("events").where(n=700).count() == 1
