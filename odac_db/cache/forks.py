"""What a forked process has to have anew: locks of threads, and tasks, that it does not have."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """Something with a lock, or that waits for others of its process."""

    def renew(self) -> None:
        """Called in the child, where nobody else is: whoever held the lock, or was waited for,
        is in the parent."""


_living: WeakSet[Renewable] = WeakSet()


def renewed_in_children(one: Renewable) -> None:
    """From now on, as long as it lives."""
    _living.add(one)


def _after_fork() -> None:
    for one in list(_living):
        one.renew()


os.register_at_fork(after_in_child=_after_fork)
