"""Entries in the process; stamps shared by the processes of the host."""

from __future__ import annotations

import enum
import threading
import time
from pathlib import Path
from typing import Any

from odac_db.cache.codec import decoded, encoded
from odac_db.cache.fifo import Fifo
from odac_db.cache.forks import renewed_in_children
from odac_db.cache.inventory import Inventory
from odac_db.cache.key import Key
from odac_db.cache.protocol import EVERYTHING, Away, Entry, Seen, Stamps, Tables
from odac_db.cache.remembered import MOST_NAMES
from odac_db.cache.rows import Rows
from odac_db.cache.stamps import (
    SLOTS,
    WIDTH,
    Cells,
    Stampbook,
    given_back,
    stampbook,
)
from odac_db.cache.tags import IMMUTABLE


class MemoryEntry:
    """An entry in its process. Rows that hold something mutable are kept as bytes."""

    __slots__ = ("expires", "packed", "places", "rows", "stamps")

    def __init__(self, stamps: Stamps, expires: float, rows: Rows | None, packed: bytes) -> None:
        self.stamps, self.expires = stamps, expires
        self.rows, self.packed = rows, packed
        self.places: tuple[tuple[int, int | bytes], ...] = ()  # where each stamp has to be

    def unpacked(self) -> Rows:
        return decoded(self.packed) if self.rows is None else self.rows


class MemoryStore:
    """The memory store of one database in this process."""

    def __init__(
        self,
        name: str,
        *,
        entries: int,
        size: int,
        token_seconds: float,
        directory: Path | None = None,
    ) -> None:
        self._name, self._directory = name, directory
        self._token_seconds = token_seconds
        self.fifo = Fifo(entries, size)
        self._places: dict[Tables, tuple[int, ...]] = {}
        self._announced: dict[int, tuple[Stampbook, Cells]] = {}
        self._running_out: dict[int, float] = {}  # when each token there does
        self.book = self._opened()
        self._has_it = True  # until it is closed
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        self._lock = threading.Lock()

    def look(self, key: Key, tables: Tables) -> Seen:
        """The entry first, then the stamps, one after the other."""
        book = self._there()
        if book.is_gone_soon():
            book = self._reopened(book)
        return Seen(found_in(self.fifo, key.local), book.current(self.places(tables)))

    def current(self, local: bytes) -> Rows | None:
        """The rows of a hit, or None: what ``look`` and the flow's comparison come to.

        The entry's own tables count, which were the right ones under its stamp of everything.
        """
        found = self.fifo.held.get(local)
        if found is None:
            return None
        held: MemoryEntry | None = found.value
        now = time.monotonic()
        book = self.book
        if held is None or held.expires <= now or (book.look_at < now and book.is_gone_soon()):
            return None
        words = book.words
        try:
            for place, stamp in held.places:
                if words[place] != stamp:
                    return None
        except ValueError:  # it has been closed
            return None
        if found.asked < 3:
            found.asked += 1
        rows = held.rows
        return rows if rows is not None else decoded(held.packed)

    def stamps(self, tables: Tables) -> Stamps | None:
        return self._there().current(self.places(tables))

    def settle(self, tables: Tables) -> Stamps | None:
        return self._there().settled(self.places(tables))

    def fill(self, key: Key, tables: Tables, entry: Entry, ttl: float) -> bool:
        """Stores the rows. Raises Unknown for what cannot be kept as it is."""
        kept, size = held_as(entry.stamps, entry.rows, ttl)
        kept.places = tuple(zip(self.places(tables), entry.stamps, strict=True))
        return self.fifo.put(key.local, kept, size + len(key.params))

    def announce(self, tables: Tables, token: int) -> int | bytes | None:
        """The stamp of everything, None while it is not to be relied on."""
        self._forget_what_ran_out()
        places = self.places(tables)
        book, before = self._announced.get(token, (self._there(), {}))
        try:
            cells = book.announce(places, before)
        except Away:
            book = self._reopened(book)
            cells = book.announce(places, {})
        self._running_out[token] = time.monotonic() + self._token_seconds
        self._announced[token] = (book, cells)
        current = book.current(self.places((EVERYTHING,)))
        return current[0] if current is not None else None

    def confirm(self, tables: Tables, token: int) -> None:
        runs_out = self._running_out.pop(token, 0.0)
        book, cells = self._announced.pop(token, (self.book, {}))
        if book.is_closed:
            book, cells = self._there(), {}
        places = self.places(tables)
        book.confirm(places, cells)
        if book.is_gone():
            self._reopened(book)
            self.book.confirm(self.places(tables), {})
        left = {place: cell for place, cell in cells.items() if place not in places}
        if left:
            self._running_out[token] = runs_out
            self._announced[token] = (book, left)

    def clear(self) -> None:
        self.fifo.clear()

    def close(self) -> None:
        """What is asked afterwards opens the stamps again."""
        self.fifo.clear()
        with self._lock:
            if self._has_it:
                self._has_it = False
                given_back(self.book)

    def places(self, tables: Tables) -> tuple[int, ...]:
        known = self._places
        found = known.get(tables)
        if found is None:
            if len(known) >= MOST_NAMES:
                known.clear()
            found = known[tables] = self._there().places(tables)
        return found

    def figures(self) -> dict[str, int]:
        return {
            "entries": len(self.fifo.held),
            "bytes": self.fifo.size,
            "evicted": self.fifo.evicted,
        }

    def inventory(self) -> Inventory:
        words = self._there().held()
        places = [place for place in range(WIDTH, (SLOTS + 1) * WIDTH, WIDTH) if words[place]]
        writing = tuple(f"slot {place // WIDTH - 1}" for place in places if words[place] & 1)
        return Inventory(store="memory", stamps=len(places), writing=writing)

    def _forget_what_ran_out(self) -> None:
        """Tokens of commits that nobody confirmed: their cells are as good as anybody's now."""
        now = time.monotonic()
        for token, then in self._running_out.copy().items():
            if then < now:
                self._running_out.pop(token, None)
                self._announced.pop(token, None)

    def _opened(self) -> Stampbook:
        return stampbook(self._name, token_seconds=self._token_seconds, directory=self._directory)

    def _there(self) -> Stampbook:
        return self.book if self._has_it else self._reopened(self.book)

    def _reopened(self, gone: Stampbook) -> Stampbook:
        """The stamps file was deleted or closed: what was read under its stamps means nothing."""
        with self._lock:
            if self.book is gone or not self._has_it:
                self.fifo.clear()
                book = self._opened()
                if self._has_it:
                    given_back(self.book)
                self.book, self._has_it, self._places = book, True, {}
            return self.book


def held_as(stamps: Stamps, rows: Rows, ttl: float) -> tuple[MemoryEntry, int]:
    """An entry to be put into a Fifo, and its size. Raises Unknown for what cannot be kept."""
    expires = time.monotonic() + ttl
    if shareable(rows):
        return MemoryEntry(stamps, expires, rows, b""), rows.size() + 300
    packed = encoded(rows)
    return MemoryEntry(stamps, expires, None, packed), len(packed) + 500


def found_in(fifo: Fifo, local: bytes) -> Entry | None:
    """The entry that is kept there, counted as asked for, unless its time is over."""
    found = fifo.held.get(local)
    held: MemoryEntry | None = None if found is None else found.value
    if found is None or held is None or held.expires <= time.monotonic():
        return None
    found.asked += found.asked < 3
    return Entry(held.stamps, held)


def shareable(rows: Rows) -> bool:
    """Whether nobody who is given these rows can change them."""
    classes = {type(value) for row in rows.rows for value in row}
    return all(cls in IMMUTABLE or issubclass(cls, enum.Enum) for cls in classes)


def rows_of(held: Any) -> Rows:
    """The rows behind what ``look`` found."""
    return held.unpacked() if isinstance(held, MemoryEntry) else held
