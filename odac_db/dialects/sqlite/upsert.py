"""INSERT where the row may be there already."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Insert, Table
from sqlalchemy.dialects.sqlite import insert


def insertion(table: Table, key: Collection[str], update: Collection[str]) -> Insert:
    """See ``Dialect.insertion``. Without ``update`` the row that is there stays as it is.

    Without ``key`` it is any unique key.
    """
    statement = insert(table)
    target = [table.c[name] for name in key]
    if not update:
        return statement.on_conflict_do_nothing(index_elements=target or None)
    values = {name: statement.excluded[name] for name in update}
    return statement.on_conflict_do_update(index_elements=target, set_=values)
