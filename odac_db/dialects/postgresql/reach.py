"""What statements touch beyond the tables they name, from the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.reach import KeyActions, Reach, on_delete, on_update, roots

_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'"
_RELATIONS = f"""
SELECT c.relname::text, c.relkind::text, n.nspname::text, c.relrowsecurity,
  CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END,
  EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
    OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND {_OURS}"""
_KEYS = """
SELECT child.relname::text, parent.relname::text, k.confdeltype::text, k.confupdtype::text
FROM pg_constraint k
JOIN pg_class child ON child.oid = k.conrelid JOIN pg_class parent ON parent.oid = k.confrelid
WHERE k.contype = 'f'"""
_KIN = """
SELECT child.relname::text, parent.relname::text FROM pg_inherits i
JOIN pg_class child ON child.oid = i.inhrelid JOIN pg_class parent ON parent.oid = i.inhparent
WHERE child.relkind IN ('r', 'p', 'f')"""
_ROUTINES = f"""
SELECT DISTINCT p.proname::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {_OURS}"""
_ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def reach(connection: Connection) -> Reach:
    """Four statements. A materialized view is a table that REFRESH writes."""
    relations = _rows(connection, _RELATIONS)
    views = {name.casefold(): sql for name, kind, _, _, sql, _ in relations if kind == "v"}
    guarded = {
        name.casefold(): "has row security" if secured else "is a foreign table"
        for name, kind, _, secured, _, _ in relations
        if secured or kind == "f"
    }
    keys = tuple(
        KeyActions(
            child.casefold(),
            parent.casefold(),
            on_delete(_ACTIONS.get(deletes, "")),
            on_update(_ACTIONS.get(updates, "")),
        )
        for child, parent, deletes, updates in _rows(connection, _KEYS)
    )
    kin = {child.casefold(): parent.casefold() for child, parent in _rows(connection, _KIN)}
    return Reach(
        grammar="postgres",
        tables=frozenset(name.casefold() for name, kind, *_ in relations if kind != "v"),
        views=views,
        keys=keys,
        triggered=frozenset(row[0].casefold() for row in relations if row[5]),
        guarded=guarded,
        kin=roots(kin),
        routines=frozenset(name.casefold() for (name,) in _rows(connection, _ROUTINES)),
        namespaces=frozenset(row[2].casefold() for row in relations),
    )


def _rows(connection: Connection, sql: str) -> Sequence[Any]:
    return connection.exec_driver_sql(sql).all()
