"""The operators of ``where(views__gt=5)``: the one list of them.

Each says what it takes and what it comes to in SQL. Values are never put into SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Enum, String, and_, cast, or_
from sqlalchemy.sql import operators as sql
from sqlalchemy.types import TypeEngine

from odac_db.dialects.values import Choice, Native, Words
from odac_db.errors import QueryRefused

__all__ = ["OPERATORS", "Operator", "Taken"]

Takes = Literal["value", "text", "values", "pair", "flag"]
Bind = Callable[[int, TypeEngine[Any], bool], Any]
"""A bound parameter for the value at a position, of a type, as a list of values or one."""

_ESCAPE = "\\"


@dataclass(frozen=True)
class Taken:
    """What an operator makes of a value: what differs in SQL, and what is bound."""

    variant: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Operator:
    """``takes``: a value; a text; several values; two; or True and False.

    ``on_null`` is what None means, where it means something. ``bound`` is what is bound
    for a value. What each finds is in the reference.
    """

    name: str
    takes: Takes
    compare: Callable[..., ColumnElement[bool]]
    on_null: str = ""
    bound: Callable[[Any], Any] | None = None

    def take(self, name: str, value: Any) -> Taken:
        """Raises QueryRefused for what it does not take."""
        match self.takes:
            case "flag":
                return self._flag(name, value)
            case "values":
                return self._several(name, value)
            case "pair":
                return self._pair(name, value)
            case "text" if not isinstance(value, str):
                raise QueryRefused(f"{name} takes a text, not {type(value).__name__}")
        if value is None:
            return self._null(name)
        if isinstance(value, list | tuple | set | frozenset) and self.takes == "text":
            raise QueryRefused(f"{name} takes one value; several are for {name}__in")
        return Taken("", (value,))

    def _null(self, name: str) -> Taken:
        if not self.on_null:
            column = name.removesuffix(f"__{self.name}")
            message = f"{name}=None compares with NULL, which is never true"
            raise QueryRefused(f"{message}: {column}__is_null=True finds NULL")
        return Taken(self.on_null, ())

    def _flag(self, name: str, value: Any) -> Taken:
        if not isinstance(value, bool):
            raise QueryRefused(f"{name} is True or False, not {type(value).__name__}")
        return Taken("null" if value else "not_null", ())

    def _several(self, name: str, value: Any) -> Taken:
        if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
            raise QueryRefused(f"{name} takes several values, not {type(value).__name__}")
        values = tuple(value)
        present = tuple(one for one in values if one is not None)
        return Taken("" if len(present) == len(values) else "or_null", (present,))

    def _pair(self, name: str, value: Any) -> Taken:
        if not isinstance(value, list | tuple) or len(value) != 2 or None in value:
            raise QueryRefused(f"{name} takes two values, (lowest, highest)")
        return Taken("", tuple(value))

    def condition(
        self, column: ColumnElement[Any], variant: str, place: int, bind: Bind
    ) -> ColumnElement[bool]:
        """The SQL of it; the first of its values is at ``place``."""
        if variant == "null":
            return column.is_(None)
        if variant == "not_null":
            return column.is_not(None)
        if self.takes == "pair":
            return self.compare(
                column, bind(place, column.type, False), bind(place + 1, column.type, False)
            )
        kind = column.type
        if self.takes == "text":
            kind = String()
            column = column if _is_text(column.type) else cast(column, kind)
        found = self.compare(column, bind(place, kind, self.takes == "values"))
        if variant == "or_null":
            negative = self.name == "not_in"
            null = column.is_not(None) if negative else column.is_(None)
            return and_(found, null) if negative else or_(found, null)
        return found


def _is_text(kind: TypeEngine[Any]) -> bool:
    """Whether patterns go with the type as it is; an enum of PostgreSQL is no text."""
    if isinstance(kind, Choice | Enum):
        return False
    return isinstance(kind, Words | String | Native)


def _like(column: ColumnElement[Any], pattern: Any) -> ColumnElement[bool]:
    return column.like(pattern, escape=_ESCAPE)


def _not_like(column: ColumnElement[Any], pattern: Any) -> ColumnElement[bool]:
    return column.not_like(pattern, escape=_ESCAPE)


def _ilike(column: ColumnElement[Any], pattern: Any) -> ColumnElement[bool]:
    return column.ilike(pattern, escape=_ESCAPE)


def _literally(text: str) -> str:
    """The text as a pattern for itself."""
    for special in (_ESCAPE, "%", "_"):
        text = text.replace(special, _ESCAPE + special)
    return text


_LISTED = (
    Operator("eq", "value", sql.eq, on_null="null"),
    Operator("ne", "value", sql.ne, on_null="not_null"),
    Operator("gt", "value", sql.gt),
    Operator("gte", "value", sql.ge),
    Operator("lt", "value", sql.lt),
    Operator("lte", "value", sql.le),
    Operator("between", "pair", ColumnElement.between),
    Operator("in", "values", ColumnElement.in_),
    Operator("not_in", "values", ColumnElement.not_in),
    Operator("like", "text", _like),
    Operator("not_like", "text", _not_like),
    Operator("ilike", "text", _ilike),
    Operator("contains", "text", _like, bound=lambda text: f"%{_literally(text)}%"),
    Operator("starts_with", "text", _like, bound=lambda text: f"{_literally(text)}%"),
    Operator("ends_with", "text", _like, bound=lambda text: f"%{_literally(text)}"),
    Operator("is_null", "flag", sql.is_),
)
OPERATORS: Mapping[str, Operator] = {one.name: one for one in _LISTED}
