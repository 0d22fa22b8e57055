"""From a coroutine into synchronous code whose waiting is awaited."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy.util import await_only, greenlet_spawn

from odac_db.waits import NotAtHand

Value = TypeVar("Value")


async def asked(call: Callable[..., Value], *given: Any, **named: Any) -> Value:
    """The call's value."""
    return await greenlet_spawn(call, *given, **named)


async def read(cached: bool, call: Callable[..., Value], *given: Any, **named: Any) -> Value:
    """A read's value. One that may be in this process is looked for without a greenlet.

    A call that finds it has to ask for it has done nothing yet, and is begun again.
    """
    if cached:
        try:
            return call(*given, **named)
        except NotAtHand:
            pass
    return await greenlet_spawn(call, *given, **named)


def awaited(value: Value | Awaitable[Value]) -> Value:
    """What a callback gives, whether it is a coroutine's function or not."""
    if inspect.isawaitable(value):
        found: Value = await_only(value)
        return found
    return value
