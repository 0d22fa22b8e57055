"""What a PostgreSQL server, in its version, can and cannot do."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from odac_db.dialects.base import Features
from odac_db.errors import UnsupportedServer

OLDEST = 12
_QUESTION = """SELECT current_setting('server_version_num')::int, current_setting('server_version'),
current_setting('max_identifier_length')::int, current_schema()::text, version(),
current_setting('max_locks_per_transaction')::int * (current_setting('max_connections')::int
+ current_setting('max_prepared_transactions')::int)"""
_SHARE = 0.7  # of the lock table, which every session of the server has to share


@dataclass(frozen=True, kw_only=True)
class PostgreSQLFeatures(Features):
    """``Features`` and what only this dialect asks."""

    @property
    def any_scale(self) -> bool:
        """numeric(3, 5) and numeric(3, -2): release notes of PostgreSQL 15."""
        return self.version >= (15,)

    @property
    def major(self) -> int:
        return self.version[0]

    @property
    def nulls_not_distinct(self) -> bool:
        return self.major >= 15

    @property
    def set_columns(self) -> bool:
        """ON DELETE SET NULL (columns)."""
        return self.major >= 15

    @property
    def drop_expression(self) -> bool:
        """A stored computed column can become a plain one in place."""
        return self.major >= 13

    @property
    def virtual_columns(self) -> bool:
        return self.major >= 18

    @property
    def not_enforced(self) -> bool:
        """CHECK and FOREIGN KEY ... NOT ENFORCED; also the release of NOT NULL constraints."""
        return self.major >= 18


def features(connection: Connection) -> PostgreSQLFeatures:
    """What the server behind the connection is, in one statement.

    Raises UnsupportedServer below PostgreSQL 12, for servers that only speak its protocol,
    and where ``search_path`` names no existing schema, so that no tables are ours to manage.
    """
    number, text, limit, namespace, banner, locks = connection.exec_driver_sql(_QUESTION).one()
    if not banner.startswith("PostgreSQL "):
        raise UnsupportedServer(f"{banner} is not PostgreSQL: use PostgreSQL {OLDEST} or newer")
    label = f"PostgreSQL {text.split(' ')[0]}"
    if number < OLDEST * 10000:
        raise UnsupportedServer(f"{label} is not supported: use PostgreSQL {OLDEST} or newer")
    if namespace is None:
        raise UnsupportedServer(
            f"{label}: search_path names no existing schema; create it, or set search_path "
            "for this role, for example with ALTER ROLE ... SET search_path = public"
        )
    return PostgreSQLFeatures(
        name="postgresql",
        label=label,
        version=(number // 10000, number % 10000),
        namespace=namespace,
        identifier_limit=limit,
        identifier_limit_in_bytes=True,
        transactional_ddl=True,
        alters_in_place=True,
        foreign_keys_need_index=False,
        enum_types=True,
        named_primary_keys=True,
        unique_constraints=True,
        comments=True,
        lock_budget=int(locks * _SHARE),
        renames_constraints=frozenset(
            {"primary_key", "index", "unique", "foreign_key", "check", "exclusion"}
        ),
    )
