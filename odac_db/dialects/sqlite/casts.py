"""What becomes of values when a column's declared type changes. Pure.

A type is only an affinity to SQLite: values that do not fit stay as they are. A column
that is declared a number must hold numbers, so the copy casts them where a plain copy
would leave text behind.
"""

from __future__ import annotations

from typing import Literal

from odac_db.dialects.sqlite.spelling import affinity

Family = Literal["integer", "boolean", "real", "decimal", "other", "text", "blob"]

_ROUNDED = "numbers of more than 15 digits are rounded"
_CUT = "what is no whole number is cut to one, and text that is none becomes 0"
_NOT_NUMBERS = "text that is no number becomes 0"
_READ = "text that reads like a number is stored as one: '007' becomes 7"


def family(column_type: str) -> Family:
    """The affinity, with numeric told apart by what the type is meant to hold."""
    found = affinity(column_type)
    if found != "numeric":
        return found
    name = column_type.upper()
    if "BOOL" in name:
        return "boolean"
    return "decimal" if "DEC" in name or "NUM" in name or "MONEY" in name else "other"


def cast_of(before: str, after: str) -> str | None:
    """The type that a copied value is cast to; None where affinity does what is needed."""
    old, new = family(before), family(after)
    if old == new or (old, new) == ("boolean", "integer"):
        return None
    if new == "integer":
        return "INTEGER"
    if new == "real":
        return "REAL"
    if new == "decimal" and old in ("text", "blob", "other"):
        return "NUMERIC"
    return None


def loss(before: str, after: str) -> str | None:
    """Why values may not survive the change of type, or None if all do."""
    old, new = family(before), family(after)
    if new in (old, "blob"):
        return None
    if new == "integer":
        return None if old == "boolean" else _CUT
    if new == "real":
        return _losing_to_real(old)
    if new == "text":
        return _ROUNDED if old == "real" else None
    if new == "decimal":
        return _NOT_NUMBERS if old in ("text", "blob", "other") else None
    return _READ if old == "text" else None


def _losing_to_real(old: Family) -> str | None:
    if old == "boolean":
        return None
    return _ROUNDED if old in ("integer", "decimal") else _NOT_NUMBERS
