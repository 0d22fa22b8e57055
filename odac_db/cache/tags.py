"""Values as msgpack values that say what they were: a list whose first item is a word.

``exact`` is the same for keys: two values have the same bytes only if they are the same
parameter, so 1, True, 1.0, "1" and Decimal(1) are five.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

Tagged = Any

_PLAIN = frozenset({bool, float, str, bytes, type(None)})
_EXACT = _PLAIN | {int}
_ADDRESSES: dict[str, type] = {
    name: getattr(ipaddress, name)
    for name in (
        "IPv4Address",
        "IPv6Address",
        "IPv4Network",
        "IPv6Network",
        "IPv4Interface",
        "IPv6Interface",
    )
}


class Unknown(Exception):
    """A value of a class that would not come back as it was."""


def tagged(value: Any) -> Tagged:
    """The value so that ``restored`` gives it back. Raises Unknown."""
    cls = type(value)
    if cls in _PLAIN:
        return value
    if cls is int:
        return value if -(2**63) <= value < 2**63 else ["int", str(value)]
    if cls is list or cls is tuple:
        return [cls.__name__, [tagged(each) for each in value]]
    if cls is dict:
        return ["dict", [[tagged(key), tagged(each)] for key, each in value.items()]]
    told = _TOLD.get(cls)
    if told is None:
        raise Unknown(f"{cls.__module__}.{cls.__qualname__}")
    return [cls.__name__, *told(value)]


def restored(value: Tagged) -> Any:
    """What ``tagged`` was given."""
    if type(value) is not list:
        return value
    word, *parts = value
    if word == "list":
        return [restored(each) for each in parts[0]]
    if word == "tuple":
        return tuple(restored(each) for each in parts[0])
    if word == "dict":
        return {restored(key): restored(each) for key, each in parts[0]}
    return _RESTORED[word](*parts)


def exact(values: Any) -> bytes:
    """Bytes that differ for parameters that differ, in value or class. Raises Unknown."""
    if type(values) is tuple and _EXACT.issuperset(map(type, values)):
        plain: Any = values
    else:
        plain = tagged(values)
    try:
        return _encoder.encode(plain)
    except (OverflowError, UnicodeEncodeError):
        return _told_exactly(tagged(values))


def _told_exactly(value: Tagged) -> bytes:
    try:
        return _encoder.encode(value)
    except (OverflowError, UnicodeEncodeError) as error:
        raise Unknown(str(error)) from error


_encoder = msgspec.msgpack.Encoder()


def _zone(zone: dt.tzinfo | None) -> str | int | None:
    if zone is None:
        return None
    if type(zone) is dt.timezone:
        offset = zone.utcoffset(None)
        if zone == dt.UTC or zone.tzname(None) == dt.timezone(offset).tzname(None):
            return offset // dt.timedelta(microseconds=1)
    if type(zone) is ZoneInfo and zone.key:
        return zone.key
    raise Unknown(f"the time zone {type(zone).__module__}.{type(zone).__qualname__}")


def _zone_again(zone: str | int | None) -> dt.tzinfo | None:
    if zone is None or isinstance(zone, str):
        return None if zone is None else ZoneInfo(zone)
    return dt.timezone(dt.timedelta(microseconds=zone)) if zone else dt.UTC


def _moment(text: str, zone: str | int | None, fold: int) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=_zone_again(zone), fold=fold)


def _clock(text: str, zone: str | int | None, fold: int) -> dt.time:
    return dt.time.fromisoformat(text).replace(tzinfo=_zone_again(zone), fold=fold)


def _span(days: int, seconds: int, microseconds: int) -> dt.timedelta:
    return dt.timedelta(days, seconds, microseconds)


_TOLD: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    Decimal: lambda value: (str(value),),
    UUID: lambda value: (value.bytes,),
    dt.date: lambda value: (value.isoformat(),),
    dt.timedelta: lambda value: (value.days, value.seconds, value.microseconds),
    dt.datetime: lambda value: (
        value.replace(tzinfo=None).isoformat(),
        _zone(value.tzinfo),
        value.fold,
    ),
    dt.time: lambda value: (
        value.replace(tzinfo=None).isoformat(),
        _zone(value.tzinfo),
        value.fold,
    ),
    **{cls: lambda value: (str(value),) for cls in _ADDRESSES.values()},
}
_RESTORED: dict[str, Callable[..., Any]] = {
    "int": int,
    "Decimal": Decimal,
    "UUID": lambda data: UUID(bytes=data),
    "date": dt.date.fromisoformat,
    "timedelta": _span,
    "datetime": _moment,
    "time": _clock,
    **_ADDRESSES,
}
IMMUTABLE = frozenset({*_PLAIN, int, *_TOLD})
"""Classes whose values may be shared by all who read them."""
