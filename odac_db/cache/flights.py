"""One query for all who miss the same rows under the same stamps at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from odac_db.cache.protocol import Loaded
from odac_db.waits import Event, Waits

PATIENCE = 10.0  # seconds to wait for another's query before running it oneself


class Flights:
    """Those on their way. Who joins has seen the stamps that the leader saw, so the rows fit."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._flying: dict[Any, _Flight] = {}
        self._lock = threading.Lock()

    def load(self, key: Any, query: Callable[[], Loaded]) -> Loaded:
        """The leader's rows, or the own ones where it failed or takes too long."""
        with self._lock:
            flight = self._flying.get(key)
            led = flight is None
            if flight is None:
                flight = self._flying[key] = _Flight(self._waits.event())
        if led:
            try:
                flight.loaded = query()
                flight.landed = not flight.loaded.rows.strange
            finally:
                with self._lock:
                    del self._flying[key]
                flight.over.set()
            return flight.loaded
        if flight.over.wait(PATIENCE) and flight.landed:
            return Loaded(flight.loaded.rows, led=False)
        return query()


class _Flight:
    def __init__(self, over: Event) -> None:
        self.over = over
        self.landed = False
        self.loaded = Loaded(None)
