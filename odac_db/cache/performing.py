"""Flows performed: requests become calls of a store, of the database, of other threads."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from odac_db.cache.flights import Flights
from odac_db.cache.inventory import Inventory
from odac_db.cache.key import Key
from odac_db.cache.leases import Lease, Leases
from odac_db.cache.protocol import (
    EVERYTHING,
    Announce,
    Away,
    Commit,
    Confirm,
    Entry,
    Fill,
    Flow,
    Load,
    Loaded,
    Look,
    Outcome,
    Owe,
    Request,
    Seen,
    Settle,
    Stamps,
    Tables,
)
from odac_db.cache.rows import Rows
from odac_db.cache.tags import Unknown

Value = TypeVar("Value")


class Store(Protocol):
    """Entries and stamps; each method is one step of the protocol and may raise Away."""

    def look(self, key: Key, tables: Tables) -> Seen: ...

    def stamps(self, tables: Tables) -> Stamps | None: ...

    def settle(self, tables: Tables) -> Stamps | None: ...

    def fill(self, key: Key, tables: Tables, entry: Entry, ttl: float) -> bool: ...

    def announce(self, tables: Tables, token: int) -> int | bytes | None: ...

    def confirm(self, tables: Tables, token: int) -> None: ...

    def clear(self) -> None: ...

    def close(self) -> None: ...

    def figures(self) -> dict[str, int]: ...

    def inventory(self) -> Inventory: ...


class Query(Protocol):
    """Asks the database."""

    def __call__(self) -> Rows: ...

    def to_keep(self) -> Rows:
        """The same; ``strange`` where the connection is not known to be like all others."""


class CatalogMoved(Exception):
    """The catalog is not the one that the tables of a statement were found with."""

    def __init__(self, stamp: int | bytes) -> None:
        self.stamp = stamp
        super().__init__(stamp)


def run(flow: Flow[Value], perform: Callable[[Request], Any]) -> Value:
    """The flow's value. Away goes into the flow, all else out of it."""
    try:
        request = next(flow)
        while True:
            try:
                answer = perform(request)
            except Away as away:
                request = flow.throw(away)
            else:
                request = flow.send(answer)
    except StopIteration as end:
        value: Value = end.value
        return value


class Reading:
    """One read. ``everything``: the stamp of everything that its tables were found under.

    ``flights`` and ``leases``: other threads and processes whose query may do; none in a
    transaction. ``seen``: what was seen since the read began, in place of the first look.
    """

    def __init__(
        self,
        store: Store,
        flights: Flights | None,
        leases: Leases | None,
        query: Query,
        ttl: float,
        everything: int | bytes,
        seen: Seen | None = None,
    ) -> None:
        self._store, self._query = store, query
        self._flights, self._leases = flights, leases
        self._ttl, self._everything, self._given = ttl, everything, seen
        self.stamps: Stamps | None = None
        self.filled = self.strange = False
        self.unknown = ""
        self._tables: Tables = ()
        self._lease: Lease | None = None

    def __call__(self, request: Request) -> Any:
        match request:
            case Look(key, tables):
                self._tables = tables
                seen = self._given or self._store.look(key, tables)
                self._seen(seen.stamps)
                return seen
            case Settle(tables):
                return self._seen(self._store.settle(tables))
            case Load(key, stamps):
                return self._loaded(key, stamps)
            case Fill(key, tables, entry):
                self._fill(key, tables, entry)
        return None

    def _seen(self, stamps: Stamps | None) -> Stamps | None:
        """Raises CatalogMoved: then the list of tables may be another one by now."""
        if stamps is not None and stamps[0] != self._everything:
            raise CatalogMoved(stamps[0])
        self.stamps = stamps
        return stamps

    def _loaded(self, key: Key, stamps: Stamps | None) -> Loaded:
        if stamps is None:
            return Loaded(self._query())
        if self._flights is None:
            return Loaded(self._query.to_keep())
        return self._flights.load(
            (key.local, stamps),
            lambda: self._fetched(key, stamps),
            lambda: Loaded(self._query.to_keep()),
        )

    def _fetched(self, key: Key, stamps: Stamps) -> Loaded:
        if self._leases is None:
            return Loaded(self._query.to_keep())
        begun = self._leases.begin(key, self._tables, stamps)
        if isinstance(begun, Rows):
            return Loaded(begun, led=False)
        self._lease = begun
        return Loaded(begun.fetched(self._query.to_keep))

    def _fill(self, key: Key, tables: Tables, entry: Entry) -> None:
        stored = False
        self.strange = entry.rows.strange
        try:
            if not self.strange:
                self.filled = self._store.fill(key, tables, entry, self._ttl)
                stored = True
        except Unknown as unknown:
            self.unknown = str(unknown)
        finally:
            if self._lease is not None:
                self._lease.end(stored=stored)


class Committing:
    """One commit. ``more``: tables that only a newer catalog knows to be written."""

    def __init__(
        self,
        store: Store,
        commit: Callable[[], Outcome],
        more: Callable[[int | bytes | None], Tables],
        owe: Callable[[Tables], None],
    ) -> None:
        self._store, self._commit, self._more, self._owe = store, commit, more, owe
        self._extra: Tables = ()

    def __call__(self, request: Request) -> Any:
        match request:
            case Announce(tables, token):
                self._announce(tables, token)
            case Commit():
                return self._commit()
            case Confirm(tables, token):
                self._store.confirm((*tables, *self._extra), token)
            case Owe(tables):
                self._owe((*tables, *self._extra))
        return None

    def _announce(self, tables: Tables, token: int) -> None:
        """Whoever is interrupted here commits nothing, and leaves no mark to wait for."""
        try:
            everything = self._store.announce(tables, token)
            if EVERYTHING not in tables:
                self._extra = tuple(sorted(set(self._more(everything)) - set(tables)))
            if self._extra:
                self._store.announce(self._extra, token)
        except Away:
            raise
        except BaseException:
            with suppress(Away):
                self._store.confirm((*tables, *self._extra), token)
            raise


class Bracket:
    """A commit whose COMMIT is a statement that somebody else executes."""

    def __init__(self, flow: Generator[Request, Any, Any], perform: Committing) -> None:
        self._flow, self._perform = flow, perform

    def begin(self) -> None:
        """Up to the statement. Raises Away where nothing may be written then."""
        request = next(self._flow)
        while not isinstance(request, Commit):
            try:
                answer = self._perform(request)
            except Away as away:
                request = self._flow.throw(away)
            else:
                request = self._flow.send(answer)

    def end(self, outcome: Outcome) -> None:
        """From the statement on."""
        run(_resumed(self._flow, outcome), self._perform)


def _resumed(flow: Generator[Request, Any, Any], answer: Any) -> Flow[Any]:
    """A suspended flow, given the answer it waits for, as one that is to be run."""
    try:
        request = flow.send(answer)
        while True:
            try:
                answer = yield request
            except Away as away:
                request = flow.throw(away)
            else:
                request = flow.send(answer)
    except StopIteration as end:
        return end.value
