"""Other people's statements, fit to be shown: their shape without their values. Pure."""

from __future__ import annotations

import re

__all__ = ["shape_of"]

_LONGEST = 160
# A statement is cut where the server's own record of it ends, so a quote may stay open.
_VALUES = re.compile(
    r"""/\*.*?(?:\*/|$) | --[^\n]* | \#[^\n]*
    | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|$)
    | (?:\b[bexn])?'(?:[^'\\]|''|\\.)*(?:'|$)
    | (?<![\w"`.])-?\d[\w.]*""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_DOUBLE_QUOTED = re.compile(r'"(?:[^"\\]|""|\\.)*(?:"|$)', re.DOTALL)


def shape_of(sql: str, *, double_quotes_are_text: bool = False) -> str:
    """The statement in one line, every literal and comment a ``?``, at most 160 characters.

    A value never stays: what cannot be told apart from one is masked too. Names do stay,
    also in double quotes unless those hold text on this server (MySQL).
    """
    if double_quotes_are_text:
        sql = _DOUBLE_QUOTED.sub("?", sql)
    masked = " ".join(_VALUES.sub("?", sql).split())
    return masked if len(masked) <= _LONGEST else f"{masked[: _LONGEST - 1]}…"
