"""What a MySQL or MariaDB server can do, and the session odac-db works in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection

from odac_db.dialects.base import Features, Version
from odac_db.errors import ConnectionFailed, UnsupportedServer

SQL_MODE = "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO"
"""The mode every statement of ours is written for.

Strict, so that a narrowing ALTER fails instead of cutting values. NO_AUTO_VALUE_ON_ZERO, so
that a copying ALTER keeps a row whose key is 0. Without NO_ZERO_DATE, so that tables that
hold zero dates can be altered. Without ANSI_QUOTES, NO_BACKSLASH_ESCAPES and
PIPES_AS_CONCAT, which change what SQL text means.
"""

_VARIABLES = """SHOW VARIABLES WHERE Variable_name IN ('version', 'collation_database',
'lower_case_table_names', 'explicit_defaults_for_timestamp', 'character_set_collations')"""
_CHARACTER_SETS = """SELECT CHARACTER_SET_NAME, DEFAULT_COLLATE_NAME, DATABASE()
FROM information_schema.CHARACTER_SETS"""


@dataclass(frozen=True, kw_only=True)
class MySQLFeatures(Features):
    """``Features`` and what only this dialect asks.

    ``collation`` is the database's default; ``default_collations`` maps a character set to
    the collation it gets when none is named.
    """

    collation: str
    default_collations: Mapping[str, str] = field(default_factory=dict)
    explicit_timestamps: bool = True

    @property
    def mariadb(self) -> bool:
        return self.name == "mariadb"

    @property
    def default_action(self) -> str:
        """What a foreign key without ON DELETE or ON UPDATE has, in the catalog's word."""
        return "RESTRICT" if self.mariadb else "NO ACTION"

    @property
    def native_uuid(self) -> bool:
        return self.mariadb and self.version >= (10, 7)

    @property
    def descending_indexes(self) -> bool:
        return not self.mariadb or self.version >= (10, 8)

    @property
    def checks(self) -> bool:
        """MySQL parsed and forgot CHECK before 8.0.16."""
        return self.mariadb or self.version >= (8, 0, 16)

    @property
    def functional_indexes(self) -> bool:
        return not self.mariadb and self.version >= (8, 0, 13)

    @property
    def expression_defaults(self) -> bool:
        return self.mariadb or self.version >= (8, 0, 13)

    def collation_name(self, name: str) -> str:
        """A declared collation as this server spells it (utf8 is utf8mb3 since 8.0.30)."""
        name = name.lower()
        if not self.mariadb and self.version < (8, 0, 30):
            return re.sub(r"^utf8mb3_", "utf8_", name)
        return re.sub(r"^utf8_", "utf8mb3_", name)

    def default_collation(self, character_set: str) -> str | None:
        """The collation of a declared character set; None for one this server lacks."""
        name = character_set.lower()
        return self.default_collations.get(
            name,
            self.default_collations.get({"utf8": "utf8mb3", "utf8mb3": "utf8"}.get(name, name)),
        )


def features(connection: Connection) -> MySQLFeatures:
    """What this server and database can do; also sets the session's ``sql_mode``.

    Raises UnsupportedServer below MySQL 8.0 and MariaDB 10.6, ConnectionFailed where the
    connection has no current database.
    """
    variables: dict[str, str] = {
        row[0]: row[1] for row in connection.exec_driver_sql(_VARIABLES).all()
    }
    character_sets = connection.exec_driver_sql(_CHARACTER_SETS).all()
    if character_sets[0][2] is None:
        raise ConnectionFailed("the URL names no database: put its name behind the host, /name")
    connection.exec_driver_sql(f"SET SESSION sql_mode = '{SQL_MODE}'")
    version_text = variables["version"]
    collations = {row[0]: row[1] for row in character_sets}
    collations |= _configured(variables.get("character_set_collations", ""))
    return _known(version_text, str(character_sets[0][2]), variables, collations)


def _configured(pairs: str) -> dict[str, str]:
    """MariaDB's ``character_set_collations``: ``utf8mb4=utf8mb4_uca1400_ai_ci,…``."""
    return dict(pair.split("=", 1) for pair in pairs.split(",") if "=" in pair)


def _known(
    version_text: str, database: str, variables: Mapping[str, str], collations: Mapping[str, str]
) -> MySQLFeatures:
    mariadb = "mariadb" in version_text.lower()
    version = _version(version_text)
    product, oldest = ("MariaDB", (10, 6)) if mariadb else ("MySQL", (8, 0))
    number = ".".join(map(str, version))
    if version < oldest:
        raise UnsupportedServer(
            f"{product} {number} is not supported: use {product} {oldest[0]}.{oldest[1]} or newer"
        )
    folding = int(variables["lower_case_table_names"])
    return MySQLFeatures(
        name="mariadb" if mariadb else "mysql",
        label=f"{product} {number}",
        version=version,
        namespace=database,
        identifier_limit=64,
        identifier_limit_in_bytes=False,
        transactional_ddl=False,
        alters_in_place=True,
        foreign_keys_need_index=True,
        shared_names=frozenset({"foreign_key"} if mariadb else {"foreign_key", "check"}),
        enum_types=False,
        named_primary_keys=False,
        unique_constraints=False,
        comments=True,
        renames_constraints=frozenset({"index", "unique"}),
        folds_case=True,
        folds_table_case=folding != 0,
        restrict_is_no_action=True,
        renames_rewrite_dependants=False,
        breaks_dependants=True,
        collation=variables["collation_database"],
        default_collations=collations,
        explicit_timestamps=variables["explicit_defaults_for_timestamp"] == "ON",
    )


def _version(text: str) -> Version:
    """The server's own version; old MariaDB replicas prefix it with ``5.5.5-``."""
    match = re.match(r"(?:5\.5\.5-)?(\d+(?:\.\d+)*)", text)
    assert match is not None
    return tuple(int(part) for part in match.group(1).split("."))
