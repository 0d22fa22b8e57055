"""INSERT where the row may be there already."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Insert, Table
from sqlalchemy.dialects.mysql import insert


def insertion(table: Table, key: Collection[str], update: Collection[str]) -> Insert:
    """See ``Dialect.insertion``. Without ``update`` the row that is there stays as it is.

    Never INSERT IGNORE, which ignores much else: values cut short, missing parents.
    """
    statement = insert(table)
    if not update:
        first = next(iter(key))
        return statement.on_duplicate_key_update({first: table.c[first]})
    return statement.on_duplicate_key_update({name: statement.inserted[name] for name in update})
