"""An application's transaction."""

from __future__ import annotations

from sqlalchemy import Connection, RootTransaction

from odac_db.dialects.base import Isolation

_FAILED = 3
"""libpq's PQTRANS_INERROR: the server refuses everything but the transaction's end."""


def start(conn: Connection, isolation: Isolation | None) -> RootTransaction:
    """Begins it. The pool gives the connection its own isolation back."""
    if isolation is not None:
        conn.execution_options(isolation_level=isolation)
    return conn.begin()


def is_open(conn: Connection) -> bool:
    """Whether no statement has failed in it, but for those undone by a savepoint."""
    driver = conn.connection.dbapi_connection
    status = getattr(getattr(driver, "info", None), "transaction_status", None)
    return status is None or int(status) != _FAILED
