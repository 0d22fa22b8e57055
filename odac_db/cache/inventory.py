"""What a store holds at this moment, for people who look at it from outside."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """``entries`` and ``bytes`` are None where each process has its own.

    ``stamps``: tables that have been read or written. ``writing``: those of them with a commit
    on its way, or a writer that died there less than ``commit_within`` ago; named in Redis,
    slots of the shared file in memory.
    """

    store: str
    entries: int | None = None
    bytes: int | None = None
    stamps: int = 0
    writing: tuple[str, ...] = ()
