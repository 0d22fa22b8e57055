"""Index names, which all tables of a SQLite database share. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from odac_db.dialects.sqlite.spelling import quote
from odac_db.schema.changes import (
    AddIndex,
    Change,
    DropIndex,
    DropTable,
    RenameConstraint,
    table_of,
)
from odac_db.schema.model import Index, Table


class IndexNames:
    """Which table has which index name while a plan is rendered, change by change.

    An index may take the name of one that is only dropped later in the plan, or goes with
    its table: then that one goes first.
    """

    def __init__(self, tables: Mapping[str, Table], target: Mapping[str, Table]) -> None:
        self._staying = {
            (table.name, (index.name or "").lower())
            for table in target.values()
            for index in table.indexes
        }
        self._owners = {
            (index.name or "").lower(): table.name
            for table in tables.values()
            for index in table.indexes
            if not index.constraint
        }
        self._displaced: dict[tuple[str, str], int] = {}

    def cleared_for(self, change: Change, position: int) -> Iterator[str]:
        """The DROP INDEX that must come before the change; the change counts as done."""
        match change:
            case AddIndex() if not change.index.constraint:
                yield from self._taken(change.table, change.index.name or "", position)
            case RenameConstraint() if change.what == "index":
                self._owners.pop(change.before.lower(), None)
                yield from self._taken(change.table, change.after, position)
            case DropIndex():
                self._owners.pop((change.index.name or "").lower(), None)
            case DropTable():
                self.leave_only(table_of(change), ())
            case _:
                pass

    def _taken(self, table: str, name: str, position: int) -> Iterator[str]:
        owner = self._owners.get(name.lower())
        gone = owner is not None and (owner, name.lower()) not in self._staying
        if owner is not None and owner != table and gone:
            self._displaced[owner, name.lower()] = position
            yield f"DROP INDEX {quote(name)}"
        self._owners[name.lower()] = table

    def leave_only(self, table: str, indexes: Collection[Index]) -> None:
        """The table was made anew, or dropped: it has these indexes and no other."""
        kept = {(index.name or "").lower() for index in indexes}
        for name, owner in list(self._owners.items()):
            if owner == table and name not in kept:
                del self._owners[name]

    def displaced_by(self, change: DropIndex) -> int | None:
        """The position of the change that dropped this index already."""
        return self._displaced.get((change.table, (change.index.name or "").lower()))
