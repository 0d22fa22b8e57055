"""The migration lock, and the transaction around a plan.

GET_LOCK names belong to the whole server, so the database is part of the name. The lock
ends with the session: a killed process never leaves it behind. It is asked for and never
waited for, so that followers can poll and say so.
"""

from __future__ import annotations

import contextlib

import xxhash
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from odac_db.dialects.mysql.features import MySQLFeatures


def lock_name(features: MySQLFeatures) -> str:
    """At most 64 characters, whatever the database's name."""
    return f"odac-db.migrate.{xxhash.xxh3_64_hexdigest(features.namespace.encode())}"


def try_lock(connection: Connection, features: MySQLFeatures) -> bool:
    """Whether this session holds the lock now. Asking again while holding it is harmless."""
    holder = connection.exec_driver_sql(
        "SELECT IS_USED_LOCK(%s) = CONNECTION_ID()", (lock_name(features),)
    ).scalar_one()
    if holder == 1:
        return True
    answer = connection.exec_driver_sql(
        "SELECT GET_LOCK(%s, 0)", (lock_name(features),)
    ).scalar_one()
    return bool(answer == 1)


def unlock(connection: Connection, features: MySQLFeatures) -> None:
    """Gives the lock back. A connection that is broken has lost it already."""
    with contextlib.suppress(SQLAlchemyError):
        connection.exec_driver_sql("DO RELEASE_LOCK(%s)", (lock_name(features),))


def begin(connection: Connection, features: MySQLFeatures) -> None:
    """Starts a transaction. The first DDL statement ends it: that much these servers promise."""
    connection.exec_driver_sql("START TRANSACTION")


def commit(connection: Connection, features: MySQLFeatures) -> None:
    """Commits what row changes are open."""
    connection.exec_driver_sql("COMMIT")


def rollback(connection: Connection, features: MySQLFeatures) -> None:
    """Undoes the row changes since ``begin`` or the last DDL; nothing on a broken connection."""
    with contextlib.suppress(SQLAlchemyError):
        connection.exec_driver_sql("ROLLBACK")
