"""Defaults in one spelling, from what servers print and from what files say. Pure.

A literal is text of its own (``5``, ``'it''s'``, ``b'101'``, ``0xFF``), the clock is
``CURRENT_TIMESTAMP(6)``, anything else an expression in one pair of parentheses.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any

from odac_db.dialects.mysql.column_types import (
    BINARIES,
    BLOBS,
    CLOCKS,
    INTEGERS,
    NUMBERS,
    WITHOUT_LITERAL_DEFAULT,
    ColumnType,
)
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import (
    enclosed,
    expression_string,
    hexadecimal,
    string,
    tokens,
    unquote_string,
)

_CLOCK = re.compile(r"(?:current_timestamp|now|localtime|localtimestamp)(?:\((\d*)\))?", re.I)
_CLOCK_WORDS = frozenset({"now()", "current_timestamp", "current_timestamp()"})
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.I)
_BITS = re.compile(r"b'[01]*'", re.I)
_HEX = re.compile(r"0x[0-9a-f]*", re.I)


def clock(fraction: int) -> str:
    """The server's clock with that many fractional digits."""
    return f"CURRENT_TIMESTAMP({fraction})" if fraction else "CURRENT_TIMESTAMP"


def is_clock(text: str) -> bool:
    """Whether the SQL is the server's clock under any of its names."""
    return _CLOCK.fullmatch(text) is not None


def printed_clock(text: str) -> str:
    """The clock in the model's spelling, from any other."""
    found = _CLOCK.fullmatch(text)
    assert found is not None, text
    return clock(int(found[1] or 0))


def printed(text: str, kind: ColumnType, features: MySQLFeatures) -> str | None:
    """The default that SHOW CREATE TABLE, or MariaDB's catalog, prints as ``text``."""
    if text.upper() == "NULL":
        return None
    if is_clock(text) and (kind.name in CLOCKS or features.mariadb):
        return printed_clock(text)
    if text.startswith("'") and len(list(tokens(text))) == 1:
        return literal(unquote_string(text), kind)
    if _NUMBER.fullmatch(text) or _BITS.fullmatch(text):
        return text
    if _HEX.fullmatch(text):
        return _from_hex(text, kind)
    return expression(text, features)


def _from_hex(text: str, kind: ColumnType) -> str:
    """Hexadecimal is how MySQL prints a string that holds control characters."""
    value = bytes.fromhex(text[2:])
    if kind.name in BINARIES | BLOBS:
        return _binary(value, kind)
    return string(value.decode("utf-8", "replace"))


def _binary(value: bytes, kind: ColumnType) -> str:
    return hexadecimal(value.rstrip(b"\0") if kind.name == "binary" else value)


def literal(value: str, kind: ColumnType) -> str:
    """The literal of a plain value for a column of that type."""
    if kind.name in NUMBERS:
        return value
    if kind.name == "bit":
        return value if _BITS.fullmatch(value) else f"b'{value}'"
    if kind.name in BINARIES:
        return _binary(value.encode("utf-8", "surrogateescape"), kind)
    return string(value)


def expression(text: str, features: MySQLFeatures) -> str:
    """A computed default as the model keeps it: free of the database's own name."""
    prefix = f"`{features.namespace}`."
    if features.mariadb and prefix in text:
        text = text.replace(prefix, "")
    return enclosed(text)


def declared_expression(text: str, kind: ColumnType, features: MySQLFeatures) -> str:
    """A default declared as an expression."""
    bare = text.strip()
    if is_clock(bare) and kind.name in CLOCKS:
        return printed_clock(bare)
    bytes_are_literal = kind.name in BINARIES or (features.mariadb and kind.name in BLOBS)
    if bytes_are_literal and _HEX.fullmatch(bare):
        return _from_hex(bare, kind)
    return expression(bare, features)


def declared(value: Any, kind: ColumnType, features: MySQLFeatures, *, plain: bool) -> str:
    """A default declared as a value. ``plain``: the words for the clock mean the clock.

    Raises ValueError for a value that no column of that type can hold.
    """
    if plain and isinstance(value, str) and value.strip().lower() in _CLOCK_WORDS:
        return _clock_for(kind, features)
    if isinstance(value, (list, dict)):
        if kind.name != "json":
            raise ValueError(f"a list or mapping is no default for {kind.text}")
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        value = int(value)
    if kind.name in NUMBERS:
        return _number(value, kind)
    if kind.name == "bit":
        return f"b'{int(value):b}'" if not str(value).startswith("b'") else str(value)
    text = _temporal(str(value), kind)
    if kind.name in WITHOUT_LITERAL_DEFAULT and not features.mariadb:
        return f"({expression_string(text)})"
    return literal(text, kind)


def _clock_for(kind: ColumnType, features: MySQLFeatures) -> str:
    if kind.name in CLOCKS:
        return clock(kind.fraction)
    if kind.name == "date":
        return "(curdate())"
    if kind.name == "time":
        return f"(curtime({kind.fraction or ''}))"
    return clock(0) if features.mariadb else "(now())"


def _number(value: Any, kind: ColumnType) -> str:
    text = str(value).strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no number, and the column is {kind.text}") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is no default for {kind.text}")
    if kind.name == "decimal":
        scale = int(kind.arguments[1])
        return f"{number.quantize(Decimal(1).scaleb(-scale)):f}"
    if kind.name in INTEGERS | {"year"}:
        return text if number != number.to_integral_value() else f"{int(number)}"
    return _approximate(float(number))


def _approximate(number: float) -> str:
    """The shortest digits, without an exponent where the server prints none."""
    text = repr(number)
    if "e" in text:
        mantissa, exponent = text.split("e")
        if -15 < int(exponent) < 15:
            return f"{Decimal(text):f}"
        return f"{mantissa.removesuffix('.0')}e{int(exponent)}"
    if text.endswith(".0"):
        digits = text.removesuffix(".0")
        return digits if len(digits.lstrip("-")) < 16 else _exponential(number)
    return text


def _exponential(number: float) -> str:
    mantissa, exponent = f"{Decimal(repr(number)):e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").removesuffix(".")
    return f"{mantissa}e{int(exponent)}"


def _temporal(text: str, kind: ColumnType) -> str:
    """A date or time with the parts the server adds: seconds and fractional digits."""
    if kind.name in CLOCKS and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        text += " 00:00:00"
    text = re.sub(r"^(\d{4}-\d\d-\d\d)T(?=\d\d:)", r"\1 ", text) if kind.name in CLOCKS else text
    if kind.name in CLOCKS | {"time"}:
        text = re.sub(r"(^|\s)(\d\d:\d\d)$", r"\1\2:00", text)
        found = re.fullmatch(r"(.*\d\d:\d\d:\d\d)(?:\.(\d+))?", text)
        if found and kind.fraction:
            return f"{found[1]}.{(found[2] or '')[: kind.fraction]:0<{kind.fraction}}"
        if found and not (found[2] or "").strip("0"):
            return found[1]
    return text
