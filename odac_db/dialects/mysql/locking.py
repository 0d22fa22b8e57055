"""How a statement waits for tables that are in use: for metadata locks.

An ALTER that waits behind an open transaction makes everybody wait who comes after it:
https://dev.mysql.com/doc/refman/8.4/en/metadata-locking.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from odac_db.dialects.base import Claim, Locking
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.statement_text import shape_of
from odac_db.schema.changes import Change
from odac_db.schema.model import Schema

_BUSY = frozenset({1205, 1213})  # lock wait timeout, deadlock
# Algorithm or lock not supported (with and without a reason), unknown algorithm, and
# MySQL's limit of 64 instant changes of a table.
_CANNOT = frozenset({1845, 1846, 1800, 4092})
_FOREVER = 31_536_000  # the server's own maximum, a year
_BY_TABLE = """SELECT DISTINCT t.PROCESSLIST_ID, t.PROCESSLIST_USER, t.PROCESSLIST_COMMAND,
t.PROCESSLIST_TIME, coalesce(t.PROCESSLIST_INFO, '')
FROM performance_schema.metadata_locks l
JOIN performance_schema.threads t ON t.THREAD_ID = l.OWNER_THREAD_ID
WHERE l.LOCK_STATUS = 'GRANTED' AND l.OBJECT_SCHEMA = DATABASE() AND l.OBJECT_NAME = %s
AND t.PROCESSLIST_ID <> CONNECTION_ID() ORDER BY 4 DESC LIMIT 5"""
# MariaDB tells who holds which metadata lock only with a plugin that few install.
_BY_TRANSACTION = """SELECT p.ID, p.USER, p.COMMAND,
timestampdiff(SECOND, x.trx_started, now()), coalesce(x.trx_query, '')
FROM information_schema.INNODB_TRX x
JOIN information_schema.PROCESSLIST p ON p.ID = x.trx_mysql_thread_id
WHERE p.DB = DATABASE() AND p.ID <> CONNECTION_ID() ORDER BY 4 DESC LIMIT 5"""


def claims(
    changes: Sequence[Change],
    current: Schema,
    features: MySQLFeatures,
) -> tuple[Claim, ...]:
    """None: DDL takes its locks itself and gives them back at once."""
    return ()


def limit(connection: Connection, seconds: float | None, features: MySQLFeatures) -> None:
    """How long DDL of this session waits for a table, in whole seconds; None: for a year."""
    whole = _FOREVER if seconds is None else max(1, math.ceil(seconds))
    connection.exec_driver_sql(f"SET SESSION lock_wait_timeout = {whole}")


def is_busy(error: BaseException) -> bool:
    return bool(error.args) and error.args[0] in _BUSY


def cannot(error: BaseException) -> bool:
    """Whether an ALTER was refused because of its ALGORITHM or LOCK; nothing was copied."""
    return bool(error.args) and error.args[0] in _CANNOT


def holders(connection: Connection, table: str, features: MySQLFeatures) -> tuple[str, ...]:
    """The sessions that hold the table, or on MariaDB have a transaction open in the database.

    Their statements are shown without values. What this user may not see is left out.
    """
    with suppress(SQLAlchemyError):
        if features.mariadb:
            rows = connection.exec_driver_sql(_BY_TRANSACTION).all()
        else:
            rows = connection.exec_driver_sql(_BY_TABLE, (table,)).all()
        return tuple(_told(*row) for row in rows)
    return ()


def _told(number: int, user: str, command: str, seconds: int | None, query: str) -> str:
    since = "" if seconds is None else f", for {seconds} s"
    shape = shape_of(query, double_quotes_are_text=True)
    return f"connection {number} ({user}, {command.lower()}{since}){f': {shape}' if shape else ''}"


LOCKING = Locking(claims=claims, limit=limit, is_busy=is_busy, cannot=cannot, holders=holders)
