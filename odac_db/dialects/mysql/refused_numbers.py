"""Expressions over an AUTO_INCREMENT column, which these servers take in few places. Pure.

A row's number is not known when its expressions are computed. MySQL refuses that by the
errors 3818, 3109, 3754 and 3768, MariaDB by 1901.
"""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import tokens, unquote_name
from odac_db.dialects.mysql.resolve_columns import NUMBERED, chosen
from odac_db.dialects.refusals import Fault, Path
from odac_db.schema.declaration import (
    ColumnDeclaration,
    DefaultDeclaration,
    GeneratedDeclaration,
    IndexKey,
    TableDeclaration,
)


def expressions_over_numbers(table: TableDeclaration, features: MySQLFeatures) -> Iterator[Fault]:
    """CHECKs, defaults, generated columns and index keys that read the numbered column."""
    columns = table.body.columns
    numbered = {
        name.lower(): name
        for name, column in columns.items()
        if chosen(column.type, features) in NUMBERED or column.identity
    }
    if not numbered:
        return
    for what, text, path in _expressions(table, features):
        read = [numbered[name] for name in _columns_in(text) if name in numbered]
        if read:
            message = f"{what} reads {read[0]!r}, which is auto_increment"
            yield path, f"{message}: {features.label} refuses that"


def _expressions(
    table: TableDeclaration, features: MySQLFeatures
) -> Iterator[tuple[str, str, Path]]:
    for name, column in table.body.columns.items():
        for key, text in _of_column(column, features):
            yield _WORDS[key], text or "", ("columns", name, key)
    for place, check in enumerate(table.body.checks):
        text = chosen(check.expression, features)
        yield _WORDS["check"], text or "", ("checks", place, "expression")
    if features.mariadb:  # it has no index keys of this kind
        return
    for place, index in enumerate(table.body.indexes):
        for key_place, part in enumerate(index.columns):
            if isinstance(part, IndexKey) and part.expression is not None:
                text = chosen(part.expression, features)
                yield "the index key", text or "", ("indexes", place, "columns", key_place)


_WORDS = {
    "check": "the check",
    "default": "the default",
    "generated": "the generated column",
}


def _of_column(
    column: ColumnDeclaration, features: MySQLFeatures
) -> Iterator[tuple[str, str | None]]:
    yield "check", chosen(column.check, features)
    if isinstance(column.default, DefaultDeclaration):
        yield "default", chosen(column.default.expression, features)
    made = column.generated
    stored = isinstance(made, GeneratedDeclaration) and bool(made.stored)
    if stored or not features.mariadb:  # MariaDB computes a virtual one when it is read
        text = made.expression if isinstance(made, GeneratedDeclaration) else made
        yield "generated", chosen(text, features)


def _columns_in(expression: str) -> Iterator[str]:
    """The names an expression may mean columns by, in lower case."""
    found = list(tokens(expression))
    for place, token in enumerate(found):
        follower = found[place + 1].text if place + 1 < len(found) else ""
        if token.kind == "name":
            yield unquote_name(token.text).lower()
        elif token.kind == "word" and follower != "(":
            yield token.text.lower()
