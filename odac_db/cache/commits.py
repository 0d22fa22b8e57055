"""Commits of one database, announced and confirmed; and what is owed where that failed."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress

from odac_db.cache import naming
from odac_db.cache.catalog import Catalog, Unread
from odac_db.cache.counts import Counts
from odac_db.cache.forks import renewed_in_children
from odac_db.cache.ongoing import Ongoing
from odac_db.cache.performing import Bracket, Committing, Store, run
from odac_db.cache.protocol import EVERYTHING, Away, Flow, Outcome, Tables, commit
from odac_db.cache.settings import Cache
from odac_db.cache.touched import calls_writers, touching, writes
from odac_db.cache.words import may_call
from odac_db.dialects.reach import Reach
from odac_db.errors import CacheUnavailable
from odac_db.waits import Waits

log = logging.getLogger("odac_db.cache")


_AGAIN = 0.5  # seconds between tries to pay while nobody reads or commits


class Debts:
    """Tables that were committed while the store was away. Until it knows there are no hits.

    It is told by the next read or commit that finds it there, or else by a thread or task of
    its own, which lives while something is owed.
    """

    def __init__(self, store: Store, waits: Waits) -> None:
        self._store, self._waits = store, waits
        self.owed: set[str] = set()
        self.renew()
        renewed_in_children(self)

    def renew(self) -> None:
        """What the parent owes a child owes, too: its hits would be as old."""
        self._coming_back = False
        self._lock = self._waits.lock()
        self._closing = self._waits.event()

    def owe(self, tables: Tables) -> None:
        if not self.owed:
            log.warning("the store of the cache is away: no hits until it is back")
        with self._lock:
            self.owed |= {*tables, EVERYTHING}  # the catalog may have changed, too
            begins, self._coming_back = not self._coming_back, True
        if begins:
            self._waits.aside(self._come_back)

    def pay(self) -> None:
        """New stamps for what is owed. Raises Away."""
        if not self.owed:
            return
        with self._lock:
            self._store.confirm(tuple(sorted(self.owed)), secrets.randbits(48))
            self.owed.clear()
        log.warning("the store of the cache is back")

    def pay_if_it_is_there(self) -> None:
        """The same, raising nothing."""
        with suppress(Away):
            self.pay()

    def close(self) -> None:
        """The last try: what is owed then is known to nobody, and old for its time."""
        self._closing.set()
        self.pay_if_it_is_there()

    def _come_back(self) -> None:
        try:
            while not self._closing.wait(_AGAIN):
                self.pay_if_it_is_there()
                with self._lock:
                    self._coming_back = bool(self.owed)
                    if not self.owed:
                        return
        except BaseException:
            self._coming_back = False
            raise


class Commits:
    """What the hooks of an engine tell. ``catalog`` None: nothing is cached, nothing told."""

    def __init__(
        self, settings: Cache, store: Store, catalog: Catalog | None, counts: Counts, debts: Debts
    ) -> None:
        self._settings, self._store, self._catalog = settings, store, catalog
        self._counts, self._debts = counts, debts

    def committing(self, done: Ongoing, commits: Callable[[], Outcome]) -> Outcome:
        """COMMIT of what a connection has done. Raises CacheUnavailable before it."""
        tables = self._written(done)
        if not tables:
            return commits()
        self._counts.count("commits")
        self._debts.pay_if_it_is_there()
        try:
            return run(self._flow(tables), self._performing(done, commits))
        except Away as away:
            raise CacheUnavailable(str(away)) from away

    def bracketed(self, done: Ongoing) -> Bracket | None:
        """Before a statement that commits by itself what was done."""
        tables = self._written(done)
        if not tables:
            return None
        self._counts.count("commits")
        self._debts.pay_if_it_is_there()
        bracket = Bracket(self._flow(tables), self._performing(done, Outcome))
        try:
            bracket.begin()
        except Away as away:
            raise CacheUnavailable(str(away)) from away
        return bracket

    def unbracketed(self, bracket: Bracket, decided: bool) -> None:
        """After it, however it ended."""
        bracket.end(Outcome(decided=decided))

    def touch(self, names: Collection[str], *, strictly: bool) -> None:
        """New stamps for tables, for those behind views, or for everything.

        Raises CacheUnavailable, and ``strictly`` UnknownName for what is no table and no view.
        """
        tables = tuple(sorted(self._touched(names, strictly)))
        try:
            if tables:
                self._store.confirm(tables, secrets.randbits(48))
        except Away as away:
            raise CacheUnavailable(str(away)) from away

    def _touched(self, names: Collection[str], strictly: bool) -> set[str]:
        if self._catalog is None or EVERYTHING in names:
            return {EVERYTHING}
        reach = self._as_of_now()
        if reach is not None and None in naming.found(names, reach).values():
            reach = self._reach(None)  # DDL may have gone past all engines
        if reach is None:
            return {EVERYTHING}
        found = naming.found(names, reach)
        for name, table in found.items():
            if table is None and strictly:
                raise naming.unknown(name, reach)
        return touching({table for table in found.values() if table is not None}, reach)

    def _flow(self, tables: Tables) -> Flow[Outcome]:
        strict = self._settings.mode == "strict"
        refuse = self._settings.when_away == "refuse"
        return commit(tables, secrets.randbits(48), strict=strict, refuse=refuse)

    def _performing(self, done: Ongoing, commits: Callable[[], Outcome]) -> Committing:
        def more(everything: int | bytes | None) -> Tables:
            reach = self._reach(everything)
            return (EVERYTHING,) if reach is None else self._closure(done, reach)

        def owe(tables: Tables) -> None:
            self._counts.count("degraded")
            self._debts.owe(tables)

        return Committing(self._store, commits, more, owe)

    def _written(self, done: Ongoing) -> Tables:
        """By the last catalog; whether it is still right is seen when it is announced.

        Where nothing is to be announced it is asked for if functions were called: one may be new.
        """
        if self._catalog is None:
            return ()
        if done.everything:
            return (EVERYTHING,)
        reach = self._catalog.last()
        if reach is not None and (self._settings.mode == "strict" or not done.written):
            tables = self._closure(done, reach)
            if tables or not any(map(may_call, done.written | done.read)):
                return tables
        reach = self._as_of_now()
        return (EVERYTHING,) if reach is None else self._closure(done, reach)

    def _as_of_now(self) -> Reach | None:
        """The catalog; while the store is away, which would say that it moved, one of lately."""
        assert self._catalog is not None
        try:
            found = self._store.stamps((EVERYTHING,))
        except Away:
            lately, found = self._catalog.lately(), None
            if lately is not None:
                return lately
        return self._reach(found[0] if found is not None else None)

    def _reach(self, everything: int | bytes | None) -> Reach | None:
        """The catalog as of that stamp; None if it cannot be read."""
        try:
            return None if self._catalog is None else self._catalog.at(everything)
        except Unread:
            return None

    def _closure(self, done: Ongoing, reach: Reach) -> Tables:
        if done.hidden and done.written and not reach.temporary:
            return (EVERYTHING,)
        found: set[str] = set()
        for sql in done.written:
            found |= writes(sql, reach, self._settings.triggers)
        calls = reach.writers or reach.hidden
        if calls and any(calls_writers(sql, reach) for sql in done.read):
            found.add(EVERYTHING)
        return (EVERYTHING,) if EVERYTHING in found else tuple(sorted(found))
