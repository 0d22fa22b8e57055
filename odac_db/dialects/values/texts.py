"""Texts, and the values of enums."""

from __future__ import annotations

import enum
from collections.abc import Collection
from typing import Any

from sqlalchemy import String
from sqlalchemy.types import TypeEngine

from odac_db.dialects.values.checked import COMPARISONS, Checked
from odac_db.errors import QueryRefused


class Words(Checked):
    """Texts, as ``str``. ``padded``: blanks at the end are no part of a CHAR."""

    expected = "texts (str)"

    def __init__(
        self, place: str, wire: TypeEngine[Any] | None = None, *, padded: bool = False
    ) -> None:
        super().__init__(place, wire)
        self.padded = padded

    def wired(self) -> TypeEngine[Any]:
        return String()

    def accepted(self, value: Any) -> str:
        if isinstance(value, enum.Enum) and isinstance(value.value, str):
            value = value.value
        if not isinstance(value, str):
            raise self.refused(value)
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise self.refused(value, " with half a character in it") from None
        return value.rstrip(" ") if self.padded else str(value)

    def returned(self, value: Any) -> Any:
        return value.rstrip(" ") if self.padded and isinstance(value, str) else value


class Choice(Words):
    """The values of an enum, as ``str``."""

    def __init__(
        self, place: str, values: Collection[str], wire: TypeEngine[Any] | None = None
    ) -> None:
        super().__init__(place, wire)
        self.values = tuple(values)

    def accepted(self, value: Any) -> str:
        text = super().accepted(value)
        if text not in self.values:
            known = ", ".join(map(repr, self.values))
            raise QueryRefused(f"{self.place} is one of {known}, not {text!r}")
        return text

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        """A pattern is no value of the enum."""
        return self if op in COMPARISONS else String().coerce_compared_value(op, value)
