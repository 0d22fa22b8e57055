"""Which drops cannot wait for their turn at the end of a plan. Pure.

Plans contract last. Some things MySQL and MariaDB drop by themselves on the way there, so
that the DROP that follows fails (error 1091); others stand in the way of an earlier change.
Such drops happen in the statement of the change that meets them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from odac_db.dialects.mysql.column_types import BLOBS, TEXTS, column_type
from odac_db.schema.changes import (
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    DropColumn,
    DropIndex,
    DropPrimaryKey,
    table_of,
)
from odac_db.schema.model import Column, Index, Table


class Companions:
    """The drops of a plan that come along with earlier changes, each with one of them.

    ``taken`` maps the position of a drop to that of the change whose statement has it.
    """

    def __init__(self, changes: Sequence[Change]) -> None:
        self.taken: dict[int, int] = {}
        self._by_table: dict[str, list[tuple[int, Change]]] = defaultdict(list)
        for position, change in enumerate(changes):
            self._by_table[table_of(change)].append((position, change))

    def of(self, position: int, change: Change) -> list[int]:
        """The positions of the drops that must come along with this change, in order."""
        table = table_of(change)
        match change:
            case AddIndex():
                columns = tuple(part.column for part in change.index.parts)
                return self._covered(position, table, columns)
            case AddPrimaryKey():
                return self._covered(position, table, change.primary_key.columns)
            case DropColumn():
                return sorted(
                    [
                        *self._indexes_on(position, table, change.column.name),
                        *self._primary_key_on(position, table, change.column.name),
                    ]
                )
            case AlterColumn() if _needs_length(change.after):
                return self._indexes_on(position, table, change.after.name)
            case AddForeignKey():
                return self._before_foreign_key(position, change)
            case _:
                return []

    def of_number(self, position: int, table: str, column: str) -> list[int]:
        """The drop of a numbering column, and of the indexes on it."""
        found = [
            at
            for at, other in self._later(position, table)
            if isinstance(other, DropColumn) and other.column.name == column
        ]
        return sorted([*self._indexes_on(position, table, column), *found]) if found else []

    def unkeyed_number(self, change: DropPrimaryKey | DropIndex, live: Table) -> Column | None:
        """The auto_increment column whose last key this change drops, nothing else keying it."""
        column = next((c for c in live.columns if c.identity is not None), None)
        if column is None:
            return None
        mine = [other for _, other in self._by_table[change.table]]
        dropped = [other.index for other in mine if isinstance(other, DropIndex)]
        firsts = [index.parts[0].column for index in live.indexes if index not in dropped]
        firsts += [other.index.parts[0].column for other in mine if isinstance(other, AddIndex)]
        firsts += [o.primary_key.columns[0] for o in mine if isinstance(o, AddPrimaryKey)]
        if live.primary_key and not isinstance(change, DropPrimaryKey):  # if it goes, then later
            firsts.append(live.primary_key.columns[0])
        settled = any(isinstance(o, AlterColumn) and o.after.name == column.name for o in mine)
        return None if settled or column.name in firsts else column

    def added_indexes(self, table: str) -> list[Index]:
        """The indexes that the plan adds to a table."""
        return [other.index for _, other in self._by_table[table] if isinstance(other, AddIndex)]

    def _later(self, position: int, table: str) -> Iterator[tuple[int, Change]]:
        for at, other in self._by_table[table]:
            if at > position and at not in self.taken:
                yield at, other

    def _covered(self, position: int, table: str, columns: tuple[str | None, ...]) -> list[int]:
        """Indexes that a new key covers.

        One that was made for a foreign key vanishes as soon as another key covers it, even
        when the foreign key has gone before.
        """
        return [
            at
            for at, other in self._later(position, table)
            if isinstance(other, DropIndex)
            and not other.index.unique
            and columns[: len(other.index.parts)] == other.index.columns
        ]

    def _indexes_on(self, position: int, table: str, column: str) -> list[int]:
        """Indexes on a column: they vanish with their last one, and one on a column that
        becomes a text without a length is refused (error 1170)."""
        return [
            at
            for at, other in self._later(position, table)
            if isinstance(other, DropIndex) and column in other.index.columns
        ]

    def _primary_key_on(self, position: int, table: str, column: str) -> list[int]:
        """The primary key: it vanishes with its last column too."""
        return [
            at
            for at, other in self._later(position, table)
            if isinstance(other, DropPrimaryKey) and column in other.primary_key.columns
        ]

    def _before_foreign_key(self, position: int, change: AddForeignKey) -> list[int]:
        """Indexes that the key's own covers or shares its name with (error 1061), and stored
        computed columns, on whose base columns no key may CASCADE or SET NULL (error 1215)."""
        key = change.foreign_key
        found = set(self._covered(position, change.table, key.columns))
        for at, other in self._later(position, change.table):
            if isinstance(other, DropIndex) and other.index.name == key.name:
                found.add(at)
            if isinstance(other, DropColumn) and _is_stored(other.column):
                found.add(at)
                found.update(self._indexes_on(position, change.table, other.column.name))
        return sorted(found)


def _needs_length(column: Column) -> bool:
    """Whether an index on the column must say how much of it."""
    name = column_type(column.type, True).name
    return name in TEXTS | BLOBS | {"json"}


def _is_stored(column: Column) -> bool:
    return column.generated is not None and column.generated.stored
