"""What a migrate is given: where its declarations come from, and what it may do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from odac_db.migrate.apply import Listener
from odac_db.schema.declaration import Declarations
from odac_db.schema.files.migrations import MigrationFile
from odac_db.schema.online import Online
from odac_db.schema.plan_file import SavedPlan

__all__ = ["Leave", "Source"]

Settle = Callable[[Collection[str] | None], None]


class Source(Protocol):
    """Where declarations come from. ``digest`` is cheap and empty where there is none."""

    def digest(self) -> str: ...
    def migrations(self) -> Sequence[MigrationFile]: ...
    def read(self) -> Declarations: ...


@dataclass(frozen=True, kw_only=True)
class Leave:
    """What the caller asks for beside the declarations; see ``plan.Request``.

    With ``approved`` exactly that plan is carried out, or none. ``settle`` is told which tables
    are going to change (None: any may) before the lock is taken, and may write to them.
    """

    allow: Collection[str] = ()
    prune: bool = False
    lock_timeout: float = 60.0
    online: Online = field(default_factory=Online)
    listener: Listener = lambda _: None
    approved: SavedPlan | None = None
    settle: Settle = lambda _: None
