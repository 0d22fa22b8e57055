"""The same text may ask for something else, by an option, a session or a changed table."""

from __future__ import annotations

import sqlite3
import warnings
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    MetaData,
    String,
    Table,
    TypeDecorator,
    column,
    event,
    select,
    table,
    text,
)
from sqlalchemy.exc import DBAPIError

from odac_db import Cache, Database
from tests.cache.conftest import Open, Watched
from tests.fixtures.databases import LiveDatabase

TITLES = select(Table("posts", MetaData(), Column("title", String(50))).c.title)


def here(seen: Watched) -> str:
    """The namespace in which the tables are."""
    family = seen.db.engine.dialect.name
    return {"postgresql": "public", "sqlite": "main"}.get(family, seen.db.engine.url.database or "")


def translated(space: str) -> Any:
    return TITLES.execution_options(schema_translate_map={None: space})


def test_names_that_an_option_leads_elsewhere_are_not_answered_from_here(seen: Watched) -> None:
    """Of the statement, the connection and the engine; SQLAlchemy has them in no cache key."""
    db = seen.db
    for _ in range(2):
        assert seen.reached(lambda: db.execute(translated(here(seen)), cache=60)) == 1
    with pytest.raises(DBAPIError):
        db.execute(translated("nowhere"), cache=60)
    assert any("schema_translate_map" in reason for reason in db.cache.stats().uncached)
    reads: list[Any] = [lambda: db.execute(TITLES, cache=60), lambda: db.posts.cache(60).count()]
    for read in reads:
        assert (seen.reached(read), seen.reached(read)) == (1, 0)
    with db.transaction() as tx:
        tx.connection.execution_options(schema_translate_map={None: here(seen)})
        assert [seen.reached(read) for read in reads] == [1, 1]
    db.engine.update_execution_options(schema_translate_map={None: here(seen)})
    assert [seen.reached(read) for read in reads] == [1, 1]


def test_an_option_that_a_listener_may_read_is_not_ignored(stored: Open) -> None:
    seen = stored()
    for option in ({"tenant": 7}, {"sqlite_raw_colnames": True}):
        odd = partial(seen.db.execute, TITLES.execution_options(**option), cache=60)
        assert (seen.reached(odd), seen.reached(odd)) == (1, 1)
    streamed = TITLES.execution_options(yield_per=10, logging_token="log")  # noqa: S106
    known = partial(seen.db.execute, streamed, cache=60)
    assert (seen.reached(known), seen.reached(known)) == (1, 0)


class Unnamed(TypeDecorator[str]):
    """Says nothing of ``cache_ok``, so that SQLAlchemy has no key for it."""

    impl = String


def test_a_statement_without_a_key_is_refused_and_counted(stored: Open) -> None:
    seen = stored()
    for _ in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = seen.db.execute(
                select(column("title", Unnamed)).select_from(table("posts")), cache=60
            )
        assert len(found.all()) == 3
    stats = seen.db.cache.stats()
    assert stats.fills == stats.entries == 0
    assert [(count, "cache_ok" in reason) for reason, count in stats.uncached.items()] == [
        (3, True)
    ]


def test_columns_keep_their_names_when_the_table_gets_others(
    database: LiveDatabase, tmp_path: Path
) -> None:
    with Database.open(database.url, cache=Cache(directory=tmp_path)) as db:
        every = text("SELECT * FROM things")
        with db.engine.begin() as conn:
            conn.exec_driver_sql("CREATE TABLE things (id int, name VARCHAR(20))")
            conn.exec_driver_sql("INSERT INTO things VALUES (1, 'x')")
        found = [dict(row) for row in db.execute(every, cache=60).mappings()]
        assert found == [{"id": 1, "name": "x"}]
        with db.engine.begin() as conn:
            conn.exec_driver_sql("ALTER TABLE things ADD COLUMN secret VARCHAR(20) DEFAULT 'S'")
            conn.exec_driver_sql("ALTER TABLE things DROP COLUMN name")
        for _ in range(2):
            found = [dict(row) for row in db.execute(every, cache=60).mappings()]
            assert found == [{"id": 1, "secret": "S"}]
        assert db.cache.stats().hits == 1


def sessions(db: Database, directory: Path) -> tuple[str, list[str]]:
    """A question, and what begins three sessions that make two of it, the last like the first."""
    family = db.engine.dialect.name
    db.execute(text("CREATE TABLE others (id int)"))  # so that there are stamps
    if family == "postgresql":
        with db.engine.begin() as conn:
            for name in ("one", "two"):
                conn.exec_driver_sql(f"CREATE SCHEMA {name}")
                conn.exec_driver_sql(f"CREATE TABLE {name}.things AS SELECT '{name}' AS n")
        places = ("one", "two", "one")
        return "SELECT n FROM things", [f"SET search_path TO {name}" for name in places]
    if family == "sqlite":
        for name in ("one", "two"):
            with closing(sqlite3.connect(directory / f"{name}.db")) as other:
                other.execute(f"CREATE TABLE things AS SELECT '{name}' AS n")
                other.commit()
        files = [directory / f"{name}.db" for name in ("one", "two", "one")]
        return "SELECT n FROM things", [f"ATTACH '{file}' AS other" for file in files]
    modes = ("PIPES_AS_CONCAT", "", "PIPES_AS_CONCAT")
    return "SELECT '1' || '0'", [f"SET SESSION sql_mode = '{mode}'" for mode in modes]


def configure(db: Database, sql: str) -> None:
    """Its connections begin with that statement, which nothing else sees."""

    def begin(connection: Any, _: Any) -> None:
        connection.cursor().execute(sql)
        connection.commit()

    event.listen(db.engine, "connect", begin)
    db.engine.dispose()


def test_sessions_that_listeners_configure_otherwise_share_no_rows(
    database: LiveDatabase, redis_url: str, tmp_path: Path
) -> None:
    """Of several processes on one Redis; those that are configured alike share them."""
    cache = Cache(store=redis_url, mode="relaxed")
    made = [Database.open(database.url, cache=cache) for _ in range(3)]
    question, statements = sessions(made[0], tmp_path)
    asked: Any = text(question)
    for db, sql in zip(made, statements, strict=True):
        configure(db, sql)
    direct = [db.execute(asked).scalar_one() for db in made]
    assert direct[0] == direct[2] != direct[1]
    for _ in range(2):
        cached = [db.execute(asked, cache=60, depends_on=["others"]).scalar_one() for db in made]
        assert cached == direct
    assert [db.cache.stats().hits for db in made] == [1, 1, 2]
    for db in made:
        db.close()
