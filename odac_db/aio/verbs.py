"""Migrations of an ``AsyncDatabase``: those of ``Database``, in a thread.

They are long and busy, and take a driver's plainest way; an event loop would stand still.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from odac_db.aio.asking import asked
from odac_db.database import ONLINE, Database, unheard
from odac_db.schema.online import Online
from odac_db.schema.plan import Plan, Progress, Report

if TYPE_CHECKING:
    from odac_db.migrate.files.rollback import RolledBack
    from odac_db.migrate.ledger import HistoryEntry
    from odac_db.migrate.orphans.restore import OrphanRun, RestoreResult
    from odac_db.migrate.pull import PullResult
    from odac_db.schema.model import Schema

Value = TypeVar("Value")


class AsyncStructure:
    """As ``Structure``; each access is awaited: ``await db.schema.live``."""

    def __init__(self, verbs: AsyncVerbs) -> None:
        self._verbs = verbs

    @property
    def declared(self) -> Awaitable[Schema]:
        """What the schema files or models say."""
        return self._verbs._aside(lambda: self._verbs._behind.schema.declared)

    @property
    def live(self) -> Awaitable[Schema]:
        """What the database holds."""
        return self._verbs._aside(lambda: self._verbs._behind.schema.live)


class AsyncVerbs:
    """What ``Database`` does to structures. A task that is cancelled does not end its thread."""

    name: str
    report: Report | None
    _inner: Database
    _behind: Database

    @property
    def schema(self) -> AsyncStructure:
        """As ``Database.schema``: ``await db.schema.declared``, ``await db.schema.live``."""
        return AsyncStructure(self)

    async def plan(
        self, *, allow: Collection[str] = (), prune: bool = False, online: Online = ONLINE
    ) -> Plan:
        """As ``Database.plan``."""
        return await self._aside(self._behind.plan, allow=allow, prune=prune, online=online)

    async def migrate(
        self,
        *,
        plan: str | Path | Plan | None = None,
        allow: Collection[str] = (),
        prune: bool = False,
        strict: bool = False,
        lock_timeout: float = 60.0,
        online: Online = ONLINE,
        progress: Callable[[Progress], None] = unheard,
    ) -> Report:
        """As ``Database.migrate``; ``progress`` is called in the thread that migrates.

        When the task is cancelled the thread goes on to the end of the migration.
        """
        return await self._aside(
            self._behind.migrate,
            plan=plan,
            allow=allow,
            prune=prune,
            strict=strict,
            lock_timeout=lock_timeout,
            online=online,
            progress=progress,
        )

    async def rollback(self, *, lock_timeout: float = 60.0) -> RolledBack:
        """As ``Database.rollback``."""
        return await self._aside(self._behind.rollback, lock_timeout=lock_timeout)

    async def pull(self, directory: str | Path, *, force: bool = False) -> PullResult:
        """As ``Database.pull``."""
        return await self._aside(self._behind.pull, directory, force=force)

    async def history(self) -> tuple[HistoryEntry, ...]:
        """As ``Database.history``."""
        return await self._aside(self._behind.history)

    async def plan_back(self, run: str, *, allow: Collection[str] = ()) -> Plan:
        """As ``Database.plan_back``."""
        return await self._aside(self._behind.plan_back, run, allow=allow)

    async def migrate_back(
        self, run: str, *, allow: Collection[str] = (), lock_timeout: float = 60.0
    ) -> Report:
        """As ``Database.migrate_back``."""
        call = self._behind.migrate_back
        return await self._aside(call, run, allow=allow, lock_timeout=lock_timeout)

    async def orphan_runs(self) -> tuple[OrphanRun, ...]:
        """As ``Database.orphan_runs``."""
        return await self._aside(self._behind.orphan_runs)

    async def restore_orphans(self, run: str, *, constraint: str | None = None) -> RestoreResult:
        """As ``Database.restore_orphans``."""
        return await self._aside(self._behind.restore_orphans, run, constraint=constraint)

    async def _aside(self, call: Callable[..., Value], *given: Any, **named: Any) -> Value:
        """In a thread; on the one connection that there is to a SQLite database in memory."""
        if self._behind is self._inner:
            return await asked(call, *given, **named)
        return await asyncio.to_thread(call, *given, **named)
