"""The table a statement writes to, where the server's message does not name it."""

from __future__ import annotations

import re

_QUOTED = r'`(?:[^`]|``)+`|"(?:[^"]|"")+"|\[[^\]]+\]|[^\s(`"\[.;,]+'
_TARGET = re.compile(
    rf"""\s*(?:WITH\b.*?\)\s*)?
    (?:(?:INSERT|REPLACE)\b[\w\s]*?\bINTO|UPDATE(?:\s+OR\s+\w+|\s+IGNORE)?|DELETE\s+FROM)
    \s+(?:(?:{_QUOTED})\s*\.\s*)?(?P<table>{_QUOTED})""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def target_of(statement: str) -> str | None:
    """The unquoted name of the table an INSERT, UPDATE, REPLACE or DELETE is about.

    None for everything else. What a trigger of that table writes to is not known here.
    """
    found = _TARGET.match(statement)
    if found is None:
        return None
    name = found["table"]
    quote = name[0]
    if quote in '`"':
        return name[1:-1].replace(quote * 2, quote)
    return name[1:-1] if quote == "[" else name
