"""Buffered writes on SQLite: executemany, under the right to write from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.buffering import (
    Accepts,
    Buffering,
    Change,
    Fault,
    Values,
    none_untransacted,
)
from odac_db.dialects.sqlite.spelling import affinity, quote
from odac_db.schema.model import Column, Schema

# Codes: https://www.sqlite.org/rescode.html (primary ones)
_PERMISSION, _BUSY, _LOCKED, _NOMEM, _READONLY, _IOERR, _FULL, _CANTOPEN = 3, 5, 6, 7, 8, 10, 13, 14
_ERROR, _OVERFLOW = 1, "integer overflow"
_PROTOCOL, _TOOBIG, _CONSTRAINT, _MISMATCH = 15, 18, 19, 20
_TRANSIENT = frozenset({_BUSY, _LOCKED, _NOMEM, _READONLY, _IOERR, _FULL, _CANTOPEN, _PROTOCOL})
_DATA = frozenset({_TOOBIG, _CONSTRAINT, _MISMATCH})
_DECIMALS = ("DECIMAL", "NUMERIC")
DIGITS = 15
"""Of a decimal, which is kept as a float: so many survive it."""
_TIMES = {"DATE": "date", "TIME": "time", "DATETIME": "datetime", "TIMESTAMP": "datetime"}


def accepts(column: Column, schema: Schema) -> Accepts:
    """SQLite keeps any value in any column; what it is given is spelt as SQLAlchemy reads it."""
    spelt = column.type.upper()
    name = spelt.partition("(")[0].strip()
    if name in _TIMES:
        return Accepts(kind=_TIMES[name], type=column.type)  # type: ignore[arg-type]
    if name == "BOOLEAN":
        return Accepts(kind="integer", type=column.type, minimum=0, maximum=1, booleans=True)
    if name in ("JSON", "JSONB", "JSON TEXT", "JSONB TEXT"):
        return Accepts(kind="json", type=column.type)
    if name in _DECIMALS:
        return Accepts(kind="decimal", type=column.type, significant=DIGITS)
    match affinity(column.type):
        case "integer":
            return Accepts(
                kind="integer", type=column.type, minimum=-(2**63), maximum=2**63 - 1, booleans=True
            )
        case "real":
            return Accepts(kind="float", type=column.type)
        case "text":
            padded = name == "CHAR" and spelt != "CHAR(36)"  # that is how UUIDs are kept
            return Accepts(kind="text", type=column.type, padded=padded)
        case _:
            return Accepts(kind="bytes" if name == "BLOB" else "any", type=column.type)


def moment(value: date | time | datetime | timedelta, accepts: Accepts) -> str:
    """As the table API writes it, so that texts compare; what has a zone is told in UTC."""
    if isinstance(value, timedelta):
        raise ValueError("takes no span of time: there is no type for it here")
    if isinstance(value, datetime):
        value = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo is not None else value
        return value.isoformat(" ")
    return value.isoformat("microseconds") if isinstance(value, time) else value.isoformat()


BUSY = 1000
"""Milliseconds to wait for another writer; who waits longer tries again."""


def prepare(conn: Connection) -> None:
    conn.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY}")
    conn.rollback()
    conn.execution_options(isolation_level="AUTOCOMMIT")  # the driver begins none of its own


def begin(conn: Connection) -> None:
    conn.begin()
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def checked_now(conn: Connection) -> None:
    """Deferred foreign keys cannot be checked earlier here."""


def insert(conn: Connection, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
    if not columns:
        for _ in rows:
            conn.exec_driver_sql(f"INSERT INTO {quote(table)} DEFAULT VALUES")
        return
    names, marks = ", ".join(map(quote, columns)), ", ".join("?" * len(columns))
    _many(conn, f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})", rows)


def update(conn: Connection, change: Change) -> int:
    where = " AND ".join(f"{quote(key)} = ?" for key in change.keys)
    assigned = ", ".join(
        [f"{quote(name)} = ?" for name in change.sets]
        + [f"{quote(name)} = {_sum(name, change.types.get(name, ''))}" for name in change.adds]
    )
    keys, sets = len(change.keys), len(change.sets)
    rows = [
        (*row[keys : keys + sets], *map(_number, row[keys + sets :]), *row[:keys])
        for row in change.rows
    ]
    return _many(conn, f"UPDATE {quote(change.table)} SET {assigned} WHERE {where}", rows)


def _sum(name: str, type_: str) -> str:
    """Decimals are floats here: the digits that are kept of one are kept of a sum.

    A whole number that grows too large would become a float in silence: abs() of the least one
    is refused as "integer overflow". It names the column, or it were computed beforehand.
    """
    before = f"coalesce({quote(name)}, 0)"
    if type_.upper().partition("(")[0].strip() in _DECIMALS:
        return f"CAST(printf('%.{DIGITS}g', {before} + ?) AS NUMERIC)"
    if affinity(type_) != "integer":
        return f"{before} + ?"
    refused = f"abs(min({before}, {-(2**63) + 1} - 1))"
    grows = f"typeof(_odac_sum) = 'real' AND typeof({before}) = 'integer'"
    either = f"CASE WHEN {grows} THEN {refused} ELSE _odac_sum END"
    return f"(SELECT {either} FROM (SELECT {before} + ? AS _odac_sum))"


def _number(value: Any) -> Any:
    """A decimal that is a whole number is added as one, so that it stays exact."""
    if not isinstance(value, str):
        return value
    whole, _, fraction = value.partition(".")
    return float(value) if fraction.strip("0") else int(whole)


def _many(conn: Connection, sql: str, rows: Sequence[Values]) -> int:
    cursor = conn.connection.cursor()
    try:
        cursor.executemany(sql, rows)
        return cursor.rowcount
    finally:
        cursor.close()


def fault(error: BaseException) -> Fault:
    error = getattr(error, "orig", None) or error
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # the driver could not bind a value, or it is no error of SQLite's
        return "data" if isinstance(error, (OverflowError, UnicodeError)) else "transient"
    if code & 0xFF in _DATA or (code == _ERROR and _OVERFLOW in str(error)):
        return "data"
    return "transient" if code & 0xFF in _TRANSIENT else "structural"


BUFFERING = Buffering(
    accepts=accepts,
    moment=moment,
    prepare=prepare,
    begin=begin,
    checked_now=checked_now,
    insert=insert,
    update=update,
    fault=fault,
    untransacted=none_untransacted,
    longest=None,
)
