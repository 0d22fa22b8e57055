"""One query among processes: whoever misses first in Redis asks the database, others wait.

A lease saves queries and decides nothing. Who waits takes only rows that were stored under the
stamps it has seen itself; who has waited long enough, or finds Redis away, asks the database.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from odac_db.cache.flights import PATIENCE
from odac_db.cache.key import Key
from odac_db.cache.memory import rows_of
from odac_db.cache.protocol import Away, Seen, Stamps, Tables
from odac_db.cache.rows import Rows
from odac_db.waits import Waits

_WORTH = 0.005  # seconds of a query from which on it is worth two more round trips
_FIRST = 1.0  # seconds of a lease for a query that nobody here has timed
_LEEWAY = 3  # how many times as long as last time it may take before others ask, too
_SOONEST, _LATEST = 0.005, 0.05  # seconds between looks at what another is about to store
_IN_VAIN = -1.0  # in place of the time of a query whose rows were not stored
_KEPT = 2000  # queries whose time is remembered


@runtime_checkable
class Leasing(Protocol):
    """A store that other processes fill, too."""

    def look(self, key: Key, tables: Tables) -> Seen: ...

    def claim(self, key: Key, stamps: Stamps, token: bytes, seconds: float) -> bytes:
        """Whose these rows are to fetch: this token's for so long, unless another came first."""

    def holder(self, key: Key, stamps: Stamps) -> bytes:
        """Whose they are now; empty if nobody's."""

    def release(self, key: Key, stamps: Stamps, token: bytes) -> None:
        """Nobody's, if they were this token's."""


@dataclass
class Lease:
    """The leave to fetch rows. ``held``: others may wait for them."""

    leases: Leases
    key: Key
    stamps: Stamps
    token: bytes = field(default_factory=lambda: secrets.token_bytes(8))
    held: bool = False
    took: float = 0.0

    def fetched(self, query: Callable[[], Rows]) -> Rows:
        """The query's rows; ended if there are none."""
        begun = time.monotonic()
        try:
            rows = query()
        except BaseException:
            self.end(stored=False)
            raise
        self.took = time.monotonic() - begun
        return rows

    def end(self, *, stored: bool) -> None:
        """Nobody need wait any longer, and next time only if there was something to wait for."""
        self.leases.note(self.key, self.took if stored else _IN_VAIN)
        if self.held:
            with suppress(Away):
                self.leases.store.release(self.key, self.stamps, self.token)


class Leases:
    """Those of one database in this process."""

    def __init__(self, store: Leasing, waits: Waits) -> None:
        self.store, self._waits = store, waits
        self._took: dict[bytes, float] = {}

    def begin(self, key: Key, tables: Tables, stamps: Stamps) -> Rows | Lease:
        """The rows that another process has stored meanwhile, or the leave to fetch them.

        One other is waited for, and no second one: who finds nothing then asks for itself,
        beside all others. Nobody waits for a query that was quick, or not stored, last time.
        """
        lease = Lease(self, key, stamps)
        took = self._took.get(key.head)
        if took is not None and took < _WORTH:
            return lease
        seconds = _FIRST if took is None else min(PATIENCE, max(_FIRST, _LEEWAY * took))
        with suppress(Away):
            holder = self.store.claim(key, stamps, lease.token, seconds)
            lease.held = holder == lease.token
            if lease.held:  # who had it before may have stored them since they were looked for
                return self._stored(lease, tables) or lease
            if holder:
                return self._waited(lease, tables, holder, seconds) or lease
        return lease

    def _stored(self, lease: Lease, tables: Tables) -> Rows | None:
        """What is stored now; then the lease is nobody's any more."""
        seen = self.store.look(lease.key, tables)
        if seen.entry is None or not seen.entry.stamps == seen.stamps == lease.stamps:
            return None
        self.store.release(lease.key, lease.stamps, lease.token)
        return rows_of(seen.entry.rows)

    def note(self, key: Key, seconds: float) -> None:
        """How long the query has taken."""
        if len(self._took) >= _KEPT:
            self._took.clear()
        self._took[key.head] = seconds

    def _waited(self, lease: Lease, tables: Tables, holder: bytes, seconds: float) -> Rows | None:
        """What the holder has stored; None if it has not, will not, or is not waited for longer."""
        key, stamps = lease.key, lease.stamps
        end, pause = time.monotonic() + seconds, _SOONEST
        is_held = True
        while is_held and time.monotonic() < end:
            self._waits.pause(pause)
            pause = min(_LATEST, 2 * pause)
            is_held = self.store.holder(key, stamps) == holder  # first: it stores, then it lets go
            seen = self.store.look(key, tables)
            if seen.stamps != stamps:
                return None
            if seen.entry is not None and seen.entry.stamps == stamps:
                return rows_of(seen.entry.rows)
        return None
