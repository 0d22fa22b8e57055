"""The lock on SQLite is the write transaction, with foreign keys off and checked at its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event

from odac_db import Database, LockNotAcquired
from odac_db.dialects.sqlite import SQLITE
from odac_db.dialects.sqlite.lock import in_transaction
from odac_db.errors import MigrationFailed, OdacDbError
from tests.fixtures.databases import LiveDatabase

TABLES = """
CREATE TABLE parent (id INTEGER PRIMARY KEY);
CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER REFERENCES parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (10, 1), (11, 77);
"""


@pytest.fixture
def conn(sqlite_database: LiveDatabase) -> Iterator[Connection]:
    sqlite_database.script(TABLES)
    with sqlite_database.connect() as found:
        found.exec_driver_sql("PRAGMA foreign_keys = ON")
        yield found


def pragma(conn: Connection, name: str) -> int:
    return int(conn.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def locked(conn: Connection) -> None:
    assert SQLITE.try_lock(conn, SQLITE.features(conn))
    SQLITE.begin(conn, None)


def test_only_one_has_the_lock(conn: Connection, sqlite_database: LiveDatabase) -> None:
    with sqlite_database.connect() as other:
        assert SQLITE.try_lock(conn, None)
        assert not SQLITE.try_lock(other, None)
        assert not in_transaction(other)
        SQLITE.unlock(conn, None)
        assert SQLITE.try_lock(other, None)
        SQLITE.unlock(other, None)


def test_the_connection_is_as_before_afterwards(conn: Connection) -> None:
    conn.exec_driver_sql("PRAGMA busy_timeout = 1234")
    for end in (SQLITE.commit, SQLITE.rollback, SQLITE.unlock):
        locked(conn)
        assert pragma(conn, "foreign_keys") == 0
        end(conn, None)
        assert not in_transaction(conn)
        assert pragma(conn, "foreign_keys") == 1
        assert pragma(conn, "legacy_alter_table") == 0
        assert pragma(conn, "busy_timeout") == 1234
    SQLITE.unlock(conn, None)


def test_a_waiting_connection_keeps_its_switches(
    conn: Connection, sqlite_database: LiveDatabase
) -> None:
    with sqlite_database.connect() as other:
        locked(other)
        assert not SQLITE.try_lock(conn, None)
        assert pragma(conn, "foreign_keys") == 1
        SQLITE.unlock(other, None)


def test_it_is_not_taken_inside_a_transaction(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN")
    with pytest.raises(OdacDbError, match="inside a transaction"):
        SQLITE.try_lock(conn, None)
    conn.exec_driver_sql("ROLLBACK")


def test_new_orphans_undo_everything_and_old_ones_do_not(conn: Connection) -> None:
    locked(conn)
    conn.exec_driver_sql("INSERT INTO parent VALUES (2)")
    SQLITE.commit(conn, None)
    locked(conn)
    conn.exec_driver_sql("DELETE FROM parent WHERE id = 1")
    with pytest.raises(MigrationFailed, match=r"1 row\(s\) of child .* \(rowid 10\)") as failure:
        SQLITE.commit(conn, None)
    assert failure.value.undone
    assert conn.exec_driver_sql("SELECT id FROM parent").scalars().all() == [1, 2]
    assert pragma(conn, "foreign_keys") == 1


def test_old_orphans_may_be_in_a_table_that_is_renamed(conn: Connection) -> None:
    locked(conn)
    conn.exec_driver_sql("ALTER TABLE child RENAME TO kid")
    SQLITE.commit(conn, None)
    assert conn.exec_driver_sql("SELECT count(*) FROM kid").scalar_one() == 2


def test_a_foreign_key_that_cannot_be_checked_hides_no_other(conn: Connection) -> None:
    conn.exec_driver_sql("CREATE TABLE odd (a INTEGER, b INTEGER REFERENCES odd (a))")
    locked(conn)
    conn.exec_driver_sql("INSERT INTO odd VALUES (1, 1)")
    conn.exec_driver_sql("DELETE FROM parent")
    with pytest.raises(MigrationFailed, match="of child"):
        SQLITE.commit(conn, None)


def test_a_transaction_of_its_own_without_the_lock(conn: Connection) -> None:
    SQLITE.begin(conn, None)
    conn.exec_driver_sql("INSERT INTO parent VALUES (5)")
    SQLITE.commit(conn, None)
    assert conn.exec_driver_sql("SELECT max(id) FROM parent").scalar_one() == 5
    assert pragma(conn, "foreign_keys") == 1


def test_a_file_locked_by_somebody_is_waited_for_no_longer_than_asked(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    """Every statement counts: SQLite waits in each for as long as the connection says."""
    (tmp_path / "things.yaml").write_text("columns: {id: {type: increments}}\n")
    waits: list[int] = []
    with (
        Database.open(sqlite_database.url, schema=tmp_path) as db,
        sqlite_database.connect() as other,
    ):

        @event.listens_for(db.engine, "before_cursor_execute")
        def note(_: Connection, cursor: Any, statement: str, *__: Any) -> None:
            if not statement.startswith(("PRAGMA", "SELECT sqlite_version()")):  # ask no file
                waits.append(cursor.connection.execute("PRAGMA busy_timeout").fetchone()[0])

        other.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(LockNotAcquired, match=r"more than 0\.2 s"):
            db.migrate(lock_timeout=0.2)
        other.exec_driver_sql("ROLLBACK")
        assert waits[0] == 200
        assert max(waits[1:]) <= 20  # all the time is over: what is left is the lock's own wait
        assert [done.kind for done in db.migrate(lock_timeout=0.2).applied] == ["create_table"]
