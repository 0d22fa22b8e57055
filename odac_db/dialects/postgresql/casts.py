"""How a column's values get to another type: the USING of ALTER COLUMN TYPE.

An assignment cast refuses what does not fit, an explicit one cuts it silently
(``'abcdef'::varchar(3)``), so USING is only written where there is no assignment cast, and
where strings get shorter: that is held back, and once it is allowed it is meant.
"""

from __future__ import annotations

from odac_db.dialects.postgresql.column_types import arguments, base, element, is_array
from odac_db.dialects.postgresql.naming import quote
from odac_db.schema.model import Column

STRINGS = frozenset({"text", "character varying", "character", "bpchar", "name"})
NUMBERS = frozenset(
    {"smallint", "integer", "bigint", "numeric", "real", "double precision", "money"}
)
_MOMENTS = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
_TIMES = frozenset({"time without time zone", "time with time zone"})
_ASSIGNED = (NUMBERS - {"money"}, _MOMENTS, _TIMES, {"bit", "bit varying"}, {"json", "jsonb"})

_NEVER = frozenset(  # have casts to and from strings, and to their own like
    """
    uuid bytea inet cidr macaddr macaddr8 tsvector tsquery xml int4range int8range numrange
    daterange tsrange tstzrange
    """.split()
)
_KNOWN = (
    NUMBERS
    | _MOMENTS
    | _TIMES
    | _NEVER
    | {"boolean", "interval", "json", "jsonb", "bit", "bit varying"}
)
_DIRECT = (  # pg_cast and what ``conversion`` adds: from each of the first to each of the second
    (NUMBERS, NUMBERS),
    (_MOMENTS, _MOMENTS),
    (_TIMES, _TIMES | {"interval"}),
    (_MOMENTS - {"date"}, _TIMES),
    ({"interval"}, {"time without time zone"}),
    ({"inet", "cidr"}, {"inet", "cidr"}),
    ({"macaddr", "macaddr8"}, {"macaddr", "macaddr8"}),
    ({"json", "jsonb"}, {"json", "jsonb"}),
    ({"jsonb"}, NUMBERS | {"boolean"}),
    (NUMBERS, {"boolean"}),
    ({"boolean"}, NUMBERS),
    ({"bit", "bit varying"}, {"bit", "bit varying", "integer", "bigint"}),
    ({"integer", "bigint"}, {"bit"}),
)


def using(before: Column, after: Column) -> str | None:
    """The expression for USING; None where the server's own assignment cast will do."""
    old, new = base(element(before.type)), base(element(after.type))
    arrays = is_array(before.type), is_array(after.type)
    if before.generated is not None or after.generated is not None:
        return None  # the server computes it, and allows no USING
    if cuts(before, after):
        return f"{quote(before.name)}::{after.type}"
    if arrays[0] == arrays[1] and before.enum == after.enum and _assigned(old, new, arrays[0]):
        return None
    return conversion(quote(before.name), before, after)


def cuts(before: Column, after: Column) -> bool:
    """Whether the change shortens strings: only with leave, so that it cuts what is longer."""
    old, new = element(before.type), element(after.type)
    limit, had = arguments(new), arguments(old)
    return (
        is_array(before.type) == is_array(after.type)
        and before.enum is after.enum is None
        and base(old) in STRINGS
        and base(new) in STRINGS
        and bool(limit)
        and not (had and had[0] <= limit[0])
    )


def conversion(value: str, before: Column, after: Column) -> str:
    """An explicit cast, by way of text where the server has none of its own."""
    old, new = base(element(before.type)), base(element(after.type))
    arrays = is_array(before.type), is_array(after.type)
    brackets = "[]" if all(arrays) else ""
    enums = before.enum is not None or after.enum is not None
    castless = old != new and ({old, new} <= _KNOWN or old == "json") and not _castable(old, new)
    if arrays == (False, True):
        return f"ARRAY[{value}{'::text' if enums or castless else ''}]::{after.type}"
    if enums or castless or arrays == (True, False):
        return f"{value}::text{brackets}::{after.type}"
    if any(arrays):
        return f"{value}::{after.type}"
    if old == "boolean" and new in NUMBERS:
        return f"{value}::integer::{after.type}"
    if new == "boolean" and old in NUMBERS:
        return f"{value} <> 0"
    return f"{value}::{after.type}"


def _castable(old: str, new: str) -> bool:
    return any(old in sources and new in targets for sources, targets in _DIRECT)


def _assigned(old: str, new: str, array: bool) -> bool:
    if old == new:
        return True
    if new in STRINGS:  # every type is assigned to strings by its output, arrays are not
        return not array or old in STRINGS
    return any(old in group and new in group for group in _ASSIGNED)
