"""Cached reads of a database, and what ``db.cache`` offers."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from sqlalchemy import Connection, Executable, Result

from odac_db.attempts import Transactions
from odac_db.cache.caching import Caching
from odac_db.cache.inventory import Inventory
from odac_db.cache.ongoing import ongoing
from odac_db.cache.options import meddling
from odac_db.cache.protocol import EVERYTHING, Away
from odac_db.cache.rows import Rows
from odac_db.cache.sessions import level_of
from odac_db.cache.settings import CacheStats
from odac_db.cache.words import sort_of
from odac_db.errors import CacheUnavailable
from odac_db.query.performer import Answer, Cached, Performer, Read, Work
from odac_db.query.shapes import Shape

if TYPE_CHECKING:
    from odac_db.transactions import Params, Transaction

Value = TypeVar("Value")

_MOST_SHAPES = 10_000
_numbers = itertools.count(1)


class CacheControl:
    """The cache of one database: ``db.cache``. Without a cache nothing here does anything."""

    def __init__(self, caching: Caching | None) -> None:
        self._caching = caching

    def clear(self, *tables: str) -> None:
        """Forgets what was read from these tables, or everything, in all processes.

        From what is no table and no view nothing was read. Raises CacheUnavailable.
        """
        if self._caching is None:
            return
        self._caching.commits.touch(tables or (EVERYTHING,), strictly=False)
        if not tables:
            self._caching.clear()

    def touch(self, *tables: str) -> None:
        """Says that tables were changed by somebody who does not use this cache.

        Call it after their commit. Reads that begin when this has returned do not see what was
        cached before. Views stand for what is behind them; ``posts`` and ``public.posts`` are
        one. Raises UnknownName for what is no table and no view of this database, and
        CacheUnavailable; then nothing is forgotten.
        """
        if self._caching is not None and tables:
            self._caching.commits.touch(tables, strictly=True)

    def stats(self) -> CacheStats:
        """What the cache did in this process since the database was opened."""
        return CacheStats() if self._caching is None else self._caching.stats()

    def _inventory(self) -> Inventory:
        """What the store holds. Raises CacheUnavailable."""
        assert self._caching is not None
        try:
            return self._caching.store.inventory()
        except Away as away:
            raise CacheUnavailable(str(away)) from away


class CachedReads:
    """The cache of one database as the table API sees it."""

    def __init__(self, caching: Caching, transactions: Transactions) -> None:
        self.caching, self.transactions = caching, transactions
        self.places: dict[Shape, bytes] = {}
        self._performers: dict[float | None, Performer] = {}

    def reads(self, seconds: float | None, depends_on: Collection[str] | None) -> Performer:
        if depends_on is not None:
            return Served(self, seconds, depends_on)
        found = self._performers.get(seconds)
        if found is None:
            if len(self._performers) > _MOST_SHAPES:
                self._performers.clear()
            found = self._performers[seconds] = Served(self, seconds, None)
        return found

    def forget(self, table: str) -> None:
        self.caching.commits.touch((table,), strictly=False)

    def place(self, shape: Shape) -> bytes:
        """What tells the reads of this shape in this process."""
        found = self.places.get(shape)
        if found is None:
            if len(self.places) > _MOST_SHAPES:
                self.places.clear()  # what is in the cache under these is found no more
            found = self.places[shape] = b"shape" + next(_numbers).to_bytes(6, "big")
        return found


class Served:
    """Executes reads from the cache where it can; streams and writes as ever."""

    __slots__ = ("_depends_on", "_home", "_seconds")
    near: ClassVar = True
    """Whether what is read may be in this process."""

    def __init__(
        self, home: CachedReads, seconds: float | None, depends_on: Collection[str] | None
    ) -> None:
        self._home, self._seconds, self._depends_on = home, seconds, depends_on

    @property
    def cached(self) -> Cached | None:
        return self._home

    def read(self, read: Read) -> Answer:
        """The rows; the shape and the values are enough to find them in this process."""
        home = self._home
        caching, transactions = home.caching, home.transactions
        outer = transactions._current()
        if outer is not None and not is_plain(outer.transaction.connection):
            return transactions.read(read)
        local = missed = None
        if read.shape.shared and self._depends_on is None and not caching.statements.meddled:
            place = home.places.get(read.shape) or home.place(read.shape)
            local = caching.local(place, read.values)
            if local is not None:
                found = caching.recall(local)
                if isinstance(found, Rows):
                    return found.rows
                missed = found
        statement, params = read.statement, read.params
        rows = caching.read(
            caching.statements.asked(statement, params),
            Asking((caching, transactions), statement, params, read.row),
            ttl=self._seconds,
            depends_on=self._depends_on,
            shares=outer is None,
            local=local,
            missed=missed,
        )
        return rows.rows

    def stream(self, read: Read, batch: int) -> Iterator[Answer]:
        return self._home.transactions.stream(read, batch)

    def write(self, work: Callable[[Work], Value], *, several: bool) -> Value:
        return self._home.transactions.write(work, several=several)


def executed(
    caching: Caching,
    transactions: Transactions,
    statement: Executable,
    params: Params | None,
    ttl: float | None,
    depends_on: Collection[str] | None,
) -> Result[Any]:
    """The statement's rows, from the cache where they are current.

    Inside a transaction only while it has not written, at READ COMMITTED.
    """
    outer = transactions._current()
    inside = outer.transaction.connection if outer is not None else None
    if (inside is not None and not is_plain(inside)) or not isinstance(params, Mapping | None):
        return transactions.execute(statement, params)
    asked = caching.statements.asked(statement, params)
    if sort_of(str(asked.compiled)) != "read":
        caching.counts.refused("by its words it may write")
        return transactions.execute(statement, params)
    query = Asking((caching, transactions), statement, params)
    rows = caching.read(asked, query, ttl=ttl, depends_on=depends_on, shares=inside is None)
    return caching.statements.result(asked, rows)


class Asking:
    """Reads the rows from the database, each as ``row`` makes it."""

    def __init__(
        self,
        home: tuple[Caching, Transactions],
        statement: Executable,
        params: Mapping[str, Any] | None,
        row: Callable[[Any], tuple[Any, ...]] = tuple,
    ) -> None:
        self._caching, self._transactions = home
        self._statement, self._params, self._row = statement, params, row

    def __call__(self) -> Rows:
        return self._transactions.within(self._rows)

    def to_keep(self) -> Rows:
        """The same, the connection looked at if need be."""
        return self._transactions.within(self._looked_at)

    def _rows(self, transaction: Transaction) -> Rows:
        result = transaction.execute(self._statement, self._params)
        return Rows(tuple(map(str, result.keys())), tuple(map(self._row, result)))

    def _looked_at(self, transaction: Transaction) -> Rows:
        rows = self._rows(transaction)
        return replace(rows, strange=not self._caching.is_alike(transaction.connection))


def is_plain(conn: Connection) -> bool:
    """Whether a statement there sees what one by itself would see."""
    done = ongoing(conn)
    options = conn.get_execution_options()
    level = options.get("isolation_level") or conn.default_isolation_level
    if level != "READ COMMITTED" or done.begun or done.wrote or done.strange:
        return False
    return not meddling(options) and level_of(conn) == level
