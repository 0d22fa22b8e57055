"""What statements touch beyond the tables they name, from the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.mysql.privileges import unseen
from odac_db.dialects.reach import Grammar, KeyActions, Reach, on_delete, on_update

GRAMMAR = Grammar(
    "mysql",
    percent=True,
    bare=frozenset({"current_role", "utc_date", "utc_time", "utc_timestamp"}),
)
_TABLES = """
SELECT TABLE_NAME, TABLE_TYPE, ENGINE FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE()"""
_VIEWS = """
SELECT TABLE_NAME, VIEW_DEFINITION FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE()"""
_KEYS = """
SELECT TABLE_NAME, REFERENCED_TABLE_NAME, DELETE_RULE, UPDATE_RULE
FROM information_schema.REFERENTIAL_CONSTRAINTS
WHERE CONSTRAINT_SCHEMA = DATABASE() OR UNIQUE_CONSTRAINT_SCHEMA = DATABASE()"""
_TRIGGERS = """
SELECT DISTINCT EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS
WHERE EVENT_OBJECT_SCHEMA = DATABASE()"""
_ROUTINES = """
SELECT DISTINCT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = DATABASE()"""

_SESSION = """
SELECT DATABASE(), CURRENT_USER(), CURRENT_ROLE(), @@time_zone, @@sql_mode, @@character_set_results,
  @@collation_connection, @@lc_time_names, @@div_precision_increment, @@group_concat_max_len,
  @@default_week_format, @@sql_select_limit, @@sql_auto_is_null"""


def reach(connection: Connection) -> Reach:
    """Seven statements. Rows of engines without transactions are seen before any COMMIT.

    Tables that may have triggers which the user is not shown count as if they had some.

    What a function says of the data it modifies is not checked: each may write.
    """
    tables = _rows(connection, _TABLES)
    keys = tuple(
        KeyActions(child.casefold(), parent.casefold(), on_delete(deletes), on_update(updates))
        for child, parent, deletes, updates in _rows(connection, _KEYS)
        if parent
    )
    routines = frozenset(name.casefold() for (name,) in _rows(connection, _ROUTINES))
    (current,) = _rows(connection, "SELECT DATABASE()")[0]
    names = frozenset(name.casefold() for name, kind, _ in tables if kind == "BASE TABLE")
    grants = [grant for (grant,) in _rows(connection, "SHOW GRANTS")]
    views = _rows(connection, _VIEWS)
    dialect: Any = connection.dialect
    dark = unseen(grants, current, names, triggers=not dialect.is_mariadb)
    shown = frozenset(name.casefold() for (name,) in _rows(connection, _TRIGGERS))
    return Reach(
        grammar=GRAMMAR,
        tables=names,
        views={name.casefold(): (_text(sql),) for name, sql in views},
        keys=keys,
        triggered=shown | dark,
        guarded={
            name.casefold(): f"is kept by {engine}, which has no transactions"
            for name, kind, engine in tables
            if kind == "BASE TABLE" and engine != "InnoDB"
        },
        kin={},
        routines=routines,
        writers=routines,
        namespaces=frozenset({current.casefold()}),
        hidden=not all(sql for _, sql in views),
        warning=_warning(current) if dark else "",
    )


def _warning(database: str) -> str:
    return (
        f"{database}: this user is not shown all triggers and foreign keys, so each write of such "
        f"a table ends everything that is cached. GRANT TRIGGER ON `{database}`.* to it, or say "
        "in Cache(triggers=...) what the triggers of each table write, if only nothing"
    )


def session(connection: Connection) -> str:
    """Where its names lead and how its values look."""
    return repr(tuple(_rows(connection, _SESSION)[0]))


def _rows(connection: Connection, sql: str) -> Sequence[Any]:
    return connection.exec_driver_sql(sql).all()


def _text(sql: Any) -> str:
    return sql.decode() if isinstance(sql, bytes) else sql or ""
