"""Reads of one database by way of its cache: the protocol's flow, performed over a store."""

from __future__ import annotations

import logging
import random
import re
import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from odac_db.cache.catalog import Catalog, Unread
from odac_db.cache.commits import Commits, Debts
from odac_db.cache.counts import Counts
from odac_db.cache.flights import Flights
from odac_db.cache.forks import renewed_in_children
from odac_db.cache.key import Key
from odac_db.cache.leases import Leases, Leasing
from odac_db.cache.memory import MemoryStore, rows_of
from odac_db.cache.moments import moment_among
from odac_db.cache.performing import CatalogMoved, Query, Reading, Store, run
from odac_db.cache.prepared import Asked, Prepared, Statements, shortened
from odac_db.cache.protocol import EVERYTHING, Answer, Away, Seen, read
from odac_db.cache.rows import Rows
from odac_db.cache.sessions import is_alike
from odac_db.cache.settings import Cache, CacheStats
from odac_db.cache.tags import Unknown, exact
from odac_db.cache.touched import Reads, reads
from odac_db.errors import CacheUnavailable
from odac_db.waits import THREADS, Waits

log = logging.getLogger("odac_db.cache")
_TRIES = 3
_LONGEST = 10_000  # bytes of a key that is remembered
_LIST = re.compile(r"__\[POSTCOMPILE_[^\]]*\]")


@dataclass(frozen=True, slots=True)
class Missed:
    """What was seen that is no hit, by the statement as it was prepared then."""

    seen: Seen
    prepared: Prepared


@dataclass(slots=True)
class _How:
    """How a read is to be done, as ``Caching.read`` was told."""

    ttl: float | None
    depends_on: Collection[str] | None
    shares: bool
    local: bytes | None
    missed: Missed | None


class Caching:
    """The cache of one database. ``identity`` tells it from all others in keys."""

    def __init__(
        self,
        settings: Cache,
        store: Store,
        catalog: Catalog | None,
        statements: Statements,
        identity: bytes,
        waits: Waits = THREADS,
    ) -> None:
        self.settings = settings
        self.store = store
        self.statements = statements
        self.counts = Counts()
        self._catalog = catalog
        self._identity = identity
        self._waits = waits
        self._flights = Flights(waits)
        self._memory = store if isinstance(store, MemoryStore) else None
        self._leases = Leases(store, waits) if isinstance(store, Leasing) else None
        self._recent: OrderedDict[bytes, tuple[Prepared, Key]] = OrderedDict()
        self._known: int | bytes | None = None  # the stamp of everything, as last seen
        self._samples = settings.sample > 0
        self._debts = Debts(store, waits)
        self.commits = Commits(settings, store, catalog, self.counts, self._debts)
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        self._lock = threading.Lock()

    def read(
        self,
        asked: Asked,
        query: Query,
        *,
        ttl: float | None = None,
        depends_on: Collection[str] | None = None,
        shares: bool = True,
        local: bytes | None = None,
        missed: Missed | None = None,
    ) -> Rows:
        """The rows, from the store if they are current there, else by ``query``.

        ``shares``: the query of another thread or process may answer, asked under the same stamps.
        ``local``: how this process finds it, for callers who know that sooner, and who have
        asked ``recall`` for it.
        """
        self._waits.begin()
        if self._catalog is None:
            self.counts.refused("one connection for all threads: a SQLite database in memory")
            return query()
        if asked.refused:
            self.counts.refused(asked.refused)
            return query()
        try:
            params = asked.params()
        except Unknown as unknown:
            self.counts.refused(f"a parameter of the class {unknown}")
            return query()
        if local is None:
            last = self.statements.last(asked.compiled, depends_on)
            found = self.recall(last.place + params) if last is not None else None
            if isinstance(found, Rows):
                return found
            missed = found
        how = _How(ttl, depends_on, shares, local, missed)
        try:
            return self._through(asked, params, query, how)
        except Away:
            self.counts.read("away")
        except CatalogMoved:
            self.counts.read("bypass")
        except Unread:
            self.counts.refused("the catalog cannot be read at the moment")
        return query()

    def local(self, place: bytes, values: tuple[Any, ...]) -> bytes | None:
        """How this process finds a read, None for values that cannot be told exactly."""
        try:
            return place + exact(values)
        except Unknown:
            return None

    def recall(self, local: bytes) -> Rows | Missed | None:
        """A hit on the shortest way: in this process, or by what was asked of Redis last time.

        What is missed is to be given to ``read``.
        """
        if self._debts.owed or self._samples:
            return None
        if self._memory is not None:
            rows = self._memory.current(local)
            if rows is not None:
                self.counts.hits += 1
            return rows
        recent = self._recent.get(local)
        if recent is None:
            return None
        self._waits.begin()
        prepared, key = recent
        try:
            seen = self.store.look(key, prepared.tables)
        except Away:
            return None
        entry, stamps = seen.entry, seen.stamps
        if entry is None or entry.stamps != stamps or stamps[0] != prepared.everything:
            return Missed(seen, prepared)
        self.counts.hits += 1
        return rows_of(entry.rows)

    def _through(self, asked: Asked, params: bytes, query: Query, how: _How) -> Rows:
        """The same by the protocol. Raises Away and CatalogMoved before the query has run."""
        self._debts.pay()
        known = self._known
        if known is None:
            known = self._known = self._everything()
        if known is None:
            self._begin(asked, how.depends_on)
            self.counts.read("bypass")
            return query()
        for attempt in range(_TRIES):
            prepared = self._prepared(asked, how.depends_on, known)
            refused = prepared.refused or _clock_word(asked.values)
            if refused:
                self.counts.refused(refused)
                return query()
            reading = self._reading(prepared, query, how, known)
            key = prepared.key(params, how.local)
            try:
                answer = run(read(key, prepared.tables), reading)
            except CatalogMoved as moved:
                known = self._known = moved.stamp
                if attempt == _TRIES - 1:
                    raise
                continue
            self._remember(prepared, key)
            return self._answered(answer, reading, prepared, query)
        raise AssertionError("the last try returns or raises")

    def _reading(
        self, prepared: Prepared, query: Query, how: _How, everything: int | bytes
    ) -> Reading:
        seconds = self.settings.ttl if how.ttl is None else how.ttl
        flights, leases = (self._flights, self._leases) if how.shares else (None, None)
        missed, how.missed = how.missed, None  # good for one look
        seen = missed.seen if missed and missed.prepared is prepared else None
        return Reading(self.store, flights, leases, query, seconds, everything, seen)

    def _remember(self, prepared: Prepared, key: Key) -> None:
        """For ``recall``. Bounded: so many keys, none with a text of megabytes in it."""
        if self._memory is None and len(key.material) <= _LONGEST:
            self._recent[key.local] = (prepared, key)
            shortened(self._recent, self._lock)

    def _begin(self, asked: Asked, depends_on: Collection[str] | None) -> None:
        """While nothing is certain: stamps that are missing begin to wait together."""
        assert self._catalog is not None
        reach = self._catalog.last() or self._catalog.at(None)
        sql = _LIST.sub("NULL", str(asked.compiled))
        self.store.settle(reads(sql, reach, depends_on).tables)

    def _answered(self, answer: Answer, reading: Reading, prepared: Prepared, query: Query) -> Rows:
        self.counts.read(answer.source)
        if reading.filled:
            self.counts.count("fills")
        if reading.strange:
            self.counts.refused("the session of the connection was changed")
        if reading.unknown:
            self.counts.count("unknown_values")
            log.info("not cached: a value of the class %s", reading.unknown)
        rows = rows_of(answer.rows)
        sample = self.settings.sample
        if answer.source == "hit" and sample and random.random() * sample < 1:  # noqa: S311
            self._sample(rows, reading, prepared, query)
        return rows

    def _sample(self, rows: Rows, reading: Reading, prepared: Prepared, query: Query) -> None:
        """Reads a hit again. It differs only if nobody has written meanwhile."""
        again = query()
        if self.store.stamps(prepared.tables) != reading.stamps:
            return
        self.counts.count("sampled")
        if sorted(map(repr, rows.rows)) != sorted(map(repr, again.rows)):
            self.counts.count("mismatches")
            log.error("a hit differs from the database; tables %s", ", ".join(prepared.tables[1:]))

    def _everything(self) -> int | bytes | None:
        """The stamp of everything; None while a token stands. Raises Away."""
        found = self.store.stamps((EVERYTHING,)) or self.store.settle((EVERYTHING,))
        return found[0] if found is not None else None

    def _prepared(
        self, asked: Asked, depends_on: Collection[str] | None, everything: int | bytes
    ) -> Prepared:
        def depends(sql: str) -> tuple[bytes, Reads]:
            assert self._catalog is not None
            reach = self._catalog.at(everything)
            found = reads(_LIST.sub("NULL", sql), reach, depends_on)
            return self._identity + reach.fingerprint.encode() + b"\0", found

        return self.statements.prepared(asked.compiled, depends_on, everything, depends)

    def is_alike(self, connection: Connection) -> bool:
        """Whether what is read there may be given to others."""
        reach = self._catalog.last() if self._catalog is not None else None
        return reach is not None and is_alike(connection, reach)

    def clear(self) -> None:
        """Drops entries, to have their room back. Raises CacheUnavailable."""
        try:
            self.store.clear()
        except Away as away:
            raise CacheUnavailable(str(away)) from away

    def close(self) -> None:
        self._debts.close()
        self.store.close()

    def stats(self) -> CacheStats:
        reach = self._catalog.last() if self._catalog is not None else None
        stats = self.counts.stats(self.store.figures())
        return replace(stats, warning=reach.warning) if reach is not None else stats


def _clock_word(values: tuple[Any, ...]) -> str:
    """PostgreSQL takes the text 'now' for a moment."""
    return "a parameter may be the time of day" if moment_among(values) else ""
