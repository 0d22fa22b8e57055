"""How SQLite spells names, values, defaults and affinities. Pure."""

from __future__ import annotations

import re
from typing import Literal

from odac_db.dialects.sqlite.pieces import without_outer_parentheses

Affinity = Literal["integer", "text", "blob", "real", "numeric"]

_PLAIN_DEFAULT = re.compile(
    r"""[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? | [+-]?0[xX][0-9a-fA-F]+
    | [xX]?'(?:[^']|'')*' | "(?:[^"]|"")*" | [A-Za-z_][A-Za-z0-9_]*""",
    re.VERBOSE,
)
_KEYWORD_DEFAULTS = frozenset(
    {"NULL", "TRUE", "FALSE", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"}
)
_CONSTANT = re.compile(
    r"""[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)? | [+-]?0[xX][0-9a-fA-F]+
    | [xX]?'(?:[^']|'')*' | (?i:true|false|null)""",
    re.VERBOSE,
)


def quote(identifier: str) -> str:
    """The identifier in double quotes, whatever it holds."""
    return '"' + identifier.replace('"', '""') + '"'


def columns_text(names: tuple[str, ...]) -> str:
    """``"a", "b"``: quoted names for a list in parentheses."""
    return ", ".join(map(quote, names))


def string(value: str) -> str:
    """The value as a string literal."""
    return "'" + value.replace("'", "''") + "'"


def default_spelt(text: str) -> str:
    """A default as both sides of a diff spell it: bare, its bare keywords in upper case."""
    text = without_outer_parentheses(text)
    return text.upper() if text.upper() in _KEYWORD_DEFAULTS else text


def default_text(default: str) -> str:
    """What follows DEFAULT: parentheses around all that is not a plain literal or word.

    ``PRAGMA table_xinfo`` prints defaults without their outer parentheses, so both sides
    of a diff are spelt without and only the CREATE text gets them back.
    """
    return default if _PLAIN_DEFAULT.fullmatch(default) else in_parentheses(default)


def in_parentheses(expression: str) -> str:
    """The expression in parentheses, which a comment at its end must not swallow."""
    return f"({expression}\n)" if "--" in expression else f"({expression})"


def is_constant(default: str) -> bool:
    """Whether ALTER TABLE ADD COLUMN takes this default on a table with rows."""
    return _CONSTANT.fullmatch(default) is not None


def affinity(column_type: str) -> Affinity:
    """The affinity of a declared type, by the five rules of sqlite.org/datatype3.html, 3.1."""
    name = column_type.upper()
    if "INT" in name:
        return "integer"
    if "CHAR" in name or "CLOB" in name or "TEXT" in name:
        return "text"
    if "BLOB" in name or not name:
        return "blob"
    if "REAL" in name or "FLOA" in name or "DOUB" in name:
        return "real"
    return "numeric"
