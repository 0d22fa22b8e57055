"""What a read is known by.

The material of a key is exact: database, schema, SQL, parameters with their classes. Memory
finds an entry by the material itself. Redis finds it by a hash of it, and the entry carries
the material, so that a collision is a miss and never somebody else's rows.
"""

from __future__ import annotations

from typing import Any


class Key:
    """``head`` is the same for all parameters; ``local`` tells all of it in this process.

    ``asked_as`` is a store's, to remember how it asked for it.
    """

    __slots__ = ("asked_as", "head", "local", "material", "params")

    def __init__(self, head: bytes, local: bytes, params: bytes) -> None:
        self.head, self.local, self.params = head, local, params
        self.material = len(head).to_bytes(4, "big") + head + params
        self.asked_as: Any = None
