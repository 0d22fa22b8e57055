"""The master of a Redis Cluster that has one database's part of the cache.

All of it is behind one hash tag, so it is in one slot, and one server has it: entries and
stamps are read by one command, as from a single Redis. Which server that is, is asked of the
cluster each time a connection is made; one that has lost the slot says so (MOVED). The
new one has another run id, so nothing it has is believed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis import Connection
from redis.asyncio import Connection as TaskConnection
from redis.crc import key_slot
from redis.exceptions import ConnectionError as Broken
from redis.exceptions import RedisError

from odac_db.cache.connections import asked

Address = tuple[str, int]


class Masters:
    """Who has which slot, by the word of any node that answers."""

    def __init__(self, seeds: Sequence[Address], options: dict[str, Any]) -> None:
        self._seeds, self._options = tuple(seeds), options
        self._nodes: tuple[Address, ...] = ()

    def of(self, slot: int) -> Address:
        """Where the master of a slot is. Raises redis's ConnectionError if nobody knows."""
        failed: Exception | None = None
        for seed in dict.fromkeys((*self._nodes, *self._seeds)):
            try:
                ranges = self._asked(seed)
            except (RedisError, OSError) as error:
                failed = error
                continue
            self._nodes = tuple(_address(one[2], seed) for one in ranges)
            for first, last, master, *_ in ranges:
                if first <= slot <= last:
                    return _address(master, seed)
        raise Broken("no node of the cluster knows who has the slot") from failed

    def _asked(self, seed: Address) -> Any:
        made: type[Any] = Connection
        connection = made(host=seed[0], port=seed[1], **self._options)
        try:
            return asked(connection, "CLUSTER", "SLOTS")
        finally:
            connection.disconnect()


class SlotConnection(Connection):
    """A connection to whoever has the slot when it is made."""

    def __init__(self, *, masters: Masters, slot: int, **options: Any) -> None:
        self._masters, self._slot = masters, slot
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def connect(self) -> None:
        if not self.is_connected:
            self.host, self.port = self._masters.of(self._slot)
        super().connect()  # type: ignore[no-untyped-call]


class TaskSlotConnection(TaskConnection):
    """The same for tasks. The nodes are asked by a thread: that is once for a connection."""

    def __init__(self, *, masters: Masters, slot: int, **options: Any) -> None:
        self._masters, self._slot = masters, slot
        super().__init__(**options)

    async def connect(self) -> None:
        if not self.is_connected:
            self.host, self.port = await asyncio.to_thread(self._masters.of, self._slot)
        await super().connect()  # type: ignore[no-untyped-call]


def place(seeds: Sequence[Address], prefix: str, options: dict[str, Any]) -> dict[str, Any]:
    """What a connection is made with to whoever has what is behind a prefix.

    ``options``: of a connection to any node.
    """
    return {"masters": Masters(seeds, options), "slot": key_slot(prefix.encode())}


def _address(node: Any, seed: Address) -> Address:
    """A node that does not know its own name is the one that was asked."""
    host = node[0].decode() if isinstance(node[0], bytes) else node[0]
    return (host or seed[0], node[1])
