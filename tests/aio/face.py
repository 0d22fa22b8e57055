"""An ``AsyncDatabase`` as tests written for a ``Database`` see it.

Everything is awaited in one task, so that what is written between two calls is inside the same
transaction. Only names are passed on: what is awaited, and what it gives, is the real thing.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine


class Loop:
    """An event loop with one task, which awaits what it is given."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._given: asyncio.Queue[tuple[Any, asyncio.Future[Any]]] = asyncio.Queue()
        self._task = self._runner.get_loop().create_task(self._work())

    def run(self, awaitable: Any) -> Any:
        """What is awaited, in the task."""
        answer = self._runner.get_loop().create_future()
        self._given.put_nowait((awaitable, answer))
        return self._runner.get_loop().run_until_complete(answer)

    def close(self) -> None:
        self._task.cancel()
        self._runner.close()

    async def _work(self) -> None:
        while True:
            awaitable, answer = await self._given.get()
            try:
                answer.set_result(await awaitable)
            except Exception as error:
                answer.set_exception(error)


class Face:
    """An object of the asynchronous names, without their ``await``."""

    def __init__(self, loop: Loop, target: Any) -> None:
        self._loop = loop
        self._target = target

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name != "_as_subquery":
            raise AttributeError(name)
        return shown(self._loop, getattr(self._target, name))

    def __getitem__(self, name: Any) -> Any:
        return shown(self._loop, self._target[name])

    def __call__(self, *given: Any, **named: Any) -> Any:
        plain = [one._target if isinstance(one, Face) else one for one in given]
        others = {k: one._target if isinstance(one, Face) else one for k, one in named.items()}
        return shown(self._loop, self._target(*plain, **others))

    def __repr__(self) -> str:
        return repr(self._target).replace("<Async", "<")


def shown(loop: Loop, value: Any) -> Any:
    """A value, awaited, or with what it has to be awaited hidden."""
    if inspect.iscoroutine(value):
        return shown(loop, loop.run(value))
    if inspect.isasyncgen(value):
        return _rows(loop, value)
    if isinstance(value, AsyncEngine):
        return value.sync_engine
    if hasattr(value, "__aexit__") and not hasattr(value, "open"):
        return _scope(loop, value)
    home = getattr(value, "__self__", value)
    return Face(loop, value) if type(home).__module__.startswith("odac_db.aio") else value


def _rows(loop: Loop, rows: Any) -> Iterator[Any]:
    try:
        while True:
            try:
                yield loop.run(anext(rows))
            except StopAsyncIteration:
                return
    finally:
        loop.run(rows.aclose())


@contextmanager
def _scope(loop: Loop, scope: Any) -> Iterator[Any]:
    entered = shown(loop, loop.run(scope.__aenter__()))
    try:
        yield entered
    except BaseException as error:
        if not loop.run(scope.__aexit__(type(error), error, error.__traceback__)):
            raise
    else:
        loop.run(scope.__aexit__(None, None, None))
