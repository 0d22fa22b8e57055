"""Live foreign keys to tables that are not there, or that no file can hold. Pure.

SQLite, and MySQL with its checks off, take a key to a table that does not exist. No file can
declare it, so it is listed as unsupported and left alone like all that no file can hold.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from odac_db.schema.model import ForeignKey, Schema, Table, Unsupported

__all__ = ["declarable", "unsupported", "with_dangling"]

KIND = "foreign key to a missing table"

replace = msgspec.structs.replace


def _dangling(table: Table, *schemas: Schema) -> Iterator[ForeignKey]:
    for key in table.foreign_keys:
        if not any(key.ref_table in schema.tables for schema in schemas):
            yield key


def unsupported(live: Schema) -> tuple[Unsupported, ...]:
    """All that the database holds and no schema file can."""
    found = {
        Unsupported(kind=KIND, table=name, name=key.name or "", detail=_detail(key))
        for name, table in live.tables.items()
        for key in _dangling(table, live)
    }
    return tuple(sorted(found.union(live.unsupported)))


def _detail(key: ForeignKey) -> str:
    target = f"{key.ref_table}({', '.join(key.ref_columns)})" if key.ref_columns else key.ref_table
    return f"({', '.join(key.columns)}) references {target}"


def declarable(live: Schema) -> Schema:
    """The schema without the keys that no file can declare."""
    return replace(live, tables={n: _without_dangling(t, live) for n, t in live.tables.items()})


def _without_dangling(table: Table, live: Schema) -> Table:
    gone = list(_dangling(table, live))
    return replace(table, foreign_keys=tuple(key for key in table.foreign_keys if key not in gone))


def with_dangling(before: Table, after: Table, live: Schema, desired: Schema) -> Table:
    """The table as desired, with the live keys that lead nowhere before and after.

    They go with a column of theirs.
    """
    stay = {column.name for column in after.columns}
    have = {(key.columns, key.ref_table) for key in after.foreign_keys}
    kept = tuple(
        key
        for key in _dangling(before, live, desired)
        if stay.issuperset(key.columns) and (key.columns, key.ref_table) not in have
    )
    return replace(after, foreign_keys=after.foreign_keys + kept) if kept else after
