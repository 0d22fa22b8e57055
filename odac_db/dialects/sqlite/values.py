"""Column types of the table API: what SQLite keeps as text, as a number, or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Float, String
from sqlalchemy.types import TypeEngine

from odac_db.dialects import values as v
from odac_db.dialects.sqlite.resolve_columns import chosen
from odac_db.dialects.sqlite.spelling import affinity
from odac_db.errors import QueryRefused
from odac_db.schema.column_types import base_name
from odac_db.schema.declaration import ColumnDeclaration
from odac_db.schema.model import Column, EnumType


class Fifteen(v.Exact):
    """DECIMAL, which SQLite keeps as a float: fifteen digits, and no more are taken.

    ``scale`` digits come back behind the point, as on other servers.
    """

    def __init__(self, place: str, scale: int = 0) -> None:
        self.scale = scale
        super().__init__(place)

    def wired(self) -> TypeEngine[Any]:
        return Float(asdecimal=False)

    def accepted(self, value: Any) -> float:
        number = self.decimal(value)
        kept = float(number)
        if not math.isfinite(kept) or _printed(kept) != number:
            message = "SQLite keeps fifteen digits of a decimal, and this one has more"
            raise QueryRefused(f"{self.place}: {message}: make the column a string")
        return kept

    def returned(self, value: Any) -> Any:
        if not isinstance(value, int | float):
            return value
        number = _printed(value) if isinstance(value, float) else Decimal(value)
        exponent = number.as_tuple().exponent
        if isinstance(exponent, int) and exponent > -self.scale:
            return number.quantize(Decimal(1).scaleb(-self.scale))
        return number


def _printed(value: float) -> Decimal:
    """The number of fifteen digits, which are what survives a float."""
    return Decimal(f"{value:.15g}")


class Stamp(v.Instant):
    """An instant as text in UTC, spelt as CURRENT_TIMESTAMP spells it, so that it compares."""

    def __init__(self, place: str) -> None:
        super().__init__(place, zoned=False, wire=String())

    def accepted(self, value: Any) -> str:
        instant: datetime = super().accepted(value)
        return instant.isoformat(" ")

    def returned(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = datetime.fromisoformat(value)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Number(v.Real):
    """A float that is one: SQLite would keep NaN as NULL."""

    def accepted(self, value: Any) -> float:
        number = super().accepted(value)
        if math.isnan(number):
            raise self.refused(value, " that is no number: SQLite would keep NULL")
        return number


def value_type(
    place: str,
    declared: ColumnDeclaration,
    column: Column,
    enums: Mapping[str, EnumType],
    features: Any,
) -> TypeEngine[Any]:
    """The type of a column; see ``Dialect.value_type``."""
    kind = base_name(chosen(declared.type) or "")
    if kind == "enum" and declared.values:
        return v.Choice(place, declared.values)
    if kind == "decimal":
        return Fifteen(place, _scale(column.type))
    made = _KINDS.get(kind or _native(column.type))
    return v.Native() if made is None else made(place)


def _native(type_text: str) -> str:
    """By affinity, where that is certain: a column of another may hold anything."""
    names = {"integer": "integer", "text": "text", "real": "double"}
    return names.get(affinity(type_text), "")


def _scale(type_text: str) -> int:
    digits = type_text.partition(",")[2].rstrip(") ")
    return int(digits) if digits.isdigit() else 0


_KINDS: Mapping[str, Callable[[str], TypeEngine[Any]]] = {
    **dict.fromkeys(
        ("increments", "big_increments", "small_integer", "integer", "big_integer"), v.Whole
    ),
    **dict.fromkeys(("nanoid", "string", "text"), v.Words),
    **dict.fromkeys(("datetime", "timestamp"), Stamp),
    **dict.fromkeys(("json", "jsonb"), v.Document),
    **dict.fromkeys(("float", "double"), Number),
    "char": lambda place: v.Words(place, padded=True),
    "boolean": v.Truth,
    "date": v.Day,
    "time": v.Clock,
    "binary": v.Octets,
    "uuid": lambda place: v.Identifier(place, as_text=True),
    "interval": v.Microseconds,
}
