"""Connections to Redis: redis-py's own for threads, and its asynchronous ones for tasks.

Both look alike from where they are used; those of tasks are awaited inside a greenlet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from redis.asyncio.retry import Retry as TaskRetry
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry
from sqlalchemy.util import await_only, greenlet_spawn

from odac_db.cache.servers import OF_TASKS, OF_THREADS, pool_of

Greet = Callable[[Any], None]


class Pool(Protocol):
    """What is asked of a pool. What it raises is redis-py's, or an OSError."""

    def get_connection(self) -> Any: ...

    def release(self, connection: Any) -> None: ...

    def disconnect(self) -> None: ...


def pool_for_threads(url: str, prefix: str, timeout: float, greet: Greet) -> Pool:
    """``greet`` is called with each new connection before anything is asked over it."""
    pool: Pool = pool_of(
        url,
        prefix,
        OF_THREADS,
        timeout=timeout,
        protocol=3,
        retry=Retry(NoBackoff(), 0),
        redis_connect_func=greet,
        health_check_interval=0,
    )
    return pool


def pool_for_tasks(url: str, prefix: str, timeout: float, greet: Greet) -> Pool:
    """The same for the tasks of one event loop."""
    return _TaskPool(url, prefix, timeout, greet)


class _TaskPool:
    def __init__(self, url: str, prefix: str, timeout: float, greet: Greet) -> None:
        async def greeted(connection: Any) -> None:
            await greenlet_spawn(greet, _TaskConnection(connection))

        self._pool = pool_of(
            url,
            prefix,
            OF_TASKS,
            timeout=timeout,
            protocol=3,
            retry=TaskRetry(NoBackoff(), 0),
            redis_connect_func=greeted,
            health_check_interval=0,
        )

    def get_connection(self) -> _TaskConnection:
        return _TaskConnection(await_only(self._pool.get_connection()))

    def release(self, connection: _TaskConnection) -> None:
        await_only(self._pool.release(connection.raw))

    def disconnect(self) -> None:
        await_only(self._pool.disconnect())
        sentinels = getattr(self._pool, "sentinel_manager", None)
        for each in sentinels.sentinels if sentinels is not None else ():
            await_only(each.aclose())


class _TaskConnection:
    """A connection of redis.asyncio. What is noted on it is noted on the connection itself."""

    __slots__ = ("raw",)

    def __init__(self, raw: Any) -> None:
        object.__setattr__(self, "raw", raw)

    def on_connect(self) -> None:
        await_only(_in_time(self.raw, self.raw.on_connect()))

    def send_command(self, *command: Any, **options: Any) -> None:
        await_only(_in_time(self.raw, self.raw.send_command(*command, **options)))

    def send_packed_command(self, packed: Any, **options: Any) -> None:
        await_only(_in_time(self.raw, self.raw.send_packed_command(packed, **options)))

    def read_response(self) -> Any:
        return await_only(self.raw.read_response())

    def disconnect(self) -> None:
        await_only(self.raw.disconnect())

    def __getattr__(self, name: str) -> Any:
        return getattr(self.raw, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.raw, name, value)


async def _in_time(raw: Any, sent: Coroutine[Any, Any, None]) -> None:
    """What is sent, within the connection's timeout.

    redis-py sends by ``asyncio.wait_for`` where a connection has a timeout, and that of
    Python 3.11 loses a cancellation that comes when what it waits for is done.
    """
    patience, raw.socket_timeout = raw.socket_timeout, None
    try:
        async with asyncio.timeout(patience):
            await sent
    except TimeoutError as error:
        raise RedisTimeout("Timeout writing to socket") from error
    finally:
        raw.socket_timeout = patience
