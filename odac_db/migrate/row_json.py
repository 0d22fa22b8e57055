"""Rows as JSON text and back: the same values, of the same Python types.

What JSON has no word for is an object with one key that names its type. Nothing else is
ever an object, because column values are scalars as the drivers give them (JSON columns
are read as text). Text that is not valid UTF-8 travels as lone surrogates, which JSON
escapes.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

__all__ = ["decode_row", "encode_row"]


def _from_timedelta(value: timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


# In this order: a datetime is a date too.
_TAGS: tuple[tuple[str, type, Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    ("bytes", bytes, lambda v: base64.b64encode(v).decode(), base64.b64decode),
    ("decimal", Decimal, str, Decimal),
    ("datetime", datetime, datetime.isoformat, datetime.fromisoformat),
    ("date", date, date.isoformat, date.fromisoformat),
    ("time", time, time.isoformat, time.fromisoformat),
    ("interval", timedelta, _from_timedelta, lambda v: timedelta(*v)),
    ("uuid", UUID, str, UUID),
    ("set", frozenset, sorted, frozenset),
    ("float", float, repr, float),
)
_DECODERS = {tag: decode for tag, _, _, decode in _TAGS}


def encode_row(row: Mapping[str, Any]) -> str:
    """One row as JSON text.

    Raises TypeError for a value of a class no driver of ours returns.
    """
    return json.dumps({name: _tagged(value) for name, value in row.items()}, allow_nan=False)


def decode_row(text: str) -> dict[str, Any]:
    """The row that ``encode_row`` was given."""
    return {name: _untagged(value) for name, value in json.loads(text).items()}


def _tagged(value: Any) -> Any:
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if isinstance(value, (bytearray, memoryview)):
        value = bytes(value)
    if isinstance(value, set):
        value = frozenset(value)
    for tag, kind, encode, _ in _TAGS:
        if isinstance(value, kind):
            return {tag: encode(value)}
    raise TypeError(f"a value of class {type(value).__name__} cannot be copied as JSON")


def _untagged(value: Any) -> Any:
    if isinstance(value, dict):
        ((tag, content),) = value.items()
        return _DECODERS[tag](content)
    return value
