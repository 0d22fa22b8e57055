"""``db.buffer`` of an ``AsyncDatabase``: what writes to a journal, and what waits in a thread.

The buffer is that of ``Database``: its thread flushes by the driver for threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

if TYPE_CHECKING:
    from odac_db.buffer.answers import (
        Acknowledge,
        BufferOptions,
        BufferStatus,
        DeadLetter,
        FlushResult,
        JournalStatus,
        Retried,
    )
    from odac_db.buffer.buffer import Buffer
    from odac_db.buffer.shapes import Lot
    from odac_db.buffer.table import BufferedRow, BufferedTable
    from odac_db.buffer.tables import Row


class AsyncBuffer:
    """The buffered writes of one database: a ``Buffer`` whose doings are awaited.

    An operation at the levels ``memory`` and ``process`` is in the journal without the event
    loop's being left; where it has to wait, for ``disk``, for ``db`` or for room, it waits in
    a thread. So does everything else here. The promises are those of ``Buffer``. Cancelling
    does not take back: the thread goes on, and what it has taken is applied.
    """

    def __init__(self, buffer: Buffer) -> None:
        self._buffer = buffer

    @property
    def options(self) -> BufferOptions:
        """What it was opened with."""
        return self._buffer.options

    @property
    def is_running(self) -> bool:
        """As ``Buffer.is_running``."""
        return self._buffer.is_running

    def table(self, name: str) -> AsyncBufferedTable:
        """As ``Buffer.table``; nothing is asked before something is awaited."""
        return AsyncBufferedTable(self._buffer, name)

    def __getitem__(self, name: str) -> AsyncBufferedTable:
        return self.table(name)

    async def flush(self, *, wait: float | None = None) -> FlushResult:
        """As ``Buffer.flush``."""
        return await asyncio.to_thread(self._buffer.flush, wait=wait)

    async def status(self) -> BufferStatus:
        """As ``Buffer.status``."""
        return await asyncio.to_thread(self._buffer.status)

    async def dead_letters(self) -> tuple[DeadLetter, ...]:
        """As ``Buffer.dead_letters``."""
        return await asyncio.to_thread(self._buffer.dead_letters)

    async def retry_dead_letters(self, *, table: str | None = None) -> Retried:
        """As ``Buffer.retry_dead_letters``."""
        return await asyncio.to_thread(self._buffer.retry_dead_letters, table=table)

    async def discard_dead_letters(self, *, table: str | None = None) -> int:
        """As ``Buffer.discard_dead_letters``."""
        return await asyncio.to_thread(self._buffer.discard_dead_letters, table=table)

    async def journals(self) -> tuple[JournalStatus, ...]:
        """As ``Buffer.journals``."""
        return await asyncio.to_thread(self._buffer.journals)

    async def adopt(self, *, accept_loss: bool = False) -> int:
        """As ``Buffer.adopt``."""
        return await asyncio.to_thread(self._buffer.adopt, accept_loss=accept_loss)

    async def settle(self, tables: Collection[str] | None, timeout: float) -> int:
        """As ``Buffer.settle``."""
        return await asyncio.to_thread(self._buffer.settle, tables, timeout)

    async def close(self, *, timeout: float | None = None) -> int:
        """As ``Buffer.close``."""
        return await asyncio.to_thread(self._buffer.close, timeout=timeout)


class AsyncBufferedTable:
    """Writes to one table that return when the journal has them: a ``BufferedTable``.

    Whether there is such a table is said by what is awaited, not before.
    """

    def __init__(self, buffer: Buffer, name: str) -> None:
        self._buffer = buffer
        self._name = name

    @overload
    async def insert(
        self,
        rows: Row,
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]: ...
    @overload
    async def insert(
        self,
        rows: Sequence[Row],
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
    ) -> list[dict[str, Any]]: ...
    async def insert(
        self,
        rows: Row | Sequence[Row],
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
    ) -> Any:
        """As ``BufferedTable.insert``; with an ``idempotency_key`` in a thread."""

        if idempotency_key is None and self._buffer._takes_at_once(acknowledge):
            lots, keys = self._found()._lots(rows)
            await _taken(self._buffer, lots, acknowledge)
            return keys

        def taken() -> Any:
            table = self._found()
            return table.insert(rows, acknowledge=acknowledge, idempotency_key=idempotency_key)

        return await asyncio.to_thread(taken)

    async def flush(self, *, wait: float | None = None) -> FlushResult:
        """As ``BufferedTable.flush``."""
        return await asyncio.to_thread(lambda: self._found().flush(wait=wait))

    def where(self, key: Any = None, /, **columns: Any) -> AsyncBufferedRow:
        """As ``BufferedTable.where``; what is not the whole key is refused when it is awaited."""
        return AsyncBufferedRow(self._buffer, lambda: self._found().where(key, **columns))

    def _found(self) -> BufferedTable:
        return self._buffer.table(self._name)


class AsyncBufferedRow:
    """Changes to one row, as those of a ``BufferedRow``."""

    def __init__(self, buffer: Buffer, found: Callable[[], BufferedRow]) -> None:
        self._buffer = buffer
        self._found = found

    async def increment(
        self,
        column: str | None = None,
        by: Any = 1,
        /,
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
        **columns: Any,
    ) -> None:
        """As ``BufferedRow.increment``."""

        given = {**({} if column is None else {column: by}), **columns}
        await self._changed("increment", given, acknowledge, idempotency_key)

    async def update(
        self,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
        **columns: Any,
    ) -> None:
        """As ``BufferedRow.update``."""

        given = {**(values or {}), **columns}
        await self._changed("update", given, acknowledge, idempotency_key)

    async def _changed(
        self, kind: str, given: Row, acknowledge: Acknowledge | None, key: str | None
    ) -> None:
        if key is None and self._buffer._takes_at_once(acknowledge):
            await _taken(self._buffer, [self._found()._lot(kind, given)], acknowledge)
        else:
            found = self._found  # what asks the database does it in the thread, too
            await asyncio.to_thread(lambda: found()._change(kind, given, acknowledge, key))

    async def get(self, column: str) -> Any:
        """As ``BufferedRow.get``."""
        return await asyncio.to_thread(lambda: self._found().get(column))


async def _taken(buffer: Buffer, lots: Sequence[Lot], acknowledge: Acknowledge | None) -> None:
    """Taken here where the journal has room at once, else in a thread."""
    running = buffer._running if buffer._takes_at_once(acknowledge) else None
    if lots and (running is None or not running.intake.take_at_once(lots, acknowledge)):
        await asyncio.to_thread(lambda: buffer._intake().take(lots, acknowledge))
