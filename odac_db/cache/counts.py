"""What the cache did, counted. A count may miss one where two threads count at once."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from typing import Any

from odac_db.cache.protocol import Source
from odac_db.cache.settings import CacheStats

_SOURCES: dict[Source, str] = {
    "hit": "hits",
    "miss": "misses",
    "shared": "shared",
    "bypass": "bypasses",
    "away": "away",
}
_REASONS = 200  # kinds of reasons that are told apart


class Counts:
    """``hits`` is apart because it is raised on the shortest way."""

    def __init__(self) -> None:
        self.hits = 0
        self.counted: Counter[str] = Counter()
        self.uncached: Counter[str] = Counter()

    def read(self, source: Source) -> None:
        if source == "hit":
            self.hits += 1
        else:
            self.counted[_SOURCES[source]] += 1

    def count(self, what: str) -> None:
        self.counted[what] += 1

    def refused(self, reason: str) -> None:
        known = reason in self.uncached or len(self.uncached) < _REASONS
        self.uncached[reason if known else "other reasons"] += 1

    def stats(self, figures: dict[str, int]) -> CacheStats:
        names = {one.name for one in fields(CacheStats)}
        counted: dict[str, Any] = {name: self.counted[name] for name in names & set(self.counted)}
        return CacheStats(**counted | figures, hits=self.hits, uncached=dict(self.uncached))
