"""INSERT where the row may be there already."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Insert, Table, func, literal_column
from sqlalchemy.dialects.mysql import Insert as MySQLInsert
from sqlalchemy.dialects.mysql import insert

from odac_db.dialects.mysql.literals import quote


def insertion(table: Table, key: Collection[str], update: Collection[str]) -> Insert:
    """See ``Dialect.insertion``. Without ``update`` the row that is there stays as it is.

    Never INSERT IGNORE, which ignores much else: values cut short, missing parents.
    """
    statement = insert(table)
    if not update:
        first = next(iter(key))
        return statement.on_duplicate_key_update({first: table.c[first]})
    return statement.on_duplicate_key_update({name: _new(statement, name) for name in update})


def _new(statement: MySQLInsert, name: str) -> Any:
    """The value that was to be inserted. SQLAlchemy 2.1 spells ``inserted`` of a % wrongly."""
    return func.values(literal_column(quote(name))) if "%" in name else statement.inserted[name]
