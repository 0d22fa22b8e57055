"""``db.cache`` of an ``AsyncDatabase``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odac_db.aio.asking import asked

if TYPE_CHECKING:
    from odac_db.cache.settings import CacheStats
    from odac_db.cached import CacheControl


class AsyncCacheControl:
    """The cache of one database: ``db.cache``. Without a cache nothing here does anything."""

    def __init__(self, control: CacheControl) -> None:
        self._control = control

    async def clear(self, *tables: str) -> None:
        """Forgets what was read from these tables, or everything, in all processes.

        From what is no table and no view nothing was read. Raises CacheUnavailable.
        """
        await asked(self._control.clear, *tables)

    async def touch(self, *tables: str) -> None:
        """Says that tables were changed by somebody who does not use this cache.

        Call it after their commit. Raises UnknownName for what is no table and no view, and
        CacheUnavailable; then nothing is forgotten.
        """
        await asked(self._control.touch, *tables)

    def stats(self) -> CacheStats:
        """What the cache did in this process since the database was opened."""
        return self._control.stats()
