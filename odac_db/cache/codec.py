"""Rows as bytes and back, equal and of the same types. Never pickle.

A column whose values have one exact class that msgspec restores is decoded by a typed decoder,
one for each signature of columns. All others have their values tagged one by one (``tags``).
What has no tag raises ``Unknown``: it is not cached.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from odac_db.cache.rows import Rows
from odac_db.cache.tags import Unknown, restored, tagged

_VERSION = 1
_TYPED: dict[type, str] = {
    bool: "b",
    int: "i",
    float: "f",
    str: "s",
    bytes: "y",
    Decimal: "d",
    dt.date: "D",
    dt.timedelta: "T",
    UUID: "u",
}
_CLASSES: dict[str, Any] = {
    **{letter: cls | None for cls, letter in _TYPED.items()},
    "t": dt.datetime | None,
    "c": dt.time | None,
    "n": None,
    "*": Any,
}


class _Head(msgspec.Struct, array_like=True, frozen=True):
    """What precedes the rows. ``signature`` has a letter for each column."""

    version: int
    signature: str
    keys: tuple[str, ...]


_encoder = msgspec.msgpack.Encoder(decimal_format="string", uuid_format="bytes")
_heads = msgspec.msgpack.Decoder(_Head)


def encoded(rows: Rows) -> bytes:
    """The rows as bytes. Raises Unknown for a value that would not come back as it was."""
    columns = list(zip(*rows.rows, strict=True)) if rows.rows else [()] * len(rows.keys)
    signature = "".join(map(_letter, columns))
    values: Iterable[Any] = rows.rows
    if "*" in signature:
        values = [
            [tagged(value) if letter == "*" else value for letter, value in zip(signature, row)]  # noqa: B905
            for row in rows.rows
        ]
    head = _encoder.encode(_Head(_VERSION, signature, rows.keys))
    try:
        body = _encoder.encode(values)
    except (OverflowError, UnicodeEncodeError):
        body, head = _all_tagged(rows)
    return len(head).to_bytes(4, "big") + head + body


def decoded(data: bytes) -> Rows:
    """The rows again. Raises ValueError for what ``encoded`` did not make."""
    view = memoryview(data)
    end = 4 + int.from_bytes(view[:4], "big")
    head = _heads.decode(view[4:end])
    if head.version != _VERSION:
        raise ValueError(f"rows in format {head.version}")
    rows = _decoder(head.signature).decode(view[end:])
    if "*" in head.signature:
        tags = [place for place, letter in enumerate(head.signature) if letter == "*"]
        rows = tuple(_untagged(row, tags) for row in rows)
    return Rows(head.keys, rows)


def _untagged(row: tuple[Any, ...], tags: list[int]) -> tuple[Any, ...]:
    values = list(row)
    for place in tags:
        values[place] = restored(values[place])
    return tuple(values)


def _all_tagged(rows: Rows) -> tuple[bytes, bytes]:
    """For integers beyond 64 bits, and text that is not UTF-8."""
    values = [[tagged(value) for value in row] for row in rows.rows]
    try:
        body = _encoder.encode(values)
    except (OverflowError, UnicodeEncodeError) as error:
        raise Unknown(str(error)) from error
    return body, _encoder.encode(_Head(_VERSION, "*" * len(rows.keys), rows.keys))


def _letter(values: tuple[Any, ...]) -> str:
    """How a column is kept: by the one class of its values, or each value tagged."""
    classes = set(map(type, values))
    classes.discard(type(None))
    if not classes:
        return "n"
    if len(classes) > 1:
        return "*"
    (cls,) = classes
    if cls is dt.datetime or cls is dt.time:
        plain = all(one is None or (one.tzinfo is None and not one.fold) for one in values)
        return ("t" if cls is dt.datetime else "c") if plain else "*"
    return _TYPED.get(cls, "*")


@lru_cache(maxsize=1024)
def _decoder(signature: str) -> msgspec.msgpack.Decoder[Any]:
    row: Any = tuple.__class_getitem__(tuple(_CLASSES[letter] for letter in signature))
    return msgspec.msgpack.Decoder(tuple.__class_getitem__((row, ...)))
