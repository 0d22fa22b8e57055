"""Column types of the table API: PostgreSQL keeps most of them as what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import REAL
from sqlalchemy.dialects.postgresql import ARRAY, ENUM, JSON, JSONB
from sqlalchemy.types import TypeEngine

from odac_db.dialects import values as v
from odac_db.dialects.postgresql.column_types import declared as portable
from odac_db.dialects.postgresql.column_types import element, is_array
from odac_db.dialects.postgresql.resolve_columns import chosen
from odac_db.schema.column_types import base_name
from odac_db.schema.declaration import ColumnDeclaration
from odac_db.schema.model import Column, EnumType


def value_type(
    place: str,
    declared: ColumnDeclaration,
    column: Column,
    enums: Mapping[str, EnumType],
    features: Any,
) -> TypeEngine[Any]:
    """The type of a column; see ``Dialect.value_type``."""
    kind = base_name(chosen(declared.type) or "")
    found = _element(place, kind, element(column.type), column.enum, enums)
    if not is_array(column.type):
        return found
    if isinstance(found, v.Choice):  # SQLAlchemy reads arrays of enums if it sees the enum
        return v.Arrays(place, ARRAY(found.wire), found)
    return v.Arrays(place, ARRAY(found))


def _element(
    place: str, kind: str, type_: str, enum: str | None, enums: Mapping[str, EnumType]
) -> TypeEngine[Any]:
    if enum is not None and enum in enums:
        values = enums[enum].values
        return v.Choice(place, values, ENUM(*values, name=enum, create_type=False))
    name = kind or str(portable(type_)["type"])
    made = _KINDS.get(name)
    return v.Native() if made is None else made(place)


_KINDS: Mapping[str, Callable[[str], TypeEngine[Any]]] = {
    **dict.fromkeys(
        ("increments", "big_increments", "small_integer", "integer", "big_integer"), v.Whole
    ),
    **dict.fromkeys(("nanoid", "string", "text", "varchar"), v.Words),
    **dict.fromkeys(("datetime", "timestamp"), lambda place: v.Instant(place, zoned=True)),
    "char": lambda place: v.Words(place, padded=True),
    "boolean": v.Truth,
    "float": lambda place: v.Real(place, REAL()),
    "double": v.Real,
    "decimal": v.Exact,
    "numeric": v.Exact,
    "date": v.Day,
    "time": v.Clock,
    "binary": v.Octets,
    "json": lambda place: v.Document(place, JSON(none_as_null=True)),
    "jsonb": lambda place: v.Document(place, JSONB(none_as_null=True)),
    "uuid": lambda place: v.Identifier(place, as_text=False),
    "interval": v.Span,
}
