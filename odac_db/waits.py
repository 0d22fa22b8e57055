"""How to wait: as a thread does, or as a task does, whose event loop must go on meanwhile.

The same code runs in both. Over an asynchronous driver it runs in a greenlet, where SQLAlchemy
awaits what the driver does; whatever else may wait while something is awaited asks here.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.util import await_only, greenlet_spawn
from sqlalchemy.util.concurrency import in_greenlet

Value = TypeVar("Value")


class NotAtHand(Exception):
    """Something has to be awaited, and this is no place to: nothing has been done yet."""


class Event(Protocol):
    """Something that is awaited by those who come before it."""

    def set(self) -> None: ...

    def wait(self, seconds: float) -> bool: ...


class Waits(Protocol):
    """The means to wait."""

    def lock(self) -> AbstractContextManager[Any]:
        """A lock that may be held while the database or a store is asked; reentrant."""

    def event(self) -> Event: ...

    def pause(self, seconds: float) -> None: ...

    def aside(self, work: Callable[[], None]) -> None:
        """Does it while the caller goes on, in a thread or task that ends with it."""

    def begin(self) -> None:
        """Called before anything is asked of anybody. Raises NotAtHand."""

    def finished(
        self, call: Callable[[], Value], patience: float
    ) -> tuple[Value, BaseException | None]:
        """The call's value, and what meanwhile asked to end. It is waited for all the same.

        After so many seconds of that the call itself is ended, and this raises.
        """


class _Threads:
    def lock(self) -> AbstractContextManager[Any]:
        return threading.RLock()

    def event(self) -> Event:
        return threading.Event()

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def aside(self, work: Callable[[], None]) -> None:
        threading.Thread(target=work, name="odac-db aside", daemon=True).start()

    def begin(self) -> None:
        return None

    def finished(
        self,
        call: Callable[[], Value],
        patience: float,  # noqa: ARG002 - a signal ends a thread's call at once
    ) -> tuple[Value, BaseException | None]:
        return call(), None


class _Tasks:
    def lock(self) -> AbstractContextManager[Any]:
        return _TaskLock()

    def event(self) -> Event:
        return _TaskEvent()

    def pause(self, seconds: float) -> None:
        await_only(asyncio.sleep(seconds))

    def aside(self, work: Callable[[], None]) -> None:
        task = asyncio.ensure_future(greenlet_spawn(work))
        _asides.add(task)  # the loop itself would let it be collected
        task.add_done_callback(_asides.discard)

    def begin(self) -> None:
        if not in_greenlet():
            raise NotAtHand

    def finished(
        self, call: Callable[[], Value], patience: float
    ) -> tuple[Value, BaseException | None]:
        task = asyncio.ensure_future(greenlet_spawn(call))
        interrupted: BaseException | None = None
        end: float | None = None
        while not task.done():
            left = None if end is None else max(0.0, end - time.monotonic())
            try:
                await_only(asyncio.wait({task}, timeout=left))
            except asyncio.CancelledError as error:
                interrupted = error
                end = time.monotonic() + patience if end is None else end
                continue
            if not task.done():
                task.cancel()
        return task.result(), interrupted


class _TaskLock:
    """Held by a task, which may take it again."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._owner: asyncio.Task[Any] | None = None
        self._depth = 0

    def __enter__(self) -> None:
        me = asyncio.current_task()
        if self._owner is not me or me is None:
            await_only(self._lock.acquire())
            self._owner = me
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = None
            self._lock.release()


class _TaskEvent:
    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> bool:
        return await_only(self._came(seconds))

    async def _came(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        return True


_asides: set[asyncio.Future[None]] = set()
THREADS: Final[Waits] = _Threads()
TASKS: Final[Waits] = _Tasks()


def waits_of(conn: Connection | Engine) -> Waits:
    """How those wait who use this connection or engine."""
    return TASKS if conn.dialect.is_async else THREADS
