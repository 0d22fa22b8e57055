"""``AsyncQuery``: a ``Query`` whose questions are awaited."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping
from typing import TYPE_CHECKING, Any

from odac_db.aio.asking import asked, read
from odac_db.query.query import BATCH, Query
from odac_db.query.steps import On

if TYPE_CHECKING:
    from odac_db.aio.returning import AsyncReturning
    from odac_db.query.groups import Grouped
    from odac_db.query.rows import Row


class AsyncQuery:
    """Rows of a table, described step by step: a ``Query`` for asyncio.

    Steps are as there and wait for nothing. What asks or changes the database is awaited, and
    ``iterate`` is for ``async for``. Inside a transaction of this task they are part of that;
    a task that is begun there is not inside. Raises what ``Query`` raises. A task that is
    cancelled meanwhile gives its connection back; a write is then committed or not at all.
    """

    __slots__ = ("_near", "_query")

    def __init__(self, query: Query) -> None:
        self._query = query
        self._near: bool = getattr(query._performer, "near", False)

    def where(self, *conditions: Any, **named: Any) -> AsyncQuery:
        """As ``Query.where``."""
        return AsyncQuery(self._query.where(*conditions, **named))

    def or_where(self, *conditions: Any, **named: Any) -> AsyncQuery:
        """As ``Query.or_where``."""
        return AsyncQuery(self._query.or_where(*conditions, **named))

    def join(self, table: str, *, on: On = None, as_: str | None = None) -> AsyncQuery:
        """As ``Query.join``."""
        return AsyncQuery(self._query.join(table, on=on, as_=as_))

    def left_join(self, table: str, *, on: On = None, as_: str | None = None) -> AsyncQuery:
        """As ``Query.left_join``."""
        return AsyncQuery(self._query.left_join(table, on=on, as_=as_))

    def select(self, *columns: Any, **named: Any) -> AsyncQuery:
        """As ``Query.select``."""
        return AsyncQuery(self._query.select(*columns, **named))

    def distinct(self) -> AsyncQuery:
        """As ``Query.distinct``."""
        return AsyncQuery(self._query.distinct())

    def order_by(self, *columns: Any) -> AsyncQuery:
        """As ``Query.order_by``."""
        return AsyncQuery(self._query.order_by(*columns))

    def limit(self, rows: int) -> AsyncQuery:
        """As ``Query.limit``."""
        return AsyncQuery(self._query.limit(rows))

    def offset(self, rows: int) -> AsyncQuery:
        """As ``Query.offset``."""
        return AsyncQuery(self._query.offset(rows))

    def all_rows(self) -> AsyncQuery:
        """As ``Query.all_rows``."""
        return AsyncQuery(self._query.all_rows())

    def group_by(self, *columns: Any) -> AsyncGrouped:
        """As ``Query.group_by``; the figures of the groups are awaited."""
        return AsyncGrouped(self._query.group_by(*columns), self._near)

    def returning(self, *columns: Any, **named: Any) -> AsyncReturning:
        """As ``Query.returning``; the write that follows is awaited."""
        from odac_db.aio.returning import AsyncReturning

        return AsyncReturning(self._query.returning(*columns, **named))

    @property
    def cache(self) -> AsyncQueryCache:
        """As ``Query.cache``; ``clear`` is awaited."""
        return AsyncQueryCache(self._query)

    async def all(self) -> list[Row]:
        """As ``Query.all``."""
        return await read(self._near, self._query.all)

    async def first(self) -> Row | None:
        """As ``Query.first``."""
        return await read(self._near, self._query.first)

    async def get(self, *key: Any, **named: Any) -> Row | None:
        """As ``Query.get``."""
        return await read(self._near, self._query.get, *key, **named)

    async def pluck(self, column: str) -> list[Any]:
        """As ``Query.pluck``."""
        return await read(self._near, self._query.pluck, column)

    async def exists(self) -> bool:
        """As ``Query.exists``."""
        return await read(self._near, self._query.exists)

    async def count(self) -> int:
        """As ``Query.count``."""
        return await read(self._near, self._query.count)

    async def sum(self, column: str) -> Any:
        """As ``Query.sum``."""
        return await read(self._near, self._query.sum, column)

    async def avg(self, column: str) -> Any:
        """As ``Query.avg``."""
        return await read(self._near, self._query.avg, column)

    async def min(self, column: str) -> Any:
        """As ``Query.min``."""
        return await read(self._near, self._query.min, column)

    async def max(self, column: str) -> Any:
        """As ``Query.max``."""
        return await read(self._near, self._query.max, column)

    async def iterate(self, batch: int = BATCH) -> AsyncGenerator[Row, None]:
        """As ``Query.iterate``, for ``async for``.

        Leaving the loop early closes it when asyncio next runs; ``contextlib.aclosing`` does
        so at once.
        """
        batches = self._query._batches(batch)
        try:
            while (rows := await asked(next, batches, None)) is not None:
                for row in rows:
                    yield row
        finally:
            await asked(batches.close)

    async def update(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> int:
        """As ``Query.update``."""
        return await asked(self._query.update, values, **named)

    async def increment(self, column: str, by: Any = 1) -> int:
        """As ``Query.increment``."""
        return await asked(self._query.increment, column, by)

    async def delete(self) -> int:
        """As ``Query.delete``."""
        return await asked(self._query.delete)

    def _as_subquery(self) -> Any:
        return self._query._as_subquery()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._query._shape.state.table}>"


class AsyncQueryCache:
    """What ``cache`` of a query is: to be called, or to be cleared."""

    __slots__ = ("_query",)

    def __init__(self, query: Query) -> None:
        self._query = query

    def __call__(
        self, seconds: float | bool | None = None, *, depends_on: Collection[str] | None = None
    ) -> AsyncQuery:
        """The query, its rows kept for so many seconds; as ``Query.cache``."""
        return AsyncQuery(self._query.cache(seconds, depends_on=depends_on))

    async def clear(self) -> None:
        """Forgets what was read from this table, in all processes. Raises CacheUnavailable."""
        await asked(self._query.cache.clear)


class AsyncGrouped:
    """Rows in groups, as ``Query.group_by`` gives them; their figures are awaited."""

    __slots__ = ("_grouped", "_near")

    def __init__(self, grouped: Grouped, near: bool) -> None:
        self._grouped, self._near = grouped, near

    def having(self, *conditions: Any) -> AsyncGrouped:
        """Only the groups for which these SQLAlchemy expressions hold."""
        return AsyncGrouped(self._grouped.having(*conditions), self._near)

    def select(self, *columns: Any, **named: Any) -> AsyncQuery:
        """A row for each group; a query as any other."""
        return AsyncQuery(self._grouped.select(*columns, **named))

    async def count(self) -> list[Row]:
        """How many rows each group has."""
        return await read(self._near, self._grouped.count)

    async def sum(self, column: str) -> list[Row]:
        """The sum of a column in each group."""
        return await read(self._near, self._grouped.sum, column)

    async def avg(self, column: str) -> list[Row]:
        """The average of a column in each group."""
        return await read(self._near, self._grouped.avg, column)

    async def min(self, column: str) -> list[Row]:
        """The least value of a column in each group."""
        return await read(self._near, self._grouped.min, column)

    async def max(self, column: str) -> list[Row]:
        """The greatest value of a column in each group."""
        return await read(self._near, self._grouped.max, column)
