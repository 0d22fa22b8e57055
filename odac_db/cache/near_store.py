"""Redis with a near cache: entries in the process, too, their stamps asked of Redis each time.

A hit is one tiny round trip and nothing to decode. An entry here is a copy of one that was in
Redis, or was going there, with the stamps it has there. So it is to the protocol what the
entry in Redis is: something read under stamps that are never used twice, of which only the
current ones make a hit. Redis may lose its copy, be emptied or put back: that changes stamps.
"""

from __future__ import annotations

from odac_db.cache.fifo import Fifo
from odac_db.cache.inventory import Inventory
from odac_db.cache.key import Key
from odac_db.cache.memory import found_in, held_as
from odac_db.cache.protocol import Entry, Seen, Stamps, Tables
from odac_db.cache.redis_store import RedisStore


class NearStore:
    """``far``, and of its entries as many in this process as the bounds allow."""

    def __init__(self, far: RedisStore, *, entries: int, size: int) -> None:
        self.far = far
        self.fifo = Fifo(entries, size)

    def look(self, key: Key, tables: Tables) -> Seen:
        """The entry here, if it is current; else the one in Redis, which is then kept here."""
        entry = found_in(self.fifo, key.local)
        if entry is not None:
            stamps = self.far.stamps(tables)
            if stamps is None or entry.stamps == stamps:
                return Seen(entry, stamps)
        seen, life = self.far.look_and_life(key, tables)
        if seen.entry is not None and seen.entry.stamps == seen.stamps and life > 0:
            self._keep(key, seen.entry, life)
        return seen

    def stamps(self, tables: Tables) -> Stamps | None:
        return self.far.stamps(tables)

    def settle(self, tables: Tables) -> Stamps | None:
        return self.far.settle(tables)

    def fill(self, key: Key, tables: Tables, entry: Entry, ttl: float) -> bool:
        """Stores the rows, here and there. Raises Unknown for what cannot be kept as it is."""
        filled = self.far.fill(key, tables, entry, ttl)
        self._keep(key, entry, ttl)
        return filled

    def claim(self, key: Key, stamps: Stamps, token: bytes, seconds: float) -> bytes:
        return self.far.claim(key, stamps, token, seconds)

    def holder(self, key: Key, stamps: Stamps) -> bytes:
        return self.far.holder(key, stamps)

    def release(self, key: Key, stamps: Stamps, token: bytes) -> None:
        self.far.release(key, stamps, token)

    def announce(self, tables: Tables, token: int) -> int | bytes | None:
        return self.far.announce(tables, token)

    def confirm(self, tables: Tables, token: int) -> None:
        self.far.confirm(tables, token)

    def clear(self) -> None:
        self.fifo.clear()
        self.far.clear()

    def close(self) -> None:
        self.fifo.clear()
        self.far.close()

    def figures(self) -> dict[str, int]:
        return {
            "entries": len(self.fifo.held),
            "bytes": self.fifo.size,
            "evicted": self.fifo.evicted,
        }

    def inventory(self) -> Inventory:
        return self.far.inventory()

    def _keep(self, key: Key, entry: Entry, ttl: float) -> None:
        """For no longer than in Redis, so that what a degraded write left stale ends in time."""
        held, size = held_as(entry.stamps, entry.rows, ttl)
        self.fifo.put(key.local, held, size + len(key.params))
