"""Days, times, instants and spans of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import BigInteger, Date, DateTime, Interval, Time
from sqlalchemy.types import TypeEngine

from odac_db.dialects.values.checked import Checked


class Day(Checked):
    """``date``."""

    expected = "days (datetime.date)"

    def wired(self) -> TypeEngine[Any]:
        return Date()

    def accepted(self, value: Any) -> date:
        if isinstance(value, date) and not isinstance(value, datetime):
            return value
        raise self.refused(value)


class Clock(Checked):
    """``time``, without a zone."""

    expected = "times of day without a zone (datetime.time)"

    def wired(self) -> TypeEngine[Any]:
        return Time()

    def accepted(self, value: Any) -> time:
        if isinstance(value, time) and value.tzinfo is None:
            return value
        raise self.refused(value)


class Instant(Checked):
    """``datetime`` with a zone; comes back in UTC. ``zoned``: the server keeps instants.

    Where it does not, UTC is what is kept.
    """

    expected = "a datetime with a zone, such as datetime.now(UTC)"

    def __init__(self, place: str, *, zoned: bool, wire: TypeEngine[Any] | None = None) -> None:
        self.zoned = zoned
        super().__init__(place, wire)

    def wired(self) -> TypeEngine[Any]:
        return DateTime(timezone=self.zoned)

    def accepted(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            raise self.refused(value)
        if value.tzinfo is None:
            raise self.refused(value, " without one")
        try:
            value = value.astimezone(UTC)
        except OverflowError:
            raise self.refused(value, " that is no year of UTC") from None
        return value if self.zoned else value.replace(tzinfo=None)

    def returned(self, value: Any) -> Any:
        if not isinstance(value, datetime):
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Span(Checked):
    """``timedelta``."""

    expected = "spans of time (datetime.timedelta)"

    def wired(self) -> TypeEngine[Any]:
        return Interval()

    def accepted(self, value: Any) -> Any:
        if isinstance(value, timedelta):
            return value
        raise self.refused(value)


class Microseconds(Span):
    """``timedelta``, kept as a number of microseconds."""

    def wired(self) -> TypeEngine[Any]:
        return BigInteger()

    def accepted(self, value: Any) -> int:
        span: timedelta = super().accepted(value)
        return span // timedelta(microseconds=1)

    def returned(self, value: Any) -> timedelta:
        return timedelta(microseconds=int(value))
