"""What only the CREATE text knows: names, CHECKs, collations, generated columns. Pure.

SQLite keeps the text of every CREATE statement and its pragmas tell less than it says.
This reads the text with the grammar of sqlite.org/lang_createtable.html; it never judges
it, for SQLite has accepted it before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Deferrable = Literal["immediate", "deferred"]

_TOKEN = re.compile(
    r"""[ \t\n\f\r]+ | --[^\n]* | /\*.*?(?:\*/|\Z)
    | '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]
    | [0-9A-Za-z_$\x80-\U0010ffff]+ | .""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = frozenset(" \t\n\f\r")
_TABLE_CONSTRAINTS = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})
_COLUMN_CONSTRAINTS = frozenset(
    {
        *("CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE"),
        *("REFERENCES", "GENERATED", "AS"),
    }
)


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
class PartText:
    """One key of an index: its text without COLLATE and direction."""

    text: str
    collation: str | None
    descending: bool


@dataclass(frozen=True)
class IndexText:
    """One CREATE INDEX."""

    parts: tuple[PartText, ...]
    where: str | None


def unquoted(piece: str) -> str:
    """The identifier a piece stands for."""
    if piece[:1] in ('"', "`", "'"):
        return piece[1:-1].replace(piece[0] * 2, piece[0])
    return piece[1:-1] if piece[:1] == "[" else piece


def _significant(raw: list[str]) -> list[int]:
    """Where the tokens are that are neither blanks nor comments."""
    return [
        position
        for position, piece in enumerate(raw)
        if piece[0] not in _BLANK and not piece.startswith(("--", "/*"))
    ]


class _Reader:
    """The tokens of a stretch of SQL, read left to right, blanks and comments apart."""

    def __init__(self, raw: list[str]) -> None:
        self._raw = raw
        self._at = _significant(raw)
        self.position = 0

    @property
    def word(self) -> str:
        """The piece ahead in upper case; empty at the end. Quoted names keep their quotes."""
        if self.position >= len(self._at):
            return ""
        return self._raw[self._at[self.position]].upper()

    def take(self) -> str:
        """The piece ahead, which is then behind."""
        piece = self._raw[self._at[self.position]]
        self.position += 1
        return piece

    def took(self, *words: str) -> bool:
        """Steps over these words if they are ahead."""
        start = self.position
        for word in words:
            if self.word != word:
                self.position = start
                return False
            self.position += 1
        return True

    def rest(self) -> list[str]:
        """The raw tokens from here to the end."""
        if self.position >= len(self._at):
            return []
        return self._raw[self._at[self.position] :]

    def group(self) -> list[str]:
        """The raw tokens inside the parentheses ahead, which are then behind."""
        start = self._at[self.position]
        depth = 0
        while True:
            piece = self.take()
            if piece == "(":
                depth += 1
            elif piece == ")":
                depth -= 1
                if not depth:
                    return self._raw[start + 1 : self._at[self.position - 1]]
        return []

    def skip_to_group(self) -> None:
        """Forward to the next opening parenthesis."""
        while self.word != "(":
            self.position += 1


def _split(raw: list[str]) -> Iterator[list[str]]:
    """The stretches between the commas that stand in no parentheses."""
    depth, start = 0, 0
    for position, piece in enumerate(raw):
        if piece == "(":
            depth += 1
        elif piece == ")":
            depth -= 1
        elif piece == "," and not depth:
            yield raw[start:position]
            start = position + 1
    yield raw[start:]


def _part(raw: list[str]) -> PartText:
    """An indexed column: ``expression [COLLATE name] [ASC | DESC]``."""
    tokens = _significant(raw)
    descending = False
    if len(tokens) > 1 and raw[tokens[-1]].upper() in ("ASC", "DESC"):
        descending = raw[tokens.pop()].upper() == "DESC"
    collation = None
    if len(tokens) > 2 and raw[tokens[-2]].upper() == "COLLATE":
        collation = unquoted(raw[tokens[-1]])
        del tokens[-2:]
    text = "".join(raw[tokens[0] : tokens[-1] + 1])
    return PartText(text, collation, descending)


def _columns(raw: list[str]) -> tuple[str, ...]:
    return tuple(unquoted(_part(item).text) for item in _split(raw))


def _conflict(reader: _Reader) -> str:
    return reader.take().upper() if reader.took("ON", "CONFLICT") else ""


@lru_cache(maxsize=4096)
def parse_index(sql: str) -> IndexText:
    """The keys and the predicate of a CREATE INDEX."""
    reader = _Reader(_TOKEN.findall(sql))
    while reader.take().upper() != "ON":
        pass
    reader.take()
    reader.skip_to_group()
    parts = tuple(_part(item) for item in _split(reader.group()))
    where = "".join(reader.rest()).strip() if reader.took("WHERE") else None
    return IndexText(parts, where)


@lru_cache(maxsize=4096)
def parse_table(sql: str) -> TableText:
    """All a CREATE TABLE says beyond the pragmas. The answer is shared: do not change it."""
    reader = _Reader(_TOKEN.findall(sql))
    reader.skip_to_group()
    table = TableText()
    for raw in _split(reader.group()):
        item = _Reader(raw)
        if item.word in _TABLE_CONSTRAINTS:
            while item.word:
                _read_table_constraint(item, table)
        else:
            _read_column(item, table)
    return table


def _read_table_constraint(reader: _Reader, table: TableText) -> None:
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
    for item in _split(raw):
        at = _significant(item)
        if item[at[-1]].upper() == "AUTOINCREMENT":
            table.autoincrement = True
            item = item[: at[-1]]  # noqa: PLW2901
        parts.append(_part(item))
    if any(part.descending or part.collation for part in parts):
        table.key_order = "".join(raw).strip()


def _read_column(reader: _Reader, table: TableText) -> None:
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
    reader: _Reader, name: str, column: ColumnText, table: TableText
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


def _read_inline_key(reader: _Reader, called: str | None, name: str, table: TableText) -> None:
    table.key_name = called
    if reader.took("DESC"):
        table.key_order = f"{name} DESC"
    else:
        reader.took("ASC")
    table.key_conflict = _conflict(reader)
    table.autoincrement = reader.took("AUTOINCREMENT")


def _read_column_value(reader: _Reader, column: ColumnText, table: TableText) -> None:
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


def _read_reference(reader: _Reader, table: TableText) -> None:
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


def _read_deferrable(reader: _Reader, table: TableText) -> bool:
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


def without_outer_parentheses(text: str) -> str:
    """The expression without blanks around it and parentheses around the whole of it."""
    text = text.strip()
    while text.startswith("("):
        reader = _Reader(_TOKEN.findall(text))
        inner = "".join(reader.group()).strip() if text.endswith(")") else ""
        if not inner or reader.word:
            return text
        text = inner
    return text
