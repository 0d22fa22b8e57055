"""A live database written as schema files."""

from __future__ import annotations

from pathlib import Path

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.base import Dialect
from odac_db.migrate.dangling import declarable, unsupported
from odac_db.schema.files.write import write_folder
from odac_db.schema.model import Unsupported


class PullResult(msgspec.Struct, frozen=True, kw_only=True):
    """The files written and left as they were, and what no file can hold."""

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()


def pull(conn: Connection, dialect: Dialect, directory: Path, *, force: bool) -> PullResult:
    """One file per table; planning them against the same database finds nothing to do.

    All or nothing is written: PullRefused lists the files in the way unless ``force``.
    """
    features = dialect.features(conn)
    live = dialect.introspect(conn, features, None)
    exact = dialect.introspect(conn, features, live.tables)
    files = write_folder(dialect.declare(declarable(exact), features), directory, force=force)
    return PullResult(
        written=tuple(map(str, files.written)),
        unchanged=tuple(map(str, files.unchanged)),
        unsupported=unsupported(live),
    )
