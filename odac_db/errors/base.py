"""The root of all errors, and what is wrong with a declaration."""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, order=True):
    """One fault in a declaration, and where it stands.

    ``line`` and ``column`` count from 1; 0 means that the source has no lines
    (SQLAlchemy metadata).
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{where}: {self.message}"


class OdacDbError(Exception):
    """The root of every error odac-db raises on purpose."""
