"""What the schema holds and the model does not: one statement."""

from __future__ import annotations

from odac_db.dialects.postgresql.catalog_json import OWN_SCHEMA, managed
from odac_db.dialects.postgresql.catalog_keys import unheld_foreign_key
from odac_db.dialects.postgresql.features import PostgreSQLFeatures

_RELATIONS = """SELECT CASE WHEN c.relispartition THEN 'partition' ELSE CASE c.relkind
WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
WHEN 'p' THEN 'partitioned table' WHEN 'c' THEN 'composite type'
WHEN 'S' THEN 'sequence' ELSE CASE WHEN c.reloftype <> 0 THEN 'typed table'
ELSE 'inherited table' END END END AS kind, coalesce(o.relname, '') AS "table", c.relname AS name,
'' AS detail
FROM pg_class c
LEFT JOIN pg_depend d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass
AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
LEFT JOIN managed o ON o.oid = d.refobjid
LEFT JOIN pg_attrdef f ON f.adrelid = d.refobjid AND f.adnum = d.refobjsubid
WHERE c.relnamespace = {schema} AND c.relname NOT LIKE '\\_odac\\_%'
AND (c.relkind IN ('v', 'm', 'f', 'p', 'c')
OR c.relkind = 'r' AND NOT EXISTS (SELECT FROM managed m WHERE m.oid = c.oid)
OR c.relkind = 'S' AND coalesce(d.deptype, '') <> 'i'
AND (o.oid IS NULL OR pg_get_expr(f.adbin, f.adrelid) IS DISTINCT FROM
'nextval(''' || replace(c.oid::regclass::text, '''', '''''') || '''::regclass)'))
AND {unowned}"""

TAKEN = "taken"
"""The kind of what is not listed, and has a name that no table or index can have."""

_TAKEN = f"""SELECT '{TAKEN}', '', c.relname, CASE WHEN t.oid IS NOT NULL
THEN 'index of ' || t.relname WHEN c.relkind = 'S' THEN 'sequence' ELSE 'relation' END
FROM pg_class c
LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = {OWN_SCHEMA} AND c.relkind <> 't' AND c.relname NOT LIKE '\\_odac\\_%'
AND NOT EXISTS (SELECT FROM managed m WHERE m.oid IN (c.oid, t.oid))"""

_ROUTINES = """SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate'
WHEN 'w' THEN 'window function' ELSE 'function' END, '', p.proname,
pg_get_function_identity_arguments(p.oid)
FROM pg_proc p WHERE p.pronamespace = {schema} AND {unowned}
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass
AND d.objid = p.oid AND d.deptype = 'i')"""

_TYPES = """SELECT CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range type'
ELSE 'base type' END, '', t.typname, ''
FROM pg_type t WHERE t.typnamespace = {schema} AND {unowned}
AND (t.typtype IN ('d', 'r') OR t.typtype IN ('b', 'p') AND t.typcategory <> 'A')"""

_ON_TABLES = """SELECT 'trigger', m.relname, t.tgname, '' FROM managed m
JOIN pg_trigger t ON t.tgrelid = m.oid AND NOT t.tgisinternal WHERE {trigger}
UNION ALL
SELECT 'rule', m.relname, r.rulename, '' FROM managed m JOIN pg_rewrite r ON r.ev_class = m.oid
WHERE {rule}
UNION ALL
SELECT 'policy', m.relname, p.polname, '' FROM managed m JOIN pg_policy p ON p.polrelid = m.oid
UNION ALL
SELECT 'row level security', m.relname, '', CASE WHEN c.relforcerowsecurity THEN 'forced'
ELSE '' END FROM managed m JOIN pg_class c ON c.oid = m.oid
WHERE c.relrowsecurity OR c.relforcerowsecurity
UNION ALL
SELECT 'storage parameter', o.table_name, o.name, array_to_string(c.reloptions, ', ')
FROM stored o JOIN pg_class c ON c.oid = o.oid WHERE c.reloptions IS NOT NULL
UNION ALL
SELECT 'tablespace', o.table_name, o.name, s.spcname
FROM stored o JOIN pg_class c ON c.oid = o.oid JOIN pg_tablespace s ON s.oid = c.reltablespace
UNION ALL
SELECT 'access method', m.relname, '', am.amname
FROM managed m JOIN pg_class c ON c.oid = m.oid JOIN pg_am am ON am.oid = c.relam
WHERE am.amname <> 'heap'
UNION ALL
SELECT 'replica identity', m.relname, '', CASE c.relreplident WHEN 'f' THEN 'full'
WHEN 'n' THEN 'nothing' ELSE 'index' END
FROM managed m JOIN pg_class c ON c.oid = m.oid WHERE c.relreplident <> 'd'"""

_DETAILS = """SELECT 'foreign key', m.relname, k.conname, pg_get_constraintdef(k.oid)
FROM managed o JOIN pg_constraint k ON k.conrelid = o.oid AND k.contype = 'f'
AND k.conparentid = 0 JOIN pg_class m ON m.oid = o.oid WHERE {unheld}
UNION ALL
SELECT 'column', m.relname, a.attname, concat_ws(', ',
CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE' END, {compression}
CASE WHEN coalesce(a.attstattarget, -1) >= 0 THEN 'STATISTICS ' || a.attstattarget END,
array_to_string(a.attoptions, ', '))
FROM managed m JOIN pg_attribute a ON a.attrelid = m.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attstorage <> t.typstorage OR coalesce(a.attstattarget, -1) >= 0
OR a.attoptions IS NOT NULL {compressed}
UNION ALL
SELECT 'index', m.relname, c.relname, 'CLUSTER' FROM managed m
JOIN pg_index i ON i.indrelid = m.oid AND i.indisclustered JOIN pg_class c ON c.oid = i.indexrelid
UNION ALL
SELECT 'operator class parameters', m.relname, c.relname, array_to_string(a.attoptions, ', ')
FROM managed m JOIN pg_index i ON i.indrelid = m.oid JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_attribute a ON a.attrelid = i.indexrelid AND a.attoptions IS NOT NULL
UNION ALL
SELECT 'comment', o.table_name, o.name, 'on the index of a constraint'
FROM stored o JOIN pg_constraint k ON k.conindid = o.oid AND k.contype IN ('p', 'u', 'x')
JOIN pg_description x ON x.classoid = 'pg_class'::regclass AND x.objoid = o.oid
UNION ALL
SELECT 'comment', m.relname, k.conname, 'on a primary key'
FROM managed m JOIN pg_constraint k ON k.conrelid = m.oid AND k.contype = 'p'
JOIN pg_description x ON x.classoid = 'pg_constraint'::regclass AND x.objoid = k.oid
UNION ALL
SELECT 'comment', m.relname, c.relname, 'on a sequence'
FROM managed m JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = m.oid
AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
JOIN pg_description x ON x.classoid = 'pg_class'::regclass AND x.objoid = c.oid"""

_EIGHTEEN = """SELECT CASE k.contype WHEN 'p' THEN 'primary key' ELSE 'unique constraint' END,
m.relname, k.conname, 'WITHOUT OVERLAPS'
FROM managed m JOIN pg_constraint k ON k.conrelid = m.oid
WHERE k.contype IN ('p', 'u') AND k.conperiod
UNION ALL
SELECT 'not null constraint', m.relname, k.conname,
CASE WHEN k.convalidated THEN 'NO INHERIT' ELSE 'NOT VALID' END
FROM managed m JOIN pg_constraint k ON k.conrelid = m.oid
WHERE k.contype = 'n' AND (NOT k.convalidated OR k.connoinherit)"""

# name column, namespace column, catalog, word
_OTHERS = (
    ("collname", "collnamespace", "pg_collation", "collation"),
    ("conname", "connamespace", "pg_conversion", "conversion"),
    ("oprname", "oprnamespace", "pg_operator", "operator"),
    ("opcname", "opcnamespace", "pg_opclass", "operator class"),
    ("opfname", "opfnamespace", "pg_opfamily", "operator family"),
    ("stxname", "stxnamespace", "pg_statistic_ext", "statistics"),
    ("cfgname", "cfgnamespace", "pg_ts_config", "text search configuration"),
    ("dictname", "dictnamespace", "pg_ts_dict", "text search dictionary"),
    ("prsname", "prsnamespace", "pg_ts_parser", "text search parser"),
    ("tmplname", "tmplnamespace", "pg_ts_template", "text search template"),
)


def _unowned(catalog: str, oid: str) -> str:
    """The condition that no extension owns the object."""
    return f"""NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass
AND e.objid = {oid} AND e.deptype = 'e')"""


def unsupported(features: PostgreSQLFeatures) -> str:
    """One array of {kind, table, name, detail}; of ``TAKEN`` the detail says what has the name."""
    compression = features.major >= 14
    pieces = [
        _RELATIONS.format(schema=OWN_SCHEMA, unowned=_unowned("pg_class", "c.oid")),
        _TAKEN,
        _ROUTINES.format(schema=OWN_SCHEMA, unowned=_unowned("pg_proc", "p.oid")),
        _TYPES.format(schema=OWN_SCHEMA, unowned=_unowned("pg_type", "t.oid")),
        _ON_TABLES.format(
            trigger=_unowned("pg_trigger", "t.oid"), rule=_unowned("pg_rewrite", "r.oid")
        ),
        _DETAILS.format(
            unheld=unheld_foreign_key(features),
            compression="CASE a.attcompression WHEN 'p' THEN 'COMPRESSION pglz' "
            "WHEN 'l' THEN 'COMPRESSION lz4' END,"
            if compression
            else "",
            compressed="OR a.attcompression <> ''" if compression else "",
        ),
    ]
    if features.not_enforced:
        pieces.append(_EIGHTEEN)
    for name, schema, catalog, word in _OTHERS:
        pieces.append(
            f"SELECT '{word}', '', x.{name}, '' FROM {catalog} x WHERE x.{schema} = {OWN_SCHEMA} "
            f"AND {_unowned(catalog, 'x.oid')}"
        )
    union = "\nUNION ALL\n".join(pieces)
    return f"""WITH {managed(OWN_SCHEMA)}, stored AS (
SELECT oid, relname AS table_name, '' AS name FROM managed UNION ALL
SELECT c.oid, m.relname, c.relname FROM managed m JOIN pg_index i ON i.indrelid = m.oid
JOIN pg_class c ON c.oid = i.indexrelid)
SELECT coalesce(json_agg(u), '[]')::text FROM ({union}) u"""
