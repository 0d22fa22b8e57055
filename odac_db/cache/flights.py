"""One query for all who miss the same rows under the same stamps at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from odac_db.cache.forks import renewed_in_children
from odac_db.cache.protocol import Loaded
from odac_db.waits import Event, Waits

PATIENCE = 10.0  # seconds to wait for another's query before running it oneself


class Flights:
    """Those on their way. Who joins has seen the stamps that the leader saw, so the rows fit."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """With nobody on the way: who was is in the parent."""
        self._flying: dict[Any, _Flight] = {}
        self._lock = threading.Lock()

    def load(self, key: Any, lead: Callable[[], Loaded], alone: Callable[[], Loaded]) -> Loaded:
        """The leader's rows, or where it failed or takes too long one's own."""
        with self._lock:
            flight = self._flying.get(key)
            led = flight is None
            if flight is None:
                flight = self._flying[key] = _Flight(self._waits.event())
        if led:
            try:
                flight.loaded = lead()
                flight.landed = not flight.loaded.rows.strange
            finally:
                with self._lock:
                    self._flying.pop(key, None)
                flight.over.set()
            return flight.loaded
        if flight.over.wait(PATIENCE) and flight.landed:
            return Loaded(flight.loaded.rows, led=False)
        return alone()


class _Flight:
    def __init__(self, over: Event) -> None:
        self.over = over
        self.landed = False
        self.loaded = Loaded(None)
