"""What all column types of the table API are made of."""

from __future__ import annotations

from typing import Any

from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from odac_db.errors import QueryRefused

COMPARISONS = frozenset(
    {
        operators.eq,
        operators.ne,
        operators.lt,
        operators.le,
        operators.gt,
        operators.ge,
        operators.in_op,
        operators.not_in_op,
        operators.between_op,
        operators.not_between_op,
        operators.is_distinct_from,
        operators.is_not_distinct_from,
    }
)


class Native(UserDefinedType[Any]):
    """A type of the server's own: the driver's values, in and out, as they are."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        raise NotImplementedError("the table API makes no tables")


class Checked(TypeDecorator[Any]):
    """A type that takes values of one kind. ``place`` is the column, for messages.

    ``wire`` is the SQLAlchemy type behind it.
    """

    impl = Native
    cache_ok = True
    expected = ""

    def __init_subclass__(cls, **keywords: Any) -> None:
        """What a type is made of is in its ``__init__``; SQLAlchemy wants each class's word."""
        super().__init_subclass__(**keywords)
        cls.cache_ok = True

    def __init__(self, place: str, wire: TypeEngine[Any] | None = None) -> None:
        super().__init__()
        self.place = place
        self.wire = self.wired() if wire is None else wire
        self.impl = self.wire  # type: ignore[assignment]

    def wired(self) -> TypeEngine[Any]:
        return Native()

    def accepted(self, value: Any) -> Any:
        """The value as it is sent; raises QueryRefused. Never called with None."""
        return value

    def returned(self, value: Any) -> Any:
        """A value of the driver as it is given to the application. Never called with None."""
        return value

    def process_bind_param(self, value: Any, dialect: Any) -> Any:  # noqa: ARG002
        return None if value is None else self.accepted(value)

    def process_result_value(self, value: Any, dialect: Any) -> Any:  # noqa: ARG002
        return None if value is None else self.returned(value)

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """Compared values are of the column's kind; what is added to it need not be."""
        return self if op in COMPARISONS else self.impl_instance.coerce_compared_value(op, value)

    def refused(self, value: Any, hint: str = "") -> QueryRefused:
        """The value is told by its class: it may be a secret."""
        given = f"{type(value).__name__}"
        return QueryRefused(f"{self.place} takes {self.expected}, not {given}{hint}")
