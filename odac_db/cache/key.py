"""What a read is known by.

The material of a key is exact: database, schema, SQL, parameters with their classes. Memory
finds an entry by the material itself. Redis finds it by a hash of it, and the entry carries
the material, so that a collision is a miss and never somebody else's rows.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """``head`` is the same for all parameters; ``local`` tells all of it in this process."""

    head: bytes
    local: bytes
    params: bytes

    @property
    def material(self) -> bytes:
        return len(self.head).to_bytes(4, "big") + self.head + self.params
