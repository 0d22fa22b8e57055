"""The migration lock, which on SQLite is the write transaction itself.

BEGIN IMMEDIATE admits one writer and ends with its process. Foreign keys are switched off
before it, because inside a transaction that is a no-op and a rebuild's DROP TABLE would
delete the rows of other tables by cascade; they are checked before COMMIT instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import SQLITE_BUSY, SQLITE_LOCKED

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from odac_db.dialects.base import Features
from odac_db.dialects.sqlite.integrity import Integrity, broken_by, integrity
from odac_db.errors import LockNotAcquired, MigrationFailed, OdacDbError

SHORT_WAIT = 20
"""Milliseconds SQLite itself waits for the lock; whoever wants it longer polls."""

COMMIT_WAIT = 10_000
"""Milliseconds to wait where nobody polls: for readers before a COMMIT (with WAL there is no
such wait), and for other writers where a transaction begins without the lock."""

_KEY = "odac_db.sqlite"
_SWITCHES = ("foreign_keys", "legacy_alter_table", "busy_timeout")


@dataclass
class _Held:
    """What a connection was like before it took the lock, and its state at the start."""

    switches: dict[str, int]
    before: Integrity | None = None


def try_lock(conn: Connection, features: Features) -> bool:
    """Begins the write transaction with foreign keys off; False if another is writing.

    Raises OdacDbError if the connection is inside a transaction already.
    """
    return _entered(conn, SHORT_WAIT)


def _entered(conn: Connection, wait: int) -> bool:
    """Whether the write transaction could be begun within so many milliseconds."""
    if in_transaction(conn):
        raise OdacDbError("the connection is inside a transaction: end it, then migrate")
    switches = {name: _pragma(conn, name) for name in _SWITCHES}
    conn.info[_KEY] = _Held(switches)
    try:
        conn.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
        conn.exec_driver_sql("PRAGMA foreign_keys = OFF")
        if _pragma(conn, "foreign_keys"):
            raise OdacDbError("foreign keys could not be switched off: a rebuild would lose rows")
        conn.exec_driver_sql(f"PRAGMA busy_timeout = {wait}")
        conn.exec_driver_sql("BEGIN IMMEDIATE")
    except BaseException as error:
        _restore(conn)
        if isinstance(error, OperationalError) and _is_busy(error):
            return False
        raise
    conn.exec_driver_sql(f"PRAGMA busy_timeout = {switches['busy_timeout']}")
    return True


def unlock(conn: Connection, features: Features) -> None:
    """Ends the transaction, undoing what was not committed, and restores the switches."""
    if in_transaction(conn):
        conn.exec_driver_sql("ROLLBACK")
    _restore(conn)


def begin(conn: Connection, features: Features) -> None:
    """Notes what is amiss already. The transaction is the lock's, or begins here without one.

    Raises LockNotAcquired if another process goes on writing.
    """
    if not in_transaction(conn) and not _entered(conn, COMMIT_WAIT):
        raise LockNotAcquired(COMMIT_WAIT / 1000)
    held: _Held | None = conn.info.get(_KEY)
    if held is None:
        raise OdacDbError("the connection is inside a transaction: end it, then migrate")
    held.before = integrity(conn)


def begin_rows(conn: Connection, features: Features) -> None:
    """Begins a transaction that enforces foreign keys, which the lock's own does not.

    The lock is given up for it; this transaction admits no other writer either.
    Raises LockNotAcquired if another process goes on writing.
    """
    unlock(conn, features)
    conn.exec_driver_sql("PRAGMA foreign_keys = ON")
    conn.exec_driver_sql(f"PRAGMA busy_timeout = {COMMIT_WAIT}")
    try:
        conn.exec_driver_sql("BEGIN IMMEDIATE")
    except OperationalError as error:
        if _is_busy(error):
            raise LockNotAcquired(COMMIT_WAIT / 1000) from error
        raise


def commit(conn: Connection, features: Features) -> None:
    """Commits, if nothing is broken that was whole at ``begin``; ends the lock with it.

    Raises MigrationFailed, and undoes everything, for new violations of foreign keys and
    for views and triggers that no longer compile.
    """
    held: _Held | None = conn.info.get(_KEY)
    before = held.before if held is not None else None
    try:
        if before is not None:
            fault = broken_by(before, conn)
            if fault is not None:
                raise MigrationFailed("final check", fault.sql, fault.reason, undone=True)
        conn.exec_driver_sql(f"PRAGMA busy_timeout = {COMMIT_WAIT}")
        conn.exec_driver_sql("COMMIT")
    except BaseException:
        rollback(conn, features)
        raise
    _restore(conn)


def rollback(conn: Connection, features: Features) -> None:
    """Undoes everything since the lock was taken, and ends it."""
    unlock(conn, features)


def in_transaction(conn: Connection) -> bool:
    """Whether the driver's connection has a transaction open."""
    driver = conn.connection.dbapi_connection  # driver_connection is None once detached
    driver = getattr(driver, "driver_connection", driver)  # the one behind an asynchronous one
    return driver is not None and bool(getattr(driver, "in_transaction", False))


def _restore(conn: Connection) -> None:
    held: _Held | None = conn.info.pop(_KEY, None)
    if held is not None:
        for name, value in held.switches.items():
            conn.exec_driver_sql(f"PRAGMA {name} = {value}")


def _pragma(conn: Connection, name: str) -> int:
    return int(conn.exec_driver_sql(f"PRAGMA {name}").scalar_one())


def _is_busy(error: OperationalError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    return code in (SQLITE_BUSY, SQLITE_LOCKED)
