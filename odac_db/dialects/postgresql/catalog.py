"""The catalog statements for tables, their columns, and enum types."""

from __future__ import annotations

from collections.abc import Collection

from odac_db.dialects.postgresql.catalog_json import (
    OWN_SCHEMA,
    array,
    bare,
    members,
    text,
    visible,
    wanted,
    when,
)

ENUMS = f"""SELECT coalesce(json_object_agg(t.typname, json_build_object('name', t.typname,
'values', (SELECT coalesce(json_agg(v.enumlabel ORDER BY v.enumsortorder), '[]') FROM pg_enum v
WHERE v.enumtypid = t.oid), 'comment', x.description)), '{{}}')::text
FROM pg_type t
LEFT JOIN pg_description x ON x.classoid = 'pg_type'::regclass AND x.objoid = t.oid
WHERE t.typtype = 'e' AND t.typnamespace = {OWN_SCHEMA} AND t.typname NOT LIKE '\\_odac\\_%'
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass
AND d.objid = t.oid AND d.deptype = 'e')"""

# The sequence a column owns and takes its default from. Of a column of an integer type the
# sequence's own type is expected to be the same; where it is not, its bounds are told.
_SEQUENCE = """SELECT s.relname, q.*, q.seqincrement > 0 AS ascending, CASE a.atttypid
WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 ELSE 9223372036854775807 END AS highest
FROM pg_depend d
JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
JOIN pg_sequence q ON q.seqrelid = s.oid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass
AND (d.deptype = 'i' OR d.deptype = 'a' AND s.relnamespace = w.relnamespace AND p.text
= 'nextval(''' || replace(s.oid::regclass::text, '''', '''''') || '''::regclass)')"""

_COMMENT = """(SELECT x.description FROM pg_description x WHERE x.objoid = w.oid
AND x.classoid = 'pg_class'::regclass AND x.objsubid = {number})"""


def tables(schema: str, only: Collection[str] | None) -> str:
    """One array of {name, comment, unlogged, columns}."""
    table = members(
        name=text("w.relname"),
        comment=text(_COMMENT.format(number="0")),
        unlogged=when("w.relpersistence = 'u'", "'true'"),
        columns=array(_column(), "a.attnum", "a.attnum > 0"),
    )
    return f"""{wanted(schema, only)}
SELECT coalesce('[' || string_agg(described, ',' ORDER BY relname COLLATE "C") || ']', '[]')
FROM (SELECT w.relname, {table} AS described
FROM wanted w
LEFT JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
LEFT JOIN LATERAL (SELECT pg_get_expr(f.adbin, f.adrelid) AS text OFFSET 0) p ON true
LEFT JOIN LATERAL (SELECT CASE WHEN a.attidentity <> '' OR p.text LIKE 'nextval(%'
THEN (SELECT {_identity()} FROM ({_SEQUENCE}) n) END AS identity OFFSET 0) i ON true
GROUP BY w.oid, w.relname, w.relpersistence) t"""


def _column() -> str:
    generated = members(
        expression=text(bare("p.text")),
        stored="CASE a.attgenerated WHEN 's' THEN 'true' ELSE 'false' END",
    )
    return members(
        name=text("a.attname"),
        type=text("format_type(a.atttypid, a.atttypmod)"),
        nullable=when("a.attnotnull", "'false'"),
        default=when("a.attgenerated = '' AND i.identity IS NULL", text("p.text")),
        identity="i.identity",
        generated=when("a.attgenerated <> ''", generated),
        collation=when(
            "a.attcollation <> t.typcollation",
            f"(SELECT {text(visible('co', 'coll'))} FROM pg_collation co "
            "WHERE co.oid = a.attcollation)",
        ),
        comment=text(_COMMENT.format(number="a.attnum")),
        enum=f"""CASE WHEN t.typtype = 'e' AND t.typnamespace = {OWN_SCHEMA}
THEN {text("t.typname")} WHEN t.typcategory = 'A' THEN (SELECT {text("e.typname")}
FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'e' AND e.typnamespace = {OWN_SCHEMA})
END""",
    )


def _identity() -> str:
    default_name = "w.relname || '_' || a.attname || '_seq'"
    start = "CASE WHEN n.ascending THEN n.seqmin ELSE n.seqmax END"
    lowest = "CASE WHEN n.ascending THEN 1 ELSE -n.highest - 1 END"
    highest = "CASE WHEN n.ascending THEN n.highest ELSE -1 END"
    return members(
        kind="""CASE a.attidentity WHEN 'a' THEN '"always"' WHEN 'd' THEN '"by_default"'
ELSE '"serial"' END""",
        sequence=when(f"n.relname <> {default_name}", text("n.relname")),
        start=f"nullif(n.seqstart, {start})::text",
        increment="nullif(n.seqincrement, 1)::text",
        minimum=f"nullif(n.seqmin, {lowest})::text",
        maximum=f"nullif(n.seqmax, {highest})::text",
        cache="nullif(n.seqcache, 1)::text",
        cycle=when("n.seqcycle", "'true'"),
    )
