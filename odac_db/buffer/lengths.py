"""Operations that are longer than a server reads at once: neither they nor their dead letters
would ever get in. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from odac_db.buffer.ledger import payload_of
from odac_db.buffer.shapes import Shape, Values
from odac_db.dialects.buffering import Accepts

_MOST = 8
"""Bytes of SQL that one character, or byte, of a value may take as part of a dead letter."""
_SPARE = 16_384
_SHORT = frozenset({"boolean", "date", "datetime", "decimal", "float", "integer", "interval"})
_UUID = 100


def may_be_too_long(columns: Iterable[Accepts], longest: int | None) -> bool:
    """Whether a row of such columns may be; otherwise none has to be looked at."""
    if longest is None:
        return False
    total = _SPARE
    for accepts in columns:
        if accepts.kind in _SHORT or accepts.kind in ("time", "uuid", "enum"):
            total += _UUID * _MOST
        elif accepts.length is None:
            return True
        else:
            total += accepts.length * _MOST
    return total > longest


def too_long(shape: Shape, values: Values, longest: int) -> str:
    """What the operation would take more than the server reads; empty if it does not."""
    size = sum(len(value) for value in values if isinstance(value, (str, bytes)))
    if size * _MOST + _SPARE <= longest:
        return ""
    letter = payload_of(shape, values)
    escapes = sum(letter.count(each) for each in ('"', "\\", "'"))
    doubled = sum(2 * len(value) for value in values if isinstance(value, bytes))
    needed = len(letter) + escapes + doubled + _SPARE
    if needed <= longest:
        return ""
    return (
        f"it takes {needed:,} bytes of SQL, and the server reads {longest:,} at once: "
        "make max_allowed_packet larger"
    )
