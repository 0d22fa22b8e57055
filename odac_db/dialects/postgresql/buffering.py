"""Buffered writes on PostgreSQL: COPY in slices, changes from arrays.

COPY: https://www.postgresql.org/docs/current/sql-copy.html (text format)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.buffering import (
    Accepts,
    Buffering,
    Change,
    Fault,
    ValueKind,
    Values,
    in_lots,
    none_untransacted,
)
from odac_db.dialects.postgresql.column_types import arguments, base, element, is_array
from odac_db.dialects.postgresql.naming import quote
from odac_db.errors import BufferRefused
from odac_db.schema.model import Column, Schema

_GUARDED = "odac_db.guarded"
"""The tables whose rows have policies for this user."""
SLICE = 1000
"""Rows that are spelt while the server is busy with those before."""

_INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}
_KINDS: dict[str, ValueKind] = {
    "boolean": "boolean",
    "real": "float",
    "double precision": "float",
    "bytea": "bytes",
    "date": "date",
    "uuid": "uuid",
    "json": "json",
    "jsonb": "json",
    "text": "text",
    "character varying": "text",
    "character": "text",
    "numeric": "decimal",
    "interval": "interval",
    "time without time zone": "time",
    "time with time zone": "time",
    "timestamp without time zone": "datetime",
    "timestamp with time zone": "datetime",
}
_TRANSIENT = ("08", "40", "53", "57", "58", "XX", "25", "55")
_DATA = ("21", "22", "23", "44", "P0", "27", "54")  # 54: a row, or a key, is too large


def accepts(column: Column, schema: Schema) -> Accepts:
    type_ = column.type
    if is_array(type_):
        inner = Column(name=column.name, type=element(type_), enum=column.enum)
        return Accepts(kind="array", type=type_, element=accepts(inner, schema))
    if column.enum is not None and column.enum in schema.enums:
        return Accepts(kind="enum", type=type_, choices=schema.enums[column.enum].values)
    plain, numbers = base(type_), arguments(type_)
    if plain in _INTEGERS:
        most = 2 ** _INTEGERS[plain]
        return Accepts(kind="integer", type=type_, minimum=-most, maximum=most - 1)
    kind = _KINDS.get(plain, "any")
    if kind == "decimal" and len(numbers) == 2:
        return Accepts(kind=kind, type=type_, digits=numbers[0] - numbers[1], infinite=False)
    length = numbers[0] if kind == "text" and numbers else None
    zone = plain.endswith("with time zone")
    return Accepts(
        kind=kind,
        type=type_,
        length=length,
        zone=zone,
        naive=kind == "datetime" and not zone,
        infinite=kind == "float",
        zeros=False,
    )


def moment(value: date | time | datetime | timedelta, accepts: Accepts) -> str:
    """A column without a zone gets the time in UTC."""
    if isinstance(value, timedelta):
        return f"{value.days} days {value.seconds}.{value.microseconds:06} seconds"
    if isinstance(value, datetime):
        if value.tzinfo is not None and not accepts.zone:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return value.isoformat(" ")
    return value.isoformat()


def prepare(conn: Connection) -> None:
    cursor = conn.connection.cursor()
    cursor.close()
    if not hasattr(cursor, "copy"):
        message = "the buffer writes to PostgreSQL with psycopg 3: postgresql+psycopg://"
        raise BufferRefused(message)
    conn.connection.driver_connection.autocommit = False  # type: ignore[union-attr] # in use, it has one
    found = conn.exec_driver_sql(
        "SELECT relname FROM pg_class WHERE relrowsecurity AND row_security_active(oid)"
        " AND pg_table_is_visible(oid)"
    )
    conn.info[_GUARDED] = frozenset(found.scalars())
    conn.commit()


def begin(conn: Connection) -> None:
    """The settings are the transaction's, because a pooler may give its session to others."""
    conn.begin()
    conn.exec_driver_sql(
        "SELECT set_config('lock_timeout', '10s', true),"
        " set_config('idle_in_transaction_session_timeout', '15s', true)"
    )


def checked_now(conn: Connection) -> None:
    conn.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")


def insert(conn: Connection, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
    cursor: Any = conn.connection.cursor()
    try:
        if not columns:
            cursor.executemany(f"INSERT INTO {quote(table)} DEFAULT VALUES", [()] * len(rows))
            return
        names = ", ".join(map(quote, columns))
        if table in conn.info.get(_GUARDED, ()):  # COPY passes no policy, and is refused
            spots = ", ".join(["%s"] * len(columns))
            statement = f"INSERT INTO {quote(table)} ({names})".replace("%", "%%")
            texts = [[None if each is None else _text(each) for each in row] for row in rows]
            cursor.executemany(f"{statement} VALUES ({spots})", texts)
            return
        encoding = cursor.connection.info.encoding
        if encoding == "ascii":  # SQL_ASCII: psycopg sends other texts so, too
            encoding = "utf-8"
        with cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy:
            for text in spelt(rows, len(columns)):
                copy.write(text.encode(encoding))
    finally:
        cursor.close()


def spelt(rows: Sequence[Values], width: int) -> Iterator[str]:
    """The rows as COPY reads them. Escapes are looked for in a whole slice at once."""
    plain = "\t".join(["%s"] * width) + "\n"
    for lot in in_lots(rows, SLICE):
        nulls = 0
        lines = []
        for row in lot:
            if None in row:
                nulls += row.count(None)
                lines.append(plain % tuple(["\\N" if value is None else value for value in row]))
            else:
                lines.append(plain % row)
        text = "".join(lines)
        safe = (
            text.count("\\") == nulls
            and text.count("\n") == len(lot)
            and text.count("\t") == len(lot) * (width - 1)
            and "\r" not in text
            and "b'" not in text
            and 'b"' not in text
        )
        if not safe:
            text = "".join("\t".join(map(_escaped, row)) + "\n" for row in lot)
        yield text


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _escaped(value: Any) -> str:
    if value is None:
        return "\\N"
    text = _text(value)
    return text.translate(_ESCAPES) if isinstance(value, (str, bytes)) else text


def _text(value: Any) -> str:
    """As the type's own input reads it."""
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)


def update(conn: Connection, change: Change) -> int:
    """One statement, from one array of texts for each column."""
    names = [*change.keys, *change.sets, *change.adds]
    values = tuple(
        [None if value is None else _text(value) for value in column]
        for column in zip(*change.rows, strict=True)
    )
    cursor: Any = conn.connection.cursor()
    try:
        cursor.execute(_update(change, names), values)
        return int(cursor.rowcount)
    finally:
        cursor.close()


def _update(change: Change, names: Sequence[str]) -> str:
    typed = [
        f"v.c{number}::{change.types[name]}" if name in change.types else f"v.c{number}"
        for number, name in enumerate(names)
    ]
    keys, sets = len(change.keys), len(change.keys) + len(change.sets)
    quoted = [quote(name).replace("%", "%%") for name in names]
    where = [f"t.{quoted[place]} = {typed[place]}" for place in range(keys)]
    parts = [f"{quoted[place]} = {typed[place]}" for place in range(keys, sets)]
    parts += [
        f"{quoted[place]} = coalesce(t.{quoted[place]}, 0) + {typed[place]}"
        for place in range(sets, len(names))
    ]
    aliases = ", ".join(f"c{number}" for number in range(len(names)))
    return (
        f"UPDATE {quote(change.table).replace('%', '%%')} t SET {', '.join(parts)} "
        f"FROM unnest({', '.join(['%s::text[]'] * len(names))}) v({aliases}) "
        f"WHERE {' AND '.join(where)}"
    )


# What COPY says of a value that a type's input refuses, in whatever language.
_OF_A_VALUE = re.compile(r"COPY .+, \S+ \d+, \S+ [^:]+: ")


def fault(error: BaseException) -> Fault:
    """By the first two letters of the code; no code is a connection that broke.

    Types whose values are a language (tsquery, jsonpath, regclass) use the codes of statements.
    """
    error = getattr(error, "orig", None) or error
    if isinstance(error, UnicodeError):
        return "data"
    state = getattr(error, "sqlstate", None)
    if not state:
        return "transient" if type(error).__name__ != "DataError" else "data"
    if state[:2] in _DATA or (state[:2] == "42" and _is_of_a_value(error, state)):
        return "data"
    return "transient" if state[:2] in _TRANSIENT else "structural"


def _is_of_a_value(error: Any, state: str) -> bool:
    """Whether it speaks of a value, and not of the statement, which is never misspelt."""
    told = error.diag
    somewhere = told.statement_position or told.internal_position or told.context
    misspelt = state in ("42601", "42602") and not somewhere
    return misspelt or _OF_A_VALUE.match(told.context or "") is not None


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
