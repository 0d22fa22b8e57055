"""What can go wrong with the cache of reads."""

from __future__ import annotations

from odac_db.errors.base import OdacDbError


class CacheUnavailable(OdacDbError):
    """The cache's store cannot be reached, and nothing is written or cleared without it.

    Raised by a COMMIT only under ``Cache(when_away="refuse")``; the transaction is rolled back.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return (
            f"the store of the cache is away: {self.reason}; bring it back, or open the database "
            'with Cache(..., when_away="degrade")'
        )
