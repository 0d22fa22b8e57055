"""Whether changing a column may lose or refuse values, judged by its types alone. Pure."""

from __future__ import annotations

from odac_db.dialects.postgresql.casts import STRINGS
from odac_db.dialects.postgresql.column_types import arguments, base, element, is_array
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.schema.model import Column

_WIDER = {
    "smallint": {"integer", "bigint", "numeric", "real", "double precision"},
    "integer": {"bigint", "numeric", "double precision"},
    "bigint": {"numeric"},
    "real": {"double precision"},
    "date": {"timestamp without time zone", "timestamp with time zone"},
    "cidr": {"inet"},
    "macaddr": {"macaddr8"},
    "uuid": set(),
    "json": set(),
    "jsonb": {"json"},
    "bit": {"bit varying"},
    "time without time zone": {"time with time zone", "interval"},
}
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_TIMES = ("timestamp", "time ", "interval")


def lossy(
    before: Column,
    after: Column,
    features: PostgreSQLFeatures,  # the same on all versions
) -> str | None:
    """Why the change may lose data or be refused by some row; None when it never is.

    Data is not looked at: that a value really is too long is for preflight to find.
    """
    if before.generated is None and after.generated is not None:
        return "the column's values are replaced by computed ones"
    if before.type == after.type or after.generated is not None:
        return None
    if is_array(before.type) != is_array(after.type):
        if is_array(before.type):
            return None if _unlimited(after.type) else f"an array is not a {after.type}"
        return None if element(after.type) == before.type else f"{before.type} to {after.type}"
    old, new = element(before.type), element(after.type)
    if before.enum is not None or after.enum is not None:
        return _enum(before, after, new)
    return _cast(old, new)


def _enum(before: Column, after: Column, new: str) -> str | None:
    if after.enum is None and _unlimited(new):
        return None
    if after.enum is None:
        return f"values of {before.enum} may not fit {new}"
    return f"values that are none of {after.enum}'s are refused"


def _unlimited(type_: str) -> bool:
    return type_ in ("text", "character varying")


def _cast(old: str, new: str) -> str | None:
    old_base, new_base = base(old), base(new)
    if new_base in STRINGS:
        return _to_string(old, new)
    if new_base == "numeric":
        return _to_numeric(old, new)
    if old_base == new_base:
        return _parameters(old, new)
    if new_base in _WIDER.get(old_base, ()):
        return _parameters(old, new) if new_base.startswith(_TIMES) else None
    return _reason(old_base, new_base, old, new)


def _reason(old_base: str, new_base: str, old: str, new: str) -> str:
    if old_base in STRINGS:
        return f"text that is no {new} is refused"
    if old_base.startswith("timestamp") and new_base in ("date", "time without time zone"):
        return f"{new} keeps a part of {old} only"
    if old_base in ("numeric", "real", "double precision"):
        return f"{new} rounds {old}, and refuses what is out of its range"
    if old_base in _DIGITS and new_base in _DIGITS:
        return f"numbers out of the range of {new} are refused"
    return f"not every {old} is a {new}"


def _to_string(old: str, new: str) -> str | None:
    limit = arguments(new)
    old_base = base(old)
    if old_base == "character" and base(new) != "character":
        # Trailing spaces, which character never counted, are gone; nothing else is.
        pass
    if not limit:
        return "names are cut after 63 bytes" if base(new) == "name" else None
    if old_base in STRINGS and arguments(old) and arguments(old)[0] <= limit[0]:
        return None
    if _longest(old) <= limit[0]:
        return None
    return f"values of more than {limit[0]} characters are refused"


def _longest(type_: str) -> float:
    """The length of the longest value as text, where it is certain."""
    known = {"boolean": 5, "smallint": 6, "integer": 11, "bigint": 20, "uuid": 36}
    return known.get(type_, float("inf"))


def _to_numeric(old: str, new: str) -> str | None:
    limits = arguments(new)
    if not limits:
        return f"not every {old} is a number" if not _is_number(old) else None
    precision, scale = limits
    if base(old) in _DIGITS:
        fits = precision - scale >= _DIGITS[base(old)]
        return None if fits else f"numbers that {new} cannot hold are refused"
    if base(old) != "numeric":
        return f"{new} rounds or refuses what it cannot hold of {old}"
    if not arguments(old):
        return f"{new} rounds fractions and refuses large numbers"
    before = arguments(old)
    if before[1] > scale:
        return f"{new} rounds the fractions of {old}"
    if before[0] - before[1] > precision - scale:
        return f"numbers that {new} cannot hold are refused"
    return None


def _is_number(type_: str) -> bool:
    return base(type_) in _DIGITS or base(type_) in ("numeric", "real", "double precision")


def _parameters(old: str, new: str) -> str | None:
    """Fewer fractional digits, or fewer bits."""
    limit = arguments(new)
    if base(new).startswith(_TIMES):
        had = arguments(old)[0] if arguments(old) else 6
        if base(old) == "date" or not limit or limit[0] >= had:
            same_fields = base(old) == base(new) or not base(new).startswith("interval ")
            return None if same_fields else f"{new} cuts what it does not hold of {old}"
        return f"fractions of a second are rounded to {limit[0]} digits"
    if "(" not in new or (base(new) == "bit varying" and limit and _fits(old, limit[0])):
        return None
    if base(new) in ("bit", "bit varying"):
        return f"bit strings that {new} cannot hold are refused"
    return f"values of {old} that are no {new} are refused"


def _fits(old: str, limit: int) -> bool:
    had = arguments(old)
    return bool(had) and had[0] <= limit
