"""What a statement writes by way of objects that its text does not show, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from odac_db import Cache, Database
from tests.fixtures.databases import LiveDatabase

_LOGS = """CREATE FUNCTION logs(t text) RETURNS bool LANGUAGE plpgsql AS
$$BEGIN INSERT INTO log VALUES (1); RETURN true; END$$"""


@pytest.fixture
def db(postgresql_database: LiveDatabase, tmp_path: Path) -> Iterator[Database]:
    postgresql_database.execute(
        "CREATE TABLE posts (id int, title text)",
        "CREATE TABLE users (id int, name text)",
        "CREATE TABLE log (n int)",
        "INSERT INTO posts VALUES (1, 'real')",
        "INSERT INTO users VALUES (1, 'ada')",
    )
    cache = Cache(directory=tmp_path, commit_within=60)
    with Database.open(postgresql_database.url, cache=cache) as opened:
        yield opened


def execute(db: Database, *statements: str) -> None:
    for one in statements:
        db.execute(text(one))


def rows(db: Database, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in db.execute(text(sql), cache=60)]


def is_current(db: Database, sql: str) -> bool:
    return rows(db, sql) == [tuple(row) for row in db.execute(text(sql))]


def is_kept(db: Database, sql: str) -> bool:
    rows(db, sql)
    before = db.cache.stats().hits
    rows(db, sql)
    return db.cache.stats().hits == before + 1


def test_views_of_one_name_in_two_schemas_are_two(db: Database) -> None:
    execute(db, "CREATE SCHEMA api1", "CREATE SCHEMA api2")
    execute(db, "CREATE VIEW api1.people AS SELECT title AS n FROM posts")
    execute(db, "CREATE VIEW api2.people AS SELECT name AS n FROM users")
    views = ["SELECT n FROM api1.people", "SELECT n FROM api2.people"]
    tables = ["SELECT title FROM posts", "SELECT name FROM users"]
    for sql in ("UPDATE posts SET title = 'x'", "UPDATE users SET name = 'x'"):
        assert all(is_kept(db, one) for one in views + tables)
        execute(db, sql)
        assert all(is_current(db, one) for one in views + tables)
    for sql in ("UPDATE api1.people SET n = 'y'", "UPDATE api2.people SET n = 'y'"):
        assert all(is_kept(db, one) for one in views + tables)
        execute(db, sql)
        assert all(is_current(db, one) for one in views + tables)


def test_what_is_written_by_way_of_temporary_objects_is_seen(db: Database) -> None:
    """A view; a trigger; a trigger of a temporary table by a function that was there before."""
    execute(
        db,
        "CREATE FUNCTION retitle() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN UPDATE posts SET title = NEW.t; RETURN NEW; END$$",
    )
    posts = "SELECT title FROM posts"
    with db.engine.connect() as conn:
        conn.execute(text("CREATE TEMP VIEW v AS SELECT * FROM posts"))
        conn.execute(text("CREATE TEMP TABLE stage (t text)"))
        conn.execute(
            text("CREATE TRIGGER t AFTER INSERT ON stage FOR EACH ROW EXECUTE PROCEDURE retitle()")
        )
        conn.commit()
        for sql in ("UPDATE v SET title = 'by view'", "INSERT INTO stage VALUES ('by trigger')"):
            assert is_kept(db, posts)
            conn.execute(text(sql))
            conn.commit()
            assert is_current(db, posts)


WRITERS = {
    "check": ["ALTER TABLE posts ADD CHECK (logs(title))"],
    "default of a domain": [
        "CREATE DOMAIN d AS bool DEFAULT logs('')",
        "ALTER TABLE posts ADD d d",
    ],
    "check of a domain": [
        "CREATE DOMAIN d AS text CHECK (logs(VALUE))",
        "ALTER TABLE posts ADD d d",
    ],
    "a domain of a domain": [
        "CREATE DOMAIN d AS text CHECK (logs(VALUE))",
        "CREATE DOMAIN e AS d",
        "ALTER TABLE posts ADD e e",
    ],
    "a list of a domain": [
        "CREATE DOMAIN d AS text CHECK (logs(VALUE))",
        "ALTER TABLE posts ALTER title TYPE d[] USING NULL",
    ],
}


@pytest.mark.parametrize("what", WRITERS)
def test_what_functions_of_checks_and_domains_write_is_seen(
    db: Database, postgresql_database: LiveDatabase, what: str
) -> None:
    postgresql_database.execute(_LOGS, *WRITERS[what])
    count = "SELECT count(*) FROM log"
    assert is_kept(db, count)
    execute(db, "INSERT INTO posts (id, title) VALUES (5, '{z}')")
    assert is_current(db, count)
