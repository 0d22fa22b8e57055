"""What InnoDB does for a change while the table is in use. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from odac_db.dialects.mysql.column_types import ColumnType, column_type, enum_values
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    DropColumn,
    DropPrimaryKey,
    SetTableOptions,
    table_of,
)
from odac_db.schema.model import Column, Schema
from odac_db.schema.plan import Hazard

replace = msgspec.structs.replace
Cost = Literal["instant", "redefined", "built", "other"]
"""ALGORITHM=INSTANT; INPLACE, of the definition alone (MySQL; MariaDB does it at once); INPLACE,
beside the rows; none of these, or of no matter."""

_INSTANT = frozenset({"default", "comment"})
_HOLDING_UP = frozenset({"table_copy", "blocks_writes"})


def hazards(
    change: Change,
    current: Schema,
    features: MySQLFeatures,
    big: Collection[str] = (),
) -> tuple[Hazard, ...]:
    """The costs and locks of a change.

    ``table_copy``: the whole table is written again and writes wait. ``table_rebuild``: it is
    written again while writes go on. ``blocks_writes``: writes wait, nothing is copied.
    """
    found = _hazards(change, features)
    if table_of(change) not in big:
        return found
    return tuple(replace(one, needs_leave=one.code in _HOLDING_UP) for one in found)


def _hazards(change: Change, features: MySQLFeatures) -> tuple[Hazard, ...]:
    match change:
        case AlterColumn():
            return _altering(change, features)
        case AddColumn() if _computed_at_once(change.column):
            return (_copy(change.table, f"{change.column.name} is computed for every row"),)
        case AddColumn() if change.column.identity is not None:
            return (_copy(change.table, f"{change.column.name} numbers every row"),)
        case DropColumn() if not _drops_instantly(change.column, features):
            return (_rebuild(change.table, f"the space of {change.column.name} is given back"),)
        case AddPrimaryKey():
            return (_rebuild(change.table, "rows are stored in the order of the primary key"),)
        case DropPrimaryKey():
            return (_copy(change.table, "rows lose the key they are stored by"),)
        case AddIndex() if change.index.method in ("fulltext", "spatial", "vector"):
            return (_blocks(change.table, f"a {change.index.method} index is built"),)
        case AddForeignKey():
            return (_copy(change.table, "every row is checked against the parent table"),)
        case AddCheck():
            return (_copy(change.table, "every row is checked"),)
        case SetTableOptions() if change.after:
            return (_copy(change.table, f"{', '.join(sorted(change.after))} changes every row"),)
        case _:
            return ()


def cost_of(change: Change, features: MySQLFeatures) -> Cost:
    """What the change costs a table in an ALTER of its own."""
    if _hazards(change, features):
        return "other"
    match change:
        case AddColumn() | DropColumn():
            return "instant"
        case AlterColumn():
            return "redefined"
        case AddIndex():
            return "built"
        case _:
            return "other"


def _altering(change: AlterColumn, features: MySQLFeatures) -> tuple[Hazard, ...]:
    aspects = change.aspects
    if aspects <= _INSTANT:
        return ()
    why = f"{change.after.name} is stored otherwise"
    if aspects <= _INSTANT | {"nullable"}:
        return (_rebuild(change.table, f"{change.after.name} changes whether it may be null"),)
    if aspects <= _INSTANT | {"type"} and _in_place(change.before, change.after, features):
        return ()
    return (_copy(change.table, why),)


def _in_place(before: Column, after: Column, features: MySQLFeatures) -> bool:
    """Whether only the definition changes: enum values appended, or a varchar that grows
    without its length needing a second byte."""
    old = column_type(before.type, features.mariadb)
    new = column_type(after.type, features.mariadb)
    if old.name != new.name or old.unsigned != new.unsigned:
        return False
    if old.name in ("enum", "set"):
        values, more = enum_values(before.type), enum_values(after.type)
        return more[: len(values)] == values and _bytes_for(values) == _bytes_for(more)
    return old.name == "varchar" and _grows_in_place(old, new)


def _bytes_for(values: tuple[str, ...]) -> bool:
    return len(values) > 255


def _grows_in_place(old: ColumnType, new: ColumnType) -> bool:
    # 4 bytes a character is the most a character set takes, so that this never promises too much.
    before, after = (int(kind.arguments[0]) * 4 for kind in (old, new))
    return before <= after and (after <= 255 or before > 255 * 4)


def _computed_at_once(column: Column) -> bool:
    return column.generated is not None and column.generated.stored


def _drops_instantly(column: Column, features: MySQLFeatures) -> bool:
    if column.generated is not None and not column.generated.stored:
        return True
    return features.mariadb or features.version >= (8, 0, 29)


def _copy(table: str, why: str) -> Hazard:
    return Hazard("table_copy", f"{table} is copied and cannot be written meanwhile: {why}")


def _rebuild(table: str, why: str) -> Hazard:
    return Hazard("table_rebuild", f"{table} is written again, writes go on: {why}")


def _blocks(table: str, why: str) -> Hazard:
    return Hazard("blocks_writes", f"{table} cannot be written while {why}")
