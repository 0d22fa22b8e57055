"""SQL that writes JSON in ``model``'s words, and the tables it is written for.

The server puts the JSON together and msgspec reads it straight into the model's structs, so
that no Python runs per column. Only members that differ from the struct's default are written,
by ``||``: json_build_object costs several times as much. What is rare is looked up by index,
one row at a time, so that no misjudged join makes a large schema quadratic.
"""

from __future__ import annotations

from collections.abc import Collection

from odac_db.dialects.postgresql.naming import literal

OWN_SCHEMA = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
TEMPORARY_SCHEMA = "pg_my_temp_schema()"


def managed(schema: str) -> str:
    """The tables that are ours: ordinary ones, of no extension, that inherit from none."""
    return f"""managed AS MATERIALIZED (
SELECT c.oid, c.relname, c.relnamespace, c.relpersistence FROM pg_class c
WHERE c.relnamespace = {schema} AND c.relkind = 'r' AND NOT c.relispartition AND c.reloftype = 0
AND c.relname NOT LIKE '\\_odac\\_%'
AND NOT EXISTS (SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid)
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
AND d.objid = c.oid AND d.deptype = 'e'))"""


def wanted(schema: str, only: Collection[str] | None) -> str:
    """``managed``, and ``wanted``: those of them that are asked for."""
    if only is None:
        return f"WITH {managed(schema)}, wanted AS (SELECT * FROM managed)"
    names = ", ".join(literal(name) for name in sorted(only))
    return f"""WITH {managed(schema)}, wanted AS MATERIALIZED (
SELECT * FROM managed WHERE relname = ANY (ARRAY[{names}]::name[]))"""


def members(**parts: str) -> str:
    """A JSON object as text; each member is SQL for JSON text, null to leave it out."""
    texts = (f"""coalesce(',"{name}":' || {sql}, '')""" for name, sql in parts.items())
    return "'{' || ltrim(" + "\n|| ".join(texts) + ", ',') || '}'"


def text(sql: str) -> str:
    """A JSON string."""
    return f"to_json(({sql})::text)::text"


def when(condition: str, json: str) -> str:
    """The JSON text where the condition holds, else nothing."""
    return f"CASE WHEN {condition} THEN {json} END"


def array(json: str, order: str, condition: str = "true") -> str:
    """A JSON array of those of the group for which the condition holds; null for none."""
    return f"'[' || string_agg({json}, ',' ORDER BY {order}) FILTER (WHERE {condition}) || ']'"


def keyed(key: str, json: str) -> str:
    """A JSON object of all rows."""
    return f"coalesce('{{' || string_agg({text(key)} || ':' || {json}, ',') || '}}', '{{}}')"


def bare(sql: str) -> str:
    """An expression without the parentheses around all of it, where that is beyond doubt."""
    return f"regexp_replace({sql}, '^\\(([^()'']*)\\)$', '\\1')"


def unwrapped(sql: str) -> str:
    """A boolean expression without the parentheses around all of it.

    The server prints every operator inside a pair; what else begins with ( and is boolean
    ends in the name of a type or field or in a subscript, never in ).
    """
    return f"""CASE WHEN {sql} LIKE '(%)' THEN substr({sql}, 2, length({sql}) - 2)
ELSE {sql} END"""


def visible(alias: str, prefix: str) -> str:
    """The name of a collation or operator class; quoted and qualified off the search path.

    A name that is in the path stands as it is, without quotes.
    """
    kind = {"coll": "collation", "opc": "opclass"}[prefix]
    schema, name = f"{alias}.{prefix}namespace", f"{alias}.{prefix}name"
    return f"""CASE WHEN pg_{kind}_is_visible({alias}.oid) THEN {name}::text
ELSE {schema}::regnamespace || '."' || replace({name}, '"', '""') || '"' END"""


def names(numbers: str, table: str) -> str:
    """A JSON array of the names of a table's columns, given as an array of numbers."""
    return f"""(SELECT {array(text("a.attname"), "u.position")}
FROM unnest({numbers}) WITH ORDINALITY u(attnum, position)
JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = u.attnum)"""
