"""What has another value each time without looking like a function."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from sqlglot import exp

from odac_db.dialects.reach import Grammar

_CLOCK = re.compile(r"(?<![a-z])(?:now|today|tomorrow|yesterday)(?![a-z])")
_DATES = frozenset(
    """
    january february march april august september october november december
    sunday monday tuesday wednesday thursday friday saturday
    """.split()
)
_ZONE = 6  # letters of the longest abbreviation of a time zone


def may_be_moment(text: str) -> bool:
    """Whether PostgreSQL may take it for another time each day, as 'now' and 'today 12:00 UTC'.

    Any text with such a word in it may be one, unless there are longer ones that no date has.
    """
    words = text.casefold()
    if _CLOCK.search(words) is None:
        return False
    others = (one for one in re.split(r"[\s,{}\"()\[\]]+", words) if one.isalpha())
    return all(len(one) <= _ZONE or one in _DATES or _CLOCK.fullmatch(one) for one in others)


def moment_among(values: Any) -> bool:
    """Whether a parameter may be one, or something in a list of them."""
    if isinstance(values, str):
        return may_be_moment(values)
    if isinstance(values, Mapping):
        return any(map(moment_among, values.values()))
    is_many = isinstance(values, Collection) and not isinstance(values, bytes | bytearray)
    return is_many and any(map(moment_among, values))


def without_parentheses(column: exp.Column, grammar: Grammar) -> bool:
    """Whether what is parsed as a column is a function of the server's that needs none."""
    name = column.this
    if not isinstance(name, exp.Identifier) or name.quoted or column.table:
        return False
    return name.name.casefold() in grammar.bare
