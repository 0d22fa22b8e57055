"""Schema files in, a database in sync out.

The names below are all that is public; everything else may change without notice.
Nothing is imported before it is used: ``import odac_db`` costs as much as ``import sys``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from odac_db.version import VERSION

if TYPE_CHECKING:
    from odac_db.aio.buffers import AsyncBuffer, AsyncBufferedRow, AsyncBufferedTable
    from odac_db.aio.database import AsyncDatabase
    from odac_db.aio.queries import AsyncQuery
    from odac_db.aio.tables import AsyncTable
    from odac_db.aio.transactions import AsyncTransaction
    from odac_db.buffer.answers import BufferOptions, BufferStatus, FlushResult
    from odac_db.buffer.buffer import Buffer
    from odac_db.buffer.table import BufferedRow, BufferedTable
    from odac_db.cache.settings import Cache, CacheStats
    from odac_db.database import Database
    from odac_db.errors import (
        BufferedRowRefused,
        BufferFull,
        BufferRefused,
        CacheUnavailable,
        ConnectionFailed,
        ConstraintSetupError,
        ConstraintViolation,
        DeclarationError,
        JournalFailed,
        KeyReused,
        LedgerIsNewer,
        LockNotAcquired,
        LossDetected,
        MigrationFailed,
        MigrationFileFailed,
        MigrationFilesChanged,
        OdacDbError,
        OnCommitFailed,
        OutcomeUnknown,
        PlanRefused,
        PullRefused,
        QueryRefused,
        RetryExhausted,
        ReverseRefused,
        RollbackRefused,
        RowRefused,
        SeedError,
        ServerRefused,
        TableBusy,
        UnknownName,
        UnsupportedServer,
        VerificationFailed,
    )
    from odac_db.ids import nanoid
    from odac_db.query.query import Query
    from odac_db.query.rows import Row
    from odac_db.query.tables import Table
    from odac_db.schema.online import Online
    from odac_db.schema.plan import Finding, Operation, Plan, Progress, Report
    from odac_db.transactions import Transaction

__version__ = VERSION

__all__ = [
    "AsyncBuffer",
    "AsyncBufferedRow",
    "AsyncBufferedTable",
    "AsyncDatabase",
    "AsyncQuery",
    "AsyncTable",
    "AsyncTransaction",
    "Buffer",
    "BufferFull",
    "BufferOptions",
    "BufferRefused",
    "BufferStatus",
    "BufferedRow",
    "BufferedRowRefused",
    "BufferedTable",
    "Cache",
    "CacheStats",
    "CacheUnavailable",
    "ConnectionFailed",
    "ConstraintSetupError",
    "ConstraintViolation",
    "Database",
    "DeclarationError",
    "Finding",
    "FlushResult",
    "JournalFailed",
    "KeyReused",
    "LedgerIsNewer",
    "LockNotAcquired",
    "LossDetected",
    "MigrationFailed",
    "MigrationFileFailed",
    "MigrationFilesChanged",
    "OdacDbError",
    "OnCommitFailed",
    "Online",
    "Operation",
    "OutcomeUnknown",
    "Plan",
    "PlanRefused",
    "Progress",
    "PullRefused",
    "Query",
    "QueryRefused",
    "Report",
    "RetryExhausted",
    "ReverseRefused",
    "RollbackRefused",
    "Row",
    "RowRefused",
    "SeedError",
    "ServerRefused",
    "Table",
    "TableBusy",
    "Transaction",
    "UnknownName",
    "UnsupportedServer",
    "VerificationFailed",
    "nanoid",
]

_HOMES = {
    "AsyncBuffer": "odac_db.aio.buffers",
    "AsyncBufferedRow": "odac_db.aio.buffers",
    "AsyncBufferedTable": "odac_db.aio.buffers",
    "AsyncDatabase": "odac_db.aio.database",
    "AsyncQuery": "odac_db.aio.queries",
    "AsyncTable": "odac_db.aio.tables",
    "AsyncTransaction": "odac_db.aio.transactions",
    "Cache": "odac_db.cache.settings",
    "CacheStats": "odac_db.cache.settings",
    "Buffer": "odac_db.buffer.buffer",
    "BufferOptions": "odac_db.buffer.answers",
    "BufferStatus": "odac_db.buffer.answers",
    "BufferedRow": "odac_db.buffer.table",
    "BufferedTable": "odac_db.buffer.table",
    "FlushResult": "odac_db.buffer.answers",
    "Database": "odac_db.database",
    "Finding": "odac_db.schema.plan",
    "Online": "odac_db.schema.online",
    "Operation": "odac_db.schema.plan",
    "Plan": "odac_db.schema.plan",
    "Progress": "odac_db.schema.plan",
    "Query": "odac_db.query.query",
    "Report": "odac_db.schema.plan",
    "Row": "odac_db.query.rows",
    "Table": "odac_db.query.tables",
    "Transaction": "odac_db.transactions",
    "nanoid": "odac_db.ids",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES.get(name, "odac_db.errors")), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
