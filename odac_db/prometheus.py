"""What cache and buffer did, for Prometheus (``pip install 'odac-db[prometheus]'``)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from odac_db.database import Database

_READS = ("hits", "misses", "shared", "bypasses", "away")
_COUNTED = {
    "fills": "Results that were kept",
    "commits": "Commits that invalidated something",
    "degraded": "Commits that the store was not told of in time",
    "evicted": "Results that had to make room",
    "unknown_values": "Results of a class that is not known to come back equal",
    "sampled": "Hits that were read again",
    "mismatches": "Hits that were read again and differed",
}
_HELD = {"entries": "Results held in this process", "bytes": "Their size, about"}


class CacheCollector(Collector):
    """The figures of ``db.cache.stats()`` of this process, read when Prometheus asks.

    ``REGISTRY.register(CacheCollector(db))`` with prometheus_client's ``REGISTRY``; ``database``
    is a label that tells several apart. Asks neither the database nor the cache's store.
    """

    def __init__(self, db: Database, *, database: str = "default") -> None:
        self._db, self._database = db, database

    def collect(self) -> Iterator[Metric]:
        """The metrics, all beginning with ``odac_db_cache_``."""
        stats = self._db.cache.stats()
        reads = CounterMetricFamily(
            "odac_db_cache_reads", "Cached reads by outcome", labels=["database", "outcome"]
        )
        for outcome in _READS:
            reads.add_metric([self._database, outcome], getattr(stats, outcome))
        reads.add_metric([self._database, "uncached"], sum(stats.uncached.values()))
        yield reads
        for name, text in _COUNTED.items():
            counter = CounterMetricFamily(f"odac_db_cache_{name}", text, labels=["database"])
            counter.add_metric([self._database], getattr(stats, name))
            yield counter
        for name, text in _HELD.items():
            gauge = GaugeMetricFamily(f"odac_db_cache_{name}", text, labels=["database"])
            gauge.add_metric([self._database], getattr(stats, name))
            yield gauge


_WRITTEN = {
    "applied": ("applied", "Operations brought into the database"),
    "dead": ("dead", "Operations that the server refused"),
    "dropped": ("dropped", "Operations dropped by a full buffer"),
    "flushes": ("transactions", "Transactions of flushes"),
    "flush_seconds": ("flush_seconds", "Seconds that they took"),
    "retries": ("retries", "Attempts that failed"),
    "rewound": ("rewound", "Times that the database had lost what it had"),
}
_WAITING = {
    "pending": ("pending", "Operations that are not in the database yet"),
    "oldest_seconds": ("oldest", "Seconds for which one of them may have been waiting"),
    "bytes": ("bytes", "Bytes of journals on the disk"),
    "journals": ("journals", "Journals that this process flushes"),
    "slowest_flush_seconds": ("slowest_flush", "Seconds that a flush took at most"),
}


class BufferCollector(Collector):
    """The figures of ``db.buffer.status()`` of this process, read when Prometheus asks.

    ``REGISTRY.register(BufferCollector(db))``; ``database`` is a label that tells several apart.
    Asks nothing of the database. Before anything was buffered there are no figures: asking
    begins no journal.
    """

    def __init__(self, db: Database, *, database: str = "default") -> None:
        self._db, self._database = db, database

    def collect(self) -> Iterator[Metric]:
        """The metrics, all beginning with ``odac_db_buffer_``."""
        if not self._db.buffer.is_running:
            return
        status = self._db.buffer.status()
        for name, (attribute, text) in _WRITTEN.items():
            counter = CounterMetricFamily(f"odac_db_buffer_{name}", text, labels=["database"])
            counter.add_metric([self._database], getattr(status, attribute))
            yield counter
        for name, (attribute, text) in _WAITING.items():
            gauge = GaugeMetricFamily(f"odac_db_buffer_{name}", text, labels=["database"])
            gauge.add_metric([self._database], getattr(status, attribute))
            yield gauge
        paused = GaugeMetricFamily(
            "odac_db_buffer_paused", "Lanes that stand still", labels=["database"]
        )
        paused.add_metric([self._database], len(status.paused))
        yield paused
