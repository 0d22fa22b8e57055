"""``Query``: what is asked of a table, and then asked, changed or deleted."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Select

from odac_db.errors import QueryRefused
from odac_db.query import conditions, resolve, writes
from odac_db.query.caching import QueryCache
from odac_db.query.groups import Grouped, grouped
from odac_db.query.performer import Read
from odac_db.query.state import replace
from odac_db.query.steps import Steps

if TYPE_CHECKING:
    from odac_db.query.performer import Answer
    from odac_db.query.returning import Returning
    from odac_db.query.rows import Row
    from odac_db.query.state import Output

BATCH: Final = 1000


class Query(Steps):
    """Rows of a table, described step by step. Immutable: each step is a new query.

    Nothing is asked of the database before ``all``, ``first``, ``get``, ``pluck``, ``exists``,
    ``count``, ``sum``, ``avg``, ``min``, ``max`` or ``iterate``, and nothing changed before
    ``update``, ``increment`` or ``delete``. Inside a transaction of this thread they are part
    of that; otherwise each is committed at once. They raise what ``Database.execute`` raises,
    and QueryRefused for a value that its column does not take.
    """

    __slots__ = ()

    @property
    def cache(self) -> QueryCache:
        """``cache(60)``: the same query, its rows kept for a minute unless a table changes."""
        return QueryCache(self)

    def all(self) -> list[Row]:
        """All rows. A large table is better gone through with ``iterate``."""
        shape = self._shape
        row = shape.row
        answer: Any = self._performer.read(Read(shape, self._values))
        if answer and type(answer[0]) is row:
            return list(answer)
        return list(map(row, answer))

    def first(self) -> Row | None:
        """The first row, or None. Without ``order_by`` it may be any."""
        found = self.limit(1).all() if self._shape.state.limit is None else self.all()
        return found[0] if found else None

    def get(self, *key: Any, **named: Any) -> Row | None:
        """The row with that primary key, or None.

        ``get(5)``; of a key of several columns all are given, in its order or by name.
        """
        return self.where(**conditions.key_of(self._shape, key, named)).first()

    def pluck(self, column: str) -> list[Any]:
        """The values of one column."""
        read = self.select(column)
        return [row[0] for row in self._performer.read(Read(read._shape, read._values))]

    def exists(self) -> bool:
        """Whether there is such a row."""
        once = self if self._shape.state.limit is not None else self.limit(1)
        return bool(once._answer("exists", None))

    def count(self) -> int:
        """How many rows there are."""
        return int(self._scalar("count", None))

    def sum(self, column: str) -> Any:
        """The sum of a column, of the column's kind; None if there is no value."""
        return self._scalar("sum", column)

    def avg(self, column: str) -> Any:
        """The average: a Decimal of decimals, else a float; None if there is no value."""
        return self._scalar("avg", column)

    def min(self, column: str) -> Any:
        """The least value; None if there is none."""
        return self._scalar("min", column)

    def max(self, column: str) -> Any:
        """The greatest value; None if there is none."""
        return self._scalar("max", column)

    def iterate(self, batch: int = BATCH) -> Iterator[Row]:
        """The rows one by one, fetched ``batch`` at a time, never all in memory.

        Outside a transaction it has a connection of its own until it is through or closed.
        In a transaction on MySQL and MariaDB the rows are read at once, because the
        connection could do nothing else meanwhile; so are those of an in-memory SQLite.
        """
        for rows in self._batches(batch):
            yield from rows

    def _batches(self, batch: int) -> Generator[Iterable[Row], None, None]:
        if not isinstance(batch, int) or batch < 1:
            raise QueryRefused("iterate takes a number of rows, 1 or more")
        row = self._shape.row
        for answer in self._performer.stream(Read(self._shape, self._values), batch):
            yield map(row, answer)

    def _scalar(self, output: Output, column: str | None) -> Any:
        return self._answer(output, column)[0][0]

    def _answer(self, output: Output, column: str | None) -> Answer:
        shape = self._shape
        state = shape.state
        after = shape.step(
            (output, column),
            lambda: replace(
                state,
                output=output,
                of=None if column is None else resolve.column(state, shape.catalog, column),
                order=state.order if not state.is_plain else (),
            ),
        )
        return self._performer.read(Read(after, self._values))

    def _as_subquery(self) -> Select[Any]:
        return self._shape.subquery(self._values)

    def group_by(self, *columns: Any) -> Grouped:
        """The rows in groups of equal values in these columns."""
        return grouped(self, columns)

    def all_rows(self) -> Query:
        """Says that ``update`` or ``delete`` without a ``where`` is meant."""
        state = self._shape.state
        return self._to(self._shape.step("all_rows", lambda: replace(state, all_rows=True)))

    def update(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> int:
        """Sets columns of these rows; how many rows there are.

        Values may be expressions: ``update(price=db.items.c.price * 2)``. Refused without a
        condition, unless ``all_rows()`` says that every row is meant. Atomic.
        """
        return writes.updated(self, {**(values or {}), **named})

    def increment(self, column: str, by: Any = 1) -> int:
        """Adds to a column of these rows, where they are; how many rows there are.

        Two at the same time are both counted. NULL counts as 0. Refused like ``update``.
        """
        return writes.incremented(self, column, by)

    def delete(self) -> int:
        """Deletes these rows; how many there were. Refused like ``update``. Atomic."""
        return writes.deleted(self)

    def returning(self, *columns: Any, **named: Any) -> Returning:
        """What follows, an ``update`` or so, gives these columns of the rows it has changed.

        Columns are as of ``select``. Where the server has no RETURNING for it, the rows are
        locked and read in the same transaction, which takes a primary key.
        """
        from odac_db.query.returning import Returning  # noqa: PLC0415

        return Returning(self, self.select(*columns, **named))


Steps._query = Query
