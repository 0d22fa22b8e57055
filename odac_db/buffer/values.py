"""Values on their way into the journal: what a column takes, in the server's own words. Pure.

What the server would refuse, or keep as something else, is refused before anything is
acknowledged. A value that is taken is kept as the table API would have written it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any
from uuid import UUID

from odac_db.buffer.arrays import braced
from odac_db.dialects.buffering import Accepts
from odac_db.dialects.values import Clock, Day, Exact, Instant, Span
from odac_db.errors import QueryRefused

Convert = Callable[[Any], Any]
Moment = Callable[[Any, Accepts], str]

_LARGEST = 2**63
NO_NUL = " without NUL characters"


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
            return format(_kept(_looked_at(Exact("").decimal, value), accepts), "f")
        raise _wrong(value, "a whole number" if accepts.kind == "integer" else "a number")

    return added


def _looked_at(accepted: Convert, value: Any) -> Any:
    try:
        return accepted(value)
    except QueryRefused as error:
        raise NotAccepted(str(error).strip()) from None


def _kept(number: Decimal, accepts: Accepts) -> Decimal:
    """The number, if the column keeps all of its digits. Raises NotAccepted."""
    most = accepts.significant
    if most is not None and Decimal(f"{float(number):.{most}g}") != number:
        raise NotAccepted(f"takes decimals of {most} digits, and this one has more")
    return number


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
            try:
                found = float(value)
            except (OverflowError, ValueError):
                raise NotAccepted("takes numbers that a float can hold") from None
            if accepts.infinite or isfinite(found):
                return found
            raise NotAccepted(f"takes finite numbers, not {value}")
        raise _wrong(value, "a number")

    return convert


def _decimal(accepts: Accepts, _: Moment) -> Convert:
    most = None if accepts.digits is None else Decimal(10) ** accepts.digits

    look = Exact("").decimal

    def convert(value: Any) -> str:
        number = _kept(_looked_at(look, value), accepts)
        if most is not None and abs(number) >= most:
            raise NotAccepted(f"takes {accepts.digits} digits before the point, not {value}")
        return format(number, "f")

    return convert


def _text(accepts: Accepts, _: Moment) -> Convert:
    length, zeros, padded = accepts.length, accepts.zeros, accepts.padded

    def convert(value: Any) -> str:
        if type(value) is str:
            text: str = value.rstrip(" ") if padded else value
            if length is not None and len(text) > length:
                raise NotAccepted(f"takes {length} characters, not {len(text)}")
            if not is_whole(text, zeros):
                raise NotAccepted(f"takes whole characters{'' if zeros else NO_NUL}")
            return text
        if isinstance(value, str):
            return convert(str.__str__(value))
        if isinstance(value, UUID):
            return convert(str(value))
        raise _wrong(value, "text")

    return convert


def is_whole(text: str, zeros: bool) -> bool:
    """Whether it can be sent: no half of a character is in it, and no NUL where that may not be."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return zeros or "\0" not in text


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


def _moments(look: Callable[[Accepts], Convert]) -> Callable[[Accepts, Moment], Convert]:
    def make(accepts: Accepts, moment: Moment) -> Convert:
        accepted = look(accepts)
        return lambda value: moment(_looked_at(accepted, value), accepts)

    return make


def _instant(accepts: Accepts) -> Convert:
    def naive(value: Any) -> Any:
        return value if isinstance(value, datetime) and value.tzinfo is None else zoned(value)

    zoned: Convert = Instant("", zoned=accepts.zone).accepted
    return naive if accepts.naive else zoned


def _clock(accepts: Accepts) -> Convert:
    def zoned(value: Any) -> Any:
        return value if isinstance(value, time) else plain(value)

    plain: Convert = Clock("").accepted
    return zoned if accepts.zone else plain


def _json(value: Any) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NotAccepted(f"takes what JSON can hold: {error}") from None


def _as_json(accepts: Accepts, _: Moment) -> Convert:
    def convert(value: Any) -> str:
        text = _json(value)
        if not accepts.zeros and "\\u0000" in text:
            raise NotAccepted(f"takes JSON{NO_NUL}")
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
                try:
                    return moment(value, accepts)
                except ValueError as error:
                    raise NotAccepted(str(error)) from None
            case dict() | list():
                return _json(value)
            case _:
                raise _wrong(value, f"what {accepts.type} can hold")

    return convert


def _array(accepts: Accepts, moment: Moment) -> Convert:
    assert accepts.element is not None
    each = converter(accepts.element, moment)

    def convert(value: Any) -> str:
        if not isinstance(value, (list, tuple)):
            raise _wrong(value, "a list")
        return braced(value, each)

    return convert


_MAKERS: dict[str, Callable[[Accepts, Moment], Convert]] = {
    "any": _any,
    "array": _array,
    "boolean": _boolean,
    "bytes": _bytes,
    "date": _moments(lambda _: Day("").accepted),
    "datetime": _moments(_instant),
    "decimal": _decimal,
    "enum": _enum,
    "float": _float,
    "integer": _integer,
    "interval": _moments(lambda _: Span("").accepted),
    "json": _as_json,
    "text": _text,
    "time": _moments(_clock),
    "uuid": _uuid,
}
