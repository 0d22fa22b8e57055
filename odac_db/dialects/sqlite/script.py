"""Where SQLite's statements end. https://www.sqlite.org/lang.html"""

from __future__ import annotations

import re

from odac_db.dialects.script import Lexis, Script, parted

_LEXIS = Lexis(
    tokens=re.compile(
        r"""(?P<blank>\s+) | (?P<comment>--[^\n]*) | (?P<block>/\*)
        | (?P<string>'(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\])
        | (?P<word>[^\W\d][\w$]*) | (?P<number>\d[\w.]*) | (?P<end>;)
        | (?P<client>\.[a-z]+) | (?P<other>[^'"`\[])""",
        re.VERBOSE | re.DOTALL,
    ),
    triggers=True,
)


def script(text: str) -> Script:
    """The statements of a file. Raises ScriptFault."""
    return parted(text, _LEXIS)
