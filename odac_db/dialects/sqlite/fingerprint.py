"""A hash of the catalog. SQLite's schema is text: all of it is in ``sqlite_master``."""

from __future__ import annotations

import msgspec
import xxhash
from sqlalchemy import Connection

from odac_db.dialects.base import Fingerprint

# The counter behind PRAGMA schema_version can be set back; the texts tell for sure.
_TEXTS = """SELECT type, name, tbl_name, sql FROM main.sqlite_master
WHERE sql IS NOT NULL AND substr(name, 1, 7) <> 'sqlite_'
AND (lower(substr(tbl_name, 1, 6)) <> '_odac_' OR name = '_odac_state')
UNION ALL SELECT 'version', sqlite_version(), '', ''"""


def fingerprint(conn: Connection) -> Fingerprint:
    """The hash, in one statement."""
    rows = sorted(tuple(row) for row in conn.exec_driver_sql(_TEXTS))
    kept = [row for row in rows if row[1] != "_odac_state"]
    value = xxhash.xxh3_128_hexdigest(msgspec.msgpack.encode(kept))
    return Fingerprint(value=value, ledger=len(kept) < len(rows))
