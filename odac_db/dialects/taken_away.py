"""What changes take away from whoever names it, by the names it has today. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from odac_db.schema.changes import (
    AddColumn,
    Change,
    DropColumn,
    DropTable,
    RenameColumn,
    RenameEnum,
    RenameTable,
    table_of,
)
from odac_db.schema.model import Schema

__all__ = ["Dependants", "TakenAway", "former_columns", "former_names", "taken_away"]

Dependants = Callable[[Connection, Sequence[Change], Schema, Any], Mapping[int, tuple[str, ...]]]
"""``Dialect.dependants``: by the position of the change."""


@dataclass(frozen=True, kw_only=True)
class TakenAway:
    """A table, or one column of it, whose name the change at ``position`` takes away."""

    position: int
    change: DropTable | DropColumn | RenameTable | RenameColumn
    table: str
    column: str | None = None


def former_names(
    changes: Sequence[Change], kind: type[RenameTable | RenameEnum] = RenameTable
) -> dict[str, str]:
    """The live name of each table, or enum type, that is renamed, by its coming one."""
    found: dict[str, str] = {}
    for change in changes:
        if isinstance(change, kind):
            found[change.after] = found.pop(change.before, change.before)
    return found


def former_columns(changes: Sequence[Change]) -> dict[tuple[str, str], str]:
    """The live name of each column that is renamed, by its table's coming name and its own."""
    found: dict[tuple[str, str], str] = {}
    for change in changes:
        if isinstance(change, RenameColumn):
            before = found.pop((change.table, change.before), change.before)
            found[change.table, change.after] = before
    return found


def taken_away(changes: Sequence[Change]) -> Iterator[TakenAway]:
    """Tables and columns dropped or renamed; not a column that is made again under its name."""
    former = former_names(changes)
    made = {(c.table, c.column.name) for c in changes if isinstance(c, AddColumn)}
    made |= {(c.table, c.after) for c in changes if isinstance(c, RenameColumn)}
    for position, change in enumerate(changes):
        table = former.get(table_of(change), table_of(change))
        match change:
            case DropTable() | RenameTable():
                yield TakenAway(position=position, change=change, table=table)
            case DropColumn() if (change.table, change.column.name) not in made:
                column = change.column.name
                yield TakenAway(position=position, change=change, table=table, column=column)
            case RenameColumn() if (change.table, change.before) not in made:
                column = change.before
                yield TakenAway(position=position, change=change, table=table, column=column)
            case _:
                pass
