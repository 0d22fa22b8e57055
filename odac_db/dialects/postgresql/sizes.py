"""How large tables are, without counting."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.base import Size
from odac_db.dialects.postgresql.catalog_json import OWN_SCHEMA
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import literal
from odac_db.dialects.postgresql.reading import run

# pg_relation_size waits for whoever has the table locked against readers.
_BYTES = """CASE WHEN oid IN (SELECT relation FROM pg_locks WHERE mode = 'AccessExclusiveLock')
THEN relpages::bigint * current_setting('block_size')::bigint ELSE pg_relation_size(oid) END"""


def sizes(
    connection: Connection,
    tables: Collection[str],
    features: PostgreSQLFeatures,
) -> Mapping[str, Size]:
    """Rows as of the last ANALYZE (0 for none), and the bytes of the rows as of this moment.

    Of a table that is locked against readers the bytes, too, are as of the last ANALYZE.
    """
    if not tables:
        return {}
    names = ", ".join(map(literal, sorted(tables)))
    rows: Sequence[Any] = run(
        connection,
        "SELECT relname::text, greatest(reltuples, 0)::bigint, "
        f"{_BYTES}"
        f" FROM pg_class WHERE relnamespace = {OWN_SCHEMA} AND relname IN ({names})",
    ).all()
    return {str(name): Size(int(count), int(size)) for name, count, size in rows}
