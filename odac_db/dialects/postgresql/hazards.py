"""What a change costs while it runs: locks, rewrites, scans. Pure.

Codes: ``blocks_reads`` (an ACCESS EXCLUSIVE lock that is held for long), ``blocks_writes``
(reads go on), ``table_rewrite``, ``full_scan``, ``data_loss``.
"""

from __future__ import annotations

from collections.abc import Collection

from odac_db.dialects.postgresql.casts import STRINGS, using
from odac_db.dialects.postgresql.column_types import arguments, base, element, is_array
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    DropColumn,
    DropTable,
    ReplaceEnum,
    SetTableOptions,
    table_of,
)
from odac_db.schema.model import Column, Schema
from odac_db.schema.plan import Hazard

_VOLATILE = ("random(", "gen_random_uuid(", "clock_timestamp(", "uuid_generate", "nextval(")


def hazards(
    change: Change,
    current: Schema,
    features: PostgreSQLFeatures,  # the same on all versions
    big: Collection[str] = (),
) -> tuple[Hazard, ...]:
    """The hazards of one change; none for a table that the same plan makes.

    A big table is changed in stages (``staged``), so that most of them are gone; what is
    left would hold up everybody for long, and needs leave.
    """
    table = table_of(change)
    match change:
        case DropTable():
            return (Hazard("data_loss", f"all rows of {table} are gone"),)
        case DropColumn():
            name = change.column.name
            return (Hazard("data_loss", f"the values of {table}.{name} are gone"),)
        case ReplaceEnum():
            tables = dict.fromkeys(name for name, _, _ in change.columns)
            return tuple(_rewrite(name, big) for name in tables)
        case _:
            return _on_table(change, table, big) if table in current.tables else ()


def _on_table(change: Change, table: str, big: Collection[str]) -> tuple[Hazard, ...]:
    match change:
        case AddColumn():
            return _new_column(table, change.column, big)
        case AlterColumn():
            return _altered_column(table, change, big)
        case AddExclusion():
            return (_blocks_reads(table, "its index is built", big),)
        case SetTableOptions():
            return (_rewrite(table, big),)
        case _:
            return () if table in big else _in_the_transaction(change, table)


def _in_the_transaction(change: Change, table: str) -> tuple[Hazard, ...]:
    """What a big table does without."""
    match change:
        case AddIndex():
            return (_blocks_writes(table, "the index is built"),)
        case AddForeignKey() if change.foreign_key.valid:
            both = f"{table} and {change.foreign_key.ref_table}"
            return (_blocks_writes(both, "every row is checked"),)
        case AddPrimaryKey():
            return (_blocks_reads(table, "its index is built"),)
        case AddCheck():
            if change.check.enforced and change.check.valid:
                return (_blocks_reads(table, "every row is checked"),)
            return ()
        case _:
            return ()


def _blocks_writes(table: str, why: str) -> Hazard:
    return Hazard("blocks_writes", f"nothing can be written to {table} while {why}")


def _blocks_reads(table: str, why: str, big: Collection[str] = ()) -> Hazard:
    message = f"{table} can be neither read nor written while {why}"
    return Hazard("blocks_reads", message, table in big)


def _rewrite(table: str, big: Collection[str]) -> Hazard:
    message = f"{table} is written anew, and can be neither read nor written meanwhile"
    return Hazard("table_rewrite", message, table in big)


def _new_column(table: str, column: Column, big: Collection[str]) -> tuple[Hazard, ...]:
    stored = column.generated is not None and column.generated.stored
    volatile = any(name in (column.default or "") for name in _VOLATILE)
    written = stored or volatile or column.identity is not None
    return (_rewrite(table, big),) if written else ()


def _altered_column(table: str, change: AlterColumn, big: Collection[str]) -> tuple[Hazard, ...]:
    before, after = change.before, change.after
    if change.aspects & {"type", "collation"} and rewrites(before, after):
        return (_rewrite(table, big),)
    found = []
    if "collation" in change.aspects:
        found.append(_blocks_reads(table, "its indexes are built anew", big))
    if before.nullable and not after.nullable and (table not in big or _numbered(change)):
        found.append(_blocks_reads(table, "every row is checked for NULL", big))
    return tuple(found)


def _numbered(change: AlterColumn) -> bool:
    return bool(change.aspects & {"identity", "generated"})


def rewrites(before: Column, after: Column) -> bool:
    """Whether a change of type writes every row; the server skips what only widens."""
    if before.type == after.type:
        return False
    if is_array(before.type) or is_array(after.type) or using(before, after) is not None:
        return True
    old, new = base(element(before.type)), base(element(after.type))
    had, limit = arguments(before.type), arguments(after.type)
    if new in ("text", "character varying") and old in ("text", "character varying"):
        return bool(limit) and not (had and had[0] <= limit[0])
    if old == new == "numeric":
        return not (not limit or (had and had[1] == limit[1] and had[0] <= limit[0]))
    if old == new and old not in STRINGS:
        return bool(limit) and limit[0] < (had[0] if had else 6)
    return not (old == "cidr" and new == "inet")
