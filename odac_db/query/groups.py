"""Groups of rows: ``db.posts.group_by("status").count()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import ClauseElement, func

from odac_db.errors import QueryRefused
from odac_db.query import resolve, statements
from odac_db.query.state import Ref, replace

if TYPE_CHECKING:
    from odac_db.query.query import Query
    from odac_db.query.rows import Row


def grouped(query: Query, columns: tuple[Any, ...]) -> Grouped:
    """The rows of a query in groups. Raises UnknownName, and QueryRefused for none."""
    if not columns:
        raise QueryRefused('group_by needs columns: group_by("status")')
    shape = query._shape
    groups = tuple(
        resolve.column(shape.state, shape.catalog, one) if isinstance(one, str) else one
        for one in columns
    )
    return Grouped(query, columns, groups)


class Grouped:
    """Rows in groups. Ask it for one figure of each, or ``select`` several.

    ``count``, ``sum``, ``avg``, ``min`` and ``max`` give a row for each group: its columns,
    and the figure, which is called as the method is.
    """

    __slots__ = ("_columns", "_groups", "_having", "_query")

    def __init__(
        self,
        query: Query,
        columns: tuple[Any, ...],
        groups: tuple[Ref | ClauseElement, ...],
        having: tuple[Any, ...] = (),
    ) -> None:
        self._query = query
        self._columns = columns
        self._groups = groups
        self._having = having

    def having(self, *conditions: Any) -> Grouped:
        """Only the groups for which these SQLAlchemy expressions hold."""
        wrong = next((one for one in conditions if not isinstance(one, ClauseElement)), None)
        if wrong is not None:
            message = "having takes SQLAlchemy expressions, such as func.count() > 3"
            raise QueryRefused(f"{message}, not {type(wrong).__name__}")
        return Grouped(self._query, self._columns, self._groups, (*self._having, *conditions))

    def select(self, *columns: Any, **named: Any) -> Query:
        """A row for each group: ``select("status", n=func.count())``; a query as any other."""
        shape = self._query._shape
        state = replace(
            shape.state,
            groups=self._groups,
            having=self._having,
            columns=resolve.columns(shape.state, shape.catalog, columns, named),
        )
        return self._query._to(shape.next(state, 0, shared=False))

    def count(self) -> list[Row]:
        """How many rows each group has."""
        return self._figures({"count": func.count()})

    def sum(self, column: str) -> list[Row]:
        """The sum of a column in each group."""
        return self._figures({"sum": self._figure("sum", column)})

    def avg(self, column: str) -> list[Row]:
        """The average of a column in each group."""
        return self._figures({"avg": self._figure("avg", column)})

    def min(self, column: str) -> list[Row]:
        """The least value of a column in each group."""
        return self._figures({"min": self._figure("min", column)})

    def max(self, column: str) -> list[Row]:
        """The greatest value of a column in each group."""
        return self._figures({"max": self._figure("max", column)})

    def _figure(self, output: Any, name: str) -> Any:
        shape = self._query._shape
        ref = resolve.column(shape.state, shape.catalog, name)
        column = statements.referred(shape.state, shape.catalog.source, ref)
        return statements.figure(output, column)

    def _figures(self, figure: Mapping[str, Any]) -> list[Row]:
        return self.select(*self._columns, **figure).all()
