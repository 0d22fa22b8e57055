"""How far the filling of a column came: a row of ``_odac_backfills`` for each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    DateTime,
    String,
    Table,
    and_,
    delete,
    insert,
    select,
    update,
)

from odac_db.dialects.own_tables import LONG_TEXT, ON_MYSQL
from odac_db.migrate.bookkeeping import metadata
from odac_db.migrate.row_json import decode_row, encode_row
from odac_db.migrate.selectables import Key
from odac_db.schema.changes import Backfill

BACKFILLS = Table(
    "_odac_backfills",
    metadata,
    Column("table_name", String(255), primary_key=True),
    Column("column_name", String(255), primary_key=True),
    Column("value", LONG_TEXT, nullable=False),  # the default
    Column("last_key", LONG_TEXT),  # JSON: every row up to here is filled
    Column("filled", BigInteger, nullable=False),
    Column("started_at", DateTime, nullable=False),
    Column("finished_at", DateTime),
    **ON_MYSQL,
)


def begin(conn: Connection, change: Backfill) -> Key | None:
    """The key up to which a run that died has filled the column; None to start afresh."""
    found = conn.execute(select(BACKFILLS).where(_its(change))).first()
    value = change.column.default
    if found is not None and found.finished_at is None and found.value == value:
        return found.last_key and tuple(decode_row(found.last_key).values())
    conn.execute(delete(BACKFILLS).where(_its(change)))
    names = {"table_name": change.table, "column_name": change.column.name}
    facts = {"value": value, "filled": 0, "started_at": _now()}
    conn.execute(insert(BACKFILLS).values(**names, **facts))
    return None


def note(conn: Connection, change: Backfill, last: Key, count: int) -> None:
    """Writes how far it came. Call it in the transaction that fills."""
    values: dict[str, Any] = {"filled": BACKFILLS.c.filled + count, "last_key": _spelled(last)}
    conn.execute(update(BACKFILLS).where(_its(change)).values(**values))


def end(conn: Connection, change: Backfill) -> None:
    """Writes that the column is filled."""
    conn.execute(update(BACKFILLS).where(_its(change)).values(finished_at=_now()))


def _spelled(key: Key) -> str | None:
    """None for a key of a type that JSON cannot keep: then the next run looks from the start."""
    try:
        return encode_row({str(place): each for place, each in enumerate(key)}) if key else None
    except TypeError:
        return None


def _its(change: Backfill) -> ColumnElement[bool]:
    mine = BACKFILLS.c
    return and_(mine.table_name == change.table, mine.column_name == change.column.name)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
