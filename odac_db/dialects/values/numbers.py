"""Numbers and truths."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Boolean, Double, Numeric
from sqlalchemy.types import TypeEngine

from odac_db.dialects.values.checked import Checked


class Whole(Checked):
    """Whole numbers, as ``int``. ``unsigned``: the server's own, up to twice as large."""

    expected = "whole numbers (int)"

    def __init__(
        self, place: str, wire: TypeEngine[Any] | None = None, *, unsigned: bool = False
    ) -> None:
        super().__init__(place, wire)
        self.unsigned = unsigned

    def wired(self) -> TypeEngine[Any]:
        return BigInteger()

    def accepted(self, value: Any) -> int:
        is_whole = isinstance(value, int) or (
            isinstance(value, float | Decimal) and math.isfinite(value) and value == value // 1
        )
        if not is_whole:
            raise self.refused(value)
        if not -(2**63) <= value < (2**64 if self.unsigned else 2**63):
            raise self.refused(value, " of more than 64 bits")
        return int(value)

    def returned(self, value: Any) -> Any:
        """A SUM may come as another kind of number; SQLite may hold anything."""
        return int(value) if isinstance(value, bool | Decimal | float) else value


class Truth(Checked):
    """``bool``."""

    expected = "True or False"

    def wired(self) -> TypeEngine[Any]:
        return Boolean(create_constraint=False)

    def accepted(self, value: Any) -> bool:
        if isinstance(value, int) and value in (0, 1):
            return bool(value)
        raise self.refused(value)


class Real(Checked):
    """Floating point numbers, as ``float``."""

    expected = "numbers (float)"

    def wired(self) -> TypeEngine[Any]:
        return Double()

    def accepted(self, value: Any) -> float:
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            return float(value)
        raise self.refused(value)

    def returned(self, value: Any) -> Any:
        return float(value) if isinstance(value, int | Decimal) else value


class Exact(Checked):
    """Decimal numbers, as ``Decimal``."""

    expected = "decimal numbers (Decimal, int)"

    def wired(self) -> TypeEngine[Any]:
        return Numeric(asdecimal=True)

    def accepted(self, value: Any) -> Any:
        return self.decimal(value)

    def decimal(self, value: Any) -> Decimal:
        """A float is the number it is printed as."""
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise self.refused(value)
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not number.is_finite():
            raise self.refused(value, " that is infinite or no number")
        return number

    def returned(self, value: Any) -> Decimal:
        return value if isinstance(value, Decimal) else Decimal(str(value))
