"""Which data migrations a database has had: ``_odac_files``."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from odac_db.dialects.own_tables import ON_MYSQL
from odac_db.migrate.bookkeeping import exists, metadata
from odac_db.schema.files.migrations import MigrationFile

FILES = sa.Table(
    "_odac_files",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("checksum", sa.String(32), nullable=False),
    # The migrates that applied files are numbered; a rollback takes the last one back.
    sa.Column("batch", sa.Integer, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("applied_at", sa.String(32), nullable=False),
    **ON_MYSQL,
)


class AppliedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A data migration that was applied: when (UTC), in which batch, as which of all."""

    name: str
    checksum: str
    batch: int
    position: int
    applied_at: datetime


def applied_files(conn: Connection) -> tuple[AppliedFile, ...]:
    """Those that were applied and not rolled back, in the order they were applied."""
    if not exists(conn, FILES):
        return ()
    rows = conn.execute(sa.select(FILES).order_by(FILES.c.position))
    return tuple(
        AppliedFile(
            name=row.name,
            checksum=row.checksum,
            batch=row.batch,
            position=row.position,
            applied_at=datetime.fromisoformat(row.applied_at),
        )
        for row in rows
    )


def is_applied(conn: Connection, name: str) -> bool:
    """Whether the file of that name was applied."""
    return conn.execute(sa.select(FILES.c.name).where(FILES.c.name == name)).first() is not None


def note(conn: Connection, file: MigrationFile, batch: int) -> AppliedFile:
    """Writes that a file is applied, in the file's own transaction."""
    last = conn.execute(sa.select(sa.func.max(FILES.c.position))).scalar()
    done = AppliedFile(
        name=file.name,
        checksum=file.checksum,
        batch=batch,
        position=(last or 0) + 1,
        applied_at=datetime.now(UTC),
    )
    when = done.applied_at.isoformat(timespec="microseconds")
    conn.execute(sa.insert(FILES).values(msgspec.structs.asdict(done) | {"applied_at": when}))
    return done


def forget(conn: Connection, name: str) -> None:
    """Writes that a file is rolled back."""
    conn.execute(sa.delete(FILES).where(FILES.c.name == name))
