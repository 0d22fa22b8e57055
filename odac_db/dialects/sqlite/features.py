"""What the SQLite library in use can do."""

from __future__ import annotations

from sqlalchemy import Connection

from odac_db.dialects.base import Features, Version
from odac_db.errors import UnsupportedServer

OLDEST: Version = (3, 37)
"""STRICT tables and ``PRAGMA table_list`` (release notes of 3.37.0, November 2021).

All else we use is older: DROP COLUMN 3.35, generated columns 3.31, RENAME COLUMN 3.25,
upserts 3.24, table-valued pragmas 3.16.
"""


def features(conn: Connection) -> Features:
    """The features of the library behind ``conn``, from its version; one statement.

    Raises UnsupportedServer below ``OLDEST``.
    """
    text = str(conn.exec_driver_sql("SELECT sqlite_version()").scalar_one())
    version = tuple(int(part) for part in text.split("."))
    if version < OLDEST:
        raise UnsupportedServer(
            f"SQLite {text} is older than {'.'.join(map(str, OLDEST))}, the oldest odac-db "
            "works with: use a Python built with a newer one"
        )
    return Features(
        name="sqlite",
        label=f"SQLite {text}",
        version=version,
        namespace="main",
        identifier_limit=0,
        identifier_limit_in_bytes=False,
        transactional_ddl=True,
        alters_in_place=False,
        foreign_keys_need_index=False,
        enum_types=False,
        named_primary_keys=True,
        unique_constraints=True,
        comments=False,
        renames_constraints=frozenset({"index", "unique", "primary_key", "foreign_key", "check"}),
        folds_case=True,
        folds_table_case=True,
        folds_type_case=True,
        lock_ends_with_commit=True,
    )
