"""Declared seed values and stored ones: what is bound, and when two of them are the same.

Stored values are read as the dialect copies whole rows: as the driver gives them, or as the
server's text where the dialect reads text (PostgreSQL). Both are brought to one Python
value per portable type. Where the type is the server's own, the server is asked what its
text for the declared value would be.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import BindParameter, Date, DateTime, Time, bindparam
from sqlalchemy.types import TypeEngine

from odac_db.migrate.seeds.kinds import KINDS, json_text, microseconds, sendable, text_of
from odac_db.migrate.selectables import Raw
from odac_db.schema.declaration import ColumnDeclaration
from odac_db.schema.model import Column

__all__ = ["SeedColumn"]

_JSON = ("json", "jsonb")


@dataclass(frozen=True, kw_only=True)
class SeedColumn:
    """One column of a seeded table. ``type`` is its declared name, lower-case.

    ``expression`` is how it is read, ``is_text`` whether that is the server's text of it.
    """

    type: str
    column: Column
    declared: ColumnDeclaration
    expression: str
    is_text: bool

    @property
    def asks_server(self) -> bool:
        """Whether only the server can say how it spells a value."""
        return self.is_text and self._kind is None and self.type not in _JSON

    @property
    def _kind(self) -> Callable[[Any, ColumnDeclaration], Any] | None:
        if self.type == "interval" and self.column.type.startswith("interval"):
            return None
        return KINDS.get(self.type)

    def canonical(self, value: Any) -> Any:
        """The one Python value for a declared or stored one; None stays None.

        Raises ValueError, TypeError or ArithmeticError for what the type cannot hold.
        """
        if value is None or self._kind is None:
            return value
        return self._kind(value, self.declared)

    def bound(self, value: Any, name: str | None = None) -> BindParameter[Any]:
        """A declared value as it is sent to the server; ``canonical`` has accepted it."""
        stored = self.canonical(value)
        kind: TypeEngine[Any] = Raw()
        if self.type in _JSON and value is not None:
            stored = json_text(value)
        elif isinstance(stored, list):
            stored = _array_text(stored)
        elif self.type == "interval" and isinstance(stored, (int, timedelta)) and self.is_text:
            stored = f"{microseconds(stored, self.declared)} microseconds"
        elif self.type in ("datetime", "timestamp") and stored is not None:
            # Where the server keeps no zone, UTC is meant.
            aware = "with time zone" in self.column.type
            # As text it is spelt as the server's clock spells it, where it is kept as text.
            stored = stored.replace(tzinfo=UTC) if aware else stored.isoformat(" ")
            kind = DateTime(timezone=True) if aware else kind
        elif self.type in ("date", "time") and stored is not None:
            kind = Date() if self.type == "date" else Time()
        else:
            stored = sendable(stored)
        return bindparam(name, stored, type_=kind)

    def same(self, declared: Any, stored: Any) -> bool:
        """Whether a stored value is what was declared."""
        if declared is None or stored is None:
            return declared is None and stored is None
        try:
            if self.type in _JSON:
                return _same_json(json.loads(json_text(declared)), json.loads(stored))
            if self._kind is None:
                return _same_class(declared, stored)
            if self.type == "decimal" and isinstance(stored, float):  # SQLite keeps 15 digits
                return float(self.canonical(declared)) == stored
            return _equal(self.canonical(declared), self.canonical(stored))
        except (ValueError, TypeError, ArithmeticError):
            return False


def _array_text(values: list[Any]) -> str:
    """A list in the input syntax of PostgreSQL's arrays."""

    def element(value: Any) -> str:
        if isinstance(value, list):
            return _array_text(value)
        if value is None:
            return "NULL"
        escaped = text_of(value).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    return "{" + ",".join(map(element, values)) + "}"


def _same_json(one: Any, other: Any) -> bool:
    """Equality of JSON values: 1 is 1.0, but true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same_json(one[k], other[k]) for k in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same_json, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    return bool(one == other)


def _same_class(declared: Any, stored: Any) -> bool:
    """For the server's own types: the declared value as one of the stored one's class."""
    if isinstance(stored, str):
        return str(sendable(declared)) == stored
    if isinstance(stored, bytes):
        return declared == stored or (isinstance(declared, str) and declared.encode() == stored)
    try:
        if isinstance(stored, (int, float, Decimal)):
            return Decimal(str(_number(declared))) == Decimal(str(stored))
        if isinstance(stored, datetime):
            return datetime.fromisoformat(str(declared)).replace(tzinfo=None) == stored
        if isinstance(stored, date):
            return date.fromisoformat(str(declared)) == stored
    except (ValueError, ArithmeticError):
        return False
    return bool(declared == stored)


def _number(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value
