"""What cache and buffer did, for Prometheus (``pip install 'odac-db[prometheus]'``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

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
    is a label. Several databases are one collector's, because a registry takes each metric from
    one: ``CacheCollector({"shop": db, "users": other})``, or ``CacheCollector(db.connections)``.
    Asks neither the database nor the cache's store.
    """

    def __init__(self, db: Database | Mapping[str, Database], *, database: str = "default") -> None:
        self._databases = _named(db, database)

    def collect(self) -> Iterator[Metric]:
        """The metrics, all beginning with ``odac_db_cache_``."""
        stats = {name: db.cache.stats() for name, db in self._databases.items()}
        reads = CounterMetricFamily(
            "odac_db_cache_reads", "Cached reads by outcome", labels=["database", "outcome"]
        )
        for name, one in stats.items():
            for outcome in _READS:
                reads.add_metric([name, outcome], getattr(one, outcome))
            reads.add_metric([name, "uncached"], sum(one.uncached.values()))
        yield reads
        for attribute, text in _COUNTED.items():
            counter = CounterMetricFamily(f"odac_db_cache_{attribute}", text, labels=["database"])
            yield _filled(counter, stats, attribute)
        for attribute, text in _HELD.items():
            gauge = GaugeMetricFamily(f"odac_db_cache_{attribute}", text, labels=["database"])
            yield _filled(gauge, stats, attribute)


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

    ``REGISTRY.register(BufferCollector(db))``; ``database`` is a label. Several databases are one
    collector's, as with ``CacheCollector``. Asks nothing of the database. Before anything was
    buffered there are no figures: asking begins no journal.
    """

    def __init__(self, db: Database | Mapping[str, Database], *, database: str = "default") -> None:
        self._databases = _named(db, database)

    def collect(self) -> Iterator[Metric]:
        """The metrics, all beginning with ``odac_db_buffer_``."""
        running = {n: db for n, db in self._databases.items() if db.buffer.is_running}
        status = {name: db.buffer.status() for name, db in running.items()}
        if not status:
            return
        for name, (attribute, text) in _WRITTEN.items():
            counter = CounterMetricFamily(f"odac_db_buffer_{name}", text, labels=["database"])
            yield _filled(counter, status, attribute)
        for name, (attribute, text) in _WAITING.items():
            gauge = GaugeMetricFamily(f"odac_db_buffer_{name}", text, labels=["database"])
            yield _filled(gauge, status, attribute)
        paused = GaugeMetricFamily(
            "odac_db_buffer_paused", "Lanes that stand still", labels=["database"]
        )
        for name, one in status.items():
            paused.add_metric([name], len(one.paused))
        yield paused


def _named(db: Database | Mapping[str, Database], database: str) -> Mapping[str, Database]:
    return db if isinstance(db, Mapping) else {database: db}


def _filled(
    family: CounterMetricFamily | GaugeMetricFamily, found: Mapping[str, Any], attribute: str
) -> Metric:
    for name, one in found.items():
        family.add_metric([name], getattr(one, attribute))
    return family
