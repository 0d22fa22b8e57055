"""The ``_odac_`` tables: odac-db's own, made when first needed, never by a plan.

Times are UTC without a zone, because not every server has a type with one.
"""

from __future__ import annotations

from sqlalchemy import Column, Connection, DateTime, MetaData, String, Table, inspect

from odac_db.dialects.own_tables import LONG_TEXT, ON_MYSQL, ROW_NUMBER

__all__ = ["ORPHANS", "ensure", "exists", "metadata"]

metadata = MetaData()

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
