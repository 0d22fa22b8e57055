"""What odac-db's own tables need to be the same on every server. Pure."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, Text

__all__ = ["LONG_TEXT", "ON_MYSQL", "ROW_NUMBER"]

# SQLite numbers rows by itself only where the type is spelt INTEGER.
ROW_NUMBER = BigInteger().with_variant(Integer(), "sqlite")

# MySQL's TEXT ends at 64 kB and a copied row may not; this length is spelt LONGTEXT.
LONG_TEXT = Text().with_variant(Text(2**32 - 1), "mysql", "mariadb")

# Whatever the database's own, which may lack what a name holds: names and summaries are any
# Unicode, and compare exactly.
ON_MYSQL: dict[str, Any] = {
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_bin",
    "mysql_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_bin",
    "mariadb_engine": "InnoDB",
}
