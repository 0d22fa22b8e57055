"""Text inside MySQL's SQL: literals, quoted names, parentheses, and where they end.

All of it is written and read under the ``sql_mode`` that ``features`` sets: a backslash
escapes, a double quote is a string. No I/O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<name>`(?:[^`]|``)*`)
    |(?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
    |(?P<hint>/\*M?!\d*|\*/)
    |(?P<comment>/\*.*?\*/)
    |(?P<number>0x[0-9a-fA-F]+\b|\d+(?:\.\d*)?(?:[eE][+-]?\d+)?\b|\.\d+(?:[eE][+-]?\d+)?\b)
    |(?P<word>[^\W\d][\w$]*|\d[\w$]*)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One piece of SQL and where it stands; ``kind`` is a group of the pattern above."""

    kind: str
    text: str
    start: int
    end: int


def tokens(sql: str) -> Iterator[Token]:
    """The pieces of ``sql`` without spaces and comments.

    What stands inside a version comment (``/*!80023 INVISIBLE */``) is part of the SQL.
    """
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup
        if kind not in (None, "space", "comment", "hint"):
            yield Token(str(kind), match.group(), match.start(), match.end())


def quote(identifier: str) -> str:
    """The identifier in backticks."""
    return "`" + identifier.replace("`", "``") + "`"


def unquote_name(text: str) -> str:
    """The name inside backticks; a bare word is itself."""
    return text[1:-1].replace("``", "`") if text.startswith("`") else text


def string(value: str) -> str:
    """``value`` as a string literal, the one spelling the model uses for strings."""
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def kept_comment(text: str | None) -> str | None:
    """A comment as the servers keep it: characters above U+FFFF become question marks.

    Their catalog is in utf8mb3. A comment changes no behaviour, so it is not refused.
    """
    return re.sub(r"[\U00010000-\U0010ffff]", "?", text) if text else None


def unquote_string(text: str) -> str:
    """The value of a string literal."""
    quote_sign = text[0]
    body = text[1:-1].replace(quote_sign * 2, quote_sign) if "\\" not in text else None
    if body is not None:
        return body
    return re.sub(
        r"\\(.)|" + quote_sign * 2,
        lambda m: quote_sign if m.group(1) is None else _ESCAPES.get(m.group(1), m.group(1)),
        text[1:-1],
        flags=re.DOTALL,
    )


def expression_string(value: str) -> str:
    """``value`` as MySQL prints a string inside a stored expression, introducer and all."""
    for plain, escaped in (("\\", "\\\\"), ("'", "\\'"), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(plain, escaped)
    return "_utf8mb4'" + value.replace("\0", "\\0").replace("\x1a", "\\Z") + "'"


def hexadecimal(value: bytes) -> str:
    """Bytes as a literal; the empty string has no hexadecimal form."""
    return f"0x{value.hex().upper()}" if value else "''"


def without_outer_parentheses(expression: str) -> str:
    """The expression without parentheses that enclose all of it."""
    expression = expression.strip()
    while expression.startswith("(") and closing_parenthesis(expression, 0) == len(expression) - 1:
        expression = expression[1:-1].strip()
    return expression


def with_plain_signs(expression: str) -> str:
    """``-(1)`` as ``-1``: MySQL prints the one until a later ALTER makes it the other."""
    pieces = list(tokens(expression))
    result, done = "", 0
    for at in range(len(pieces) - 3):
        sign, opened, number, closed = pieces[at : at + 4]
        texts = (sign.text, opened.text, closed.text)
        if number.kind == "number" and texts == ("-", "(", ")"):
            result += expression[done : opened.start] + number.text
            done = closed.end
    return result + expression[done:]


def closing_parenthesis(sql: str, start: int) -> int:
    """Where the parenthesis opened at ``start`` is closed; -1 if it never is."""
    depth = 0
    for token in tokens(sql[start:]):
        if token.text == "(":
            depth += 1
        elif token.text == ")":
            depth -= 1
            if depth == 0:
                return start + token.start
    return -1


def enclosed(expression: str) -> str:
    """The expression in exactly one pair of outer parentheses, as the model keeps defaults."""
    return f"({without_outer_parentheses(expression)})"
