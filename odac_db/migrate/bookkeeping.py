"""The ``_odac_`` tables: odac-db's own, made when first needed, never by a plan.

Times are UTC without a zone, because not every server has a type with one.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    inspect,
)

__all__ = [
    "ANY_TEXT",
    "LONG_TEXT",
    "ON_MYSQL",
    "ORPHANS",
    "ROW_NUMBER",
    "ensure",
    "exists",
    "metadata",
]

metadata = MetaData()

# SQLite numbers rows by itself only where the type is spelt INTEGER.
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

# MySQL's TEXT ends at 64 kB and a copied row may not; this length is spelt LONGTEXT.
LONG_TEXT = Text().with_variant(Text(2**32 - 1), "mysql", "mariadb")

# MySQL's own default may be a character set that lacks what a name holds.
ANY_TEXT = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
}

# Whatever the database's own: names and summaries are any Unicode, and compare exactly.
ON_MYSQL: dict[str, Any] = {
    **ANY_TEXT,
    "mysql_engine": "InnoDB",
    "mariadb_engine": "InnoDB",
}

ORPHANS = Table(
    "_odac_orphans",
    metadata,
    Column("id", ROW_NUMBER, primary_key=True),
    Column("run", String(64), nullable=False, index=True),
    Column("table_name", String(255), nullable=False),
    # The key that is being added, for whose sake the row was touched.
    Column("constraint_name", String(255), nullable=False),
    # The existing key that carried the change to this row; NULL for the orphan itself.
    Column("via", String(255)),
    Column("action", String(16), nullable=False),  # delete, nullify, default
    Column("columns", LONG_TEXT, nullable=False),  # JSON list: what nullify and default set
    Column("row_key", LONG_TEXT, nullable=False),  # JSON: the primary key, or {} for none
    Column("row_values", LONG_TEXT, nullable=False),  # JSON: the whole row as it was
    Column("cleaned_at", DateTime, nullable=False),
    Column("restored_at", DateTime),
    **ON_MYSQL,
)


def exists(conn: Connection, table: Table) -> bool:
    """Whether that bookkeeping table has been made."""
    return inspect(conn).has_table(table.name)


def ensure(conn: Connection, table: Table) -> None:
    """Make that bookkeeping table if it is not there. Call it outside data transactions.

    MySQL and MariaDB commit what is open when a table is made.
    """
    metadata.create_all(conn, tables=[table], checkfirst=True)
