"""How a column's values get to another type: the USING of ALTER COLUMN TYPE.

An assignment cast refuses what does not fit, an explicit one cuts it silently
(``'abcdef'::varchar(3)``), so USING is only written where there is no assignment cast.
"""

from __future__ import annotations

from odac_db.dialects.postgresql.column_types import base, element, is_array
from odac_db.dialects.postgresql.naming import quote
from odac_db.schema.model import Column

STRINGS = frozenset({"text", "character varying", "character", "bpchar", "name"})
NUMBERS = frozenset(
    {"smallint", "integer", "bigint", "numeric", "real", "double precision", "money"}
)
_MOMENTS = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
_TIMES = frozenset({"time without time zone", "time with time zone"})
_ASSIGNED = (NUMBERS - {"money"}, _MOMENTS, _TIMES, {"bit", "bit varying"}, {"json", "jsonb"})


def using(before: Column, after: Column) -> str | None:
    """The expression for USING; None where the server's own assignment cast will do."""
    old, new = base(element(before.type)), base(element(after.type))
    arrays = is_array(before.type), is_array(after.type)
    if before.generated is not None or after.generated is not None:
        return None  # the server computes it, and allows no USING
    if arrays[0] == arrays[1] and before.enum == after.enum and _assigned(old, new, arrays[0]):
        return None
    return conversion(quote(before.name), before, after)


def conversion(value: str, before: Column, after: Column) -> str:
    """An explicit cast, by way of text where the server has none of its own."""
    old, new = base(before.type), base(after.type)
    brackets = "[]" if is_array(before.type) and is_array(after.type) else ""
    if before.enum is not None or after.enum is not None or old == "json" != new:
        return f"{value}::text{brackets}::{after.type}"
    if is_array(after.type) and not is_array(before.type):
        return f"ARRAY[{value}]::{after.type}"
    if old == "boolean" and new in NUMBERS:
        return f"{value}::integer::{after.type}"
    if new == "boolean" and old in NUMBERS:
        return f"{value} <> 0"
    return f"{value}::{after.type}"


def _assigned(old: str, new: str, array: bool) -> bool:
    if old == new:
        return True
    if new in STRINGS:  # every type is assigned to strings by its output, arrays are not
        return not array or old in STRINGS
    return any(old in group and new in group for group in _ASSIGNED)
