"""The stamps of the memory store: files that go, tokens that stand for long, many at once."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import event, text

from odac_db import Cache, Database, OdacDbError
from odac_db.cache.key import Key
from odac_db.cache.memory import MemoryStore
from odac_db.cache.protocol import Entry
from odac_db.cache.rows import Rows

TABLES = ("*", "posts")
OLD = Rows(("title",), (("old",),))
KEY = Key(b"head", b"place", b"params")


def made(directory: Path, **options: Any) -> MemoryStore:
    given: dict[str, Any] = {"entries": 100, "size": 2**20, "token_seconds": 60.0}
    return MemoryStore("stamps", directory=directory, **given | options)


def removed(directory: Path) -> None:
    for file in directory.glob("*.stamps"):
        file.unlink()


@pytest.mark.parametrize("commits", [0, 1])
def test_what_was_read_under_a_file_that_went_is_no_hit_in_the_next(
    commits: int, tmp_path: Path
) -> None:
    """Neither where the table was written before, nor where it never was."""
    store = made(tmp_path)
    for token in range(commits):
        store.announce(("posts",), token)
        store.confirm(("posts",), token)
    stamps = store.settle(TABLES)
    assert stamps is not None
    removed(tmp_path)
    for token in range(commits):
        store.announce(("posts",), 10 + token)
        store.confirm(("posts",), 10 + token)
    store.announce(("others",), 99)  # whoever writes notices, whatever it is
    store.confirm(("others",), 99)
    store.fill(KEY, TABLES, Entry(stamps, OLD), 60)
    assert store.settle(TABLES) != stamps
    assert store.current(KEY.local) is None
    store.close()


def test_a_slow_read_across_the_removal_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    with closing(sqlite3.connect(path)) as other:
        other.executescript("CREATE TABLE posts (title TEXT); INSERT INTO posts VALUES ('old')")
    with Database.open(f"sqlite:///{path}", cache=Cache(directory=tmp_path)) as db:
        db.execute(text("UPDATE posts SET title = 'old'"))
        rows = text("SELECT title FROM posts")
        arrived, go_on = Event(), Event()

        @event.listens_for(db.engine, "after_cursor_execute")
        def slowly(_conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
            if sql.startswith("SELECT title") and not arrived.is_set():
                arrived.set()
                assert go_on.wait(10)

        db.execute(text("SELECT count(*) FROM posts"), cache=60)
        reading = Thread(target=lambda: db.execute(rows, cache=60).all())
        reading.start()
        assert arrived.wait(10)
        removed(tmp_path)
        db.execute(text("UPDATE posts SET title = 'new'"))
        go_on.set()
        reading.join(10)
        assert db.execute(rows, cache=60).scalar_one() == "new"


def test_a_commit_that_ends_in_another_file_is_told_there(tmp_path: Path) -> None:
    writer = made(tmp_path)
    writer.announce(("posts",), 1)
    removed(tmp_path)
    reader = made(tmp_path)
    stamps = reader.settle(TABLES)
    writer.confirm(("posts",), 1)
    assert reader.settle(TABLES) not in {None, stamps}
    for store in (writer, reader):
        store.close()


@pytest.mark.parametrize("seconds", [0.5, 3000.0, 7200.0])
def test_a_token_stands_as_long_as_it_is_told_to(seconds: float, tmp_path: Path) -> None:
    store = made(tmp_path, token_seconds=seconds)
    assert store.settle(TABLES) is not None
    store.announce(("posts",), 1)
    assert store.settle(TABLES) is None
    store.close()


def test_the_longest_time_of_those_who_share_a_file_counts(tmp_path: Path) -> None:
    short, long = made(tmp_path, token_seconds=0.01), made(tmp_path, token_seconds=60.0)
    assert long.settle(TABLES) is not None
    long.announce(("posts",), 1)
    until = time.monotonic() + 0.05
    while time.monotonic() < until:
        assert short.settle(TABLES) is None
    short.close()
    long.close()


def test_commits_of_one_table_at_once_leave_no_token(tmp_path: Path) -> None:
    """However many: those for whom no cell is left count themselves in the last."""
    store = made(tmp_path)
    assert store.settle(TABLES) is not None
    for token in range(40):
        store.announce(("posts",), token)
    for token in range(39):
        store.confirm(("posts",), token)
        assert store.settle(TABLES) is None
    store.confirm(("posts",), 39)
    assert store.settle(TABLES) is not None
    store.close()


def test_who_came_too_late_takes_no_other_s_place_in_the_last_cell(tmp_path: Path) -> None:
    store = made(tmp_path, token_seconds=0.02)
    for token in range(20):
        store.announce(("posts",), token)
    book, cells = store._announced[19]
    until = time.monotonic() + 5
    while store.settle(TABLES) is None:
        assert time.monotonic() < until
    book.token_seconds = 60.0
    for token in range(20, 40):
        store.announce(("posts",), token)
    for token in range(20, 39):
        store.confirm(("posts",), token)
    book.confirm(store.places(("posts",)), cells)
    assert store.settle(TABLES) is None
    store.confirm(("posts",), 39)
    assert store.settle(TABLES) is not None
    store.close()


@pytest.mark.parametrize("seconds", [3601, 1e17])
def test_commits_that_take_for_ever_are_refused(seconds: float) -> None:
    with pytest.raises(OdacDbError, match="commit_within"):
        Cache(commit_within=seconds)
