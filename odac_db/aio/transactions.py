"""``AsyncTransaction``: what is done in an open transaction, awaited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from odac_db.aio.asking import asked, awaited
from odac_db.aio.tables import AsyncTable

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Executable
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from odac_db.transactions import Params, Transaction


class AsyncTransaction:
    """A transaction that is open, or a savepoint inside one: a ``Transaction`` for asyncio.

    It belongs to the task that began it. ``connection`` is the SQLAlchemy ``AsyncConnection``
    it runs on, for an ``AsyncSession``.
    """

    def __init__(self, transaction: Transaction, engine: AsyncEngine) -> None:
        self._transaction = transaction
        self._engine = engine

    @property
    def connection(self) -> AsyncConnection:
        """The connection it runs on."""
        from sqlalchemy.ext.asyncio import AsyncConnection

        return AsyncConnection(self._engine, self._transaction.connection)

    async def execute(
        self, statement: Executable, params: Params | None = None
    ) -> CursorResult[Any]:
        """As ``Transaction.execute``."""
        return await asked(self._transaction.execute, statement, params)

    def table(self, name: str) -> AsyncTable:
        """As ``Transaction.table``."""
        return AsyncTable(self._transaction.table(name))

    def __getattr__(self, name: str) -> AsyncTable:
        """``tx.posts`` is ``tx.table("posts")``."""
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        return self.table(name)

    def on_commit(self, callback: Callable[[], object | Awaitable[object]]) -> None:
        """As ``Transaction.on_commit``; what a coroutine's function gives is awaited."""
        self._transaction.on_commit(lambda: awaited(callback()))

    def transaction(self) -> AbstractAsyncContextManager[AsyncTransaction]:
        """A savepoint, as ``Transaction.transaction``."""
        return Scope(self._transaction.transaction(), self._engine)


class Scope(AbstractAsyncContextManager[AsyncTransaction]):
    """An ``async with`` around what is synchronous."""

    def __init__(self, scope: AbstractContextManager[Transaction], engine: AsyncEngine) -> None:
        self._scope, self._engine = scope, engine

    async def __aenter__(self) -> AsyncTransaction:
        return AsyncTransaction(await asked(self._scope.__enter__), self._engine)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await asked(self._scope.__exit__, kind, error, traceback)
