"""Column types of the table API: what a column takes, and what comes back, on every server.

A value that a column cannot hold as it is is refused before it is sent: what a server makes
of it differs (MySQL finds the row with the key 0 for the text 'abc'). The dialects choose
among these, in their ``values.py``, where their servers differ.
"""

from __future__ import annotations

import enum
import json
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Interval,
    LargeBinary,
    Numeric,
    String,
    Time,
    Uuid,
)
from sqlalchemy.sql import operators
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from odac_db.errors import QueryRefused

__all__ = [
    "Arrays",
    "Checked",
    "Choice",
    "Clock",
    "Day",
    "Document",
    "Exact",
    "Identifier",
    "Instant",
    "Microseconds",
    "Native",
    "Octets",
    "Real",
    "Span",
    "Truth",
    "Whole",
    "Words",
]

Kind = TypeVar("Kind")

_COMPARISONS = frozenset(
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
        return self if op in _COMPARISONS else self.impl_instance.coerce_compared_value(op, value)

    def refused(self, value: Any, hint: str = "") -> QueryRefused:
        """The value is told by its class: it may be a secret."""
        given = f"{type(value).__name__}"
        return QueryRefused(f"{self.place} takes {self.expected}, not {given}{hint}")


class Whole(Checked):
    """Whole numbers, as ``int``."""

    expected = "whole numbers (int)"

    def wired(self) -> TypeEngine[Any]:
        return BigInteger()

    def accepted(self, value: Any) -> int:
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float | Decimal) and value == value // 1:
            return int(value)
        raise self.refused(value)

    def returned(self, value: Any) -> Any:
        """A SUM may come as another kind of number; SQLite may hold anything."""
        return int(value) if isinstance(value, bool | Decimal | float) else value


class Truth(Checked):
    """``bool``."""

    expected = "True or False"

    def wired(self) -> TypeEngine[Any]:
        return Boolean(create_constraint=False)

    def accepted(self, value: Any) -> bool:
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        raise self.refused(value)


class Real(Checked):
    """Floating point numbers, as ``float``."""

    expected = "numbers (float)"

    def wired(self) -> TypeEngine[Any]:
        return Double()

    def accepted(self, value: Any) -> float:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return float(value)
        raise self.refused(value)

    def returned(self, value: Any) -> Any:
        return float(value) if isinstance(value, int | Decimal) else value


class Exact(Checked):
    """Decimal numbers, as ``Decimal``."""

    expected = "decimal numbers (Decimal, int)"

    def wired(self) -> TypeEngine[Any]:
        return Numeric(asdecimal=True)

    def accepted(self, value: Any) -> Any:
        return self.decimal(value)

    def decimal(self, value: Any) -> Decimal:
        """A float is the number it is printed as."""
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise self.refused(value)
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not number.is_finite():
            raise self.refused(value, " that is infinite or no number")
        return number

    def returned(self, value: Any) -> Decimal:
        return value if isinstance(value, Decimal) else Decimal(str(value))


class Words(Checked):
    """Texts, as ``str``. ``padded``: blanks at the end are no part of a CHAR."""

    expected = "texts (str)"

    def __init__(
        self, place: str, wire: TypeEngine[Any] | None = None, *, padded: bool = False
    ) -> None:
        super().__init__(place, wire)
        self.padded = padded

    def wired(self) -> TypeEngine[Any]:
        return String()

    def accepted(self, value: Any) -> str:
        if isinstance(value, enum.Enum) and isinstance(value.value, str):
            value = value.value
        if not isinstance(value, str):
            raise self.refused(value)
        return value.rstrip(" ") if self.padded else str(value)

    def returned(self, value: Any) -> Any:
        return value.rstrip(" ") if self.padded and isinstance(value, str) else value


class Choice(Words):
    """The values of an enum, as ``str``."""

    def __init__(
        self, place: str, values: Collection[str], wire: TypeEngine[Any] | None = None
    ) -> None:
        super().__init__(place, wire)
        self.values = tuple(values)

    def accepted(self, value: Any) -> str:
        text = super().accepted(value)
        if text not in self.values:
            known = ", ".join(map(repr, self.values))
            raise QueryRefused(f"{self.place} is one of {known}, not {text!r}")
        return text

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """A pattern is no value of the enum."""
        return self if op in _COMPARISONS else String().coerce_compared_value(op, value)


class Identifier(Checked):
    """``UUID``, sent as itself or as its text."""

    expected = "UUIDs (uuid.UUID, or their texts)"

    def __init__(self, place: str, *, as_text: bool) -> None:
        self.as_text = as_text
        super().__init__(place)

    def wired(self) -> TypeEngine[Any]:
        return String() if self.as_text else Uuid()

    def accepted(self, value: Any) -> Any:
        if not isinstance(value, UUID):
            try:
                value = UUID(value)
            except (TypeError, ValueError, AttributeError):
                raise self.refused(value, " of that form") from None
        return str(value) if self.as_text else value

    def returned(self, value: Any) -> Any:
        return value if isinstance(value, UUID) else UUID(value)


class Day(Checked):
    """``date``."""

    expected = "days (datetime.date)"

    def wired(self) -> TypeEngine[Any]:
        return Date()

    def accepted(self, value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        raise self.refused(value)


class Clock(Checked):
    """``time``, without a zone."""

    expected = "times of day without a zone (datetime.time)"

    def wired(self) -> TypeEngine[Any]:
        return Time()

    def accepted(self, value: Any) -> time:
        if isinstance(value, time) and value.tzinfo is None:
            return value
        raise self.refused(value)


class Instant(Checked):
    """``datetime`` with a zone; comes back in UTC. ``zoned``: the server keeps instants.

    Where it does not, UTC is what is kept.
    """

    expected = "a datetime with a zone, such as datetime.now(UTC)"

    def __init__(self, place: str, *, zoned: bool, wire: TypeEngine[Any] | None = None) -> None:
        self.zoned = zoned
        super().__init__(place, wire)

    def wired(self) -> TypeEngine[Any]:
        return DateTime(timezone=self.zoned)

    def accepted(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            raise self.refused(value)
        if value.tzinfo is None:
            raise self.refused(value, " without one")
        value = value.astimezone(UTC)
        return value if self.zoned else value.replace(tzinfo=None)

    def returned(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Span(Checked):
    """``timedelta``."""

    expected = "spans of time (datetime.timedelta)"

    def wired(self) -> TypeEngine[Any]:
        return Interval()

    def accepted(self, value: Any) -> Any:
        if isinstance(value, timedelta):
            return value
        raise self.refused(value)


class Microseconds(Span):
    """``timedelta``, kept as a number of microseconds."""

    def wired(self) -> TypeEngine[Any]:
        return BigInteger()

    def accepted(self, value: Any) -> int:
        span: timedelta = super().accepted(value)
        return span // timedelta(microseconds=1)

    def returned(self, value: Any) -> timedelta:
        return timedelta(microseconds=int(value))


class Octets(Checked):
    """``bytes``."""

    expected = "bytes"

    def wired(self) -> TypeEngine[Any]:
        return LargeBinary()

    def accepted(self, value: Any) -> bytes:
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value)
        raise self.refused(value)

    def returned(self, value: Any) -> Any:
        return bytes(value) if isinstance(value, bytearray | memoryview) else value


class Document(Checked):
    """JSON: ``dict``, ``list``, ``str``, ``int``, ``float``, ``bool``. None is NULL."""

    expected = "what JSON can hold"

    def wired(self) -> TypeEngine[Any]:
        return JSON(none_as_null=True)

    def accepted(self, value: Any) -> Any:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise self.refused(value, f": {error}") from None
        return value


class Arrays(Checked):
    """Lists of values of one kind."""

    expected = "lists"

    def accepted(self, value: Any) -> list[Any]:
        if isinstance(value, list | tuple):
            return list(value)
        raise self.refused(value)
