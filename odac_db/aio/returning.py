"""Writes that give rows, awaited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from odac_db.aio.asking import asked

if TYPE_CHECKING:
    from odac_db.query.returning import Returning
    from odac_db.query.rows import Row


class AsyncReturning:
    """What follows gives columns of the rows it writes, as ``Query.returning`` does."""

    __slots__ = ("_returning",)

    def __init__(self, returning: Returning) -> None:
        self._returning = returning

    @overload
    async def insert(self, rows: Mapping[str, Any]) -> Row: ...
    @overload
    async def insert(self, rows: Sequence[Mapping[str, Any]]) -> list[Row]: ...
    async def insert(self, rows: Any) -> Any:
        """Inserts one row and gives it, or several and gives all."""
        return await asked(self._returning.insert, rows)

    @overload
    async def upsert(
        self, rows: Mapping[str, Any], *, key: Any = None, update: Sequence[str] | None = None
    ) -> Row: ...
    @overload
    async def upsert(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: Any = None,
        update: Sequence[str] | None = None,
    ) -> list[Row]: ...
    async def upsert(
        self, rows: Any, *, key: Any = None, update: Sequence[str] | None = None
    ) -> Any:
        """As ``Table.upsert``; the rows as they are afterwards."""
        return await asked(self._returning.upsert, rows, key=key, update=update)

    async def update(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> list[Row]:
        """As ``Query.update``; the rows as they are afterwards."""
        return await asked(self._returning.update, values, **named)

    async def increment(self, column: str, by: Any = 1) -> list[Row]:
        """As ``Query.increment``; the rows as they are afterwards."""
        return await asked(self._returning.increment, column, by)

    async def delete(self) -> list[Row]:
        """As ``Query.delete``; the rows as they were."""
        return await asked(self._returning.delete)
