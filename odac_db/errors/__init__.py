"""Every exception odac-db raises on purpose.

    OdacDbError
    ├── DeclarationError        the schema files are wrong: fix them
    ├── UnsupportedServer       the server or its version is not one we know
    ├── ConnectionFailed        the server cannot be reached or refuses us
    ├── ServerRefused           the server will not let us read, or keep our books
    ├── LockNotAcquired         another process is migrating and did not finish in time
    ├── TableBusy               others kept a table locked: see who, and try again
    ├── LedgerIsNewer           the database was migrated by a newer odac-db
    ├── PlanRefused             something moved since the plan was saved: plan again
    ├── MigrationFailed         the server refused a statement
    ├── ConstraintSetupError    the rows refuse a declared change: mend them
    ├── VerificationFailed      the server accepted a statement and stored something else
    ├── PullRefused             files exist that a pull would overwrite
    ├── ReverseRefused          a run cannot be taken back
    ├── SeedError               a seed row cannot be written
    ├── MigrationFilesChanged   data migrations are not as they were applied: put them back
    ├── MigrationFileFailed     a data migration failed: mend it
    ├── RollbackRefused         a data migration cannot be taken back
    ├── ConstraintViolation     a constraint refused rows: tell the user, or choose other values
    ├── RetryExhausted          others got in the way each time: try later
    ├── OutcomeUnknown          the connection broke at COMMIT: look whether it is done
    ├── CacheUnavailable        the cache is away, and nothing may be done without it
    ├── OnCommitFailed          it is committed, and a callback failed: do not run it again
    ├── QueryRefused            a query or a value is wrong: fix the code
    │   └── UnknownName         there is no such table, column or operator
    ├── BufferRefused           the buffer cannot keep its promise here: see what it lacks
    ├── RowRefused              a row cannot be what its table takes: mend the values
    ├── BufferedRowRefused      the server refused what was waited for: see its dead letters
    ├── KeyReused               an idempotency key was used for something else: give it its own
    ├── BufferFull              the buffer holds all it may: slow down
    ├── JournalFailed           the disk refused the journal: mend the disk
    └── LossDetected            operations are gone from journal and database: say so to people

Facts are attributes, messages are built here, the driver's exception is kept as
``__cause__``, and a password never appears in any of them.
"""

from __future__ import annotations

from odac_db.errors.base import (
    OdacDbError,
    Problem,
)
from odac_db.errors.buffer import (
    BufferedRowRefused,
    BufferFull,
    BufferRefused,
    JournalFailed,
    KeyReused,
    LossDetected,
    RowRefused,
)
from odac_db.errors.cache import CacheUnavailable
from odac_db.errors.files import (
    MigrationFileFailed,
    MigrationFilesChanged,
    RollbackRefused,
)
from odac_db.errors.migration import (
    ConnectionFailed,
    ConstraintSetupError,
    DeclarationError,
    LedgerIsNewer,
    LockNotAcquired,
    MigrationFailed,
    PlanRefused,
    PullRefused,
    ReverseRefused,
    SeedError,
    ServerRefused,
    TableBusy,
    UnsupportedServer,
    VerificationFailed,
)
from odac_db.errors.query import QueryRefused, UnknownName
from odac_db.errors.transactions import (
    ConstraintViolation,
    OnCommitFailed,
    OutcomeUnknown,
    RetryExhausted,
)
from odac_db.errors.transactions import (
    ViolationKind as ViolationKind,
)

__all__ = [
    "BufferFull",
    "BufferRefused",
    "BufferedRowRefused",
    "CacheUnavailable",
    "ConnectionFailed",
    "ConstraintSetupError",
    "ConstraintViolation",
    "DeclarationError",
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
    "OutcomeUnknown",
    "PlanRefused",
    "Problem",
    "PullRefused",
    "QueryRefused",
    "RetryExhausted",
    "ReverseRefused",
    "RollbackRefused",
    "RowRefused",
    "SeedError",
    "ServerRefused",
    "TableBusy",
    "UnknownName",
    "UnsupportedServer",
    "VerificationFailed",
]
