"""Values on their way into the journal: what a column takes, in the server's own words. Pure.

What the server would refuse, or keep as something else, is refused here, before anything
is acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any
from uuid import UUID

import msgspec

from odac_db.dialects.buffering import Accepts

Convert = Callable[[Any], Any]
Moment = Callable[[Any, Accepts], str]

_LARGEST = 2**63
_json = msgspec.json.Encoder(decimal_format="string").encode


class NotAccepted(ValueError):
    """What the column takes instead."""


def converter(accepts: Accepts, moment: Moment) -> Convert:
    """The function that a column's values go through. It raises NotAccepted."""
    return _MAKERS[accepts.kind](accepts, moment)


def increment(accepts: Accepts) -> Convert:
    """The function that what is added to a column goes through: exact numbers only."""
    if accepts.kind not in ("integer", "float", "decimal"):
        raise NotAccepted(f"{accepts.type} is no number that can be added to")

    def added(value: Any) -> int | str:
        if type(value) is int:
            if -_LARGEST <= value < _LARGEST:
                return value
            raise NotAccepted(f"{value} is too large to be added")
        if isinstance(value, (Decimal, float)) and accepts.kind != "integer":
            number = Decimal(repr(value)) if isinstance(value, float) else value
            if number.is_finite():
                return format(number, "f")
        raise _wrong(value, "a whole number" if accepts.kind == "integer" else "a number")

    return added


def _wrong(value: Any, wanted: str) -> NotAccepted:
    """The value is not repeated: it may be anything, and anything's own."""
    return NotAccepted(f"takes {wanted}, not an object of class {type(value).__name__}")


def _integer(accepts: Accepts, _: Moment) -> Convert:
    low = -_LARGEST if accepts.minimum is None else accepts.minimum
    high = _LARGEST - 1 if accepts.maximum is None else accepts.maximum

    def convert(value: Any) -> int:
        if type(value) is int:
            if low <= value <= high:
                return value
            raise NotAccepted(f"takes {low} to {high}, not {value}")
        if type(value) is bool and accepts.booleans:
            return int(value)
        if isinstance(value, timedelta) and high > 2**32:
            return value // timedelta(microseconds=1)  # an interval, where there is no such type
        if isinstance(value, int) and not isinstance(value, bool):
            return convert(int(value))
        raise _wrong(value, "a whole number")

    return convert


def _boolean(accepts: Accepts, _: Moment) -> Convert:  # noqa: ARG001
    def convert(value: Any) -> bool:
        if type(value) is bool:
            return value
        if type(value) is int and value in (0, 1):
            return value == 1
        raise _wrong(value, "True or False")

    return convert


def _float(accepts: Accepts, _: Moment) -> Convert:
    def convert(value: Any) -> float:
        if isinstance(value, (float, int, Decimal)) and not isinstance(value, bool):
            found = float(value)
            if accepts.infinite or isfinite(found):
                return found
            raise NotAccepted(f"takes finite numbers, not {value}")
        raise _wrong(value, "a number")

    return convert


def _decimal(accepts: Accepts, _: Moment) -> Convert:
    most = None if accepts.digits is None else Decimal(10) ** accepts.digits

    def convert(value: Any) -> str:
        if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
            raise _wrong(value, "a decimal number")
        try:
            number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        except InvalidOperation:
            raise _wrong(value, "a decimal number") from None
        if not number.is_finite():
            if accepts.infinite:
                return str(number)
            raise NotAccepted(f"takes finite numbers, not {value}")
        if most is not None and abs(number) >= most:
            raise NotAccepted(f"takes {accepts.digits} digits before the point, not {value}")
        return format(number, "f")

    return convert


def _text(accepts: Accepts, _: Moment) -> Convert:
    length, zeros = accepts.length, accepts.zeros

    def convert(value: Any) -> str:
        if type(value) is str:
            if length is not None and len(value) > length:
                raise NotAccepted(f"takes {length} characters, not {len(value)}")
            if not zeros and "\0" in value:
                raise NotAccepted("takes text without NUL characters")
            return value
        if isinstance(value, str):
            return convert(str.__str__(value))
        if isinstance(value, UUID):
            return convert(str(value))
        raise _wrong(value, "text")

    return convert


def _bytes(accepts: Accepts, _: Moment) -> Convert:
    def convert(value: Any) -> bytes:
        if not isinstance(value, (bytes, bytearray, memoryview)):
            raise _wrong(value, "bytes")
        found = bytes(value)
        if accepts.length is not None and len(found) > accepts.length:
            raise NotAccepted(f"takes {accepts.length} bytes, not {len(found)}")
        return found

    return convert


def _enum(accepts: Accepts, _: Moment) -> Convert:
    choices = frozenset(accepts.choices)
    folded = {choice.casefold() for choice in choices} if accepts.any_case else choices

    def convert(value: Any) -> str:
        if isinstance(value, str):
            found = str.__str__(value)
            if found in choices or (found.casefold() if accepts.any_case else found) in folded:
                return found
            raise NotAccepted(f"takes {', '.join(accepts.choices)}, not {found!r}")
        raise _wrong(value, "text")

    return convert


def _uuid(accepts: Accepts, _: Moment) -> Convert:  # noqa: ARG001
    def convert(value: Any) -> str:
        if isinstance(value, UUID):
            return str(value)
        if isinstance(value, str):
            try:
                return str(UUID(value))
            except ValueError:
                raise NotAccepted("takes a UUID, not another text") from None
        raise _wrong(value, "a UUID")

    return convert


def _moments(kind: type, wanted: str) -> Callable[[Accepts, Moment], Convert]:
    def make(accepts: Accepts, moment: Moment) -> Convert:
        def convert(value: Any) -> str:
            fits = isinstance(value, kind) and not (kind is date and isinstance(value, datetime))
            if not fits:
                raise _wrong(value, wanted)
            return moment(value, accepts)

        return convert

    return make


def _time(accepts: Accepts, moment: Moment) -> Convert:
    def convert(value: Any) -> str:
        if isinstance(value, (time, timedelta)):
            return moment(value, accepts)
        raise _wrong(value, "a time")

    return convert


def _as_json(accepts: Accepts, _: Moment) -> Convert:
    def convert(value: Any) -> str:
        try:
            text = _json(value).decode()
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise NotAccepted(f"takes what JSON can hold: {error}") from None
        if not accepts.zeros and "\\u0000" in text:
            raise NotAccepted("takes JSON without NUL characters")
        return text

    return convert


def _any(accepts: Accepts, moment: Moment) -> Convert:
    def convert(value: Any) -> Any:
        match value:
            case bool() | float() | str() | bytes():
                return value
            case int() if -_LARGEST <= value < 2 * _LARGEST:
                return value
            case int() | Decimal() | UUID():
                return str(value)
            case datetime() | date() | time() | timedelta():
                return moment(value, accepts)
            case dict() | list():
                return _json(value).decode()
            case _:
                raise _wrong(value, f"what {accepts.type} can hold")

    return convert


def _array(accepts: Accepts, moment: Moment) -> Convert:
    assert accepts.element is not None
    each = converter(accepts.element, moment)

    def convert(value: Any) -> str:
        if not isinstance(value, (list, tuple)):
            raise _wrong(value, "a list")
        return _braced(value, each)

    return convert


def _braced(values: Sequence[Any], each: Convert) -> str:
    """As PostgreSQL's array input reads it, every element in quotes."""
    parts = []
    for value in values:
        if value is None:
            parts.append("NULL")
        elif isinstance(value, (list, tuple)):
            parts.append(_braced(value, each))
        else:
            found = each(value)
            text = "\\x" + found.hex() if isinstance(found, bytes) else str(found)
            parts.append('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
    return "{" + ",".join(parts) + "}"


_MAKERS: dict[str, Callable[[Accepts, Moment], Convert]] = {
    "any": _any,
    "array": _array,
    "boolean": _boolean,
    "bytes": _bytes,
    "date": _moments(date, "a date"),
    "datetime": _moments(datetime, "a datetime"),
    "decimal": _decimal,
    "enum": _enum,
    "float": _float,
    "integer": _integer,
    "interval": _moments(timedelta, "a timedelta"),
    "json": _as_json,
    "text": _text,
    "time": _time,
    "uuid": _uuid,
}
