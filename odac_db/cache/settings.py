"""How a cache is configured."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from odac_db.errors import OdacDbError
from odac_db.seconds import MOST, seconds_of

_REDIS = ("redis://", "rediss://", "unix://", "redis+sentinel://", "redis+cluster://")
_SECONDS = {"ttl": MOST, "commit_within": 3600.0, "timeout": 3600.0}


@dataclass(frozen=True, kw_only=True)
class Cache:
    """Where cached reads are kept, and what happens when that is out of reach.

    ``store`` is ``"memory"`` (entries in the process, coherent with all processes of this user
    on this host) or a Redis URL, ``redis+sentinel://host,host/service`` for the master that
    sentinels name, ``redis+cluster://host,host`` for a cluster. ``mode`` "strict" is never
    stale; "relaxed" saves a writer one round trip: a read may miss what another process has
    committed and not yet returned from, and, if that process dies there, until ``ttl`` is over.
    All processes must use the same ``mode``, ``namespace`` and ``commit_within``.

    ttl: seconds an entry lives where a read does not say; also the bound of what can be stale
        after a degraded write. entries, size: bounds of what is kept in the process, in entries
        and bytes: the memory store, or the near cache.
    near: with Redis, keeps entries in the process, too. A hit there asks Redis for the stamps of
        its tables, a few bytes, and decodes nothing. The promise is the same.
    commit_within: seconds that no COMMIT takes longer than, at most an hour; so long do readers
        pass by a table whose writer died, and do without hits after Redis lost its contents.
    when_away: what a COMMIT does when the store cannot be told beforehand. "degrade" commits,
        and this process has no hits until the store knows; "refuse" raises CacheUnavailable
        and nothing is written. timeout: seconds to wait for Redis.
    triggers: the tables that the triggers of a table write, or functions that its columns have
        as defaults. A table with such that is not named here invalidates everything.
    namespace: whose processes share stamps; unless given the database's name in the URL, for
        SQLite the file's path.
    directory: where the memory store's stamps are, in place of /dev/shm or the temporary one.
    sample: one hit in so many is read again and compared (0: none); see ``CacheStats``.
    """

    store: str = "memory"
    near: bool = False
    mode: Literal["strict", "relaxed"] = "strict"
    ttl: float = 300.0
    entries: int = 10_000
    size: int = 64 * 2**20
    commit_within: float = 10.0
    when_away: Literal["degrade", "refuse"] = "degrade"
    timeout: float = 1.0
    triggers: Mapping[str, Collection[str]] = field(default_factory=dict)
    namespace: str | None = None
    directory: str | Path | None = None
    sample: int = 0

    def __post_init__(self) -> None:
        if self.store != "memory" and not self.is_redis:
            message = f'cache: "memory" or a redis:// URL is expected, not {_masked(self.store)}'
            raise OdacDbError(message)
        if self.near and not self.is_redis:
            raise OdacDbError("cache: near=True is for Redis: the memory store is near already")
        for name, most in _SECONDS.items():
            seconds_of(getattr(self, name), f"cache: seconds of {name}", most)
        for name in ("entries", "size"):
            if getattr(self, name) <= 0:
                raise OdacDbError(f"cache: {name} must be more than 0")

    @property
    def is_redis(self) -> bool:
        return self.store.startswith(_REDIS)


@dataclass(frozen=True, kw_only=True)
class CacheStats:
    """What a database's cache did in this process since it was opened.

    ``bypasses``: reads that went to the database because a writer was at work. Reads of a
    transaction that has written, or that sees more than its own statement would, are not counted
    at all. ``uncached``: reads that cannot be cached, by reason. ``away``:
    reads that found the store out of reach. ``degraded``: commits it was not told of in time.
    ``unknown_values``: results not kept because of a class that is not known to come back
    equal. ``sampled`` and ``mismatches``: hits that were read again, and those that differed.
    ``entries``, ``bytes`` and ``evicted`` are of what is kept in the process. ``warning``: what the
    database does not show its user and what that costs, "" for nothing.
    """

    hits: int = 0
    misses: int = 0
    shared: int = 0
    bypasses: int = 0
    away: int = 0
    fills: int = 0
    commits: int = 0
    degraded: int = 0
    unknown_values: int = 0
    sampled: int = 0
    mismatches: int = 0
    entries: int = 0
    bytes: int = 0
    evicted: int = 0
    uncached: Mapping[str, int] = field(default_factory=dict)
    warning: str = ""


def settings_of(given: str | Cache) -> Cache:
    """The configuration behind ``cache=``. Raises OdacDbError for what is none."""
    if isinstance(given, Cache):
        return given
    if isinstance(given, str):
        return Cache(store=given)
    message = f'cache: a URL, "memory" or Cache(...) is expected, not {type(given).__name__}'
    raise OdacDbError(message)


def _masked(text: str) -> str:
    """What was given, without what may be a password in it."""
    return repr(text.partition("://")[0]) if "://" in text else repr(text)
