"""What one database has in Redis, read a thousand names at a time."""

from __future__ import annotations

import time
from typing import Any

from odac_db.cache.connections import asked, names_of
from odac_db.cache.inventory import Inventory


def in_redis(connection: Any, prefix: str) -> Inventory:
    """Everything behind the prefix, counted. Changes nothing."""
    entries = size = 0
    for names in names_of(connection, prefix, "q"):
        entries += len(names)
        commands = [("STRLEN", name) for name in names]
        connection.send_packed_command(connection.pack_commands(commands), check_health=False)
        size += sum([connection.read_response() for _ in names])
    stamps: dict[str, bool] = {}
    now = time.time() * 1000
    for names in names_of(connection, prefix, "s"):
        for name, stamp in zip(names, asked(connection, "MGET", *names), strict=True):
            table = name.decode().removeprefix(f"{prefix}s:")
            stamps[table] = stamp is not None and _pending(stamp, now)
    writing = tuple(sorted(table for table, pending in stamps.items() if pending))
    return Inventory(
        store="redis", entries=entries, bytes=size, stamps=len(stamps), writing=writing
    )


def _pending(stamp: bytes, now: float) -> bool:
    """Whether a token stands, by this machine's clock: for people only."""
    return any(float(token.partition(b"=")[2]) > now for token in stamp.split(b";")[1:])
