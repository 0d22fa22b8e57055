"""What the connections of an application are like: WAL, UTC, and whose a transaction is."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import make_url, text

from odac_db import Database
from tests.fixtures.databases import LiveDatabase
from tests.query.site import TABLES, write


def journal_mode(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])


def test_an_application_puts_a_file_into_wal_mode_and_a_look_does_not(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    folder = write(tmp_path / "schema", {"notes": TABLES["notes"]})
    with Database.open(sqlite_database.url, schema=folder, migrate=True) as db:
        assert db.plan().in_sync
        assert journal_mode(sqlite_database.path) == "delete"
        assert db.notes.count() == 0
        assert journal_mode(sqlite_database.path) == "wal"
        with db.engine.connect() as conn:
            assert conn.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_file_that_others_use_is_worked_with_as_it_is(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    """Somebody who reads in a transaction keeps the file from WAL mode, and no one from it."""
    folder = write(tmp_path / "schema", {"notes": TABLES["notes"]})
    Database.open(sqlite_database.url, schema=folder, migrate=True).close()
    with closing(sqlite3.connect(sqlite_database.path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM notes").fetchall()
        with Database.open(f"{sqlite_database.url}?timeout=0.05", schema=folder) as db:
            assert db.notes.count() == 0
    assert journal_mode(sqlite_database.path) == "delete"


def test_a_file_that_cannot_be_written_is_read(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    folder = write(tmp_path / "schema", {"notes": TABLES["notes"]})
    with Database.open(sqlite_database.url, schema=folder, migrate=True) as db:
        db.engine.dispose()
    url = f"sqlite:///file:{sqlite_database.path}?mode=ro&uri=true"
    with Database.open(url, schema=folder) as db:
        assert db.notes.count() == 0


def test_mysql_reads_and_keeps_utc(mysql_database: LiveDatabase) -> None:
    mysql_database.execute("CREATE TABLE clocks (id int PRIMARY KEY, at timestamp(6) NULL)")
    with Database.open(mysql_database.url) as db:
        assert db.execute(text("SELECT @@session.time_zone")).scalar_one() == "+00:00"
        at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # no time of Paris, where clocks skip it
        db.clocks.insert({"id": 1, "at": at})
        assert db.clocks.where(at=at).pluck("at") == [at]
    own = {"init_command": "SET time_zone = '+02:00'"}
    with Database.open(make_url(mysql_database.url).update_query_dict(own)) as db:
        assert db.execute(text("SELECT @@session.time_zone")).scalar_one() == "+02:00"


def test_mysql_sessions_are_alike_before_and_after_the_first_write(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    folder = write(tmp_path / "schema", {"notes": TABLES["notes"]})
    mode = text("SELECT @@sql_mode")
    with Database.open(mysql_database.url, schema=folder, migrate=True) as db:
        before = db.execute(mode).scalar_one()
        with db.transaction() as tx:
            tx.notes.insert({"a": 1})
        assert db.notes.count() == 1
        assert db.execute(mode).scalar_one() == before


def test_a_transaction_is_its_tasks_own(db: Database) -> None:
    """Another task of the same thread neither sees what it wrote nor writes in it."""
    counts: list[int] = []

    async def look() -> None:
        counts.append(db.notes.count())

    async def main() -> None:
        with db.transaction() as tx:
            tx.notes.insert({"a": 1})
            await asyncio.gather(look(), asyncio.create_task(look()))
            assert db.notes.count() == 1
        await look()

    asyncio.run(main())
    assert counts == [0, 0, 1]
