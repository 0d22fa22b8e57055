"""Buffered writes on MySQL and MariaDB: many rows a statement, as large as a packet may be.

Never LOAD DATA LOCAL or IGNORE: both turn refusals into warnings and lose rows in silence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.buffering import Accepts, Buffering, Change, Fault, ValueKind, Values, in_lots
from odac_db.dialects.mysql.column_types import BLOBS, TEXTS, column_type, enum_values
from odac_db.dialects.mysql.literals import quote
from odac_db.schema.model import Column, Schema

STATEMENT_BYTES = 4 << 20
CHANGED_AT_ONCE = 200
"""Rows of one UPDATE: each is looked for among all of them."""

_PACKET = "odac_db.packet"
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_BYTES = {"tiny": 255, "": 65_535, "medium": 2**24 - 1, "long": 2**32 - 1}
_KINDS: dict[str, ValueKind] = {
    "float": "float",
    "double": "float",
    "date": "date",
    "datetime": "datetime",
    "timestamp": "datetime",
    "time": "time",
    "json": "json",
    "uuid": "uuid",
    "char": "text",
    "varchar": "text",
    "binary": "bytes",
    "varbinary": "bytes",
}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

# Numbers: https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html
_TRANSIENT = frozenset(
    """1020 1021 1037 1038 1040 1041 1053 1081 1114 1129 1152 1158 1159 1160 1161 1180 1194 1203
    1205 1206 1213 1226 1290 1297 1317 1613 1614 1637 1792 1836 1927 2002 2003 2006 2013 2055
    3024 3032 3100 3168 3169 3572 4031""".split()
)
_DATA = frozenset(
    """1022 1048 1062 1063 1118 1153 1169 1216 1217 1263 1264 1265 1292 1300 1364 1366 1367 1406
    1411 1416 1441 1451 1452 1526 1557 1569 1586 1644 1690 1713 1748 1761 1762 1830 3140 3141
    3146 3156 3157 3751 3752 3753 3754 3755 3756 3757 3758 3819 3854 3903 3904 3905 3906 3907
    3988 4025 4161 4078""".split()
)


def accepts(column: Column, schema: Schema) -> Accepts:
    found = column_type(column.type, mariadb=False)
    name, unsigned = found.name, found.unsigned
    if name in _BITS:
        bits = _BITS[name]
        low, high = (0, 2**bits) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1))
        return Accepts(
            kind="integer", type=column.type, minimum=low, maximum=high - 1, booleans=True
        )
    if name == "decimal":
        digits = int(found.arguments[0]) - int(found.arguments[1])
        return Accepts(kind="decimal", type=column.type, digits=digits)
    if name == "enum":
        return Accepts(
            kind="enum", type=column.type, choices=enum_values(column.type), any_case=True
        )
    if column.check is not None and column.check.startswith("json_valid("):
        return Accepts(kind="json", type=column.type)  # MariaDB's JSON
    if name in TEXTS | BLOBS:
        size = _BYTES[name.removesuffix("text").removesuffix("blob")]
        return Accepts(kind="text" if name in TEXTS else "bytes", type=column.type, length=size)
    kind = _KINDS.get(name, "any")
    length = int(found.arguments[0]) if kind in ("text", "bytes") and found.arguments else None
    return Accepts(kind=kind, type=column.type, length=length)


def moment(value: date | time | datetime | timedelta, accepts: Accepts) -> str:
    """The columns keep no zone: what has one is told in UTC."""
    if isinstance(value, timedelta):
        seconds, sign = (value // timedelta(seconds=1), "") if value >= timedelta() else (0, "-")
        if sign:
            seconds = -value // timedelta(seconds=1)
        micro = abs(value) % timedelta(seconds=1) // timedelta(microseconds=1)
        return f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{micro:06}"
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return value.isoformat(" ")
    return value.isoformat()


def prepare(conn: Connection) -> None:
    """Strict, so that no value is changed in silence; a dead flusher's locks end soon."""
    mode = str(conn.exec_driver_sql("SELECT @@sql_mode").scalar())
    kept = [word for word in mode.split(",") if word not in ("", "NO_BACKSLASH_ESCAPES")]
    wanted = ",".join(dict.fromkeys([*kept, "STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"]))
    conn.exec_driver_sql("SET SESSION sql_mode = %s", (wanted,))
    conn.exec_driver_sql("SET SESSION innodb_lock_wait_timeout = 10, SESSION wait_timeout = 30")
    conn.exec_driver_sql("SET SESSION autocommit = 0")  # whatever the URL says
    if conn.dialect.server_version_info and getattr(conn.dialect, "is_mariadb", False):
        conn.exec_driver_sql("SET SESSION idle_transaction_timeout = 15")
    conn.info[_PACKET] = int(conn.exec_driver_sql("SELECT @@max_allowed_packet").scalar_one())
    conn.commit()


def longest(conn: Connection) -> int:
    packet: int = conn.info[_PACKET]
    return packet


def begin(conn: Connection) -> None:
    conn.begin()


def checked_now(conn: Connection) -> None:
    """No constraint waits for COMMIT here."""


def insert(conn: Connection, table: str, columns: Sequence[str], rows: Sequence[Values]) -> None:
    names = ", ".join(map(quote, columns))
    head = f"INSERT INTO {quote(table)} ({names}) VALUES "
    cursor = conn.connection.cursor()
    try:
        for statement in _statements(head, rows, conn.info[_PACKET]):
            cursor.execute(statement)
    finally:
        cursor.close()


class TooLong(ValueError):
    """A statement that the server would not read: it hangs up, and says nothing that helps."""


def _statements(head: str, rows: Sequence[Values], packet: int) -> Iterator[str]:
    """The rows in as few statements as fit, by the most bytes their letters can take.

    Raises TooLong for a row that is longer than a packet by itself.
    """
    found: list[str] = []
    spare = len(head) * 4 + 1024
    weight = room = min(packet, STATEMENT_BYTES) - spare
    for row in rows:
        text = f"({','.join(map(literal, row))})"
        long = _length(text) + 1
        if long > room:
            _check_length(long + spare, packet)
        if found and weight < long:
            yield head + ",".join(found)
            found, weight = [], room
        found.append(text)
        weight -= long
    if found:
        yield head + ",".join(found)


def _length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8"))


def _check_length(length: int, packet: int) -> None:
    if length > packet:
        message = f"it takes {length:,} bytes of SQL, and the server reads {packet:,} at once"
        raise TooLong(f"{message} (max_allowed_packet)")


_ESCAPES = str.maketrans(
    {"\0": "\\0", "\n": "\\n", "\r": "\\r", "\x1a": "\\Z", "'": "\\'", "\\": "\\\\"}
)


def literal(value: Any) -> str:
    """The value in SQL, backslashes being escapes."""
    if type(value) is str:
        return "'" + value.translate(_ESCAPES) + "'"
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "1" if value else "0"
    return f"x'{value.hex()}'" if isinstance(value, bytes) else repr(value)


def added(value: Any) -> str:
    """What is added: a decimal as a number, because a text would be added as a float."""
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return value
    return literal(value)


def update(conn: Connection, change: Change) -> int:
    """Which value goes to which row is told by CASE: literals take the columns' collations."""
    cursor = conn.connection.cursor()
    try:
        statements = _updates(change, change.rows, conn.info[_PACKET])
        return sum(cursor.execute(statement) for statement in statements)
    finally:
        cursor.close()


def _updates(change: Change, rows: Sequence[Values], packet: int) -> Iterator[str]:
    """In lots, which are parted again where their statement is too long. Raises TooLong."""
    for lot in in_lots(rows, CHANGED_AT_ONCE):
        statement = _update(change, lot)
        length = _length(statement) + 1024
        if len(lot) > 1 and length > min(packet, STATEMENT_BYTES):
            half = len(lot) // 2
            yield from _updates(change, lot[:half], packet)
            yield from _updates(change, lot[half:], packet)
        else:
            _check_length(length, packet)
            yield statement


def _update(change: Change, rows: Sequence[Values]) -> str:
    keys = len(change.keys)
    columns = list(map(quote, change.keys))
    subject = columns[0] if keys == 1 else f"({', '.join(columns)})"
    found = [_key(row[:keys]) for row in rows]
    parts = []
    for place, name in enumerate([*change.sets, *change.adds], keys):
        adds = place >= keys + len(change.sets)
        spell = added if adds else literal
        cases = " ".join(
            f"WHEN {subject} = {key} THEN {spell(row[place])}"
            for key, row in zip(found, rows, strict=True)
        )
        case = f"CASE {cases} END"
        parts.append(
            f"{quote(name)} = " + (f"coalesce({quote(name)}, 0) + {case}" if adds else case)
        )
    where = f"{subject} IN ({', '.join(found)})"
    return f"UPDATE {quote(change.table)} SET {', '.join(parts)} WHERE {where}"


def _key(values: Values) -> str:
    return literal(values[0]) if len(values) == 1 else f"({', '.join(map(literal, values))})"


def fault(error: BaseException) -> Fault:
    error = getattr(error, "orig", None) or error
    if isinstance(error, (UnicodeError, TooLong)):
        return "data"
    number = error.args[0] if error.args else 0
    if str(number) in _DATA:
        return "data"
    if str(number) in _TRANSIENT or not isinstance(number, int) or not number:
        return "transient"
    return "structural"


def untransacted(conn: Connection) -> Mapping[str, str]:
    found = conn.exec_driver_sql(
        "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        " AND table_type = 'BASE TABLE'"
        " AND engine NOT IN ('InnoDB', 'ROCKSDB', 'TokuDB', 'ndbcluster')"
    )
    return {name: f"its engine {engine} has no transactions" for name, engine in found.all()}


BUFFERING = Buffering(
    accepts=accepts,
    moment=moment,
    prepare=prepare,
    begin=begin,
    checked_now=checked_now,
    insert=insert,
    update=update,
    fault=fault,
    untransacted=untransacted,
    longest=longest,
)
