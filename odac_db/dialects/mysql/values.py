"""Column types of the table API: what MySQL and MariaDB keep in a shape of their own."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, literal_column, type_coerce
from sqlalchemy.dialects.mysql import DATETIME, TIME
from sqlalchemy.types import TypeEngine

from odac_db.dialects import values as v
from odac_db.dialects.mysql.column_types import INTEGERS, STRINGS, column_type, enum_values
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.resolve_columns import chosen
from odac_db.schema.column_types import base_name
from odac_db.schema.declaration import ColumnDeclaration
from odac_db.schema.model import Column, EnumType


class Single(v.Real):
    """FLOAT. The server prints six digits of it; read as a double it is whole.

    It comes back as the shortest number that is stored as it is, as PostgreSQL has it.
    """

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        return type_coerce(column + literal_column("0e0"), self)

    def returned(self, value: Any) -> Any:
        if not isinstance(value, float):
            return value
        texts = (f"{value:.{digits}g}" for digits in range(6, 10))
        return next((float(text) for text in texts if _single(float(text)) == value), value)


def _single(value: float) -> float:
    """The nearest number of four bytes."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return value


def value_type(
    place: str,
    declared: ColumnDeclaration,
    column: Column,
    enums: Mapping[str, EnumType],
    features: MySQLFeatures,
) -> TypeEngine[Any]:
    """The type of a column; see ``Dialect.value_type``."""
    kind = base_name(chosen(declared.type, features) or "")
    native = column_type(column.type, True).name
    if native == "enum":
        return v.Choice(place, enum_values(column.type))
    if "unsigned" in column.type and native in INTEGERS:
        return v.Whole(place, unsigned=True)
    made = _KINDS.get(kind or _native(native, column.type))
    return v.Native() if made is None else made(place)


def _native(name: str, text: str) -> str:
    """The portable type that a native one of this name is like; "" for none."""
    if text == "tinyint(1)":
        return "boolean"
    if name in INTEGERS:
        return "integer"
    if name in STRINGS - {"set"}:
        return "string"
    return name


_KINDS: Mapping[str, Callable[[str], TypeEngine[Any]]] = {
    **dict.fromkeys(
        ("increments", "big_increments", "small_integer", "integer", "big_integer"), v.Whole
    ),
    **dict.fromkeys(("nanoid", "string", "text"), v.Words),
    **dict.fromkeys(
        ("datetime", "timestamp"),
        lambda place: v.Instant(place, zoned=False, wire=DATETIME(fsp=6)),
    ),
    **dict.fromkeys(("json", "jsonb"), v.Document),
    **dict.fromkeys(
        ("binary", "varbinary", "blob", "tinyblob", "mediumblob", "longblob"), v.Octets
    ),
    "char": lambda place: v.Words(place, padded=True),
    "boolean": v.Truth,
    "float": Single,
    "double": v.Real,
    "decimal": v.Exact,
    "date": v.Day,
    "time": lambda place: v.Clock(place, TIME(fsp=6)),
    "uuid": lambda place: v.Identifier(place, as_text=True),
    "interval": v.Microseconds,
}
