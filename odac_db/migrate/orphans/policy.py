"""What becomes of a key's orphans, and of which of their columns. Pure.

Where the declaration does not say, nothing may be lost that it does not speak of: the rows
under a key that stands already are nobody's mistake of today, and a column that another
foreign key uses as well may be right by that one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from odac_db.schema.changes import AddForeignKey, Change
from odac_db.schema.model import ForeignKey, OrphanPolicy, Schema, Table

__all__ = ["default_policy", "narrowed", "nullable_columns", "with_policies"]

replace = msgspec.structs.replace


def with_policies(changes: Sequence[Change], live: Schema, declared: Schema) -> list[Change]:
    """The changes, each key that is added with the policy for its orphans.

    ``live`` has its new names already. A key that is made again because something it depends
    on changes has the policy of its declaration.
    """
    return [
        _with_policy(each, live, declared) if isinstance(each, AddForeignKey) else each
        for each in changes
    ]


def _with_policy(change: AddForeignKey, live: Schema, declared: Schema) -> AddForeignKey:
    key, stored = change.foreign_key, live.tables.get(change.table)
    table = declared.tables.get(change.table, stored)
    assert table is not None, "keys are added to tables that are there or declared"
    twins = [each for each in table.foreign_keys if _reference(each) == _reference(key)]
    policy = next((each.orphans for each in [key, *twins] if each.orphans is not None), None)
    if policy is None:
        policy = "fail" if _stands(stored, key) else default_policy(table, key)
    return replace(change, foreign_key=replace(key, orphans=policy))


def _reference(key: ForeignKey) -> tuple[str, frozenset[tuple[str, str]]]:
    return key.ref_table, frozenset(zip(key.columns, key.ref_columns, strict=True))


def _stands(live: Table | None, key: ForeignKey) -> bool:
    """Whether a live key says the same already. One that is not validated says it of no row."""
    keys = live.foreign_keys if live is not None else ()
    return any(each.valid and _reference(each) == _reference(key) for each in keys)


def default_policy(table: Table, key: ForeignKey) -> OrphanPolicy:
    """Nullify where that takes no column from another foreign key of ``table``; else fail."""
    free = nullable_columns(table, key)
    own = _unshared(table, key, free)
    return "nullify" if own and (own == free or not _is_whole(key)) else "fail"


def narrowed(table: Table, key: ForeignKey) -> ForeignKey:
    """The key with ``set_columns`` that spare what other foreign keys use, if that is enough."""
    own = _unshared(table, key, nullable_columns(table, key))
    return key if _is_whole(key) or own in ((), key.columns) else replace(key, set_columns=own)


def nullable_columns(table: Table, foreign_key: ForeignKey) -> tuple[str, ...]:
    """The columns of a key that can be set to NULL so that the key no longer refuses the row.

    Empty where there are none: then its orphans cannot be nullified.
    """
    wanted = foreign_key.set_columns or foreign_key.columns
    primary = table.primary_key.columns if table.primary_key else ()
    free = tuple(
        name
        for name in wanted
        if (column := table.column(name)) is not None
        and column.nullable
        and column.generated is None
        and name not in primary
    )
    whole = _is_whole(foreign_key)
    return () if whole and set(free) != set(foreign_key.columns) else free


def _is_whole(key: ForeignKey) -> bool:
    """Whether a row is forgiven for nothing less than NULL in every column."""
    return key.match_full and len(key.columns) > 1


def _unshared(table: Table, key: ForeignKey, columns: Collection[str]) -> tuple[str, ...]:
    """Those of the columns that no other foreign key uses; all that the declaration names."""
    if key.set_columns:
        return tuple(columns)
    others = [each for each in table.foreign_keys if _reference(each) != _reference(key)]
    used = {name for each in others for name in each.columns}
    return tuple(name for name in columns if name not in used)
