"""Live tables under the names a plan will give them, before anything is renamed.

A plan's changes speak of tables and columns as they are after its renames, and so do the
expressions inside them. Reading the data beforehand needs the old names: each live table
is wrapped in a subquery that shows its columns under the coming names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnClause,
    ColumnElement,
    FromClause,
    Subquery,
    func,
    literal_column,
    quoted_name,
    select,
)

from odac_db.migrate.expressions import mentions
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


def _former(place: int) -> quoted_name:
    """The name of a live column's values beside those they will have."""
    return quoted_name(f"_odac_former_{place}", True)


class Foreseen:
    """What a plan will find when it runs, told from its changes and the live schema."""

    def __init__(
        self,
        changes: Sequence[Change],
        live: Schema,
        namespace: str,
        values: Mapping[tuple[str, str], str] = MappingProxyType({}),
    ) -> None:
        """``values`` are the new values of columns whose type the changes alter, as SQL."""
        self._live = live
        self._values = values
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

        A column to be added is there when its value will be the same literal in every row,
        or is computed from what is there; other added columns, and dropped ones, are absent.
        """
        live = self.live(name)
        if live is None:
            return None
        kept = self._kept(name, live)
        rows = relation(live.name, (column.name for column in kept.values()), self._namespace)
        shown: list[ColumnElement[Any]] = []
        for place, (new, was) in enumerate(kept.items()):
            value = rows.c[was.name]
            shown.append(self._filled(name, new, was, value).label(quoted_name(new, True)))
            if self.is_filled(name, new):
                shown.append(value.label(_former(place)))
        for added in self._added.get(name, {}).values():
            literal = self._literal(added)
            if literal is not None:
                value = literal_column(literal, Raw())
                shown.append(value.label(quoted_name(added.name, True)))
        if not shown:  # every column goes, the rows stay
            shown.append(literal_column("1", Raw()).label("odac_row"))
        found = select(*shown).select_from(rows).subquery(alias)
        return self._computed(name, self._converted(name, found, alias), alias)

    def keep_values(self, name: str) -> bool:
        """Forgets how a table's values are converted; False if none are."""
        kept = {place: text for place, text in self._values.items() if place[0] != name}
        fewer = len(kept) < len(self._values)
        self._values = kept
        return fewer

    def _filled(
        self, table: str, name: str, was: Column, value: ColumnElement[Any]
    ) -> ColumnElement[Any]:
        """The value of a live column, or the default that takes the place of its NULLs.

        Not of a column whose type changes: its values are converted first.
        """
        after = self._altered[table][name].after if self.is_filled(table, name) else was
        default = self._literal(after)
        if after is was or default is None or after.type != was.type:
            return value
        return func.coalesce(value, literal_column(default, Raw()), type_=Raw())

    def is_filled(self, table: str, name: str) -> bool:
        """Whether the rows that hold NULL in a column will be given its default."""
        altered = self._altered.get(table, {}).get(name)
        return altered is not None and altered.fills

    def was_null(self, table: str, name: str) -> ColumnElement[bool] | None:
        """Over ``source``: whether a column that is filled holds NULL; None for any other."""
        live = self.live(table)
        if live is None or not self.is_filled(table, name):
            return None
        places = {new: place for place, new in enumerate(self._kept(table, live))}
        if name not in places:
            return None
        return ColumnClause(_former(places[name]), Raw()).is_(None)

    def _converted(self, name: str, rows: Subquery, alias: str) -> Subquery:
        """The rows with the values that a change of type makes of theirs."""
        if not any(table == name for table, _ in self._values):
            return rows
        shown: list[ColumnElement[Any]] = []
        for column in rows.c:
            text = self._values.get((name, str(column.name)))
            new = column if text is None else literal_column(text, Raw())
            shown.append(new.label(quoted_name(column.name, True)))
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

    def _computed(self, name: str, rows: Subquery, alias: str) -> Subquery:
        """The rows with the columns that will be computed from theirs."""
        added = self._added.get(name, {})
        absent = [each for each in added if each not in rows.c]
        found = [
            literal_column(f"({column.generated.expression}\n)", Raw()).label(
                quoted_name(column.name, True)
            )
            for column in added.values()
            if column.generated is not None
            and not any(mentions(column.generated.expression, each) for each in absent)
        ]
        return select(rows, *found).subquery(alias) if found else rows

    def unique_keys(self, name: str) -> list[frozenset[str]]:
        """The columns, by coming name, in which the live table has no two rows alike.

        Rows that hold NULL there may be alike.
        """
        live = self.live(name)
        if live is None:
            return []
        news = {column.name: new for new, column in self._kept(name, live).items()}
        keys = [live.primary_key.columns] if live.primary_key is not None else []
        for index in live.indexes:
            plain = all(p.column and p.length is None and p.collation is None for p in index.parts)
            if index.unique and index.valid and plain and index.where is None:
                keys.append(index.columns)
        return [
            frozenset(news[each] for each in key) for key in keys if all(one in news for one in key)
        ]

    def was(self, table: str, column: str) -> Column | None:
        """The live column behind a coming name."""
        live = self.live(table)
        return None if live is None else self._kept(table, live).get(column)

    def can_be_null(self, table: str, column: str) -> bool:
        """Whether a live column may hold NULL. SQLite's key columns may whatever they say."""
        live, was = self.live(table), self.was(table, column)
        if live is None or was is None or was.nullable:
            return True
        return live.primary_key is not None and was.name in live.primary_key.columns

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
