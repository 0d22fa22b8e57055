"""Operations that were taken when their table was another one: which of them it still takes. Pure.

A journal may be older than the table. What its values were checked by is no longer what the
column is, and not every server refuses what does not fit: SQLite keeps any value anywhere,
MySQL rounds. So values of a column whose type has changed are checked once more, as they
are spelt in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from odac_db.buffer.shapes import Chunk, Shape, Values
from odac_db.dialects.buffering import Accepts

Fits = Callable[[Accepts, Any], bool]
Columns = Mapping[str, Accepts]


class Unfit(NamedTuple):
    """An operation that its table takes no longer, and why."""

    seq: int
    shape: Shape
    values: Values
    reason: str


def sifted(
    chunks: Iterable[Chunk], columns_of: Callable[[str], Columns]
) -> tuple[list[Chunk], list[Unfit]]:
    """The operations that fit the columns of today, and those that do not."""
    fitting: list[Chunk] = []
    unfit: list[Unfit] = []
    for chunk in chunks:
        changed = _changed(chunk.shape, columns_of(chunk.shape.table))
        if not changed:
            fitting.append(chunk)
            continue
        reasons = [_reason(changed, row) for row in chunk.rows]
        fitting += _runs(chunk, [not reason for reason in reasons])
        unfit += [
            Unfit(chunk.first + place, chunk.shape, chunk.rows[place], reason)
            for place, reason in enumerate(reasons)
            if reason
        ]
    return fitting, unfit


def _changed(shape: Shape, columns: Columns) -> list[tuple[int, str, Accepts]]:
    """Places and names of the columns that are not what they were when values were checked.

    What is added to a column need be no value of it: of that only the kind counts.
    """
    names = (*shape.keys, *shape.columns)
    before = shape.types or ("",) * len(names)
    values = len(shape.keys) if shape.kind == "increment" else len(names)
    return [
        (place, name, columns[name] if place < values else _addition(columns[name]))
        for place, (name, type_) in enumerate(zip(names, before, strict=True))
        if name in columns and columns[name].type != type_
    ]


def _addition(accepts: Accepts) -> Accepts:
    return msgspec.structs.replace(accepts, minimum=None, maximum=None, digits=None)


def _reason(changed: Sequence[tuple[int, str, Accepts]], row: Values) -> str:
    for place, name, accepts in changed:
        if row[place] is not None and not fits(accepts, row[place]):
            return f"{name} is {accepts.type} by now, which does not take what was buffered"
    return ""


def _runs(chunk: Chunk, kept: Sequence[bool]) -> list[Chunk]:
    """The rows that are kept, numbered as they were."""
    found: list[Chunk] = []
    for place, row in enumerate(chunk.rows):
        if not kept[place]:
            continue
        if place and kept[place - 1]:
            found[-1].rows.append(row)
        else:
            found.append(Chunk(chunk.first + place, chunk.shape, [row]))
    return found


def fits(accepts: Accepts, value: Any) -> bool:
    """Whether a value, as the journal has it, is one of the column's."""
    try:
        return _FITS.get(accepts.kind, _any)(accepts, value)
    except (ValueError, InvalidOperation, msgspec.MsgspecError):
        return False


def _any(_: Accepts, __: Any) -> bool:
    return True


def _integer(accepts: Accepts, value: Any) -> bool:
    if isinstance(value, (bytes, bool)):
        return isinstance(value, bool) and accepts.booleans
    number = Decimal(value)
    low, high = accepts.minimum, accepts.maximum
    return number == int(number) and (low is None or low <= number <= (high or 0))


def _boolean(_: Accepts, value: Any) -> bool:
    return not isinstance(value, (str, bytes)) and value in (0, 1)


def _number(accepts: Accepts, value: Any) -> bool:
    if isinstance(value, (bytes, bool)):
        return False
    number = Decimal(value)
    digits = accepts.digits
    fine = accepts.infinite or number.is_finite()
    return fine and (digits is None or abs(number) < Decimal(10) ** digits)


def _text(accepts: Accepts, value: Any) -> bool:
    if isinstance(value, (bytes, bool)):
        return False
    text = str(value)
    return (accepts.length is None or len(text) <= accepts.length) and (
        accepts.zeros or "\0" not in text
    )


def _bytes(accepts: Accepts, value: Any) -> bool:
    return isinstance(value, bytes) and (accepts.length is None or len(value) <= accepts.length)


def _enum(accepts: Accepts, value: Any) -> bool:
    if accepts.any_case:
        return str(value).casefold() in {choice.casefold() for choice in accepts.choices}
    return value in accepts.choices


def _json(_: Accepts, value: Any) -> bool:
    return isinstance(value, (int, float)) or bool(msgspec.json.decode(value) or True)


def _spelt(read: Callable[[str], object]) -> Fits:
    def fitting(_: Accepts, value: Any) -> bool:
        return isinstance(value, str) and bool(read(value) or True)

    return fitting


_FITS: Mapping[str, Fits] = {
    "boolean": _boolean,
    "bytes": _bytes,
    "date": _spelt(date.fromisoformat),
    "datetime": _spelt(datetime.fromisoformat),
    "decimal": _number,
    "enum": _enum,
    "float": _number,
    "integer": _integer,
    "json": _json,
    "text": _text,
    "time": _spelt(time.fromisoformat),
    "uuid": _spelt(UUID),
}
