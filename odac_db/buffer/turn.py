"""Who flushes: one thread at a time, and no signal handler in the midst of its thread's work."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from inspect import currentframe
from types import FrameType

from odac_db.errors import BufferRefused

LOOK = 0.02
"""Seconds between looks whether others have done what somebody waits for."""

Deeds = list[Callable[[], object]]


class Turn:
    """A lock that a call has or waits for, but nothing that interrupts the call.

    Calls are known by their frames. Threads would not do: a signal that raises just before
    the lock is given back leaves it with a thread that is at nothing any more.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._calls: dict[FrameType | None, Deeds] = {}

    def acquire(
        self, until: float = float("inf"), unneeded: Callable[[], bool] = lambda: False
    ) -> bool:
        """Whether the calling function has it now. It waits until then, or until others have
        made it ``unneeded``; not at all where that would not help, see ``interrupted``."""
        if self.interrupted() is not None:
            return False
        call = _caller()
        self._calls[call] = []  # before it has the lock: from here on it can be interrupted
        waited = False
        while not self._lock.acquire(timeout=min(max(until - time.monotonic(), 0), LOOK)):
            waited = True
            if time.monotonic() >= until or unneeded():
                self._left(call)
                return False
        if waited and unneeded():
            self._left(call)
            return False
        return True

    def release(self) -> None:
        """Gives it back; does nothing if the calling function has not got it."""
        self._left(_caller())

    def interrupted(self) -> Deeds | None:
        """What will be done at the end of the call that this one has interrupted, to be added to.

        None unless a signal handler or finalizer asks that came in the midst of a call.
        """
        frame = currentframe()
        while frame is not None:
            if (found := self._calls.get(frame)) is not None:
                return found
            frame = frame.f_back
        return None

    def __enter__(self) -> None:
        """Raises BufferRefused where waiting would not help."""
        if self.interrupted() is not None:
            message = "a signal handler or finalizer called the buffer in the midst of a flush"
            raise BufferRefused(f"{message} of its own thread: call it when that is done")
        self._calls[_caller()] = []
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._left(_caller())

    def _left(self, call: FrameType | None) -> None:
        deeds = self._calls.pop(call, None)
        if deeds is None:
            return
        with suppress(RuntimeError):  # it is not this thread's, or not any more
            while True:
                self._lock.release()
        for deed in deeds:
            deed()


def _caller() -> FrameType | None:
    """Of the method that asks."""
    here = currentframe()
    return here.f_back.f_back if here is not None and here.f_back is not None else None
