"""Rows checked in one go, by msgspec, in C.

It takes less than ``values`` does and never anything else: a row that it does not take is
looked at again there, and refused with its reasons or taken all the same. Columns whose values
have to be respelt (times, decimals, JSON, enums) go through their own functions here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from sys import float_info
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from odac_db.buffer.shapes import Values
from odac_db.buffer.values import Convert, NotAccepted, is_whole
from odac_db.dialects.buffering import Accepts
from odac_db.ids import nanoid

_PLAIN = frozenset({str, float, type(None)})
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


class Quick:
    """Rows with the same columns. ``one`` and ``many`` are None for what has to be looked at again.

    ``columns``: name, what it takes, its function, whether it takes NULL.
    """

    def __init__(
        self,
        columns: Sequence[tuple[str, Accepts, Convert, bool]],
        nanoids: Mapping[str, int],
    ) -> None:
        fields: list[Any] = []
        self._respelt: list[tuple[int, Convert, bool]] = []
        self._exact: list[int] = []  # where msgspec lets objects of subclasses pass
        self._texts: list[tuple[int, bool]] = []  # and whether NUL may be in them
        for place, (name, accepts, convert, nullable) in enumerate(columns):
            found = _type(accepts)
            if found is None:
                self._respelt.append((place, convert, nullable))
                found = Any
            if accepts.kind in ("text", "float"):
                self._exact.append(place)
            if accepts.kind == "text":
                self._texts.append((place, accepts.zeros))
            leaves = nullable and found is not Any and name not in nanoids  # which are filled
            type_ = found | None if leaves else found
            if name in nanoids:
                filled = msgspec.field(default_factory=partial(nanoid, nanoids[name]))
                fields.append((f"c{place}", type_, filled))
            else:
                fields.append((f"c{place}", type_))
        self._row: Any = msgspec.defstruct(
            "Row",
            fields,
            rename={f"c{place}": name for place, (name, *_) in enumerate(columns)},
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )
        self._rows: Any = list[self._row]  # type: ignore[name-defined]

    def one(self, row: Any, convert: Callable[..., Any] = msgspec.convert) -> Values | None:
        try:
            values = astuple(convert(row, self._row))
        except (msgspec.ValidationError, UnicodeError):
            return None
        for place in self._exact:
            if type(values[place]) not in _PLAIN:
                return None
        for place, zeros in self._texts:
            if values[place] is not None and not is_whole(values[place], zeros):
                return None
        return self._spelt(values) if self._respelt else values

    def many(self, rows: Any) -> list[Values] | None:
        try:
            found = [astuple(row) for row in msgspec.convert(rows, self._rows)]
        except (msgspec.ValidationError, UnicodeError):
            return None
        for place in self._exact:
            if not {type(row[place]) for row in found} <= _PLAIN:
                return None
        for place, zeros in self._texts:
            if not is_whole("".join([row[place] or "" for row in found]), zeros):
                return None
        if not self._respelt:
            return found
        spelt = [self._spelt(row) for row in found]
        return None if None in spelt else spelt  # type: ignore[return-value]

    def _spelt(self, values: Values) -> Values | None:
        found = list(values)
        try:
            for place, convert, nullable in self._respelt:
                if found[place] is not None:
                    found[place] = convert(found[place])
                elif not nullable:
                    return None
        except NotAccepted:
            return None
        return tuple(found)


def _type(accepts: Accepts) -> Any:
    """What msgspec is to take and to leave as it is; None where values have to be respelt."""
    match accepts.kind:
        case "integer":
            low = _LOWEST if accepts.minimum is None else accepts.minimum
            high = _HIGHEST if accepts.maximum is None else accepts.maximum
            if low < _LOWEST or high > _HIGHEST:
                return None
            number = Annotated[int, Meta(ge=low, le=high)]
            return number | bool if accepts.booleans else number
        case "boolean":
            return bool
        case "float" if not accepts.infinite:
            return Annotated[float, Meta(ge=-float_info.max, le=float_info.max)]
        case "float":
            return float
        case "text" if accepts.padded:
            return None
        case "text":
            return (
                str if accepts.length is None else Annotated[str, Meta(max_length=accepts.length)]
            )
        case _:
            return None
