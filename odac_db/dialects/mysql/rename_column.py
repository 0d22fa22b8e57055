"""A column renamed together with the checks and defaults of columns that name it. Pure."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from odac_db.dialects.mysql import clauses
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote, tokens, unquote_name
from odac_db.schema.changes import RenameColumn
from odac_db.schema.model import Column, Table

replace = msgspec.structs.replace


def rename_clauses(
    change: RenameColumn, live: Table, features: MySQLFeatures, hidden: Collection[str] = ()
) -> list[str]:
    """The clauses of the ALTER TABLE.

    RENAME COLUMN, except where column-level checks name the column: those MariaDB drops
    without a word (10.11), so that they are said again. So are defaults that name it, for
    whose sake MySQL refuses the rename (error 3766). ``hidden`` columns stay so.
    """
    found = []
    for column in live.columns:
        after = renamed_texts(column, change)
        if after == column:
            continue
        invisible = column.name in hidden
        if column.name == change.before:
            after = replace(after, name=change.after)
            again = clauses.column(after, features, invisible=invisible)
            found.append(f"CHANGE COLUMN {quote(column.name)} {again}")
        else:
            again = clauses.column(after, features, invisible=invisible)
            found.append(f"MODIFY COLUMN {again}")
    if not any(clause.startswith("CHANGE") for clause in found):
        found.append(f"RENAME COLUMN {quote(change.before)} TO {quote(change.after)}")
    return found


def renamed_texts(column: Column, change: RenameColumn) -> Column:
    """The column with the other's new name in its CHECK and its default."""
    check = None if column.check is None else _renamed(column.check, change)
    default = column.default
    if default is not None and "`" in default:  # so the server prints every name
        default = _renamed(default, change)
    return replace(column, check=check, default=default)


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
