"""What only the CREATE text knows: names, CHECKs, collations, generated columns. Pure.

SQLite keeps the text of every CREATE statement and its pragmas tell less than it says.
This reads the text with the grammar of sqlite.org/lang_createtable.html; it never judges
it, for SQLite has accepted it before.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from odac_db.dialects.sqlite.pieces import (
    PartText,
    Reader,
    part_of,
    reader_of,
    significant,
    split,
    unquoted,
)

Deferrable = Literal["immediate", "deferred"]

_TABLE_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
_COLUMN_CONSTRAINTS = frozenset(
    {
        *("CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE"),
        *("REFERENCES", "GENERATED", "AS"),
    }
)


# Without one of these a column says nothing that the pragmas do not.
_TELLING = (_TABLE_CONSTRAINTS | _COLUMN_CONSTRAINTS | {"CONFLICT"}) - {"NOT", "NULL", "DEFAULT"}


@dataclass(frozen=True)
class UniqueText:
    """A UNIQUE as written; ``conflict`` is its ON CONFLICT resolution or empty."""

    name: str | None
    columns: tuple[str, ...]
    conflict: str = ""


@dataclass
class ForeignKeyText:
    """What ``PRAGMA foreign_key_list`` leaves out of a foreign key."""

    name: str | None
    deferrable: Deferrable | None = None
    match: str = ""


@dataclass
class ColumnText:
    """What ``PRAGMA table_xinfo`` leaves out of a column. ``names`` are names of its NOT NULL
    and DEFAULT, which nothing else in SQLite ever mentions."""

    collation: str | None = None
    generated: str | None = None
    null_conflict: str = ""
    names: tuple[str, ...] = ()


@dataclass
class TableText:
    """One CREATE TABLE, columns by lower-case name, constraints in the order written.

    Columns of which there is nothing to tell are left out.

    AUTOINCREMENT is the table's: only its one key column can have it.
    """

    columns: dict[str, ColumnText] = field(default_factory=dict)
    key_name: str | None = None
    key_conflict: str = ""
    autoincrement: bool = False
    key_order: str = ""
    uniques: list[UniqueText] = field(default_factory=list)
    foreign_keys: list[ForeignKeyText] = field(default_factory=list)
    checks: list[tuple[str | None, str]] = field(default_factory=list)


@dataclass(frozen=True)
class IndexText:
    """One CREATE INDEX."""

    parts: tuple[PartText, ...]
    where: str | None


def _columns(raw: list[str]) -> tuple[str, ...]:
    return tuple(unquoted(part_of(item).text) for item in split(raw))


def _conflict(reader: Reader) -> str:
    return reader.take().upper() if reader.took("ON", "CONFLICT") else ""


@lru_cache(maxsize=4096)
def parse_index(sql: str) -> IndexText:
    """The keys and the predicate of a CREATE INDEX."""
    reader = reader_of(sql)
    while reader.take().upper() != "ON":
        pass
    reader.take()
    reader.skip_to_group()
    parts = tuple(part_of(item) for item in split(reader.group()))
    where = "".join(reader.rest()).strip() if reader.took("WHERE") else None
    return IndexText(parts, where)


@lru_cache(maxsize=4096)
def parse_table(sql: str) -> TableText:
    """All a CREATE TABLE says beyond the pragmas. The answer is shared: do not change it."""
    reader = reader_of(sql)
    reader.skip_to_group()
    table = TableText()
    for raw in split(reader.group()):
        if _TELLING.isdisjoint(map(str.upper, raw)):
            continue
        item = Reader(raw)
        if item.word in _TABLE_CONSTRAINTS:
            while item.word:
                _read_table_constraint(item, table)
        else:
            _read_column(item, table)
    return table


def _read_table_constraint(reader: Reader, table: TableText) -> None:
    name = unquoted(reader.take()) if reader.took("CONSTRAINT") else None
    if reader.took("PRIMARY", "KEY"):
        table.key_name = name
        _read_key(reader.group(), table)
        table.key_conflict = _conflict(reader)
    elif reader.took("UNIQUE"):
        columns = _columns(reader.group())
        table.uniques.append(UniqueText(name, columns, _conflict(reader)))
    elif reader.took("CHECK"):
        table.checks.append((name, "".join(reader.group()).strip()))
        _conflict(reader)
    elif reader.took("FOREIGN", "KEY"):
        reader.group()
        table.foreign_keys.append(ForeignKeyText(name))
        _read_reference(reader, table)
    elif name is None:
        reader.take()


def _read_key(raw: list[str], table: TableText) -> None:
    """The columns of a table-level PRIMARY KEY; AUTOINCREMENT may stand among them."""
    parts = []
    for item in split(raw):
        at = significant(item)
        if item[at[-1]].upper() == "AUTOINCREMENT":
            table.autoincrement = True
            item = item[: at[-1]]  # noqa: PLW2901
        parts.append(part_of(item))
    if any(part.descending or part.collation for part in parts):
        table.key_order = "".join(raw).strip()


def _read_column(reader: Reader, table: TableText) -> None:
    name = unquoted(reader.take())
    column = table.columns.setdefault(name.lower(), ColumnText())
    while reader.word and reader.word not in _COLUMN_CONSTRAINTS:
        if reader.word == "(":
            reader.group()
        else:
            reader.take()
    while reader.word:
        _read_column_constraint(reader, name, column, table)


def _read_column_constraint(
    reader: Reader, name: str, column: ColumnText, table: TableText
) -> None:
    called = unquoted(reader.take()) if reader.took("CONSTRAINT") else None
    if reader.took("PRIMARY", "KEY"):
        _read_inline_key(reader, called, name, table)
        return
    if reader.took("UNIQUE"):
        table.uniques.append(UniqueText(called, (name,), _conflict(reader)))
        return
    if reader.took("CHECK"):
        table.checks.append((called, "".join(reader.group()).strip()))
        return
    if reader.word == "REFERENCES":
        table.foreign_keys.append(ForeignKeyText(called))
        _read_reference(reader, table)
        return
    if called is not None:
        column.names = (*column.names, called)
    _read_column_value(reader, column, table)


def _read_inline_key(reader: Reader, called: str | None, name: str, table: TableText) -> None:
    table.key_name = called
    if reader.took("DESC"):
        table.key_order = f"{name} DESC"
    else:
        reader.took("ASC")
    table.key_conflict = _conflict(reader)
    table.autoincrement = reader.took("AUTOINCREMENT")


def _read_column_value(reader: Reader, column: ColumnText, table: TableText) -> None:
    """NOT NULL, DEFAULT, COLLATE and GENERATED; a stray piece is stepped over."""
    if reader.took("NOT", "NULL"):
        column.null_conflict = _conflict(reader)
    elif reader.took("NULL"):
        _conflict(reader)
    elif reader.took("COLLATE"):
        column.collation = unquoted(reader.take())
    elif reader.took("GENERATED", "ALWAYS", "AS") or reader.took("AS"):
        column.generated = "".join(reader.group()).strip()
        if reader.word in ("STORED", "VIRTUAL"):
            reader.take()
    elif reader.took("DEFAULT"):
        if reader.word == "(":
            reader.group()
        else:
            sign = reader.take()
            if sign in ("+", "-") or (sign.upper() == "X" and reader.word.startswith("'")):
                reader.take()
    elif reader.word in ("DEFERRABLE", "NOT"):
        _read_deferrable(reader, table)
    elif reader.word and reader.word != "CONSTRAINT":
        reader.take()


def _read_reference(reader: Reader, table: TableText) -> None:
    """``REFERENCES table (columns)`` and all that may follow it."""
    if not reader.took("REFERENCES"):
        return
    reader.take()
    if reader.word == "(":
        reader.group()
    while True:
        if reader.took("ON"):
            reader.take()
            if reader.take().upper() in ("SET", "NO"):
                reader.take()
        elif reader.took("MATCH"):
            table.foreign_keys[-1].match = reader.take().upper()
        elif not _read_deferrable(reader, table):
            return


def _read_deferrable(reader: Reader, table: TableText) -> bool:
    if reader.took("NOT", "DEFERRABLE"):
        if reader.took("INITIALLY"):
            reader.take()
        return True
    if not reader.took("DEFERRABLE"):
        return False
    deferred = reader.took("INITIALLY", "DEFERRED")
    if not deferred:
        reader.took("INITIALLY", "IMMEDIATE")
    if table.foreign_keys:
        table.foreign_keys[-1].deferrable = "deferred" if deferred else "immediate"
    return True
