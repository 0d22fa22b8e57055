"""What is wrong with a query or a value, found before the database is asked."""

from __future__ import annotations

from odac_db.errors.base import OdacDbError


class QueryRefused(OdacDbError):
    """A query cannot mean what it says, or a value does not fit its column.

    Nothing was sent to the database. The message says what to write instead.
    """


class UnknownName(QueryRefused, AttributeError):
    """There is no such table, column or operator. ``name`` is the one asked for.

    ``meant`` is the nearest one there is, or None. It is an AttributeError too, so that
    ``hasattr`` and ``getattr`` with a default work as everywhere.
    """

    def __init__(self, what: str, name: str, meant: str | None = None) -> None:
        self.what = what
        self.meant = meant
        QueryRefused.__init__(self, what, name, meant)
        self.name = name

    def __reduce__(self) -> tuple[object, ...]:
        return (UnknownName, (self.what, self.name, self.meant))

    def __str__(self) -> str:
        nearest = f"; did you mean {self.meant!r}?" if self.meant is not None else ""
        return f"{self.what} {self.name!r}{nearest}"
