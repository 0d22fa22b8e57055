"""Portable column types in SQLite's words, and literal defaults. Pure.

SQLite takes any type name and derives an affinity from it. The names chosen here have the
affinity that keeps a value as it was written: a JSON document is ``JSON TEXT``, because
plain ``JSON`` has numeric affinity and would turn the document ``1.0`` into a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from odac_db.dialects.sqlite.spelling import affinity, quote, string
from odac_db.schema.column_types import base_name, reads_as_native
from odac_db.schema.declaration import ColumnDeclaration

FIXED: Mapping[str, str] = {
    "increments": "INTEGER",
    "big_increments": "INTEGER",
    "small_integer": "SMALLINT",
    "integer": "INTEGER",
    "big_integer": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "text": "TEXT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIME",
    "datetime": "DATETIME",
    "timestamp": "TIMESTAMP",
    "binary": "BLOB",
    "json": "JSON TEXT",
    "jsonb": "JSONB TEXT",
    "uuid": "CHAR(36)",
    "enum": "TEXT",
    "interval": "BIGINT",
}
"""Portable types whose SQLite name takes no parameter."""

NO_TYPE = '""'
"""How a file says that a column has no type at all, which SQLite permits."""

INTEGERS = frozenset({"small_integer", "integer", "big_integer"})
CLOCK = frozenset({"now()", "current_timestamp", "current_timestamp()"})
_NUMERIC = frozenset({*INTEGERS, "increments", "big_increments", "float", "double", "decimal"})
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
_STRICT = {"integer": "INTEGER", "text": "TEXT", "blob": "BLOB", "real": "REAL", "numeric": "REAL"}
_STRICT_NAMES = frozenset({"INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"})
# The types a STRICT table has no name for, under those that keep their values.
_STRICT_PORTABLE = {
    "boolean": "INTEGER",
    **dict.fromkeys(("date", "time", "datetime", "timestamp"), "TEXT"),
}


def column_type(name: str, body: ColumnDeclaration, *, strict: bool = False) -> str:
    """The SQLite type of a declared one: ``name`` is the declared type for this server.

    A native type is passed on as it is, with the declared length or precision behind it.
    In a STRICT table a portable type becomes the one of the six types that keeps it.
    """
    if name == NO_TYPE:
        return ""
    if len(name) > 2 and name[0] == name[-1] == '"':
        return name[1:-1]
    if not base_name(name):
        return _with_parameters(name, body)
    if strict:
        return _STRICT_PORTABLE.get(name) or _STRICT[affinity(_portable(name, body))]
    return _portable(name, body)


def spelt(type_text: str) -> str:
    """The type as a file names it: in quotes where the bare word would mean another."""
    if not type_text:
        return NO_TYPE
    return type_text if reads_as_native(type_text) else f'"{type_text}"'


def _portable(name: str, body: ColumnDeclaration) -> str:
    match name:
        case "nanoid":
            return f"VARCHAR({body.length or 21})"
        case "string":
            return f"VARCHAR({body.length or 255})"
        case "char":
            return f"CHAR({body.length or 1})"
        case "decimal":
            if body.precision is None:
                return "DECIMAL(10,2)"
            return f"DECIMAL({body.precision},{body.scale or 0})"
        case "small_integer" | "integer" | "big_integer" if body.identity:
            return "INTEGER"
        case _:
            return FIXED[name]


def _with_parameters(name: str, body: ColumnDeclaration) -> str:
    given = body.length if body.length is not None else body.precision
    if given is None or "(" in name:
        return name
    return f"{name}({given}" + (f",{body.scale})" if body.scale is not None else ")")


def allowed_in_strict(type_text: str) -> bool:
    """Whether a STRICT table takes the type (sqlite.org/stricttables.html, 2)."""
    return type_text.upper() in _STRICT_NAMES


def literal(value: Any, type_name: str) -> str:
    """A plain default as SQL, as ``PRAGMA table_xinfo`` will print it back."""
    if type_name in ("json", "jsonb") and not isinstance(value, str):
        return string(json.dumps(value, ensure_ascii=False))
    if isinstance(value, bool):
        return _flag(value, type_name)
    if isinstance(value, (int, float)):
        return repr(value) if _takes_numbers(type_name) else string(str(value))
    text = str(value)
    if type_name in _NUMERIC and _NUMBER.fullmatch(text):
        return text
    if type_name == "boolean" and text.lower() in ("true", "false"):
        return _flag(text.lower() == "true", type_name)
    if type_name == "binary":
        return f"X'{text.encode().hex().upper()}'"
    return string(text)


def _flag(value: bool, type_name: str) -> str:
    if base_name(type_name) and not _takes_numbers(type_name):
        return string("true" if value else "false")
    return "1" if value else "0"


def _takes_numbers(type_name: str) -> bool:
    """Whether a number is stored as one, rather than as text."""
    if base_name(type_name):
        return type_name in _NUMERIC or type_name in ("boolean", "interval")
    return affinity(type_name) != "text"


def enum_check(column: str, values: tuple[str, ...]) -> str:
    """The CHECK that stands for an enum: ``"status" IN ('draft', 'live')``."""
    return f"{quote(column)} IN ({', '.join(map(string, values))})"
