"""Renames that are not done, and what speaks of the names that they would give. Pure.

Every change names tables and columns as after the plan's renames. While one of them is held
back or blocked, all else that is to be done to its table waits. Told as needs (see ``needs``).
"""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.migrate.needs import Need
from odac_db.schema.changes import (
    AddForeignKey,
    Change,
    CreateTable,
    DropForeignKey,
    RenameColumn,
    RenameTable,
    ReplaceEnum,
    table_of,
)

__all__ = ["naming", "unnamed"]


def unnamed(change: Change) -> Iterator[Need]:
    """What has not its coming name while a change is not done, and the name that is not free."""
    if isinstance(change, RenameTable | RenameColumn):
        yield "names", table_of(change), ""
    if isinstance(change, RenameTable):
        yield "free name", change.before, ""


def naming(change: Change) -> Iterator[Need]:
    """The names that a change relies on."""
    match change:
        case RenameTable() | CreateTable():
            yield "free name", table_of(change), ""
        case ReplaceEnum():
            for table, _, _ in change.columns:
                yield "names", table, ""
        case AddForeignKey() | DropForeignKey():
            yield "names", change.table, ""
            yield "names", change.foreign_key.ref_table, ""
        case _:
            yield "names", table_of(change), ""
