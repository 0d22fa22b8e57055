"""What one look at a database finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect, Features, Fingerprint
from odac_db.migrate.leave import Leave
from odac_db.migrate.ledger import Ledger
from odac_db.migrate.plan import Draft
from odac_db.migrate.reconcile import Known
from odac_db.schema.declaration import Declarations
from odac_db.schema.files.migrations import MigrationFile
from odac_db.schema.model import Schema
from odac_db.schema.plan import Plan


@dataclass(frozen=True, kw_only=True)
class Look:
    """One look at a database: what it holds, what is remembered, what there is to do.

    ``draft`` is None where the ledger vouches that nothing is; then ``live`` was not read.
    """

    ledger: Ledger
    fingerprint: Fingerprint
    plan: Plan
    live: Schema = field(default_factory=Schema)
    draft: Draft | None = None
    declarations: Declarations = field(default_factory=Declarations)
    known: frozenset[Known] = frozenset()
    seeds_wait: bool = False
    files: tuple[MigrationFile, ...] = ()
    expands: bool = False  # the plan is only what comes before the files


def fingerprint_of(
    conn: Connection, dialect: Dialect, features: Callable[[], Features]
) -> Fingerprint:
    """The catalog's, or none where the server would not say."""
    try:
        return dialect.fingerprint(conn)
    except DBAPIError as error:
        if error.orig is not None and dialect.failure(error.orig) is not None:
            raise  # it could not say: asking on would only wait as long again
        features()  # raises for a server that is not one we know
        return Fingerprint()


def settle(leave: Leave, look: Look | None) -> None:
    """Tells of the tables that are to change, before the lock: on SQLite nobody else could
    write under it. After no look, or before data migrations, any table may."""
    if look is None or look.files:
        leave.settle(None)
    elif pending := look.plan.of_status("pending"):
        leave.settle({name for one in pending for name in (one.table, one.name)})
