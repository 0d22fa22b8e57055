"""An application's transaction: it has the right to write from the beginning.

A transaction that reads first and writes later cannot wait for another writer: SQLite
refuses it at once, whatever busy_timeout says, because what it read is out of date.
"""

from __future__ import annotations

from sqlalchemy import Connection, RootTransaction

from odac_db.dialects.base import Isolation
from odac_db.dialects.sqlite.lock import in_transaction


def start(conn: Connection, isolation: Isolation | None) -> RootTransaction:  # noqa: ARG001
    """Begins it; every one is serializable. Waits for other writers, up to busy_timeout."""
    conn.execution_options(isolation_level="AUTOCOMMIT")  # the driver begins none of its own
    transaction = conn.begin()
    try:
        conn.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException:
        transaction.rollback()
        raise
    return transaction


def is_open(conn: Connection) -> bool:
    """A full disk, for one, makes SQLite undo the whole transaction by itself."""
    return in_transaction(conn)
