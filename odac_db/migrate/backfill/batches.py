"""Filling a column, a few rows at a time.

Each batch is a transaction of its own that also notes how far it came, so that a run that
dies is gone on from. Only NULL is ever replaced, whoever else writes meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    TableClause,
    and_,
    literal_column,
    or_,
    select,
    update,
)

from odac_db.dialects.base import Dialect, Features
from odac_db.migrate import bookkeeping
from odac_db.migrate.backfill import checkpoint
from odac_db.migrate.selectables import Key, Raw, key_in, own_transaction, relation
from odac_db.schema.changes import Backfill
from odac_db.schema.model import Table

SMALLEST, FIRST, LARGEST = 100, 1000, 10_000
QUICK, SLOW = 0.2, 0.5
"""Seconds: a batch that took less is followed by a larger one, after more by a smaller one."""


@dataclass(frozen=True, kw_only=True)
class Filling:
    """One column's: where, in which live table, and whom to tell.

    ``tried`` runs a batch, and again while somebody else has its rows. ``progress`` is told
    the number of rows filled by this run.
    """

    conn: Connection
    dialect: Dialect
    features: Features
    table: Table
    change: Backfill
    tried: Callable[[Callable[[], int]], int]
    progress: Callable[[int], None]

    def fill(self) -> int:
        """Fills the column; how many rows were filled.

        By primary key, from the last checkpoint on, then once more from the start for rows
        that came to stand behind it. A table without a primary key is one batch.
        """
        bookkeeping.ensure(self.conn, checkpoint.BACKFILLS)
        begun = checkpoint.begin(self.conn, self.change)
        total = self._pass(begun, 0)
        if begun is not None:
            total = self._pass(None, total)
        checkpoint.end(self.conn, self.change)
        return total

    def _pass(self, start: Key | None, total: int) -> int:
        last, size = start, FIRST
        while keys := self._next(last, size):
            began = time.monotonic()
            total += self.tried(partial(self._batch, keys))
            self.progress(total)
            last = keys[-1] or None
            size = _sized(size, time.monotonic() - began)
            if last is None:
                break
        return total

    def _next(self, last: Key | None, size: int) -> list[Key]:
        """The keys of the next rows to fill; one key of nothing where there is no key."""
        columns = self._keys()
        query = select(*(columns or [literal_column("1")])).select_from(self._rows())
        query = query.where(self._empty())
        if not columns:
            return [()] if self.conn.execute(query.limit(1)).first() else []
        if last is not None:
            query = query.where(_beyond(columns, last))
        return [tuple(row) for row in self.conn.execute(query.order_by(*columns).limit(size))]

    def _batch(self, keys: Sequence[Key]) -> int:
        with own_transaction(self.conn, self.dialect, self.features):
            rows = self._rows()
            column = self.change.column
            # A column that the server would touch on every update (MySQL) is set to itself.
            values = {
                each.name: rows.c[each.name] for each in self.table.columns if each.on_update
            } | {column.name: literal_column(column.default or "", Raw())}
            filling = update(rows).where(self._empty()).values(values)
            if keys[-1]:
                filling = filling.where(key_in(self._keys(), keys))
            count = self.conn.execute(filling).rowcount
            checkpoint.note(self.conn, self.change, keys[-1], count)
        return count

    def _rows(self) -> TableClause:
        names = (column.name for column in self.table.columns)
        return relation(self.table.name, names, self.features.namespace)

    def _keys(self) -> list[ColumnElement[Any]]:
        primary = self.table.primary_key
        names = primary.columns if primary is not None else ()
        return [literal_column(self.dialect.quote(name), Raw()) for name in names]

    def _empty(self) -> ColumnElement[bool]:
        return literal_column(self.dialect.quote(self.change.column.name), Raw()).is_(None)


def _beyond(columns: Sequence[ColumnElement[Any]], last: Key) -> ColumnElement[bool]:
    """Behind that key, spelt out: MySQL reads a comparison of tuples from the table's start."""
    return or_(
        *(
            and_(*(columns[n] == last[n] for n in range(place)), column > last[place])
            for place, column in enumerate(columns)
        )
    )


def _sized(size: int, seconds: float) -> int:
    if seconds < QUICK:
        return min(size * 2, LARGEST)
    return max(size // 2, SMALLEST) if seconds > SLOW else size
