"""The catalog statements for indexes and constraints."""

from __future__ import annotations

from collections.abc import Collection

from odac_db.dialects.postgresql.catalog_json import (
    array,
    bare,
    keyed,
    members,
    names,
    text,
    unwrapped,
    visible,
    wanted,
    when,
)
from odac_db.dialects.postgresql.features import PostgreSQLFeatures

_DEFERRABLE = """CASE WHEN k.condeferred THEN '"deferred"'
WHEN k.condeferrable THEN '"immediate"' END"""

_OPERATOR = """CASE WHEN pg_operator_is_visible(o.oid) THEN o.oprname::text
ELSE 'OPERATOR(' || o.oprnamespace::regnamespace || '.' || o.oprname || ')' END"""

# Of the constraint where the index has one, else of the index itself.
_COMMENT = """(SELECT x.description FROM pg_description x WHERE x.objoid = coalesce(k.oid, c.oid)
AND x.classoid = CASE WHEN k.oid IS NULL THEN 'pg_class'::regclass
ELSE 'pg_constraint'::regclass END AND x.objsubid = 0)"""


def indexes(schema: str, only: Collection[str] | None, features: PostgreSQLFeatures) -> str:
    """One object: for each table its indexes, primary key and exclusions."""
    primary_key = members(
        name=text("c.relname"), columns="p.names", include="p.included", deferrable=_DEFERRABLE
    )
    grouped = members(
        indexes=_by_name("contype IS NULL OR contype = 'u'"),
        primary_key="max(one) FILTER (WHERE contype = 'p')",
        exclusions=_by_name("contype = 'x'"),
    )
    temporal = "AND NOT coalesce(k.conperiod, false)" if features.not_enforced else ""
    return f"""{wanted(schema, only)}
SELECT {keyed("table_name", "keys")}
FROM (SELECT table_name, {grouped} AS keys
FROM (SELECT w.relname AS table_name, c.relname AS name, k.contype,
CASE k.contype WHEN 'p' THEN {primary_key} WHEN 'x' THEN {_exclusion()}
ELSE {_index(features)} END AS one
FROM wanted w
JOIN pg_index i ON i.indrelid = w.oid
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u', 'x')
CROSS JOIN LATERAL (SELECT pg_get_expr(i.indpred, i.indrelid) AS text OFFSET 0) predicate
CROSS JOIN LATERAL ({_keys()}) p
WHERE true {temporal}) ones
GROUP BY table_name) grouped"""


def _index(features: PostgreSQLFeatures) -> str:
    distinct = when("i.indnullsnotdistinct", "'true'") if features.nulls_not_distinct else "NULL"
    return members(
        name=text("c.relname"),
        parts="p.parts",
        unique=when("i.indisunique", "'true'"),
        constraint=when("k.oid IS NOT NULL", "'true'"),
        method=text("nullif(am.amname, 'btree')"),
        include="p.included",
        where=text(unwrapped("predicate.text")),
        nulls_not_distinct=distinct,
        deferrable=_DEFERRABLE,
        comment=text(_COMMENT),
        valid=when("NOT (i.indisvalid AND i.indislive)", "'false'"),
    )


def _exclusion() -> str:
    operators = f"""(SELECT {array(text(_OPERATOR), "u.position")}
FROM unnest(k.conexclop) WITH ORDINALITY u(op, position) JOIN pg_operator o ON o.oid = u.op)"""
    return members(
        name=text("c.relname"),
        parts="p.parts",
        operators=operators,
        method=text("am.amname"),
        where=text(unwrapped("predicate.text")),
        deferrable=_DEFERRABLE,
        comment=text(_COMMENT),
    )


def _keys() -> str:
    """A row of {parts, included, names}, JSON arrays, for the index ``i``.

    A key that is no function call is printed in parentheses of its own; its collation is in
    the whole definition only where it is not the expression's.
    """
    part = members(
        column=text("a.attname"),
        expression=when("k.attnum = 0", text(bare("k.expression"))),
        descending=when("k.option & 1 = 1", "'true'"),
        nulls="""CASE k.option & 3 WHEN 1 THEN '"last"' WHEN 2 THEN '"first"' END""",
        collation=f"""CASE WHEN CASE WHEN k.attnum = 0
THEN strpos(k.definition, k.printed || ' COLLATE ') > 0 ELSE k.coll <> a.attcollation END
THEN (SELECT {text(visible("co", "coll"))} FROM pg_collation co WHERE co.oid = k.coll) END""",
        opclass=f"""CASE WHEN k.opclass NOT IN (SELECT oid FROM pg_opclass WHERE opcdefault)
THEN (SELECT {text(visible("o", "opc"))} FROM pg_opclass o WHERE o.oid = k.opclass) END""",
    )
    name, position = text("a.attname"), "k.position"
    key, beyond = "k.position <= i.indnkeyatts", "k.position > i.indnkeyatts"
    return f"""SELECT {array(part, position, key)} AS parts,
{array(name, position, beyond)} AS included, {array(name, position, key)} AS names
FROM (SELECT u.*, e.printed, e.definition, CASE WHEN e.printed LIKE '(%'
THEN substr(e.printed, 2, length(e.printed) - 2) ELSE e.printed END AS expression
FROM unnest(i.indkey, i.indclass, i.indcollation, i.indoption) WITH ORDINALITY
AS u(attnum, opclass, coll, option, position)
CROSS JOIN LATERAL (SELECT
CASE WHEN u.attnum = 0 THEN pg_get_indexdef(i.indexrelid, u.position::int, false) END AS printed,
CASE WHEN u.attnum = 0 THEN pg_get_indexdef(i.indexrelid) END AS definition OFFSET 0) e) k
LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0"""


def _by_name(condition: str) -> str:
    return array("one", 'name COLLATE "C"', condition)


def _action(column: str) -> str:
    return f"""CASE {column} WHEN 'r' THEN '"RESTRICT"' WHEN 'c' THEN '"CASCADE"'
WHEN 'n' THEN '"SET NULL"' WHEN 'd' THEN '"SET DEFAULT"' END"""


def unheld_foreign_key(features: PostgreSQLFeatures) -> str:
    """The condition of a foreign key ``k`` that the model cannot hold."""
    elsewhere = "k.confrelid NOT IN (SELECT oid FROM managed)"
    if features.not_enforced:
        return f"({elsewhere} OR NOT k.conenforced OR k.conperiod)"
    return elsewhere


def constraints(schema: str, only: Collection[str] | None, features: PostgreSQLFeatures) -> str:
    """One object: for each table its foreign keys and checks.

    NOT NULL constraints, in pg_constraint since PostgreSQL 18, belong to their columns.
    """
    grouped = members(foreign_keys=_by_name("contype = 'f'"), checks=_by_name("contype = 'c'"))
    return f"""{wanted(schema, only)}
SELECT {keyed("table_name", "constraints")}
FROM (SELECT table_name, {grouped} AS constraints
FROM (SELECT w.relname AS table_name, k.conname AS name, k.contype,
CASE k.contype WHEN 'c' THEN {_check(features)} ELSE {_foreign_key(features)} END AS one
FROM wanted w
JOIN pg_constraint k ON k.conrelid = w.oid
CROSS JOIN LATERAL (SELECT pg_get_expr(k.conbin, k.conrelid) AS text OFFSET 0) expression
LEFT JOIN pg_description x ON x.classoid = 'pg_constraint'::regclass AND x.objoid = k.oid
WHERE k.contype = 'c' OR k.contype = 'f' AND k.conparentid = 0
AND NOT {unheld_foreign_key(features)}) ones
GROUP BY table_name) grouped"""


def _foreign_key(features: PostgreSQLFeatures) -> str:
    return members(
        name=text("k.conname"),
        columns=names("k.conkey", "k.conrelid"),
        ref_table=text("(SELECT r.relname FROM pg_class r WHERE r.oid = k.confrelid)"),
        ref_columns=names("k.confkey", "k.confrelid"),
        on_delete=_action("k.confdeltype"),
        on_update=_action("k.confupdtype"),
        set_columns=names("k.confdelsetcols", "k.conrelid") if features.set_columns else "NULL",
        match_full=when("k.confmatchtype = 'f'", "'true'"),
        deferrable=_DEFERRABLE,
        comment=text("x.description"),
        valid=when("NOT k.convalidated", "'false'"),
    )


def _check(features: PostgreSQLFeatures) -> str:
    enforced = "k.conenforced" if features.not_enforced else "true"
    return members(
        name=text("k.conname"),
        expression=text(unwrapped("expression.text")),
        no_inherit=when("k.connoinherit", "'true'"),
        enforced=when(f"NOT {enforced}", "'false'"),
        comment=text("x.description"),
        valid=when(f"NOT k.convalidated AND {enforced}", "'false'"),
    )
