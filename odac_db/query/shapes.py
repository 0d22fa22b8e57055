"""Shapes: a query without its values, made once and found again by its steps.

``where(status="live").limit(20)`` a second time finds the shape of the first: a look into a
dict per step, nothing is parsed or checked again, and its SQL is compiled already. Shapes
with SQLAlchemy expressions in them are made each time; SQLAlchemy has a cache for those.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from sqlalchemy import Select

from odac_db.query import statements
from odac_db.query.catalog import Catalog
from odac_db.query.operators import Operator
from odac_db.query.rows import Row, row_class
from odac_db.query.state import Both, Condition, Either, Ref, State, Test

MOST_SHAPES: Final = 4096
"""How many a table's queries may have before they are all forgotten and made again."""


class Shape:
    """One shape. ``size`` is how many values a query of it has.

    ``shared`` says that an equal query has this very shape, so that the shape and the values
    identify it. ``wheres``, ``selects``, ``orders``, ``limits`` and ``steps`` are the shapes that
    follow it, by what the step is given.
    """

    __slots__ = (
        "_binds",
        "_row",
        "_statement",
        "catalog",
        "family",
        "limits",
        "orders",
        "parsed",
        "selects",
        "shared",
        "size",
        "state",
        "steps",
        "wheres",
    )

    def __init__(
        self, catalog: Catalog, state: State, size: int, family: list[Shape], *, shared: bool
    ) -> None:
        self.catalog = catalog
        self.state = state
        self.size = size
        self.family = family
        self.shared = shared
        self.steps: dict[Hashable, Shape] = {}
        self.wheres: dict[tuple[str, ...], Shape] = {}
        self.selects: dict[tuple[Any, ...], Shape] = {}
        self.orders: dict[tuple[Any, ...], Shape] = {}
        self.limits: dict[str, Shape] = {}
        self.parsed: dict[str, tuple[Ref, Operator]] = {}
        self._statement: Select[Any] | None = None
        self._row: type[Row] | None = None
        self._binds: Mapping[int, Operator] | None = None

    def step(self, key: Hashable, state: Callable[[], State], size: int = 0) -> Shape:
        """The shape after a step with ``size`` values; ``state`` makes it the first time."""
        found = self.steps.get(key)
        if found is None:
            found = self.next(state(), size, shared=self.shared)
            self.steps[key] = found
        return found

    def kept(self, among: dict[Any, Shape], key: Any, state: State, size: int = 0) -> Shape:
        """The shape after a step, to be found there by its key."""
        found = among[key] = self.next(state, size, shared=self.shared)
        return found

    def next(self, state: State, size: int, *, shared: bool) -> Shape:
        """A shape of its own, to be found by nobody."""
        if shared:
            if len(self.family) >= MOST_SHAPES:
                self._forget()
            made = Shape(self.catalog, state, self.size + size, self.family, shared=True)
            self.family.append(made)
            return made
        return Shape(self.catalog, state, self.size + size, self.family, shared=False)

    def _forget(self) -> None:
        for shape in (self, *self.family):
            for following in (shape.steps, shape.wheres, shape.selects, shape.orders, shape.limits):
                following.clear()
        self.family.clear()

    @property
    def statement(self) -> Select[Any]:
        """The SELECT, its values as parameters. The first time a server is asked for types."""
        if self._statement is None:
            self._statement = statements.selection(self.state, self.catalog.source)
        return self._statement

    @property
    def row(self) -> type[Row]:
        """The class of its rows."""
        if self._row is None:
            self._row = row_class(statements.labels(self.state, self.catalog))
        return self._row

    def params(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """The values as the parameters of ``statement``."""
        if self._binds is None:
            self._binds = {test.place: test.operator for test in _tests(self.state.where)}
        binds = self._binds
        return {
            statements.parameter(place): _bound(binds.get(place), value)
            for place, value in enumerate(values)
        }

    def subquery(self, values: tuple[Any, ...]) -> Select[Any]:
        """The SELECT with its values in it, for another statement."""
        return statements.selection(self.state, self.catalog.source, self.literal(values))

    def literal(self, values: tuple[Any, ...]) -> statements.Bind:
        """The values as parameters that carry them."""
        binds = {test.place: test.operator for test in _tests(self.state.where)}

        def bind(place: int, kind: Any, several: bool) -> Any:
            value = _bound(binds.get(place), values[place])
            return statements.carried(value, kind, several)

        return bind


def _bound(operator: Operator | None, value: Any) -> Any:
    return value if operator is None or operator.bound is None else operator.bound(value)


def _tests(condition: Condition | None) -> list[Test]:
    if isinstance(condition, Test):
        return [condition]
    if isinstance(condition, Both | Either):
        return [test for part in condition.parts for test in _tests(part)]
    return []
