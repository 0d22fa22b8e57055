"""A column renamed together with the checks of columns that name it. Pure."""

from __future__ import annotations

import msgspec

from odac_db.dialects.mysql import clauses
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote, tokens, unquote_name
from odac_db.schema.changes import RenameColumn
from odac_db.schema.model import Table

replace = msgspec.structs.replace


def rename_clauses(change: RenameColumn, live: Table, features: MySQLFeatures) -> list[str]:
    """The clauses of the ALTER TABLE.

    RENAME COLUMN, except where column-level checks name the column: those MariaDB drops
    without a word (10.11), so that they are said again.
    """
    found = []
    for column in live.columns:
        check = None if column.check is None else _renamed(column.check, change)
        if column.name == change.before and check is not None:
            after = replace(column, name=change.after, check=check)
            found.append(f"CHANGE COLUMN {quote(column.name)} {clauses.column(after, features)}")
        elif check != column.check:
            again = clauses.column(replace(column, check=check), features)
            found.append(f"MODIFY COLUMN {again}")
    if not any(clause.startswith("CHANGE") for clause in found):
        found.append(f"RENAME COLUMN {quote(change.before)} TO {quote(change.after)}")
    return found


def _renamed(expression: str, change: RenameColumn) -> str:
    """The expression with the column's new name, wherever it names the column."""
    pieces, end = [], 0
    for token in tokens(expression):
        named = token.kind in ("name", "word") and (
            unquote_name(token.text).lower() == change.before.lower()
        )
        pieces.append(expression[end : token.start])
        pieces.append(quote(change.after) if named else token.text)
        end = token.end
    return "".join([*pieces, expression[end:]])
