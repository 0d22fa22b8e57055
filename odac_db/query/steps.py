"""The steps of a query: what rows, what columns, in what order. Each gives a new query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import UUID

from sqlalchemy import ClauseElement, ColumnElement

from odac_db.errors import QueryRefused
from odac_db.query import conditions, resolve
from odac_db.query.state import Ordering, State, replace

if TYPE_CHECKING:
    from odac_db.query.performer import Performer
    from odac_db.query.query import Query
    from odac_db.query.shapes import Shape

On = str | Sequence[str] | Mapping[str, str] | ColumnElement[bool] | None

_SCALARS: Final = frozenset(
    {str, int, float, bool, bytes, Decimal, datetime, date, time, timedelta, UUID}
)


class Steps:
    """A shape, its values, and what it is executed with. Immutable."""

    __slots__ = ("_performer", "_shape", "_values")

    _query: ClassVar[type[Query]]

    def __init__(self, shape: Shape, values: tuple[Any, ...], performer: Performer) -> None:
        self._shape = shape
        self._values = values
        self._performer = performer

    def where(self, *conditions: Any, **named: Any) -> Query:
        """The rows for which all of this holds, too.

        Keywords are columns, with an operator behind ``__`` or without: ``views__gt=5``; the
        reference lists them. A mapping says the same of names that are no Python words, and
        SQLAlchemy expressions say the rest. Without arguments it changes nothing, and does
        not count as a condition of ``update`` and ``delete``.

        Raises UnknownName, and QueryRefused for a value that the operator does not take.
        """
        if not conditions:
            values = tuple(named.values())
            shape = self._shape.wheres.get(tuple(named))
            if shape is not None and _SCALARS.issuperset(map(type, values)):
                return self._query(shape, self._values + values, self._performer)
        return self._narrowed(conditions, named, either=False)

    def or_where(self, *conditions: Any, **named: Any) -> Query:
        """The rows for which all that was said before holds, or all of this.

        A ``where`` after it narrows both.
        """
        return self._narrowed(conditions, named, either=True)

    def _narrowed(self, given: tuple[Any, ...], named: Mapping[str, Any], *, either: bool) -> Query:
        shape, values = conditions.narrowed(self._shape, given, named, either=either)
        return self._query(shape, self._values + values, self._performer)

    def join(self, table: str, *, on: On = None, as_: str | None = None) -> Query:
        """Rows together with those of another table that belong to them.

        By the foreign key between them, ``on`` the columns of one where there are several, or
        on what ``on`` says: ``{"author_id": "users.id"}`` or an expression. ``as_`` is what
        the table is called here. The result still has the first table's columns: ``select``
        chooses others. Raises UnknownName and QueryRefused.
        """
        return self._joined(table, on, as_, outer=False)

    def left_join(self, table: str, *, on: On = None, as_: str | None = None) -> Query:
        """As ``join``, and rows that have none there stay, with NULL for its columns."""
        return self._joined(table, on, as_, outer=True)

    def _joined(self, table: str, on: On, name: str | None, *, outer: bool) -> Query:
        shape = self._shape
        catalog, state = shape.catalog, shape.state

        def made() -> State:
            found = resolve.join(state, catalog, table, name or table, outer, on)
            return replace(state, joins=(*state.joins, found))

        if isinstance(on, ClauseElement):
            return self._to(shape.next(made(), 0, shared=False))
        hashable = tuple(on.items()) if isinstance(on, Mapping) else on and (*on,)
        return self._to(shape.step(("join", table, name, outer, type(on), hashable), made))

    def select(self, *columns: Any, **named: Any) -> Query:
        """These columns and no others: ``select("id", "users.name", author="users.name")``.

        ``"*"`` is all of the first table's, ``"users.*"`` all of that one's. Expressions of
        SQLAlchemy need a name: ``select(n=func.count())``. The last ``select`` counts.
        """
        try:
            shape = self._shape.selects.get(columns) if not named else None
        except TypeError:  # a list
            shape = None
        if shape is None:
            shape = self._selecting(columns, named)
        return self._query(shape, self._values, self._performer)

    def _selecting(self, columns: tuple[Any, ...], named: Mapping[str, Any]) -> Shape:
        shape = self._shape
        found = resolve.columns(shape.state, shape.catalog, columns, named)
        state = replace(shape.state, columns=found)
        if any(not isinstance(one, str) for one in (*columns, *named.values())):
            return shape.next(state, 0, shared=False)
        if named:
            return shape.step(("select", columns, tuple(named.items())), lambda: state)
        return shape.kept(shape.selects, columns, state)

    def distinct(self) -> Query:
        """Each row once, as ``select`` chose its columns; figures are of distinct values.

        On PostgreSQL the columns of ``order_by`` must be selected then.
        """
        shape = self._shape
        return self._to(shape.step("distinct", lambda: replace(shape.state, distinct=True)))

    def order_by(self, *columns: Any) -> Query:
        """In the order of these columns, after those that were given before.

        ``"-created_at"`` is descending, ``"-created_at nulls last"`` says where NULL stands;
        otherwise that is the server's habit.
        """
        try:
            shape = self._shape.orders.get(columns)
        except TypeError:  # a list
            shape = None
        if shape is None:
            shape = self._ordered(columns)
        return self._query(shape, self._values, self._performer)

    def _ordered(self, columns: tuple[Any, ...]) -> Shape:
        shape = self._shape
        found = (
            resolve.ordering(shape.state, shape.catalog, one)
            if isinstance(one, str)
            else Ordering(one)
            for one in columns
        )
        state = replace(shape.state, order=(*shape.state.order, *found))
        if all(isinstance(one, str) for one in columns):
            return shape.kept(shape.orders, columns, state)
        return shape.next(state, 0, shared=False)

    def limit(self, rows: int) -> Query:
        """At most so many rows."""
        shape = self._shape.limits.get("limit")
        if shape is None or type(rows) is not int or rows < 0:
            shape = self._bounded("limit", rows)
        return self._query(shape, (*self._values, rows), self._performer)

    def offset(self, rows: int) -> Query:
        """Without the first so many rows."""
        return self._query(self._bounded("offset", rows), (*self._values, rows), self._performer)

    def _bounded(self, what: str, rows: int) -> Shape:
        if not isinstance(rows, int) or isinstance(rows, bool) or rows < 0:
            raise QueryRefused(f"{what} is a number of rows, 0 or more")
        shape = self._shape
        found = shape.limits.get(what)
        if found is None:
            place: Any = {what: shape.size}
            found = shape.kept(shape.limits, what, replace(shape.state, **place), 1)
        return found

    def _to(self, shape: Shape) -> Query:
        return self._query(shape, self._values, self._performer)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._shape.state.table}>"
