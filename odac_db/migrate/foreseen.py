"""Live tables under the names a plan will give them, before anything is renamed.

A plan's changes speak of tables and columns as they are after its renames, and so do the
expressions inside them. Reading the data beforehand needs the old names: each live table
is wrapped in a subquery that shows its columns under the coming names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, FromClause, literal_column, quoted_name, select

from odac_db.migrate.selectables import Raw, relation
from odac_db.schema.changes import (
    AddColumn,
    AlterColumn,
    Change,
    DropColumn,
    RenameColumn,
    RenameTable,
)
from odac_db.schema.model import Column, PrimaryKey, Schema, Table

__all__ = ["Foreseen"]

# A default that is the same for every row and has no effect when it is read.
_LITERAL = re.compile(
    r"""(?: -?\d+(?:\.\d+)? | '(?:[^'\\]|'')*' ) (?: ::[\w\ ."(),]+ )? | true | false""",
    re.VERBOSE | re.IGNORECASE,
)


class Foreseen:
    """What a plan will find when it runs, told from its changes and the live schema."""

    def __init__(self, changes: Sequence[Change], live: Schema, namespace: str) -> None:
        self._live = live
        self._namespace = namespace
        self._tables: dict[str, str] = {name: name for name in live.tables}
        self._columns: dict[str, dict[str, str]] = {}
        self._added: dict[str, dict[str, Column]] = {}
        self._altered: dict[str, dict[str, AlterColumn]] = {}
        self._dropped: set[tuple[str, str]] = set()
        for change in changes:
            self._note(change)

    def _note(self, change: Change) -> None:
        match change:
            case RenameTable():
                self._tables[change.after] = self._tables.pop(change.before, change.before)
            case RenameColumn():
                olds = self._columns.setdefault(change.table, {})
                olds[change.after] = olds.pop(change.before, change.before)
            case AddColumn():
                self._added.setdefault(change.table, {})[change.column.name] = change.column
            case AlterColumn():
                self._altered.setdefault(change.table, {})[change.after.name] = change
            case DropColumn():
                self._dropped.add((change.table, change.column.name))
            case _:
                pass

    def live(self, table: str) -> Table | None:
        """The live table behind a coming name; None for a table that is yet to be made."""
        return self._live.tables.get(self._tables.get(table, ""))

    def table(self, name: str) -> Table | None:
        """The live table with the columns it will have."""
        live = self.live(name)
        if live is None:
            return None
        altered = self._altered.get(name, {})
        columns = []
        for new, column in self._kept(name, live).items():
            renamed = msgspec.structs.replace(column, name=new)
            columns.append(altered[new].after if new in altered else renamed)
        columns += self._added.get(name, {}).values()
        news = {column.name: new for new, column in self._kept(name, live).items()}
        key = live.primary_key
        if key is not None and all(each in news for each in key.columns):
            key = PrimaryKey(columns=tuple(news[each] for each in key.columns))
        else:
            key = None
        return msgspec.structs.replace(live, name=name, columns=tuple(columns), primary_key=key)

    def source(self, name: str, alias: str) -> FromClause | None:
        """The live rows under coming names; None for a table that is yet to be made.

        A column to be added is there when its value will be the same literal in every row;
        other added columns, and dropped ones, are absent.
        """
        live = self.live(name)
        if live is None:
            return None
        kept = self._kept(name, live)
        rows = relation(live.name, (column.name for column in kept.values()), self._namespace)
        shown: list[ColumnElement[Any]] = [
            rows.c[column.name].label(quoted_name(new, True)) for new, column in kept.items()
        ]
        for column in self._added.get(name, {}).values():
            literal = self._literal(column)
            if literal is not None:
                value = literal_column(literal, Raw())
                shown.append(value.label(quoted_name(column.name, True)))
        if not shown:  # every column goes, the rows stay
            shown.append(literal_column("1", Raw()).label("odac_row"))
        return select(*shown).select_from(rows).subquery(alias)

    def _literal(self, column: Column) -> str | None:
        """The default of every row, as it can be read before the plan has run."""
        if column.default is None or not _LITERAL.fullmatch(column.default):
            return None
        if column.enum is None:
            return column.default
        text = column.default.rpartition("::")[0]
        enum = self._live.enums.get(column.enum)
        if enum is None:  # of a type that is yet to be made
            return text
        return column.default if text[1:-1].replace("''", "'") in enum.values else None

    def added(self, table: str) -> Collection[str]:
        """The names of the columns the plan adds to a table."""
        return self._added.get(table, {}).keys()

    def starts_empty(self, table: str, column: str) -> bool:
        """Whether a column will be added with nothing in it."""
        added = self._added.get(table, {}).get(column)
        return (
            added is not None
            and added.default is None
            and added.identity is None
            and added.generated is None
        )

    def retyped(self, table: str, column: str) -> bool:
        """Whether the plan gives a column another type or collation."""
        altered = self._altered.get(table, {}).get(column)
        return altered is not None and bool(altered.aspects & {"type", "collation", "enum"})

    def _kept(self, name: str, live: Table) -> dict[str, Column]:
        """The live columns that stay, by coming name."""
        renamed = {old: new for new, old in self._columns.get(name, {}).items()}
        added = self._added.get(name, {})
        news = {renamed.get(column.name, column.name): column for column in live.columns}
        return {
            new: column
            for new, column in news.items()
            if new not in added and (name, new) not in self._dropped
        }
