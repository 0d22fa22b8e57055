"""Connections to Redis, each greeted before anything else is asked over it.

They are kept here, not in redis-py's pool, because that one looks at a socket and counts
before each command, which takes as long as the command. A connection that broke while nobody
used it is found out by the first who does, and asked for again once on a new one: whatever
the store asks may be asked twice.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from redis.exceptions import ConnectionError as Broken
from redis.exceptions import MovedError, ReadOnlyError, RedisError, ResponseError

from odac_db.cache.protocol import Away

Value = TypeVar("Value")
_ELSEWHERE = (MovedError, ReadOnlyError)
_PAUSE = 1.0  # seconds without trying after the server was away


class Connections:
    """Those to one server. ``pool`` makes them."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._idle: list[Any] = []
        self._process = os.getpid()
        self._away_until = self._deaf_until = 0.0

    def ask(self, question: Callable[[Any], Value], *, marks: bool = False) -> Value:
        """What ``question`` returns, given a connection. Raises Away.

        ``marks``: it leaves the marks of a writer, for which others may be stale if they are
        not left. They are tried though a read has just failed, until one of them fails, too.
        """
        until = self._deaf_until if marks else self._away_until
        if until and time.monotonic() < until:
            raise Away("the store was away a moment ago")
        try:
            connection = self._kept()
            if connection is not None:
                try:
                    return self._asked(connection, question)
                except (Broken, *_ELSEWHERE):
                    self.close()  # the others broke, or lead nowhere, with it
            return self._asked(self._pool.get_connection(), question)
        except (RedisError, OSError) as error:
            self._away_until = time.monotonic() + _PAUSE
            if marks:
                self._deaf_until = self._away_until
            raise Away(str(error)) from error

    def close(self) -> None:
        """Ends those that nobody uses."""
        while self._idle:
            self._ended(self._idle.pop())

    def _kept(self) -> Any:
        if self._process != os.getpid():  # the sockets are the parent's
            self._process, self._idle = os.getpid(), []
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _asked(self, connection: Any, question: Callable[[Any], Value]) -> Value:
        try:
            answer = question(connection)
        except BaseException as error:
            if isinstance(error, ResponseError) and not isinstance(error, _ELSEWHERE):
                self._idle.append(connection)
                raise Away(str(error)) from error  # it is there: nobody else need be spared
            self._ended(connection)  # an answer may be unread, or it is no master any more
            raise
        self._idle.append(connection)
        return answer

    def _ended(self, connection: Any) -> None:
        connection.disconnect()
        self._pool.release(connection)


def asked(connection: Any, *command: Any) -> Any:
    """The answer to a command."""
    connection.send_command(*command, check_health=False)
    return connection.read_response()


def names_of(connection: Any, prefix: str, kind: str) -> Iterator[list[bytes]]:
    """The names of all entries (``q``) or stamps (``s``) behind a prefix, some at a time."""
    cursor: Any = b"0"
    pattern = f"{prefix.replace('[', chr(92) + '[')}{kind}:*"
    while True:
        cursor, names = asked(connection, "SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
        if names:
            yield names
        if cursor == b"0":
            return
