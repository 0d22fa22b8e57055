"""Rows and counts as findings tell them. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

SAMPLES = 5
_KEPT = 200
_SHOWN = 40

Sample = dict[str, Any]


def sample(names: Iterable[str], values: Iterable[Any]) -> Sample:
    """A row by name; what JSON has no word for as text, and long text cut."""
    return {name: _plain(value) for name, value in zip(names, values, strict=True)}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return _cut(f"0x{bytes(value).hex()}", _KEPT)
    return _cut(str(value), _KEPT)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def rows_of(count: int, table: str) -> str:
    """``3 rows of posts``."""
    return f"{count} row{'s' if count != 1 else ''} of {table}"


def spelled(samples: Sequence[Mapping[str, Any]]) -> str:
    """``(id=1, title=NULL); (id=4, title=NULL)``."""
    rows = (", ".join(f"{name}={_short(value)}" for name, value in row.items()) for row in samples)
    return "; ".join(f"({row})" for row in rows)


def _short(value: Any) -> str:
    return "NULL" if value is None else _cut(str(value), _SHOWN)
