"""Coroutines that are cancelled at a chosen moment."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class CancelledAt:
    """Awaits a coroutine; its task is cancelled when it waits for the ``at``-th time."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], at: int) -> None:
        self._inner = coroutine
        self._at = at
        self.reached = False

    def __await__(self) -> Generator[Any, Any, Any]:
        thrown: BaseException | None = None
        waited = 0
        while True:
            try:
                future = self._inner.send(None) if thrown is None else self._inner.throw(thrown)
            except StopIteration as end:
                return end.value
            waited += 1
            if waited == self._at:
                self.reached = True
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
            try:
                thrown = None
                yield future
            except BaseException as error:
                thrown = error


async def cancelled_at(coroutine: Coroutine[Any, Any, Any], at: int) -> bool:
    """Whether it waited so often, and was cancelled there."""
    waiting = CancelledAt(coroutine, at)

    async def whole() -> None:
        await waiting

    done = await asyncio.gather(asyncio.create_task(whole()), return_exceptions=True)
    if not isinstance(done[0], asyncio.CancelledError | None):
        raise done[0]
    assert waiting.reached == isinstance(done[0], asyncio.CancelledError)
    return waiting.reached


async def turn(times: int = 1) -> None:
    """Lets all that is ready run, so often."""
    for _ in range(times):
        come = asyncio.Event()
        asyncio.get_running_loop().call_soon(come.set)
        await come.wait()
