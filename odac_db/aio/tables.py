"""``AsyncTable``: a table, for asyncio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from odac_db.aio.asking import asked
from odac_db.aio.queries import AsyncQuery
from odac_db.query.tables import Columns, OnConflict, Table

if TYPE_CHECKING:
    from odac_db.aio.buffers import AsyncBufferedTable


class AsyncTable(AsyncQuery):
    """A table: ``db.posts`` of an ``AsyncDatabase``. A ``Table`` whose doings are awaited."""

    __slots__ = ("_table",)

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self._table = table

    @property
    def name(self) -> str:
        """The table's name."""
        return self._table.name

    @property
    def c(self) -> Columns:
        """Its columns for expressions, as ``Table.c``."""
        return self._table.c

    @property
    def buffer(self) -> AsyncBufferedTable:
        """Writes to it that do not wait for the database. Raises as ``Table.buffer`` does."""
        found: AsyncBufferedTable = self._table.buffer
        return found

    @overload
    async def insert(self, rows: Mapping[str, Any], *, on_conflict: OnConflict = None) -> Any: ...
    @overload
    async def insert(
        self, rows: Sequence[Mapping[str, Any]], *, on_conflict: OnConflict = None
    ) -> int: ...
    async def insert(self, rows: Any, *, on_conflict: OnConflict = None) -> Any:
        """As ``Table.insert``."""
        return await asked(self._table.insert, rows, on_conflict=on_conflict)

    async def upsert(
        self,
        rows: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        key: str | Sequence[str] | None = None,
        update: Sequence[str] | None = None,
    ) -> None:
        """As ``Table.upsert``."""
        await asked(self._table.upsert, rows, key=key, update=update)
