"""``db.posts.cache(60)``: the same query, its rows from a cache where they are current."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from odac_db.seconds import lifetime

if TYPE_CHECKING:
    from odac_db.query.query import Query


class QueryCache:
    """What ``cache`` of a query is: to be called, or to be cleared."""

    __slots__ = ("_query",)

    def __init__(self, query: Query) -> None:
        self._query = query

    def __call__(
        self, seconds: float | bool | None = None, *, depends_on: Collection[str] | None = None
    ) -> Query:
        """The query, its rows kept for so many seconds (None and True: as many as
        ``Cache.ttl`` says).

        Steps before and after count alike. Whatever it reads is kept, counts and rows that are
        not there, too; ``iterate`` and writes are as ever. Without a cache, and in a ``tx``, it
        is the same query. Raises QueryRefused for seconds that are not more than 0,
        or more than ten years.
        """
        ttl = lifetime(seconds)
        query = self._query
        cached = query._performer.cached
        if cached is None:
            return query
        reads = cached.reads(ttl, depends_on)
        return query._query(query._shape, query._values, reads)

    def clear(self) -> None:
        """Forgets what was read from this table, in all processes. Raises CacheUnavailable."""
        cached = self._query._performer.cached
        if cached is not None:
            cached.forget(self._query._shape.state.table)
