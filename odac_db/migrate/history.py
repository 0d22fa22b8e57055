"""What earlier runs did, and which of them are over though nobody wrote it down."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.base import Dialect
from odac_db.migrate import ledger
from odac_db.migrate.ledger import HistoryEntry


def history(conn: Connection, dialect: Dialect) -> tuple[HistoryEntry, ...]:
    """Every run, oldest first. Writes nothing.

    A run that left its row at ``running`` and holds the migration lock no more has died.
    The lock is taken for a moment to tell the two apart, and only where there is such a row.
    """
    entries = ledger.history(conn)
    if not any(entry.status == "running" for entry in entries):
        return entries
    features = dialect.features(conn)
    if not dialect.try_lock(conn, features):
        return entries
    try:
        entries = ledger.history(conn)  # it may have ended between the look and the lock
    finally:
        dialect.unlock(conn, features)
    return tuple(
        msgspec.structs.replace(entry, status=ledger.DIED) if entry.status == "running" else entry
        for entry in entries
    )
