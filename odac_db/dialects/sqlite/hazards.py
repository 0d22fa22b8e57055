"""What a change costs on SQLite. Pure."""

from __future__ import annotations

from collections.abc import Collection

from odac_db.dialects.base import Features
from odac_db.dialects.sqlite.leftovers import ON_CONFLICT, TRIGGER, VIEW
from odac_db.schema.changes import (
    AddCheck,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    DropCheck,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    SetTableOptions,
    table_of,
)
from odac_db.schema.model import Schema
from odac_db.schema.plan import Hazard

_CARRIED = frozenset({TRIGGER, VIEW, ON_CONFLICT})


def hazards(
    change: Change,
    current: Schema,
    features: Features,
    big: Collection[str] = (),  # one writer at a time, whatever the size
) -> tuple[Hazard, ...]:
    """The costs of one change, seen alone.

    A foreign key or CHECK that comes with a column of its own is done in place by the
    plan; alone it means a rebuild, and that is what is told here.
    """
    name = table_of(change)
    if name not in current.tables:
        return ()
    if not _rebuilds(change):
        return ()
    found = [
        Hazard(
            "table_rebuild",
            f"{name} is copied into a new table; other writers wait until the plan ends",
        )
    ]
    lost = [
        f"{item.kind} {item.name or item.detail}"
        for item in current.unsupported
        if item.table == name and item.kind not in _CARRIED
    ]
    if lost:
        found.append(Hazard("rebuild_drops", f"the rebuild does not keep: {', '.join(lost)}"))
    return tuple(found)


def _rebuilds(change: Change) -> bool:
    match change:
        case AddIndex() | DropIndex():
            return bool(change.index.constraint)
        case AddForeignKey() | DropForeignKey() | AddCheck() | DropCheck():
            return True
        case AlterColumn() | AddPrimaryKey() | DropPrimaryKey() | SetTableOptions():
            return True
        case _:
            return False
