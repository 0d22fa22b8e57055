"""What statements touch beyond the tables they name, from the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.reach import Grammar, KeyActions, Reach, on_delete, on_update, roots

GRAMMAR = Grammar(
    "postgres",
    percent=True,
    bare=frozenset({"current_role", "current_user", "session_user", "system_user", "user"}),
)
# Temporary ones of all sessions are in it: what writes by way of them changes lasting tables.
_OURS = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_toast'"
_RELATIONS = f"""
WITH RECURSIVE writing AS (
  SELECT d.classid, d.objid FROM pg_depend d
  JOIN pg_proc p ON p.oid = d.refobjid AND p.provolatile = 'v'
  JOIN pg_language l ON l.oid = p.prolang AND l.lanname NOT IN ('c', 'internal')
  WHERE d.refclassid = 'pg_proc'::regclass),
kinds AS (
  SELECT t.oid FROM pg_type t WHERE t.typtype = 'd' AND (
    EXISTS (SELECT FROM writing w WHERE w.classid = 'pg_type'::regclass AND w.objid = t.oid)
    OR EXISTS (SELECT FROM pg_constraint k
      JOIN writing w ON w.classid = 'pg_constraint'::regclass AND w.objid = k.oid
      WHERE k.contypid = t.oid))
  UNION
  SELECT t.oid FROM kinds
  JOIN pg_type t ON kinds.oid IN (t.typbasetype, t.typelem) OR EXISTS (
    SELECT FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.atttypid = kinds.oid))
SELECT c.relname::text, c.relkind::text, n.nspname::text, c.relrowsecurity,
  CASE WHEN c.relkind = 'v' THEN pg_get_viewdef(c.oid) END,
  EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
      AND coalesce((to_jsonb(t) ->> 'tgparentid')::oid, 0) = 0)
    OR EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN')
    OR EXISTS (SELECT FROM pg_attrdef a
      JOIN writing w ON w.classid = 'pg_attrdef'::regclass AND w.objid = a.oid
      WHERE a.adrelid = c.oid)
    OR EXISTS (SELECT FROM pg_constraint k
      JOIN writing w ON w.classid = 'pg_constraint'::regclass AND w.objid = k.oid
      WHERE k.conrelid = c.oid)
    OR EXISTS (SELECT FROM pg_attribute a JOIN kinds ON kinds.oid = a.atttypid
      WHERE a.attrelid = c.oid)
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
_ROUTINES = """
SELECT p.proname::text, bool_or(p.provolatile = 'v')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
GROUP BY 1"""
_SESSION = """
SELECT current_schemas(true)::text, current_user::text, session_user::text,
  string_agg(name || '=' || setting, ';' ORDER BY name)
FROM pg_settings WHERE name IN ('TimeZone', 'DateStyle', 'IntervalStyle', 'search_path',
  'client_encoding', 'bytea_output', 'extra_float_digits', 'xmlbinary', 'xmloption', 'array_nulls',
  'standard_conforming_strings', 'default_text_search_config', 'transform_null_equals',
  'row_security', 'timezone_abbreviations', 'lc_messages', 'lc_monetary', 'lc_numeric',
  'lc_time')"""
_ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}


def reach(connection: Connection) -> Reach:
    """Four statements. A materialized view is a table that REFRESH writes.

    A tree with a foreign table in it is as foreign. Triggers that a partition has from its table
    are that table's.
    """
    relations = _rows(connection, _RELATIONS)
    views: dict[str, tuple[str, ...]] = {}
    for name, kind, _, _, sql, _ in relations:
        if kind == "v":
            views[name.casefold()] = (*views.get(name.casefold(), ()), sql)
    kin = roots((child.casefold(), parent.casefold()) for child, parent in _rows(connection, _KIN))
    keys = tuple(
        KeyActions(
            child.casefold(),
            parent.casefold(),
            on_delete(_ACTIONS.get(deletes, "")),
            on_update(_ACTIONS.get(updates, "")),
        )
        for child, parent, deletes, updates in _rows(connection, _KEYS)
    )
    routines = [(name.casefold(), writes) for name, writes in _rows(connection, _ROUTINES)]
    return Reach(
        grammar=GRAMMAR,
        tables=frozenset(name.casefold() for name, kind, *_ in relations if kind != "v"),
        views=views,
        keys=keys,
        triggered=frozenset(row[0].casefold() for row in relations if row[5]),
        guarded=_guarded(relations, kin),
        kin=kin,
        routines=frozenset(name for name, _ in routines),
        writers=frozenset(name for name, writes in routines if writes),
        namespaces=frozenset(row[2].casefold() for row in relations if not _is_temporary(row)),
        temporary=True,
    )


def _guarded(relations: Sequence[Any], kin: Mapping[str, str]) -> dict[str, str]:
    foreign = {name.casefold() for name, kind, *_ in relations if kind == "f"}
    trees = {kin.get(name, name) for name in foreign}
    lasting = {row[0].casefold() for row in relations if not _is_temporary(row)}
    temporary = {row[0].casefold() for row in relations} - lasting
    guarded = dict.fromkeys(temporary, "is temporary, and another one in each session")
    guarded |= {name: "has a foreign table in it" for name in kin if kin[name] in trees}
    guarded |= dict.fromkeys(foreign, "is a foreign table")
    return guarded | {row[0].casefold(): "has row security" for row in relations if row[3]}


def _is_temporary(relation: Any) -> bool:
    return str(relation[2]).startswith("pg_temp")


def session(connection: Connection) -> str:
    """Where its names lead and how its values look."""
    return repr(tuple(_rows(connection, _SESSION)[0]))


def _rows(connection: Connection, sql: str) -> Sequence[Any]:
    return connection.exec_driver_sql(sql).all()
