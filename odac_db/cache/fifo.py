"""A bounded map: S3-FIFO (Yang et al., SOSP 2023) with a limit of entries and one of bytes.

What is asked for once leaves through a small queue; what is asked for again goes to the main
one, which gives second chances. A key that left the small queue and returns goes to the main
one at once. Reads take no lock.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from typing import Any

from odac_db.cache.forks import renewed_in_children

_SMALL = 0.1  # of both limits


class Held:
    """A value and its size. ``asked`` counts reads up to 3."""

    __slots__ = ("asked", "key", "main", "size", "value")

    def __init__(self, key: Any, value: Any, size: int) -> None:
        self.key, self.value, self.size = key, value, size
        self.asked = 0
        self.main = False


class Fifo:
    """``held`` may be read directly; a reader counts by raising ``asked``."""

    def __init__(self, entries: int, size: int) -> None:
        self.held: dict[Any, Held] = {}
        self.size = 0
        self.evicted = 0
        self._entries, self._size = entries, size
        self._small: deque[Held] = deque()
        self._main: deque[Held] = deque()
        self._small_size = 0
        self._left: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()
        renewed_in_children(self)

    def renew(self) -> None:
        """Empty where another thread of the parent was about to change it."""
        half_done, self._lock = self._lock.locked(), threading.Lock()
        if half_done:
            self.clear()

    def put(self, key: Any, value: Any, size: int) -> bool:
        """Stores it. False for what alone is larger than a tenth of all."""
        with self._lock:
            self._drop(key)
            if size > self._size * _SMALL:
                return False
            held = Held(key, value, size)
            held.main = self._left.pop(hash(key), self) is None
            self.held[key] = held
            self.size += size
            self._queue(held)
            while len(self.held) > self._entries or self.size > self._size:
                self._evict()
            return True

    def drop(self, key: Any) -> None:
        with self._lock:
            self._drop(key)

    def clear(self) -> None:
        with self._lock:
            self.held.clear()
            self._small.clear()
            self._main.clear()
            self._left.clear()
            self.size = self._small_size = 0

    def _queue(self, held: Held) -> None:
        if held.main:
            self._main.append(held)
        else:
            self._small.append(held)
            self._small_size += held.size

    def _drop(self, key: Any) -> None:
        """Forgets the value; what is queued of it goes when its turn comes."""
        held = self.held.pop(key, None)
        if held is not None:
            self.size -= held.size
            held.value = None
            if len(self._small) + len(self._main) > 2 * len(self.held) + 64:
                self._swept()

    def _swept(self) -> None:
        self._small = deque(one for one in self._small if self.held.get(one.key) is one)
        self._main = deque(one for one in self._main if self.held.get(one.key) is one)
        self._small_size = sum(one.size for one in self._small)

    def _evict(self) -> None:
        """One step towards fewer entries."""
        many = len(self._small) > self._entries * _SMALL
        if self._small and (many or self._small_size > self._size * _SMALL or not self._main):
            held = self._small.popleft()
            self._small_size -= held.size
            if self.held.get(held.key) is not held:
                return
            if held.asked > 1:
                held.asked, held.main = 0, True
                self._main.append(held)
                return
            self._left[hash(held.key)] = None
            while len(self._left) > self._entries:
                self._left.popitem(last=False)
        else:
            held = self._main.popleft()
            if self.held.get(held.key) is not held:
                return
            if held.asked:
                held.asked -= 1
                self._main.append(held)
                return
        del self.held[held.key]
        self.size -= held.size
        self.evicted += 1
