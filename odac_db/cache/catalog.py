"""The catalog as invalidation needs it, read again whenever something has changed everything.

DDL replaces the stamp of everything, so the catalog that was read under its current stamp is
as it was. A catalog read after the last statement of a transaction is right for it: DDL that
would change what its statements touched waits for its locks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from odac_db.cache.forks import renewed_in_children
from odac_db.dialects.reach import Reach
from odac_db.waits import Waits

log = logging.getLogger("odac_db.cache")
Stamp = int | bytes | None
_LATELY = 1.0  # seconds that a catalog is good for when nobody can say whether it still is
_PAUSE = 1.0  # seconds without trying after it could not be read


class Unread(Exception):
    """The catalog cannot be read at this moment."""


class Catalog:
    """``read`` reads it, on a connection of its own. What it raises is raised as Unread."""

    def __init__(self, read: Callable[[], Reach], waits: Waits) -> None:
        self._read = read
        self._found: tuple[Stamp, Reach] | None = None
        self._unread_until = self._read_at = 0.0
        self._waits = waits
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        self._lock = self._waits.lock()

    def at(self, stamp: Stamp) -> Reach:
        """As of that stamp of everything; None is nothing to rely on, and it is read.

        Raises Unread.
        """
        found = self._found
        if found is not None and stamp is not None and found[0] == stamp:
            return found[1]
        with self._lock:
            found = self._found
            if found is not None and stamp is not None and found[0] == stamp:
                return found[1]
            self._read_at = time.monotonic()
            reach = self._now()
            self._found = (stamp, reach)
            return reach

    def last(self) -> Reach | None:
        """The one that was read last, if any."""
        return self._found[1] if self._found else None

    def lately(self) -> Reach | None:
        """The one that was read last, if that was within a second."""
        return self.last() if time.monotonic() < self._read_at + _LATELY else None

    def _now(self) -> Reach:
        """Whoever comes while others could not read it goes without."""
        if time.monotonic() < self._unread_until:
            raise Unread("it could not be read a moment ago")
        try:
            return self._read()
        except Exception as error:
            self._unread_until = time.monotonic() + _PAUSE
            log.warning("the catalog cannot be read, so nothing is cached: %s", error)
            raise Unread(str(error)) from error
