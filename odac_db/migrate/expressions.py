"""Looking for column names inside SQL text, outside its string literals. Pure.

Only used where a wrong answer costs work and never correctness: to see which constraints
depend on a column (too many are rebuilt), and to foresee how a server rewrites an
expression when a column is renamed (the server's own answer is read afterwards).
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""'(?:[^'\\]|''|\\.)*'"""  # a string
    r"""|"(?:[^"]|"")*"|`(?:[^`]|``)*`"""  # a quoted name
    r"""|[^\W\d][\w$]*""",  # a bare word
    re.DOTALL,
)

_WORDS = frozenset(
    "and or not is null in between like regexp true false case when then else end".split()
)


def mentions(expression: str | None, column: str) -> bool:
    """Whether a bare or quoted name in the expression is this column's, in any case."""
    if expression is None or not _may_mention(expression.lower(), column.lower()):
        return False
    names = (match[0] for match in _TOKEN.finditer(expression) if match[0][0] != "'")
    return any(_name(token) == column.lower() for token in names)


def _may_mention(expression: str, column: str) -> bool:
    """Whether the letters are there, as they are or as they stand between quotes."""
    spellings = (column, column.replace('"', '""'), column.replace("`", "``"))
    return any(text in expression for text in spellings)


def named(expression: str) -> set[str]:
    """What may be names of columns in the expression, in lower case; a few other words, too."""
    found = set()
    for match in _TOKEN.finditer(expression):
        before, after = expression[: match.start()], expression[match.end() :].lstrip()
        if match[0][0] in '"`' or not (
            match[0][0] == "'"
            or match[0].lower() in _WORDS
            or before.endswith("::")  # a type
            or after.startswith(("(", "'"))  # a function, or how a string is meant
        ):
            found.add(_name(match[0]))
    return found


def renamed(expression: str, before: str, after: str, *, marked: bool = False) -> str:
    """The expression with a column's name replaced; quoting as it stood.

    ``marked``: only between backticks, where all else is a word of the language.
    """

    def replacement(match: re.Match[str]) -> str:
        token = match[0]
        if token[0] == "'" or _name(token) != before.lower() or (marked and token[0] != "`"):
            return token
        if token[0] in '"`':
            return token[0] + after.replace(token[0], token[0] * 2) + token[0]
        return after

    return _TOKEN.sub(replacement, expression)


def _name(token: str) -> str:
    if token[0] in '"`':
        return token[1:-1].replace(token[0] * 2, token[0]).lower()
    return token.lower()
