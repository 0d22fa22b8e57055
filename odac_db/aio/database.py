"""``AsyncDatabase``: a ``Database`` for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import URL, make_url

from odac_db.aio.asking import asked
from odac_db.aio.caches import AsyncCacheControl
from odac_db.aio.tables import AsyncTable
from odac_db.aio.transactions import AsyncTransaction, Scope
from odac_db.aio.verbs import AsyncVerbs
from odac_db.buffered import Journals, options_of
from odac_db.database import ONLINE, Database, unheard
from odac_db.dialects.connect import engine_for_tasks, engine_of, file_of, url_for_threads
from odac_db.errors import BufferRefused
from odac_db.migrate.checked import raise_for_blocked
from odac_db.schema.online import Online
from odac_db.schema.plan import Progress
from odac_db.sources import DEFAULT, Urls, urls_of

if TYPE_CHECKING:
    from sqlalchemy import Executable, Result
    from sqlalchemy.ext.asyncio import AsyncEngine

    from odac_db.aio.buffers import AsyncBuffer, AsyncBufferedTable
    from odac_db.cache.settings import Cache
    from odac_db.dialects.base import Isolation
    from odac_db.errors import ConstraintViolation
    from odac_db.transactions import Params, Transaction

Value = TypeVar("Value")


class AsyncDatabase(AsyncVerbs):
    """A database and the schema declared for it, for the tasks of one event loop.

    What ``Database`` has under the same name, awaited where it asks the database, Redis or a
    thread. ``engine`` is an ordinary SQLAlchemy ``AsyncEngine``: what an ``AsyncSession`` does
    on it takes part in invalidation, too. Several tasks may use it at once. Not promised: use
    from two event loops, or from threads beside the loop's.
    """

    def __init__(self, inner: Database, behind: Database, engine: AsyncEngine) -> None:
        self.name = inner.name
        self.engine = engine
        self.report = None
        self._inner = inner
        self._behind = behind
        self._siblings: Mapping[str, AsyncDatabase] = MappingProxyType({self.name: self})

    @classmethod
    async def open(  # noqa: PLR0913 - all but the url by keyword, as Database.open
        cls,
        url: Urls,
        *,
        schema: str | Path | Any | None = None,
        migrate: bool = False,
        allow: Collection[str] = (),
        prune: bool = False,
        strict: bool = False,
        lock_timeout: float = 60.0,
        online: Online = ONLINE,
        progress: Callable[[Progress], None] = unheard,
        cache: str | Cache | None = None,
        buffer: Journals = None,
    ) -> AsyncDatabase:
        """A database, brought to its schema first if ``migrate``; as ``Database.open``.

        It migrates in a thread, where ``progress`` is called, and then asks once what server
        it is, so that nothing has to be asked while queries are described. Takes the URLs of
        ``Database.open``. Raises OdacDbError; ConnectionFailed also for a package that is
        missing: ``pip install 'odac-db[async]'``.
        """
        # Reading files and importing drivers takes its time.
        found = await asyncio.to_thread(_made, cls, urls_of(url), schema, cache, buffer)
        first = found.get(DEFAULT) or next(iter(found.values()))
        try:
            for database in found.values():
                if migrate:
                    database.report = await database.migrate(
                        allow=allow,
                        prune=prune,
                        lock_timeout=lock_timeout,
                        online=online,
                        progress=progress,
                    )
                await database._look()
            if migrate and strict:
                raise_for_blocked(each.report for each in found.values())
        except BaseException:
            await first.close()
            raise
        return first

    @property
    def connections(self) -> Mapping[str, AsyncDatabase]:
        """Every connection by name, this one included."""
        return self._siblings

    def __getitem__(self, name: str) -> AsyncDatabase:
        """The connection of that name. Raises KeyError naming those there are."""
        return self._siblings[self._inner[name].name]

    def table(self, name: str) -> AsyncTable:
        """As ``Database.table``."""
        return AsyncTable(self._inner.table(name))

    def __getattr__(self, name: str) -> AsyncTable:
        """``db.posts`` is ``db.table("posts")``."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        found = self.__dict__[name] = self.table(name)
        return found

    async def execute(
        self,
        statement: Executable,
        params: Params | None = None,
        *,
        cache: float | bool | None = None,
        depends_on: Collection[str] | None = None,
    ) -> Result[Any]:
        """As ``Database.execute``; the rows are read, and there is nothing to await about them."""
        return await asked(
            self._inner.execute, statement, params, cache=cache, depends_on=depends_on
        )

    @property
    def cache(self) -> AsyncCacheControl:
        """As ``Database.cache``; ``clear`` and ``touch`` are awaited."""
        return AsyncCacheControl(self._inner.cache)

    def transaction(
        self, *, isolation: Isolation | None = None
    ) -> AbstractAsyncContextManager[AsyncTransaction]:
        """As ``Database.transaction``, for ``async with``; it is of the task that begins it.

        A task that is cancelled inside rolls back. One that is cancelled during COMMIT is
        committed or not; with a cache it waits for the server to say so, ``commit_within``
        seconds at most.
        """
        return Scope(self._inner.transaction(isolation=isolation), self.engine)

    async def run_in_transaction(
        self,
        work: Callable[[AsyncTransaction], Awaitable[Value]],
        *,
        isolation: Isolation | None = None,
        retries: int = 5,
    ) -> Value:
        """As ``Database.run_in_transaction``: ``work`` is a coroutine's function."""
        from sqlalchemy.util import await_only

        def done(transaction: Transaction) -> Value:
            return await_only(work(AsyncTransaction(transaction, self.engine)))

        return await asked(
            self._inner.run_in_transaction, done, isolation=isolation, retries=retries
        )

    def find_constraint_violation(self, error: BaseException) -> ConstraintViolation | None:
        """As ``Database.find_constraint_violation``; there is nothing to wait for."""
        return self._inner.find_constraint_violation(error)

    @property
    def buffer(self) -> AsyncBuffer:
        """As ``Database.buffer``; what may wait is awaited. Raises BufferRefused."""
        from odac_db.aio.buffers import AsyncBuffer

        return AsyncBuffer(self._behind.buffer)

    async def close(self) -> None:
        """Flushes what is buffered, closes every connection's pools. May be called twice.

        A task that still has a connection keeps it until it gives it back.
        """
        for database in self._siblings.values():
            if database._behind is not database._inner:
                await asyncio.to_thread(database._behind.close)
            await asked(database._inner.close)

    async def __aenter__(self) -> AsyncDatabase:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _prepare(self, cache: str | Cache | None, buffer: Journals) -> None:
        """Both have the cache: what a migrate and a flush change invalidates what is read here."""
        inner, behind = self._inner, self._behind
        inner._open_cache(cache)
        if behind is inner:
            if buffer is not None:
                raise BufferRefused("a SQLite database in memory has one connection: no buffer")
            return
        behind._open_cache(cache)
        behind._options = options_of(buffer)
        if buffer is not None:
            _ = behind.buffer  # imported here, in a thread; it begins with the first operation
        inner._transactions.tables = behind._transactions.tables
        inner._transactions.behind = self._buffered

    def _buffered(self, name: str) -> AsyncBufferedTable:
        from odac_db.aio.buffers import AsyncBufferedTable

        return AsyncBufferedTable(self._behind.buffer, name)

    async def _look(self) -> None:
        """The tables, their server and what it calls their types, so that no step has to ask."""
        await self._aside(self._behind._transactions.tables.catalog.look)


def _made(
    cls: type[AsyncDatabase],
    urls: Mapping[str, Any],
    schema: object,
    cache: str | Cache | None,
    buffer: Journals,
) -> dict[str, AsyncDatabase]:
    """Nothing is connected yet."""
    engines = {name: engine_for_tasks(url) for name, url in urls.items()}
    inner = Database._of({name: each.sync_engine for name, each in engines.items()}, schema)
    threads = {
        name: each.sync_engine if file_of(each.url) == "" else engine_of(_plain(urls[name]))
        for name, each in engines.items()
    }
    behind = Database._of(threads, schema)
    found = {}
    for name, engine in engines.items():
        is_shared = threads[name] is engine.sync_engine
        found[name] = cls(inner[name], inner[name] if is_shared else behind[name], engine)
    for database in found.values():
        database._siblings = MappingProxyType(found)
        database._prepare(cache, buffer)
    return found


def _plain(url: str | URL) -> URL:
    """The same by the driver for threads, which may have been named by the other one's name."""
    return url_for_threads(make_url(url))
