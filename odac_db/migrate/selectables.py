"""Live tables as SQLAlchemy Core objects: every name quoted, values passed as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    TableClause,
    TextClause,
    cast,
    column,
    func,
    literal_column,
    quoted_name,
    table,
    text,
    tuple_,
)
from sqlalchemy.types import UserDefinedType

from odac_db.dialects.base import Dialect, Features
from odac_db.schema.model import Table

__all__ = [
    "Key",
    "Raw",
    "batched",
    "insertion",
    "key_columns",
    "key_in",
    "own_transaction",
    "relation",
    "transaction",
]

Key = tuple[Any, ...]
T = TypeVar("T")


class Raw(UserDefinedType[Any]):
    """A value handed to the driver, and taken from it, as it is.

    SQLAlchemy would otherwise guess a type from the value and cast to it, which a
    PostgreSQL tid or enum does not compare with.
    """

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        raise NotImplementedError("a raw value has no type of its own")


def relation(name: str, columns: Iterable[str], namespace: str | None = None) -> TableClause:
    """A table to select from, found in ``namespace`` only where that is given."""
    return table(
        quoted_name(name, True),
        *(column(quoted_name(each, True), Raw()) for each in columns),
        schema=quoted_name(namespace, True) if namespace else None,
    )


def key_columns(dialect: Dialect, live: Table) -> list[ColumnElement[Any]]:
    """What tells the rows of a live table apart, unqualified.

    A table without any key is told apart by a digest of the whole row. Rows that share it
    are alike in every byte, so whatever is done to one may be done to all of them.
    """
    expressions = dialect.row_key(live)
    if expressions:
        return [literal_column(each, Raw()) for each in expressions]
    parts = [
        func.coalesce(func.hex(cast(literal_column(each, Raw()), LargeBinary)), "-")
        for each in dialect.typed_row(live)
    ]
    return [func.sha2(func.concat_ws(",", *parts), literal_column("256"))]


def key_in(columns: Sequence[ColumnElement[Any]], keys: Iterable[Key]) -> ColumnElement[bool]:
    """True for the rows with one of these keys."""
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return tuple_(*columns).in_(list(keys))


def insertion(
    dialect: Dialect, features: Features, table: Table, placed: Mapping[str, str]
) -> TextClause:
    """INSERT of one row: the parameter of each column, such as ``:v0``, in ``placed``.

    A column that the server numbers always takes the number given (PostgreSQL).
    """
    columns = [table.column(name) for name in placed]
    always = any(each and each.identity and each.identity.kind == "always" for each in columns)
    names = ", ".join(map(dialect.quote, placed))
    into = f"{dialect.quote(features.namespace)}.{dialect.quote(table.name)} ({names})"
    # A colon in a name would read as a parameter.
    into = into.replace(":", "\\:") + (" OVERRIDING SYSTEM VALUE" if always else "")
    return text(f"INSERT INTO {into} VALUES ({', '.join(placed.values())})")


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """The items in lists of at most ``size``."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


@contextmanager
def transaction(conn: Connection, features: Features) -> Iterator[None]:
    """One transaction around a few writes in the middle of a plan.

    Where DDL is transactional the plan's own transaction is already open and stays so.
    """
    if features.transactional_ddl:
        yield
        return
    with _transaction(conn):
        yield


@contextmanager
def own_transaction(conn: Connection, dialect: Dialect, features: Features) -> Iterator[None]:
    """One transaction where no plan is running."""
    if not features.transactional_ddl:
        with _transaction(conn):
            yield
        return
    dialect.begin(conn, features)
    try:
        yield
        dialect.commit(conn, features)
    except BaseException:
        dialect.rollback(conn, features)
        raise


@contextmanager
def _transaction(conn: Connection) -> Iterator[None]:
    conn.exec_driver_sql("BEGIN")
    try:
        yield
    except BaseException:
        conn.exec_driver_sql("ROLLBACK")
        raise
    conn.exec_driver_sql("COMMIT")
