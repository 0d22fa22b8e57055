"""A column's value as it will be after the flush: what the database has, and what comes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Engine

from odac_db.buffer import ledger
from odac_db.buffer.cursor import Cursor
from odac_db.buffer.fold import EXACT, pending
from odac_db.buffer.log import Log
from odac_db.buffer.running import Running
from odac_db.buffer.shapes import Chunk
from odac_db.buffer.source import BATCH_BYTES, LARGEST_BATCH
from odac_db.buffer.tables import BufferTable
from odac_db.dialects.buffering import Accepts
from odac_db.errors import RowRefused

_NUMBERS = {"integer": int, "decimal": Decimal, "float": float}
_AS_THEY_ARE = ("text", "boolean", "enum")
_NUMBER = re.compile(r"\(?'?(-?\d+(?:\.\d+)?)'?(?:::[^()]+)?\)?")
_ABSENT = object()


def value(
    engine: Engine, running: Running, table: BufferTable, key: tuple[Any, ...], column: str
) -> Any:
    """See ``BufferedRow.get``."""
    accepts = _accepts(table, column)
    running.journal.write_out()
    stored, position = _stored(engine, running.journal.id, table, key, column)
    coming = _coming(running, table.lane, position)
    cells = pending(coming, table.name, dict(zip(table.key, key, strict=True)), column)
    if stored is _ABSENT and cells.inserted:
        stored = _default(table, column)
    found: Any = cells.sets.get(column, stored)
    if stored is _ABSENT:
        found = None
        cells.adds.clear()  # they will find no row
    if accepts.kind not in _NUMBERS:
        return found
    number = _NUMBERS[accepts.kind]
    if isinstance(found, bool):  # in a column of numbers
        found = int(found)
    return number(EXACT.add(Decimal(str(found or 0)), Decimal(cells.adds.get(column, 0))))


def _default(table: BufferTable, column: str) -> Any:
    """What a row that does not name the column begins with, where that is a plain number."""
    found = table.table.column(column)
    text = found.default if found is not None else None
    number = _NUMBER.fullmatch(text or "")
    return Decimal(number[1]) if number is not None else None


def _accepts(table: BufferTable, column: str) -> Accepts:
    found = table.table.column(column)
    if found is None:
        raise RowRefused(table.name, [f"{column!r} is no column"])
    accepts = table.buffering.accepts(found, table.schema)
    if accepts.kind not in (*_NUMBERS, *_AS_THEY_ARE):
        raise RowRefused(table.name, [f"{column} is {accepts.type}: get reads numbers and texts"])
    return accepts


def _stored(
    engine: Engine, source: str, table: BufferTable, key: tuple[Any, ...], column: str
) -> tuple[Any, int]:
    """The column's value, if there is the row, and the lane's position, of one instant."""
    row = sa.table(table.name, *(sa.column(name) for name in {*table.key, column}))
    # Of no type: a uuid or a date is a text here, and the server makes of it what the column is.
    here = [
        row.c[name] == sa.bindparam(None, each, type_=sa.types.NullType())
        for name, each in zip(table.key, key, strict=True)
    ]
    spot = ledger.positions
    position = (
        sa.select(spot.c.seq).where(spot.c.source == source, spot.c.lane == table.lane)
    ).scalar_subquery()
    one = sa.select(sa.literal(1).label("one")).subquery()
    wanted = sa.select(row.c[column], position, row.c[table.key[0]]).select_from(
        one.outerjoin(row, sa.and_(*here))
    )
    with engine.connect() as conn:
        found, seq, first = conn.execute(wanted).one()
    return (_ABSENT if first is None else found), seq or 0


def _coming(running: Running, lane: str, position: int) -> Iterator[Chunk]:
    """Up to where the journal is now, bit by bit: a database that is away leaves much."""
    end = running.journal.end
    cursor = Cursor(Log(running.journal.folder, lambda: end), lane)
    cursor.seek(position)
    while chunks := cursor.read(LARGEST_BATCH, BATCH_BYTES):
        yield from chunks
