"""The portable types: each one's Python value, from a declared or a stored one.

All raise ValueError, TypeError or ArithmeticError for what the type cannot hold.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any
from uuid import UUID

from odac_db.schema.declaration import ColumnDeclaration

__all__ = ["KINDS", "json_text", "microseconds", "sendable", "text_of"]

_MIDNIGHT = datetime(2000, 1, 1)  # noqa: DTZ001 (a time of day has no zone)
_TRUE = {"true", "t", "yes", "y", "on", "1"}
_FALSE = {"false", "f", "no", "n", "off", "0"}


def _integer(value: Any, _: ColumnDeclaration) -> int:
    number = int(value)
    if isinstance(value, (float, Decimal)) and number != value:
        raise ValueError(f"{value} is no whole number")
    return number


def _boolean(value: Any, _: ColumnDeclaration) -> bool:
    if isinstance(value, str):
        word = value.casefold()
        if word not in _TRUE | _FALSE:
            raise ValueError(f"{value!r} is neither true nor false")
        return word in _TRUE
    if value not in (0, 1):
        raise ValueError(f"{value!r} is neither true nor false")
    return bool(value)


def _single(value: Any, _: ColumnDeclaration) -> float:
    """The nearest number of four bytes, which is what most servers keep."""
    number = float(value)
    try:
        return float(struct.unpack("f", struct.pack("f", number))[0])
    except OverflowError:
        return number


def _double(value: Any, _: ColumnDeclaration) -> float:
    return float(value)


def _decimal(value: Any, declared: ColumnDeclaration) -> Decimal:
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(str(value))
    scale = declared.scale
    if scale is None:
        scale = 2 if declared.precision is None else 0
    if not number.is_finite():
        return number
    return number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, Context(prec=1000))


def _text(value: Any, _: ColumnDeclaration) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError("a text column holds no mapping and no list")
    return value.decode() if isinstance(value, bytes) else text_of(value)


def _padded(value: Any, declared: ColumnDeclaration) -> str:
    """CHAR: the blanks at its end are no part of the value."""
    return _text(value, declared).rstrip(" ")


def _uuid(value: Any, _: ColumnDeclaration) -> str:
    return str(value if isinstance(value, UUID) else UUID(str(value)))


def _date(value: Any, _: ColumnDeclaration) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else datetime.fromisoformat(str(value)).date()


def _time(value: Any, declared: ColumnDeclaration) -> time:
    if isinstance(value, timedelta):  # MySQL
        value = (_MIDNIGHT + value).time()
    elif isinstance(value, int):  # YAML 1.1 reads 12:30:00 as a number of base 60
        value = (_MIDNIGHT + timedelta(seconds=value)).time()
    elif not isinstance(value, time):
        value = time.fromisoformat(str(value))
    whole = _rounded(datetime.combine(_MIDNIGHT, value), declared)
    return whole.time().replace(tzinfo=None)


def _datetime(value: Any, declared: ColumnDeclaration) -> datetime:
    """Without a zone, in UTC: a declared time without one means UTC."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    elif not isinstance(value, datetime):
        value = datetime.fromisoformat(str(value))
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return _rounded(value, declared)


def _rounded(value: datetime, declared: ColumnDeclaration) -> datetime:
    digits = declared.precision
    if digits is None or digits >= 6:
        return value
    unit = 10 ** (6 - digits)
    excess = value.microsecond % unit
    up = timedelta(microseconds=unit) if excess * 2 >= unit else timedelta()
    return value - timedelta(microseconds=excess) + up


def _binary(value: Any, _: ColumnDeclaration) -> bytes:
    """Text is its UTF-8 bytes, or bytes in hexadecimal after a ``\\x``."""
    if isinstance(value, str):
        return bytes.fromhex(value[2:]) if value.startswith("\\x") else value.encode()
    return bytes(value)


def microseconds(value: Any, _: ColumnDeclaration) -> int:
    """Microseconds, where the server has no interval type."""
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    return int(value)


KINDS: dict[str, Callable[[Any, ColumnDeclaration], Any]] = {
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
    "interval": microseconds,
}


def sendable(value: Any) -> Any:
    """The value for any driver: what not all of them can bind goes as text."""
    if isinstance(value, (Decimal, UUID, date, time)):
        return str(value)
    return json_text(value) if isinstance(value, dict) else value


def json_text(value: Any) -> str:
    """A declared value is the JSON value itself; a string is a JSON string."""
    return json.dumps(value, ensure_ascii=False, default=str)


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f"\\x{value.hex()}"
    return str(sendable(value))
