"""The statements that read information_schema: five, whatever the number of tables.

Flat tables only, joined in Python: the views behind information_schema join slowly.
Columns are read by position because MySQL and MariaDB name them in different cases.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult

from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote, string

Rows = Sequence[Any]


def tables(connection: Connection, features: MySQLFeatures, only: Collection[str] | None) -> Rows:
    """name, type, engine, collation, create_options, comment."""
    return _rows(
        connection,
        f"""SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_COLLATION, CREATE_OPTIONS, TABLE_COMMENT
        FROM information_schema.TABLES
        WHERE TABLE_SCHEMA = {string(features.namespace)}{_limit("TABLE_NAME", only)}""",
    )


def columns(connection: Connection, features: MySQLFeatures, only: Collection[str] | None) -> Rows:
    """table, position, name, default, nullable, type, collation, extra, comment, then
    generation expression (MariaDB) or spatial reference system (MySQL)."""
    last = "GENERATION_EXPRESSION" if features.mariadb else "SRS_ID"
    return _rows(
        connection,
        f"""SELECT TABLE_NAME, ORDINAL_POSITION, COLUMN_NAME, COLUMN_DEFAULT, IS_NULLABLE,
        COLUMN_TYPE, COLLATION_NAME, EXTRA, COLUMN_COMMENT, {last}
        FROM information_schema.COLUMNS
        WHERE TABLE_SCHEMA = {string(features.namespace)}{_limit("TABLE_NAME", only)}""",
    )


def statistics(
    connection: Connection, features: MySQLFeatures, only: Collection[str] | None
) -> Rows:
    """table, non_unique, index, position, column, direction, prefix, type, comment,
    visible, expression."""
    last = "IGNORED = 'NO', NULL" if features.mariadb else "IS_VISIBLE = 'YES', EXPRESSION"
    if features.mariadb and features.version < (10, 6):
        last = "1, NULL"
    return _rows(
        connection,
        f"""SELECT TABLE_NAME, NON_UNIQUE, INDEX_NAME, SEQ_IN_INDEX, COLUMN_NAME, COLLATION,
        SUB_PART, INDEX_TYPE, INDEX_COMMENT, {last}
        FROM information_schema.STATISTICS
        WHERE TABLE_SCHEMA = {string(features.namespace)}{_limit("TABLE_NAME", only)}""",
    )


def foreign_keys(
    connection: Connection, features: MySQLFeatures, only: Collection[str] | None
) -> Rows:
    """Two kinds of rows. Rules: '', table, name, on update, on delete, NULL, NULL.
    Columns: its schema, table, name, column, other schema's table, its column, position."""
    database = string(features.namespace)
    limit = _limit("TABLE_NAME", only)
    return _rows(
        connection,
        f"""SELECT '', TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE, NULL, 0
        FROM information_schema.REFERENTIAL_CONSTRAINTS
        WHERE CONSTRAINT_SCHEMA = {database}{limit}
        UNION ALL
        SELECT REFERENCED_TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME,
        REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME, ORDINAL_POSITION
        FROM information_schema.KEY_COLUMN_USAGE
        WHERE TABLE_SCHEMA = {database} AND REFERENCED_TABLE_NAME IS NOT NULL{limit}""",
    )


def checks_and_others(connection: Connection, features: MySQLFeatures) -> Rows:
    """kind, table, name, detail: CHECKs, and what the model has no word for."""
    database = string(features.namespace)
    if features.mariadb:
        checks = f"""SELECT CONCAT('CHECK ', LEVEL), TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE
        FROM information_schema.CHECK_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = {database}"""
    else:
        checks = f"""SELECT 'CHECK', TABLE_NAME, CONSTRAINT_NAME, ''
        FROM information_schema.TABLE_CONSTRAINTS
        WHERE TABLE_SCHEMA = {database} AND CONSTRAINT_TYPE = 'CHECK'"""
    return _rows(
        connection,
        f"""{checks}
        UNION ALL SELECT 'trigger', EVENT_OBJECT_TABLE, TRIGGER_NAME, ''
        FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {database}
        UNION ALL SELECT LOWER(ROUTINE_TYPE), '', ROUTINE_NAME, ''
        FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {database}
        UNION ALL SELECT 'event', '', EVENT_NAME, ''
        FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {database}""",
    )


def show_create(connection: Connection, *tables: str) -> dict[str, str]:
    """The server's own CREATE TABLE statement of each table.

    Asked for in bytes: with a character set for results, MySQL replaces what is beyond the
    BMP inside expressions, and MariaDB sends the bytes of a binary default as they are,
    at which a driver that decodes loses the connection. Such bytes come as surrogates.
    """
    found: dict[str, str] = {}
    if not tables:
        return found
    execute(connection, "SET character_set_results = binary")
    try:
        for table in tables:
            row: Any = execute(connection, f"SHOW CREATE TABLE {quote(table)}").one()
            sql = row[1]
            text = sql.decode("utf-8", "surrogateescape") if isinstance(sql, bytes) else sql
            found[table] = str(text)
    finally:
        execute(connection, "SET character_set_results = @@character_set_client")
    return found


def execute(connection: Connection, sql: str) -> CursorResult[Any]:
    """Runs SQL as it is: with parameters, even none, PyMySQL would take ``%`` for its own."""
    return connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def _limit(column: str, only: Collection[str] | None) -> str:
    if only is None:
        return ""
    names = ", ".join(string(name) for name in sorted(only)) or "NULL"
    return f" AND {column} IN ({names})"


def _rows(connection: Connection, sql: str) -> Rows:
    return execute(connection, sql).all()
