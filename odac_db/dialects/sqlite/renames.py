"""Renames: their statements, and what tables and triggers are after them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from itertools import pairwise

import msgspec

from odac_db.dialects.sqlite.create import create_table
from odac_db.dialects.sqlite.keywords import KEYWORDS
from odac_db.dialects.sqlite.leftovers import TRIGGER, VIEW
from odac_db.dialects.sqlite.spelling import quote
from odac_db.schema.changes import Change, RenameColumn, RenameTable
from odac_db.schema.model import Schema, Table

replace = msgspec.structs.replace
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Rename = RenameTable | RenameColumn


def renames_of(changes: Sequence[Change]) -> list[Rename]:
    """The renames among the changes, in order."""
    return [change for change in changes if isinstance(change, (RenameTable, RenameColumn))]


def rename_statements(change: Rename) -> list[str]:
    """ALTER TABLE RENAME. A table whose name only changes its case goes by way of another."""
    if isinstance(change, RenameColumn):
        return [
            f"ALTER TABLE {quote(change.table)} "
            f"RENAME COLUMN {quote(change.before)} TO {_as_spelt(change.after)}"
        ]
    steps = [change.before, change.after]
    if change.before.lower() == change.after.lower():
        steps.insert(1, f"_odac_new_{change.after}")
    return [f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}" for old, new in pairwise(steps)]


def _as_spelt(name: str) -> str:
    """The new name in quotes only where it needs them.

    SQLite rewrites CHECKs, indexes and triggers with the name as it stands in the
    statement; quotes would turn a declared ``price >= 0`` into ``"price" >= 0``.
    """
    plain = _PLAIN.fullmatch(name) is not None and name.upper() not in KEYWORDS
    return name if plain else quote(name)


def renamed_tables(schema: Schema, renames: Sequence[Rename]) -> dict[str, Table]:
    """The live tables under their coming names, as far as copying their rows needs it."""
    tables = dict(schema.tables)
    for change in renames:
        if isinstance(change, RenameTable):
            tables[change.after] = replace(tables.pop(change.before), name=change.after)
        else:
            tables[change.table] = _column_renamed(tables[change.table], change)
    return tables


def _column_renamed(table: Table, change: RenameColumn) -> Table:
    def name(column: str) -> str:
        return change.after if column == change.before else column

    key = table.primary_key
    if key is not None:
        key = replace(key, columns=tuple(map(name, key.columns)))
    columns = tuple(replace(column, name=name(column.name)) for column in table.columns)
    return replace(table, columns=columns, primary_key=key)


def renamed_triggers(schema: Schema, renames: Sequence[Rename]) -> Mapping[str, tuple[str, ...]]:
    """The CREATE TRIGGER texts by table, as they read after the renames.

    SQLite rewrites triggers when it renames, and only SQLite does it right: the renames
    are tried on an empty private database. Where that fails, the texts are left alone.
    """
    triggers = [item for item in schema.unsupported if item.kind == TRIGGER]
    found: dict[str, tuple[str, ...]] = {}
    if triggers and renames:
        try:
            return _tried(schema, renames)
        except sqlite3.Error:
            pass
    for item in triggers:
        found[item.table] = (*found.get(item.table, ()), item.detail)
    return found


def _tried(schema: Schema, renames: Sequence[Rename]) -> Mapping[str, tuple[str, ...]]:
    scratch = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for table in schema.tables.values():
            scratch.execute(create_table(table))
        for item in schema.unsupported:
            if item.kind in (TRIGGER, VIEW):
                scratch.execute(item.detail)
        for change in renames:
            for statement in rename_statements(change):
                scratch.execute(statement)
        found: dict[str, tuple[str, ...]] = {}
        sql = "SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid"
        for name, text in scratch.execute(sql):
            found[name] = (*found.get(name, ()), text)
        return found
    finally:
        scratch.close()
