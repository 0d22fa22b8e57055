"""The rebuild of a table: what ALTER TABLE cannot do, done by making the table anew. Pure.

The steps are those of sqlite.org/lang_altertable.html, 7: create under another name, copy,
drop, rename. Never rename the old table away: that rewrites the foreign keys of others
to follow it. With ``legacy_alter_table`` the rename touches and checks nothing else, so
that views, triggers and foreign keys of other tables go on meaning the name they say.
Foreign keys are off while a plan runs (see ``lock``), or the DROP would delete by cascade.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from odac_db.dialects.sqlite.casts import cast_of
from odac_db.dialects.sqlite.create import (
    create_index,
    create_table,
    is_numbered,
    is_rowid_table,
    rowid_alias,
)
from odac_db.dialects.sqlite.spelling import quote, string
from odac_db.schema.model import Column, Index, Table

ROWID_NAMES = ("rowid", "_rowid_", "oid")


def temporary_name(table: str) -> str:
    """What a table is called while it is being rebuilt."""
    return f"_odac_new_{table}"


def rebuild(
    before: Table,
    after: Table,
    indexes: Sequence[Index],
    triggers: Sequence[str],
    *,
    anew: Collection[str] = (),
    conflicts: Mapping[str, str],
) -> list[str]:
    """The statements that make ``before`` into ``after`` and keep its rows.

    ``before`` has the names that it has when the statements run. ``anew`` are columns that
    keep their name and nothing else: their values are not copied. ``indexes`` and
    ``triggers`` are made again at the end.
    """
    name = temporary_name(after.name)
    statements = [create_table(after, name, conflicts)]
    statements.extend(_copy(before, after, name, anew))
    if is_numbered(before) and is_numbered(after):
        statements.extend(_counter(after.name, name))
    statements += [
        f"DROP TABLE {quote(after.name)}",
        "PRAGMA legacy_alter_table = ON",
        f"ALTER TABLE {quote(name)} RENAME TO {quote(after.name)}",
        "PRAGMA legacy_alter_table = OFF",
    ]
    statements.extend(create_index(after.name, index) for index in indexes)
    statements.extend(triggers)
    return statements


def _copy(before: Table, after: Table, name: str, anew: Collection[str]) -> Iterator[str]:
    """The copy of all rows; a column without a value to copy gets its default.

    OR ABORT, because an ON CONFLICT clause of the table must not drop rows.
    """
    old = {column.name.lower(): column for column in before.columns}
    columns, values = [], []
    for column in after.columns:
        source = old.get(column.name.lower())
        if source is not None and column.generated is None and column.name not in anew:
            columns.append(quote(column.name))
            values.append(_value(source, column))
    rowid = _rowid(before, after, columns)
    if rowid is not None:
        columns.insert(0, rowid)
        values.insert(0, rowid)
    if columns:
        yield (
            f"INSERT OR ABORT INTO {quote(name)} ({', '.join(columns)}) "
            f"SELECT {', '.join(values)} FROM {quote(after.name)}"
        )


def _value(before: Column, after: Column) -> str:
    target = cast_of(before.type, after.type)
    value = quote(before.name)
    if target is not None:
        value = f"CAST({value} AS {target})"
    if before.nullable and not after.nullable and after.default is not None:
        return f"ifnull({value}, {after.default})"
    return value


def _rowid(before: Table, after: Table, copied: Sequence[str]) -> str | None:
    """The name under which the rowid is copied too; None where there is none to keep."""
    if not is_rowid_table(before) or not is_rowid_table(after):
        return None
    alias = rowid_alias(after)
    if alias is not None and quote(alias) in copied:
        return None
    return free_rowid_name([*before.columns, *after.columns])


def free_rowid_name(columns: Sequence[Column]) -> str | None:
    """A name of the rowid that no column hides, or None if all three are hidden."""
    taken = {column.name.lower() for column in columns}
    return next((name for name in ROWID_NAMES if name not in taken), None)


def _counter(table: str, name: str) -> Iterator[str]:
    """Hands the AUTOINCREMENT counter over: the copy counted only the rows that were left."""
    old, new = string(table), string(name)
    yield (
        f"DELETE FROM sqlite_sequence WHERE name = {new} "
        f"AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = {old})"
    )
    yield f"UPDATE sqlite_sequence SET name = {new} WHERE name = {old}"
