"""Whether a foreign key may go from one column to another. Pure."""

from __future__ import annotations

from odac_db.dialects.postgresql.column_types import base, is_array
from odac_db.schema.model import Column

_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_STRINGS = frozenset({"text", "character varying", "character"})
_MOMENTS = frozenset({"date", "timestamp without time zone", "timestamp with time zone"})
_BITS = frozenset({"bit", "bit varying"})
_ADDRESSES = frozenset({"inet", "cidr"})
_ALIKE = (_INTEGERS, _STRINGS, _MOMENTS, _BITS, _ADDRESSES)
_WIDER = {  # the referring type that a referred one may have been cast to
    "numeric": _INTEGERS,
    "real": _INTEGERS | {"numeric", "double precision"},
    "double precision": _INTEGERS | {"numeric", "real"},
    "time with time zone": frozenset({"time without time zone"}),
    "interval": frozenset({"time without time zone"}),
}


def refers(child: Column, parent: Column) -> bool:
    """Whether the two compare by an operator of the referred column's index.

    Parameters (lengths, precisions) and deterministic collations do not matter. Types that
    are not known here, and arrays, must be the same.
    """
    if child.type == parent.type:
        return True
    if is_array(child.type) or is_array(parent.type) or child.enum or parent.enum:
        return False
    mine, other = base(child.type), base(parent.type)
    if mine == other or mine in _WIDER.get(other, ()):
        return True
    return any(mine in alike and other in alike for alike in _ALIKE)
