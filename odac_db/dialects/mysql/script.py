"""Where statements of MySQL and MariaDB end.

https://dev.mysql.com/doc/refman/9.0/en/comments.html: ``--`` needs a blank behind it.
"""

from __future__ import annotations

import re

from odac_db.dialects.script import Lexis, Script, parted

_LEXIS = Lexis(
    tokens=re.compile(
        r"""(?P<blank>\s+) | (?P<comment>--(?=\s|\Z)[^\n]*|\#[^\n]*) | (?P<block>/\*)
        | (?P<string>'(?:[^'\\]|''|\\.)*' | "(?:[^"\\]|""|\\.)*" | `(?:[^`]|``)*`)
        | (?P<word>[^\W\d][\w$]*) | (?P<number>\d[\w.]*) | (?P<end>;)
        | (?P<client>\\\S+) | (?P<other>[^'"`\\])""",
        re.VERBOSE | re.DOTALL,
    ),
    programs=True,
)


def script(text: str) -> Script:
    """The statements of a file. Raises ScriptFault."""
    return parted(text, _LEXIS)
