"""Where PostgreSQL's statements end.

https://www.postgresql.org/docs/current/sql-syntax-lexical.html
"""

from __future__ import annotations

import re

from odac_db.dialects.script import Lexis, Script, parted

_LEXIS = Lexis(
    tokens=re.compile(
        r"""(?P<blank>\s+) | (?P<comment>--[^\n]*) | (?P<block>/\*)
        | (?P<string>[eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
            | (?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?P=tag))
        | (?P<word>[^\W\d][\w$]*) | (?P<number>\d[\w.]*) | (?P<end>;)
        | (?P<client>\\\S+) | (?P<other>[^'"\\])""",
        re.VERBOSE | re.DOTALL,
    ),
    nested=True,
    atomic=True,
)


def script(text: str) -> Script:
    """The statements of a file. Raises ScriptFault."""
    return parted(text, _LEXIS)
