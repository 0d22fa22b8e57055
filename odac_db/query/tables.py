"""``Table``: a table as such, the query of all its rows, and what is put into it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from sqlalchemy import ColumnElement

from odac_db.errors import QueryRefused
from odac_db.query import statements
from odac_db.query.inserts import inserting, upserting
from odac_db.query.names import unknown
from odac_db.query.query import Query
from odac_db.query.shapes import Shape
from odac_db.query.state import State

if TYPE_CHECKING:
    from odac_db.query.catalog import Catalog
    from odac_db.query.performer import Performer

OnConflict = Literal["ignore"] | None


class Columns:
    """The columns of a table, by attribute or by name, for SQLAlchemy expressions."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        self._catalog = catalog
        self._name = name

    def __getattr__(self, name: str) -> ColumnElement[Any]:
        return self[name]

    def __getitem__(self, name: str) -> ColumnElement[Any]:
        definition = self._catalog.definition(self._name)
        if not definition.has(name):
            raise unknown(f"{self._name} has no column", name, definition.columns)
        return statements.column_of(self._catalog.table(self._name), name)


class Table(Query):
    """A table: ``db.posts``. It is the query of all its rows, and takes new ones."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """The table's name."""
        return self._shape.state.table

    @property
    def c(self) -> Columns:
        """Its columns for expressions: ``db.posts.c.views + 1``, ``db.posts.c["odd name"]``."""
        return Columns(self._shape.catalog, self.name)

    @property
    def buffer(self) -> Any:
        """Writes to it that do not wait for the database: ``db.buffer.table(name)``.

        Raises QueryRefused in a transaction, of which they are no part, and BufferRefused.
        """
        behind = getattr(self._performer, "behind", None)
        if behind is None:
            message = f"{self.name}: what is buffered is no part of a transaction: use db.buffer"
            raise QueryRefused(message)
        return behind(self.name)

    @overload
    def insert(self, rows: Mapping[str, Any], *, on_conflict: OnConflict = None) -> Any: ...
    @overload
    def insert(
        self, rows: Sequence[Mapping[str, Any]], *, on_conflict: OnConflict = None
    ) -> int: ...
    def insert(self, rows: Any, *, on_conflict: OnConflict = None) -> Any:
        """Inserts one row and gives its primary key, or several and gives their number.

        Nanoids that are not given are filled; columns that are not given get their default.
        The mappings are not changed. Several rows are inserted all or none. A key of several
        columns is a tuple; it is None where the table has none.

        With ``on_conflict="ignore"`` a row is left out where a unique key of it is taken
        (the key is then None, the number that of the new ones); on MySQL and MariaDB each row
        is a statement then.

        Raises UnknownName, QueryRefused, ConstraintViolation.
        """
        made = inserting(self._shape.catalog, self.name, rows)
        single = isinstance(rows, Mapping)
        if not made.rows:
            return 0
        if on_conflict is None:
            if single:
                return _key(self._performer.write(made.one, several=False))
            return self._performer.write(made.plain, several=True)
        if single:
            keys = self._performer.write(made.new, several=True)
            return _key(keys[0]) if keys else None
        return self._performer.write(made.count_new, several=True)

    def upsert(
        self,
        rows: Mapping[str, Any] | Sequence[Mapping[str, Any]],
        *,
        key: str | Sequence[str] | None = None,
        update: Sequence[str] | None = None,
    ) -> None:
        """Inserts rows, or updates those that are there with the same ``key``.

        ``key`` is the primary key or the columns of a unique key; the primary key if none is
        given. ``update`` are the columns to set in a row that is there, all given ones but the
        key's if none are named. All or none. On MySQL and MariaDB, whose own upsert takes any
        unique key for it, a table with several of them is written row by row.

        Raises UnknownName, QueryRefused, ConstraintViolation for a conflict on another key.
        """
        made = upserting(self._shape.catalog, self.name, rows, key, update)
        if made.rows:
            self._performer.write(made.put, several=True)


class Tables:
    """The tables of a database, each made once for all that is asked of it."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self._shapes: dict[str, Shape] = {}

    def table(self, name: str, performer: Performer) -> Table:
        """The table of that name. Raises UnknownName."""
        shape = self._shapes.get(name)
        if shape is None:
            made = Shape(
                self.catalog, State(self.catalog.definition(name).name), 0, [], shared=True
            )
            shape = self._shapes.setdefault(name, made)
        return Table(shape, (), performer)


def _key(key: tuple[Any, ...]) -> Any:
    if len(key) > 1:
        return key
    return key[0] if key else None
