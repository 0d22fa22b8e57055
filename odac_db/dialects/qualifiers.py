"""Expressions that name their own table before a column: ``posts.price > 0``. Pure.

Servers take that in a CHECK, and print it back without (MySQL) or under whatever name the
table has by then (SQLite). Both sides of a diff go without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from odac_db.schema.model import Table

replace = msgspec.structs.replace

_BACKTICKS = r"`(?:[^`]|``)*`"
_DOUBLE = r'"(?:[^"]|"")*"'
_WORD = r"[^\W\d][\w$]*"
_STRINGS = {
    False: r"'(?:[^']|'')*'",
    True: r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*\"""",
}
_NAMES = {
    False: rf"(?:{_BACKTICKS}|{_DOUBLE}|\[[^\]]*\]|{_WORD})",
    True: rf"(?:{_BACKTICKS}|{_WORD})",
}
_TOKENS = {
    mysql: re.compile(
        rf"(?P<other>{_STRINGS[mysql]}|--[^\n]*|/\*.*?\*/)"
        rf"|(?<!\.)(?P<table>{_NAMES[mysql]})\s*\.\s*(?={_NAMES[mysql]})"
        rf"|{_NAMES[mysql]}",
        re.DOTALL,
    )
    for mysql in (False, True)
}


def unqualified(expression: str, table: str, *, double_quotes_strings: bool = False) -> str:
    """The expression without ``table`` and its dot in front of columns, in any quotes or case.

    ``double_quotes_strings``: they hold strings, and backslashes escape in them (MySQL).
    """

    def plain(match: re.Match[str]) -> str:
        name = match["table"]
        return "" if name and _bare(name) == table.lower() else match[0]

    if table.lower() not in expression.lower():
        return expression
    return _TOKENS[double_quotes_strings].sub(plain, expression)


def _bare(name: str) -> str:
    if name[0] in '"`':
        name = name[1:-1].replace(name[0] * 2, name[0])
    elif name[0] == "[":
        name = name[1:-1]
    return name.lower()


def without_own_name(table: Table, *, double_quotes_strings: bool = False) -> Table:
    """The table with no expression that names it."""
    if not any(table.name.lower() in text.lower() for text in _texts(table)):
        return table

    def text(expression: str | None) -> str | None:
        return expression and unqualified(
            expression, table.name, double_quotes_strings=double_quotes_strings
        )

    columns = [
        column
        if (made := column.generated) is None
        else replace(column, generated=replace(made, expression=text(made.expression)))
        for column in table.columns
    ]
    indexes = [
        replace(
            index,
            where=text(index.where),
            parts=tuple(replace(part, expression=text(part.expression)) for part in index.parts),
        )
        for index in table.indexes
    ]
    checks = [replace(check, expression=text(check.expression)) for check in table.checks]
    return replace(table, columns=tuple(columns), indexes=tuple(indexes), checks=tuple(checks))


def _texts(table: Table) -> Iterator[str]:
    yield from (column.generated.expression for column in table.columns if column.generated)
    yield from (check.expression for check in table.checks)
    for index in table.indexes:
        yield from filter(None, (index.where, *(part.expression for part in index.parts)))
