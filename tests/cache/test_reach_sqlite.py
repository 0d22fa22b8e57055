"""What a statement writes, or reads, without its text showing it, on SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, text

from odac_db import Cache, Database
from tests.fixtures.databases import LiveDatabase

POSTS = Table("posts", MetaData(), Column("id", Integer, primary_key=True), Column("t", String))
COUNT = "SELECT count(*), max(t) FROM posts"


@pytest.fixture
def db(sqlite_database: LiveDatabase, tmp_path: Path) -> Iterator[Database]:
    sqlite_database.script(
        """
        PRAGMA journal_mode = WAL;
        CREATE TABLE posts (id integer PRIMARY KEY AUTOINCREMENT, t text);
        CREATE TABLE log (n int);
        CREATE TABLE a (x text);
        CREATE TABLE b (y text);
        CREATE TABLE replaced (id integer PRIMARY KEY ON CONFLICT REPLACE, u text);
        CREATE TABLE updated (id integer PRIMARY KEY, u text UNIQUE ON CONFLICT /* it */ REPLACE);
        CREATE TABLE child (n integer REFERENCES replaced (id) ON DELETE CASCADE,
            m integer REFERENCES updated (id) ON DELETE CASCADE);
        INSERT INTO a VALUES ('1'), ('2');
        INSERT INTO b VALUES ('1');
        INSERT INTO replaced VALUES (1, 'a');
        INSERT INTO updated VALUES (1, 'a'), (2, 'b');
        INSERT INTO child VALUES (1, 1), (NULL, 1), (1, NULL);
        INSERT INTO posts (t) VALUES ('a');
        """
    )
    cache = Cache(directory=tmp_path, commit_within=60)
    with Database.open(sqlite_database.url, cache=cache) as opened:
        yield opened


def rows(db: Database, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(text(sql), cache=60)]


def is_current(db: Database, sql: str) -> bool:
    return rows(db, sql) == [tuple(row) for row in db.execute(text(sql))]


def test_what_temporary_triggers_and_views_write_is_seen(db: Database) -> None:
    """The trigger of a temporary table is one without being called so."""
    begun = [
        "CREATE TEMP TRIGGER one AFTER INSERT ON posts BEGIN INSERT INTO log VALUES (1); END",
        "CREATE TEMP TABLE stage (n int)",
        "CREATE TRIGGER two AFTER INSERT ON stage BEGIN INSERT INTO log VALUES (NEW.n); END",
    ]
    with db.engine.connect() as conn:
        for sql in begun:
            conn.execute(text(sql))
        conn.commit()
        for sql in ("INSERT INTO posts (t) VALUES ('b')", "INSERT INTO stage VALUES (2)"):
            assert is_current(db, "SELECT count(*) FROM log")
            conn.execute(text(sql))
            conn.commit()
            assert is_current(db, "SELECT count(*) FROM log")
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text(begun[0].replace("TEMP TRIGGER one", "TRIGGER temp.three")))
        assert is_current(db, "SELECT count(*) FROM log")
        conn.execute(text("INSERT INTO posts (t) VALUES ('b')"))
        assert is_current(db, "SELECT count(*) FROM log")


def test_rows_that_a_conflict_replaces_are_deleted(db: Database) -> None:
    for sql in ("INSERT INTO replaced VALUES (1, 'b')", "UPDATE updated SET u = 'a' WHERE id = 2"):
        assert is_current(db, "SELECT count(*) FROM child")
        db.execute(text(sql))
        assert is_current(db, "SELECT count(*) FROM child")


def test_tables_of_sqlites_own_are_not_kept(db: Database) -> None:
    asked = "SELECT seq FROM sqlite_sequence"
    assert rows(db, asked) == [(1,)]
    db.execute(text("INSERT INTO posts (t) VALUES ('b')"))
    assert rows(db, asked) == [(2,)]


def test_a_table_named_by_a_string_is_seen(db: Database) -> None:
    asked = "SELECT x FROM a WHERE x IN 'b'"
    assert rows(db, asked) == [("1",)]
    db.execute(text("INSERT INTO b VALUES ('2')"))
    assert rows(db, asked) == [("1",), ("2",)]


RETURNING = {
    "text": (text("INSERT INTO posts (t) VALUES ('x') RETURNING id"), None),
    "core": (insert(POSTS).values(t="y").returning(POSTS.c.id), None),
    "update": (text("UPDATE posts SET t = 'z' RETURNING id"), None),
    "many": (insert(POSTS).returning(POSTS.c.id), [{"t": f"m{n}"} for n in range(2500)]),
}


@pytest.mark.parametrize("how", RETURNING)
def test_rows_are_stored_when_a_statement_that_returns_some_has_committed(
    db: Database, how: str
) -> None:
    """SQLite commits by itself when its rows have been read."""
    statement, values = RETURNING[how]
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        assert is_current(db, COUNT)
        given = (statement, values) if values else (statement,)
        result = conn.execute(*given)
        between = rows(db, COUNT)
        found = result.all()
        assert len(found) == (len(values) if values else len(found)) > 0
    assert rows(db, COUNT) == [tuple(row) for row in db.execute(text(COUNT))] == between
    assert db.cache.stats().misses >= 1
    before = db.cache.stats().hits
    rows(db, COUNT)
    rows(db, COUNT)
    assert db.cache.stats().hits > before  # no mark is left
