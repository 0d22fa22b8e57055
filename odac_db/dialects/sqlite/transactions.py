"""An application's transaction: it has the right to write from the beginning.

A transaction that reads first and writes later cannot wait for another writer: SQLite
refuses it at once, whatever busy_timeout says, because what it read is out of date.
"""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Connection, RootTransaction

from odac_db.dialects.base import Isolation
from odac_db.dialects.sqlite.lock import in_transaction
from odac_db.waits import waits_of


def start(conn: Connection, isolation: Isolation | None) -> RootTransaction:
    """Begins it; every one is serializable. Waits for other writers, up to busy_timeout."""
    conn.execution_options(isolation_level="AUTOCOMMIT")  # the driver begins none of its own
    transaction = conn.begin()
    try:
        conn.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException:
        transaction.rollback()
        raise
    return transaction


def ready(conn: Connection) -> None:
    """Puts the file into WAL mode, where it stays: readers and a writer wait for nobody.

    The switch does not wait as other statements do (sqlite.org/wal.html), so it is tried
    again for as long as they would. A file that cannot be switched works as it is.
    """
    cursor = conn.connection.cursor()

    def pragma(name: str) -> Any:
        cursor.execute(f"PRAGMA {name}")
        row = cursor.fetchone()
        assert row is not None
        return row[0]

    try:
        patience, mode = pragma("busy_timeout"), pragma("journal_mode")
        end, pause = time.monotonic() + patience / 1000, 0.001
        while mode == "delete":
            try:
                pragma("journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > end:
                    return
            waits_of(conn).pause(pause)
            pause = min(pause * 2, 0.05)
    finally:
        cursor.close()


def is_open(conn: Connection) -> bool:
    """A full disk, for one, makes SQLite undo the whole transaction by itself."""
    return in_transaction(conn)
