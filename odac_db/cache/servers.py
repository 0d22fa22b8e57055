"""Where a Redis is: by its own URL, as sentinels say, or in a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, unquote, urlsplit

from redis import ConnectionPool
from redis import asyncio as redis_asyncio
from redis.asyncio import sentinel as sentinel_asyncio
from redis.sentinel import Sentinel, SentinelConnectionPool

from odac_db.cache.cluster import Address, SlotConnection, TaskSlotConnection, place
from odac_db.errors import OdacDbError

_SENTINEL_PORT, _PORT = 26379, 6379


@dataclass(frozen=True)
class Kit:
    """redis-py's classes, those for threads or those for tasks, which are alike."""

    pool: Any
    sentinel: Any
    sentinel_pool: Any
    slot_connection: Any


OF_THREADS: Final = Kit(ConnectionPool, Sentinel, SentinelConnectionPool, SlotConnection)
OF_TASKS: Final = Kit(
    redis_asyncio.ConnectionPool,
    sentinel_asyncio.Sentinel,
    sentinel_asyncio.SentinelConnectionPool,
    TaskSlotConnection,
)


def pool_of(url: str, prefix: str, kit: Kit, *, timeout: float, **options: Any) -> Any:
    """Makes connections to the server that has what is behind a prefix. Connects to nothing.

    ``redis+sentinel://user:password@one:26379,other/service/0`` asks the sentinels for the master
    of that service each time a connection is made, ``redis+cluster://user:password@one:6379,other``
    the nodes for the master of the prefix's slot. Raises OdacDbError for a URL that lacks a part.
    """
    limits = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
    parts = urlsplit(url)
    if parts.scheme == "redis+sentinel":
        return _watched(parts, kit, limits, options)
    if parts.scheme == "redis+cluster":
        any_node = limits | _credentials(parts)
        there = place(_hosts(parts, _PORT), prefix, any_node)
        return kit.pool(kit.slot_connection, **there, **any_node, **options)
    return kit.pool.from_url(url, **limits, **options)


def _watched(parts: SplitResult, kit: Kit, limits: dict[str, Any], options: dict[str, Any]) -> Any:
    hosts = _hosts(parts, _SENTINEL_PORT)
    service, _, number = parts.path.strip("/").partition("/")
    if not service:
        example = "redis+sentinel://host:26379,other:26379/service/0"
        raise OdacDbError(f"cache: the name of a service is expected: {example}")
    sentinels = kit.sentinel(hosts, sentinel_kwargs=limits)
    more = {"db": int(number or 0), **_credentials(parts), **limits, **options}
    return kit.sentinel_pool(service, sentinels, **more)


def _credentials(parts: SplitResult) -> dict[str, str | None]:
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    return {"username": unquote(user) or None, "password": unquote(password) or None}


def _hosts(parts: SplitResult, port: int) -> list[Address]:
    hosts = [one for one in parts.netloc.rpartition("@")[2].split(",") if one]
    if not hosts:
        raise OdacDbError(f"cache: {parts.scheme}://host:{port},other:{port} is expected")
    return [_address(one, port) for one in hosts]


def _address(text: str, otherwise: int) -> Address:
    host, _, port = text.rpartition(":")
    return (host, int(port)) if host and port.isdigit() else (text, otherwise)
