"""Connections whose sessions differ without a statement of the engine's that says so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from odac_db import Cache, Database
from tests.fixtures.databases import LiveDatabase

TITLES = "SELECT title FROM posts"
Opens = Callable[..., Database]


@pytest.fixture
def opens(database: LiveDatabase, tmp_path: Path) -> Iterator[Opens]:
    """Opens the same database, its connections begun with a statement that nothing sees."""
    database.execute(
        "CREATE TABLE posts (id int, title varchar(20))", "INSERT INTO posts VALUES (1, 'real')"
    )
    yield from opener(database, tmp_path)


@pytest.fixture
def opens_postgresql(postgresql_database: LiveDatabase, tmp_path: Path) -> Iterator[Opens]:
    postgresql_database.execute(
        "CREATE TABLE posts (id int, title varchar(20))", "INSERT INTO posts VALUES (1, 'real')"
    )
    yield from opener(postgresql_database, tmp_path)


def opener(database: LiveDatabase, directory: Path) -> Iterator[Opens]:
    made: list[Database] = []

    def opened(begun: str = "") -> Database:
        db = Database.open(database.url, cache=Cache(directory=directory, commit_within=60))
        made.append(db)

        def begin(connection: Any, _: Any) -> None:
            connection.cursor().execute(begun)
            connection.commit()

        if begun:
            event.listen(db.engine, "connect", begin)
        return db

    yield opened
    for db in made:
        db.close()


def rows(db: Database, sql: str) -> list[Any]:
    return [tuple(row) for row in db.execute(text(sql), cache=60)]


def elsewhere(work: Callable[[], object]) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def right_after_an_update_under_way(db: Database) -> bool:
    """Whether a reader in a transaction stores nothing of the time before another's commit."""
    with db.transaction() as tx:
        tx.execute(text("SELECT count(*) FROM posts")).all()
        elsewhere(lambda: db.execute(text("UPDATE posts SET title = 'new'")))
        rows(db, TITLES)
    return rows(db, TITLES) == [("new",)]


def test_a_snapshot_that_the_dialect_does_not_know_of_fills_nothing(
    opens_postgresql: Opens,
) -> None:
    session = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ"
    db = opens_postgresql(session)
    rows(db, "SELECT 1")
    assert right_after_an_update_under_way(db)


def test_isolation_that_a_role_is_given_meanwhile_is_noticed(
    opens_postgresql: Opens, postgresql_database: LiveDatabase
) -> None:
    db = opens_postgresql()
    rows(db, TITLES)
    name = postgresql_database.name
    setting = "default_transaction_isolation = 'repeatable read'"
    postgresql_database.execute(f"ALTER DATABASE {name} SET {setting}")
    db.engine.dispose()
    assert right_after_an_update_under_way(db)


def test_what_is_rolled_back_is_not_kept_at_read_uncommitted(opens: Opens) -> None:
    family = opens().engine.dialect.name
    sessions = {
        "postgresql": "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
        "sqlite": "PRAGMA read_uncommitted = 1",
    }
    mysql = "SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"
    db = opens(sessions.get(family, mysql))
    rows(db, TITLES)
    with db.engine.connect() as conn:
        conn.execute(text("INSERT INTO posts VALUES (50, 'phantom')"))
        elsewhere(lambda: rows(db, TITLES))
        conn.rollback()
    assert rows(db, TITLES) == [("real",)]


def test_connections_that_are_older_than_a_setting_fill_nothing(
    opens_postgresql: Opens, postgresql_database: LiveDatabase
) -> None:
    """They answer as before, and those who come later share no rows with them."""
    asked = "SELECT CAST(TIMESTAMPTZ '2020-01-01 00:00+00' AS text) FROM posts"
    db, zone = opens_postgresql(), "ALTER DATABASE {} SET timezone = 'Asia/Tokyo'"
    before = rows(db, asked)
    db.execute(text(zone.format(postgresql_database.name)))
    rows(db, asked)
    later = opens_postgresql()
    direct = [tuple(row) for row in later.execute(text(asked))]
    assert rows(later, asked) == direct != before


def test_a_function_that_changes_the_session_is_noticed(
    opens_postgresql: Opens, postgresql_database: LiveDatabase
) -> None:
    postgresql_database.execute(
        "CREATE FUNCTION hide() RETURNS int LANGUAGE plpgsql AS "
        "$$BEGIN CREATE TEMP TABLE posts AS SELECT 'hidden' AS title; RETURN 1; END$$"
    )
    db = opens_postgresql()
    rows(db, "SELECT 1")
    db.execute(text("SELECT hide()"))
    assert rows(db, TITLES) == [("hidden",)]  # the pool gives the same connection
    with db.engine.connect():
        assert rows(db, TITLES) == [("real",)]


def test_a_connection_is_asked_once(opens: Opens) -> None:
    db = opens()
    rows(db, TITLES)
    asked: list[str] = []
    event.listen(db.engine, "before_cursor_execute", lambda _c, _u, sql, *_: asked.append(sql))
    db.cache.touch("posts")
    rows(db, TITLES)
    assert asked == [TITLES]
    assert db.cache.stats().fills == 2


def test_what_a_listener_sets_for_each_transaction_is_not_passed_by(
    opens_postgresql: Opens, postgresql_database: LiveDatabase
) -> None:
    """A hit would begin no transaction, and be of the tenant before."""
    postgresql_database.execute(
        "CREATE SCHEMA other", "CREATE TABLE other.posts AS SELECT 'theirs' AS title"
    )
    db, tenant = opens_postgresql(), ["public"]

    def begin(conn: Connection) -> None:
        conn.exec_driver_sql(f"SET LOCAL search_path TO {tenant[0]}")

    event.listen(db.engine, "begin", begin)
    assert rows(db, TITLES) == [("real",)]
    assert [row.title for row in db.posts.cache(60).all()] == ["real"]
    tenant[0] = "other"
    assert rows(db, TITLES) == [("theirs",)]
    assert [row.title for row in db.posts.cache(60).select("title").all()] == ["theirs"]
    assert any("listener" in reason for reason in db.cache.stats().uncached)
