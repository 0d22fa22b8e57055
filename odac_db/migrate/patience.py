"""Waiting for tables in use: for moments at a time, and again later.

Whoever waits for a table's lock holds up everybody who comes after, readers too. So no
wait is longer than ``Online.table_lock_timeout``; in between the others have their turn.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import OdacDbError, TableBusy

T = TypeVar("T")

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
FURTHER = 0.5
"""How long a transaction that holds locks waits for further ones, all taken together.

Less than the second after which PostgreSQL looks for a deadlock: one with the application
is given up here, and the application's transaction is never the one to be cancelled.
"""


@dataclass(frozen=True, kw_only=True)
class Attempts:
    """Something that may find a table in use, tried until it does not.

    ``table`` tells which one was waited for last, ``told`` is called with who has it before
    each pause, ``undone`` says whether a failed attempt leaves nothing behind. ``patience``
    is in seconds, for all attempts.
    """

    conn: Connection
    dialect: Dialect
    features: Features
    patience: float
    table: Callable[[], str]
    told: Callable[[tuple[str, ...]], None]
    undone: Callable[[], bool]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def until_done(self, attempt: Callable[[], T]) -> T:
        """What ``attempt`` returns. A failed attempt must have undone what it did.

        Raises TableBusy when the locks cannot be had in time, and what else it raises.
        """
        started, pause, tries = self.clock(), FIRST_PAUSE, 1
        while True:
            try:
                return attempt()
            except (DBAPIError, OdacDbError) as error:
                if not self._is_busy(error):
                    raise
                holders = self.dialect.locking.holders(self.conn, self.table(), self.features)
                waited = self.clock() - started
                if waited >= self.patience:
                    raise TableBusy(
                        self.table(), waited, tries, holders, undone=self.undone()
                    ) from error
            self.told(holders)
            # Jitter: not in step with whatever keeps coming back to the table.
            rest = self.patience - waited
            self.sleep(min(pause * random.uniform(0.5, 1.5), rest))  # noqa: S311
            pause, tries = min(pause * 2, LONGEST_PAUSE), tries + 1

    def _is_busy(self, error: BaseException | None) -> bool:
        while error is not None:
            if isinstance(error, DBAPIError) and error.orig is not None:
                return self.dialect.locking.is_busy(error.orig)
            error = error.__cause__
        return False
