"""What has changed since the last migrate, and whose doing it is."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class Drifted(msgspec.Struct, frozen=True, kw_only=True):
    """A table or enum type that somebody else created, altered or dropped."""

    change: Literal["created", "altered", "dropped"]
    what: str
    name: str


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """Who has changed what since the last migrate: the files, the library, the database.

    ``declared`` says that the schema files are others. ``library`` is the version of odac-db
    that migrated last, where this is another. ``actual`` is what somebody changed in the
    database without odac-db; it is empty, too, where that cannot be told (nothing was ever
    migrated, a run died, odac-db or the server is of another version).
    """

    declared: bool = False
    library: str = ""
    actual: tuple[Drifted, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The drift as ``plan --json`` prints it."""
        return {
            **msgspec.to_builtins(self),
            "actual": [msgspec.to_builtins(e) for e in self.actual],
        }

    def __bool__(self) -> bool:
        return bool(self.declared or self.library or self.actual)
