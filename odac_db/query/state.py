"""What a query says, without its values: frozen, and equal where it says the same."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple, TypeAlias

from sqlalchemy import ClauseElement

from odac_db.query.operators import Operator

__all__ = [
    "Both",
    "Condition",
    "Either",
    "Join",
    "Ordering",
    "Output",
    "Ref",
    "State",
    "Test",
    "replace",
]

Output = Literal["rows", "count", "sum", "avg", "min", "max", "exists"]


class Ref(NamedTuple):
    """A column, by the name its table has in the query."""

    table: str
    column: str


class Test(NamedTuple):
    """A column, an operator, and where its first value is."""

    ref: Ref
    operator: Operator
    variant: str
    place: int


class Both(NamedTuple):
    """All of them hold."""

    parts: tuple[Any, ...]


class Either(NamedTuple):
    """One of them holds."""

    parts: tuple[Any, ...]


Condition: TypeAlias = Test | Both | Either | ClauseElement


class Ordering(NamedTuple):
    """By a column or an expression. ``nulls``: where they stand, None as the server likes."""

    by: Ref | ClauseElement
    descending: bool = False
    nulls: Literal["first", "last"] | None = None


class Join(NamedTuple):
    """A table under a name, and what must hold: equal columns, or an expression."""

    name: str
    table: str
    outer: bool
    on: tuple[tuple[Ref, Ref], ...] | ClauseElement


@dataclass(frozen=True, slots=True)
class State:
    """Everything a query says. ``limit`` and ``offset`` are the positions of their values.

    ``columns`` is None for all of the first table's; else names and what they are.
    """

    table: str
    joins: tuple[Join, ...] = ()
    where: Condition | None = None
    columns: tuple[tuple[str, Ref | ClauseElement], ...] | None = None
    order: tuple[Ordering, ...] = ()
    groups: tuple[Ref | ClauseElement, ...] = ()
    having: tuple[Any, ...] = ()
    limit: int | None = None
    offset: int | None = None
    all_rows: bool = False
    distinct: bool = False
    output: Output = "rows"
    of: Ref | None = None
    tables: dict[str, str] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """``tables``: each name in the query and the table behind it."""
        found = {self.table: self.table, **{join.name: join.table for join in self.joins}}
        object.__setattr__(self, "tables", found)

    @property
    def is_plain(self) -> bool:
        """Whether every row it is about is one of the joined tables, none left out."""
        bounded = self.limit is not None or self.offset is not None
        return not (bounded or self.groups or self.distinct)
