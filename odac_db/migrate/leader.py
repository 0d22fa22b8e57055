"""One process migrates; the others wait and then find nothing to do.

The lock is the server's own and ends with its holder's connection. It is polled, never
waited for inside the server: a session that blocks on an advisory lock holds a snapshot,
and that deadlocks with CREATE INDEX CONCURRENTLY on PostgreSQL.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import LockNotAcquired

FIRST_WAIT = 0.02
LONGEST_WAIT = 0.5


@contextmanager
def leading(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    timeout: float,
    sleep: Callable[[float], None] = time.sleep,
    waited: float = 0.0,
) -> Iterator[None]:
    """Holds the migration lock of this database (or PostgreSQL schema).

    Raises LockNotAcquired when it cannot be had within ``timeout`` seconds, of which
    ``waited`` are over already. On SQLite the lock is the write transaction itself.
    """
    _take(conn, dialect, features, timeout, sleep, waited)
    try:
        yield
    finally:
        dialect.unlock(conn, features)


def lead_on(conn: Connection, dialect: Dialect, features: Features, timeout: float) -> None:
    """Takes the lock again where a commit has ended it, inside ``leading``.

    Another process may have led in between. Raises LockNotAcquired.
    """
    if features.lock_ends_with_commit:
        _take(conn, dialect, features, timeout, time.sleep)


def _take(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    timeout: float,
    sleep: Callable[[float], None],
    waited: float = 0.0,
) -> None:
    started = time.monotonic() - waited
    wait = FIRST_WAIT
    while not dialect.try_lock(conn, features):
        waited = time.monotonic() - started
        if waited >= timeout:
            raise LockNotAcquired(timeout)
        # Jitter keeps a fleet that booted together from knocking together.
        sleep(min(wait * random.uniform(0.5, 1.5), timeout - waited))  # noqa: S311
        wait = min(wait * 1.5, LONGEST_WAIT)
