"""An application's transaction. DDL inside it commits what came before."""

from __future__ import annotations

from sqlalchemy import Connection, RootTransaction

from odac_db.dialects.base import Isolation


def start(conn: Connection, isolation: Isolation | None) -> RootTransaction:
    """Begins it. The pool gives the connection its own isolation back."""
    if isolation is not None:
        conn.execution_options(isolation_level=isolation)
    return conn.begin()


def is_open(conn: Connection) -> bool:
    """The drivers cannot tell: what ended it is known by its error (``failure``)."""
    return True
