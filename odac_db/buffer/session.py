"""The connection that flushes use: their own, so that what it is set to is nobody else's."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import Connection, Engine

from odac_db.dialects.buffering import Buffering

_PARENTS: list[Connection] = []
"""Kept for ever: closing one in a child would say goodbye in its parent's name."""


class Session:
    """One connection out of an engine's pool, made when it is needed and dropped by any error.

    ``made`` counts the connections: what was known of the database before another one was
    made has to be asked again, because the database may have lost what it had committed.
    """

    def __init__(self, engine: Engine, buffering: Buffering) -> None:
        self.made = 0
        self._engine = engine
        self._buffering = buffering
        self._conn: Connection | None = None

    @property
    def is_open(self) -> bool:
        return self._conn is not None

    def connection(self) -> Connection:
        """The connection, in no transaction. Raises what the driver raises."""
        if self._conn is not None and self._conn.in_transaction():
            self.drop()  # whoever was in the midst of it was interrupted, and is gone
        if self._conn is None:
            conn = self._engine.connect()
            try:
                self._buffering.prepare(conn)
                conn.detach()
            except BaseException:
                self._close(conn)
                raise
            self.made += 1
            self._conn = conn
        return self._conn

    def drop(self) -> None:
        """Closes it, whatever state it is in."""
        conn, self._conn = self._conn, None
        if conn is not None:
            self._close(conn)

    def forget(self) -> None:
        """Leaves it to the parent of this forked process, whose connection it is."""
        if self._conn is not None:
            _PARENTS.append(self._conn)
            self._conn = None

    def _close(self, conn: Connection) -> None:
        with suppress(Exception):
            conn.close()
