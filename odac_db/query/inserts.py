"""Inserts of a table: plain, leaving out what is there, or changing it instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import Insert, Table, and_, insert, update

from odac_db.dialects.base import Dialect
from odac_db.errors import ConstraintViolation, QueryRefused
from odac_db.query.catalog import Catalog, Definition
from odac_db.query.names import unknown
from odac_db.query.writes import column_of, filled, insert_all, insert_one, key_of

if TYPE_CHECKING:
    from odac_db.query.performer import Work

Row = Mapping[str, Any]
_KEYS = ("unique", "primary_key")


@dataclass(frozen=True)
class Inserting:
    """Rows on their way into a table, their nanoids filled."""

    catalog: Catalog
    definition: Definition
    rows: Sequence[Row]

    @cached_property
    def table(self) -> Table:
        return self.catalog.table(self.definition.name)

    @cached_property
    def dialect(self) -> Dialect:
        return self.catalog.dialect

    @property
    def several(self) -> bool:
        return len(self.rows) > 1

    def plain(self, tx: Work) -> int:
        """Inserts them; how many they are."""
        insert_all(tx, self.table, self.rows, lambda _: insert(self.table))
        return len(self.rows)

    def one(self, tx: Work) -> tuple[Any, ...]:
        """Inserts the only one; its primary key."""
        (row,) = self.rows
        return key_of(self.definition, row, insert_one(tx, self.table, row))

    def new(self, tx: Work) -> list[tuple[Any, ...]]:
        """Inserts each that meets no other's unique key; the keys of those inserted."""
        keys = []
        for row in self.rows:
            result = self._if_new(tx, row)
            if result is not None:
                keys.append(key_of(self.definition, row, result))
        return keys

    def count_new(self, tx: Work) -> int:
        """The same, where only their number is wanted."""
        if not self.dialect.names_conflicts:
            return len(self.new(tx))
        return insert_all(tx, self.table, self.rows, lambda _: self._ignoring)

    @cached_property
    def _ignoring(self) -> Insert:
        ignoring = self.dialect.insertion(self.table, (), ())
        return ignoring.execution_options(preserve_rowcount=True)

    def _if_new(self, tx: Work, row: Row) -> Any:
        if self.dialect.names_conflicts:
            result = insert_one(tx, self.table, row, self._ignoring)
            return result if result.rowcount else None
        try:
            return insert_one(tx, self.table, row)
        except ConstraintViolation as error:
            if error.kind not in _KEYS:
                raise
            return None


@dataclass(frozen=True)
class Upserting(Inserting):
    """Rows that change those with the same ``key``; ``given`` has them without nanoids."""

    key: tuple[str, ...]
    update: tuple[str, ...] | None
    given: Sequence[Row]

    def each(self) -> Iterator[Upserting]:
        """The same of one row alone, in their order."""
        for row, given in zip(self.rows, self.given, strict=True):
            yield replace(self, rows=[row], given=[given])

    def put(self, tx: Work) -> None:
        """Inserts or updates each."""
        others = [one for one in self.definition.uniques if set(one) != set(self.key)]
        if self.dialect.names_conflicts or not others:
            self._put_all(tx)
            return
        for row, given in zip(self.rows, self.given, strict=True):
            self._put(tx, row, given)

    def _put_all(self, tx: Work) -> None:
        """In their order, those of one statement in one go."""
        pairs = zip(self.rows, self.given, strict=True)
        for _, group in groupby(pairs, key=lambda pair: tuple(sorted(pair[1]))):
            self._put_alike(tx, list(group))

    def _put_alike(self, tx: Work, pairs: Sequence[tuple[Row, Row]]) -> None:
        statement = self._statement(pairs[0][1])
        insert_all(tx, self.table, [row for row, _ in pairs], lambda _: statement)

    def _statement(self, given: Row) -> Insert:
        return self.dialect.insertion(
            self.table, self._keys(self.key), self._keys(self._changing(given))
        )

    def _keys(self, names: Sequence[str]) -> list[str]:
        """What SQLAlchemy calls columns; a MetaData may have names of its own for them."""
        return [column_of(self.table, name).key for name in names]

    def _changing(self, given: Row) -> tuple[str, ...]:
        chosen = tuple(given) if self.update is None else self.update
        return tuple(name for name in chosen if name not in self.key)

    def _put(self, tx: Work, row: Row, given: Row) -> None:
        """Where the server's upsert is about any unique key: the row of this one, or none."""
        if self._updated(tx, row, given):
            return
        try:
            insert_one(tx, self.table, row)
        except ConstraintViolation:
            # Another one may have inserted it meanwhile; else it is another key's row.
            if not self._updated(tx, row, given):
                raise

    def _updated(self, tx: Work, row: Row, given: Row) -> bool:
        columns = {name: column_of(self.table, name) for name in row}
        same = and_(*(columns[name] == row[name] for name in self.key))
        names = self._changing(given) or self.key
        values = {columns[name]: row[name] for name in names}
        return bool(tx.execute(update(self.table).where(same).values(values)).rowcount)


def inserting(catalog: Catalog, name: str, rows: Any) -> Inserting:
    """One row or several. Raises UnknownName and QueryRefused."""
    definition = catalog.definition(name)
    made = [filled(definition, row) for row in _listed(rows)]
    return Inserting(catalog, definition, made)


def upserting(
    catalog: Catalog, name: str, rows: Any, key: Any, update: Sequence[str] | None
) -> Upserting:
    """The same, with the key that tells rows apart. Raises UnknownName and QueryRefused."""
    definition = catalog.definition(name)
    columns = definition.key if key is None else ((key,) if isinstance(key, str) else tuple(key))
    if not any(set(columns) == set(one) for one in definition.uniques):
        ways = "; ".join(", ".join(one) for one in definition.uniques) or "none"
        message = f"({', '.join(columns)}) is no unique key of {name}; there are: {ways}"
        raise QueryRefused(f"upsert: {message}")
    given = _listed(rows)
    for row in given:
        lacking = next((one for one in columns if row.get(one) is None), None)
        if lacking is not None:
            raise QueryRefused(f"upsert: a row has no value for {lacking}, its key")
    for one in update or ():
        if not all(one in row for row in given):
            raise unknown("upsert: not every row has the column to update", one, definition.columns)
    made = [filled(definition, row) for row in given]
    return Upserting(
        catalog,
        definition,
        made,
        key=columns,
        update=None if update is None else tuple(update),
        given=given,
    )


def _listed(rows: Any) -> list[Any]:
    if isinstance(rows, Mapping):
        return [rows]
    if isinstance(rows, str | bytes) or not isinstance(rows, Sequence):
        raise QueryRefused(
            f"rows are a mapping of columns to values or a list of them, not {type(rows).__name__}"
        )
    return list(rows)
