"""Declared seed values and stored ones: what is bound, and when two of them are the same.

Stored values are read as the dialect copies whole rows: as the driver gives them, or as the
server's text where the dialect reads text (PostgreSQL). Both are brought to one Python
value per portable type. Where the type is the server's own, the server is asked what its
text for the declared value would be.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Date, DateTime, Time, bindparam
from sqlalchemy.types import TypeEngine

from odac_db.migrate.selectables import Raw
from odac_db.schema.declaration import ColumnDeclaration
from odac_db.schema.model import Column

__all__ = ["SeedColumn"]

_MIDNIGHT = datetime(2000, 1, 1)  # noqa: DTZ001 (a time of day has no zone)
_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0"}


@dataclass(frozen=True, kw_only=True)
class SeedColumn:
    """One column of a seeded table. ``type`` is its declared name, lower-case.

    ``expression`` is how it is read, ``is_text`` whether that is the server's text of it.
    """

    type: str
    column: Column
    declared: ColumnDeclaration
    expression: str
    is_text: bool

    @property
    def asks_server(self) -> bool:
        """Whether only the server can say how it spells a value."""
        return self.is_text and self._kind is None and self.type not in _JSON

    @property
    def _kind(self) -> Callable[[Any, SeedColumn], Any] | None:
        if self.type == "interval" and self.column.type.startswith("interval"):
            return None
        return _KINDS.get(self.type)

    def canonical(self, value: Any) -> Any:
        """The one Python value for a declared or stored one; None stays None.

        Raises ValueError, TypeError or ArithmeticError for what the type cannot hold.
        """
        if value is None or self._kind is None:
            return value
        return self._kind(value, self)

    def bound(self, value: Any, name: str | None = None) -> BindParameter[Any]:
        """A declared value as it is sent to the server; ``canonical`` has accepted it."""
        stored = self.canonical(value)
        kind: TypeEngine[Any] = Raw()
        if self.type in _JSON and value is not None:
            stored = _json_text(value)
        elif isinstance(stored, list):
            stored = _array_text(stored)
        elif isinstance(stored, timedelta):
            stored = f"{stored // timedelta(microseconds=1)} microseconds"
        elif self.type in ("datetime", "timestamp") and stored is not None:
            # Where the server keeps no zone, UTC is meant.
            aware = "with time zone" in self.column.type
            stored = stored.replace(tzinfo=UTC) if aware else stored
            kind = DateTime(timezone=aware)
        elif self.type in ("date", "time") and stored is not None:
            kind = Date() if self.type == "date" else Time()
        else:
            stored = _sendable(stored)
        return bindparam(name, stored, type_=kind)

    def same(self, declared: Any, stored: Any) -> bool:
        """Whether a stored value is what was declared."""
        if declared is None or stored is None:
            return declared is None and stored is None
        try:
            if self.type in _JSON:
                return _same_json(json.loads(_json_text(declared)), json.loads(stored))
            if self._kind is None:
                return _same_class(declared, stored)
            if self.type == "decimal" and isinstance(stored, float):  # SQLite keeps 15 digits
                return float(self.canonical(declared)) == stored
            return _equal(self.canonical(declared), self.canonical(stored))
        except (ValueError, TypeError, ArithmeticError):
            return False


def _integer(value: Any, _: SeedColumn) -> int:
    number = int(value)
    if isinstance(value, (float, Decimal)) and number != value:
        raise ValueError(f"{value} is no whole number")
    return number


def _boolean(value: Any, _: SeedColumn) -> bool:
    if isinstance(value, str):
        word = value.casefold()
        if word not in _TRUE | _FALSE:
            raise ValueError(f"{value!r} is neither true nor false")
        return word in _TRUE
    if value not in (0, 1):
        raise ValueError(f"{value!r} is neither true nor false")
    return bool(value)


def _single(value: Any, _: SeedColumn) -> float:
    """The nearest number of four bytes, which is what most servers keep."""
    number = float(value)
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return number


def _double(value: Any, _: SeedColumn) -> float:
    return float(value)


def _decimal(value: Any, column: SeedColumn) -> Decimal:
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value))
    declared = column.declared
    scale = declared.scale
    if scale is None:
        scale = 2 if declared.precision is None else 0
    if not number.is_finite():
        return number
    return number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=1000))


def _text(value: Any, _: SeedColumn) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError("a text column holds no mapping and no list")
    return value.decode() if isinstance(value, bytes) else _text_of(value)


def _padded(value: Any, column: SeedColumn) -> str:
    """CHAR: the blanks at its end are no part of the value."""
    return _text(value, column).rstrip(" ")


def _uuid(value: Any, _: SeedColumn) -> str:
    return str(value if isinstance(value, UUID) else UUID(str(value)))


def _date(value: Any, _: SeedColumn) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else datetime.fromisoformat(str(value)).date()


def _time(value: Any, column: SeedColumn) -> time:
    if isinstance(value, timedelta):  # MySQL
        value = (_MIDNIGHT + value).time()
    elif isinstance(value, int):  # YAML 1.1 reads 12:30:00 as a number of base 60
        value = (_MIDNIGHT + timedelta(seconds=value)).time()
    elif not isinstance(value, time):
        value = time.fromisoformat(str(value))
    whole = _rounded(datetime.combine(_MIDNIGHT, value), column)
    return whole.time().replace(tzinfo=None)


def _datetime(value: Any, column: SeedColumn) -> datetime:
    """Without a zone, in UTC: a declared time without one means UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    elif not isinstance(value, datetime):
        value = datetime.fromisoformat(str(value))
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return _rounded(value, column)


def _rounded(value: datetime, column: SeedColumn) -> datetime:
    digits = column.declared.precision
    if digits is None or digits >= 6:
        return value
    unit = 10 ** (6 - digits)
    excess = value.microsecond % unit
    up = timedelta(microseconds=unit) if excess * 2 >= unit else timedelta()
    return value - timedelta(microseconds=excess) + up


def _binary(value: Any, _: SeedColumn) -> bytes:
    """Text is its UTF-8 bytes, or bytes in hexadecimal after a ``\\x``."""
    if isinstance(value, str):
        return bytes.fromhex(value[2:]) if value.startswith("\\x") else value.encode()
    return bytes(value)


def _interval(value: Any, _: SeedColumn) -> int:
    """Microseconds, where the server has no interval type."""
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return int(value)


_KINDS: dict[str, Callable[[Any, SeedColumn], Any]] = {
    **dict.fromkeys(
        ("increments", "big_increments", "small_integer", "integer", "big_integer"), _integer
    ),
    **dict.fromkeys(("nanoid", "string", "text", "enum"), _text),
    **dict.fromkeys(("datetime", "timestamp"), _datetime),
    "boolean": _boolean,
    "float": _single,
    "double": _double,
    "decimal": _decimal,
    "char": _padded,
    "uuid": _uuid,
    "date": _date,
    "time": _time,
    "binary": _binary,
    "interval": _interval,
}
_JSON = ("json", "jsonb")


def _sendable(value: Any) -> Any:
    """The value for any driver: what not all of them can bind goes as text."""
    if isinstance(value, (Decimal, UUID, date, time)):
        return str(value)
    return _json_text(value) if isinstance(value, dict) else value


def _json_text(value: Any) -> str:
    """A declared value is the JSON value itself; a string is a JSON string."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _array_text(values: list[Any]) -> str:
    """A list in the input syntax of PostgreSQL's arrays."""

    def element(value: Any) -> str:
        if isinstance(value, list):
            return _array_text(value)
        if value is None:
            return "NULL"
        escaped = _text_of(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    return "{" + ",".join(map(element, values)) + "}"


def _text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return str(_sendable(value))


def _same_json(one: Any, other: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same_json(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_json, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return bool(one == other)


def _same_class(declared: Any, stored: Any) -> bool:
    """For the server's own types: the declared value as one of the stored one's class."""
    if isinstance(stored, str):
        return str(_sendable(declared)) == stored
    if isinstance(stored, bytes):
        return declared == stored or (isinstance(declared, str) and declared.encode() == stored)
    try:
        if isinstance(stored, (int, float, Decimal)):
            return Decimal(str(_number(declared))) == Decimal(str(stored))
        if isinstance(stored, datetime):
            return datetime.fromisoformat(str(declared)).replace(tzinfo=None) == stored
        if isinstance(stored, date):
            return date.fromisoformat(str(declared)) == stored
    except (ValueError, ArithmeticError):
        return False
    return bool(declared == stored)


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
