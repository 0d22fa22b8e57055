"""How a migrate treats tables that others use meanwhile. A word of the public face."""

from __future__ import annotations

import msgspec

__all__ = ["Online"]


class Online(msgspec.Struct, frozen=True, kw_only=True):
    """How a migrate treats tables that others use meanwhile. Times are seconds.

    ``table_lock_timeout``: how long one wait for a table in use may take, because whoever
    comes after queues up behind it (PostgreSQL, MySQL, MariaDB; whole seconds on the latter).
    ``table_lock_patience``: for how long to come back to it before TableBusy is raised.
    ``big_table``: from how many rows (or 640 times as many bytes) a table is changed in
    stages that hold up nobody, rather than in one go.
    """

    table_lock_timeout: float = 2.0
    table_lock_patience: float = 60.0
    big_table: int = 100_000
