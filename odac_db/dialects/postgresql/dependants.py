"""What the server keeps because something that no file holds depends on it.

Views, rules, policies, triggers, functions with a parsed body or typed arguments, domains,
partitioned and inherited tables: pg_depend knows them. The text of a function it does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.postgresql.catalog_json import OWN_SCHEMA, managed
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import literal
from odac_db.dialects.postgresql.reading import run
from odac_db.dialects.taken_away import former_columns, former_names
from odac_db.schema.changes import (
    AlterColumn,
    Change,
    DropColumn,
    DropEnum,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    RenameEnum,
    ReplaceEnum,
)
from odac_db.schema.model import Schema

_Gone = tuple[int, str, str, str]
"""Position, what it is, its table, its name."""

# What each is to pg_depend: a class, an object and one of its columns (null for any).
_OBJECTS = f"""SELECT position, what, 'pg_class'::regclass AS class, c.oid, NULL::int AS number
FROM gone JOIN pg_class c ON c.relname = gone.tab AND c.relnamespace = {OWN_SCHEMA}
WHERE what = 'table'
UNION ALL
SELECT position, what, 'pg_type'::regclass, t.oid, NULL
FROM gone JOIN pg_class c ON c.relname = gone.tab AND c.relnamespace = {OWN_SCHEMA}
JOIN pg_type t ON c.reltype IN (t.oid, t.typelem) WHERE what = 'table'
UNION ALL
SELECT position, what, 'pg_class'::regclass, c.oid, a.attnum
FROM gone JOIN pg_class c ON c.relname = gone.tab AND c.relnamespace = {OWN_SCHEMA}
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = gone.name
WHERE what IN ('column', 'retyped')
UNION ALL
SELECT position, what, 'pg_class'::regclass, c.oid, NULL
FROM gone JOIN pg_class c ON c.relname = gone.name AND c.relnamespace = {OWN_SCHEMA}
WHERE what = 'index'
UNION ALL
SELECT position, what, 'pg_constraint'::regclass, k.oid, NULL
FROM gone JOIN pg_class c ON c.relname = gone.name AND c.relnamespace = {OWN_SCHEMA}
JOIN pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u', 'x') WHERE what = 'index'
UNION ALL
SELECT position, what, 'pg_type'::regclass, t.oid, NULL
FROM gone JOIN pg_type e ON e.typname = gone.name AND e.typnamespace = {OWN_SCHEMA}
JOIN pg_type t ON t.oid IN (e.oid, e.typarray) WHERE what = 'type'"""

# What belongs to tables of ours is changed along with them, and what is on a dropped table goes.
# Constraints, of other schemas too, the server makes again where a type changes.
_QUESTION = """SELECT DISTINCT o.position, CASE w.rulename WHEN '_RETURN'
THEN pg_describe_object('pg_class'::regclass, w.ev_class, 0)
ELSE pg_describe_object(d.classid, d.objid, d.objsubid) END AS label
FROM object o
JOIN pg_depend d ON d.refclassid = o.class AND d.refobjid = o.oid AND d.deptype = 'n'
AND (o.number IS NULL OR d.refobjsubid = o.number)
LEFT JOIN pg_rewrite w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
LEFT JOIN pg_trigger g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
LEFT JOIN pg_policy p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_constraint k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
LEFT JOIN pg_index i ON d.classid = 'pg_class'::regclass AND i.indexrelid = d.objid
WHERE NOT EXISTS (SELECT FROM managed m WHERE m.oid IN (k.conrelid, f.adrelid, i.indrelid)
OR d.classid = 'pg_class'::regclass AND m.oid = d.objid)
AND (o.what = 'table' AND o.oid IN (w.ev_class, g.tgrelid, p.polrelid)) IS NOT TRUE
AND (o.what = 'retyped' AND k.oid IS NOT NULL) IS NOT TRUE
ORDER BY 1, 2"""


def dependants(
    connection: Connection,
    changes: Sequence[Change],
    live: Schema,
    features: PostgreSQLFeatures,
) -> Mapping[int, tuple[str, ...]]:
    """See ``Dialect.dependants``. One statement, and none where nothing is taken away.

    It refuses to drop what something depends on, and to alter the type of a column.
    """
    gone = list(_gone(changes))
    if not gone:
        return {}
    values = ", ".join(
        f"({position}, {literal(what)}, {literal(table)}, {literal(name)})"
        for position, what, table, name in gone
    )
    rows: Sequence[Any] = run(
        connection,
        f"WITH {managed(OWN_SCHEMA)}, gone(position, what, tab, name) AS (VALUES {values}),\n"
        f"object AS ({_OBJECTS})\n{_QUESTION}",
    ).all()
    found: dict[int, tuple[str, ...]] = {}
    for position, label in rows:
        found[position] = (*found.get(position, ()), str(label))
    return found


def _gone(changes: Sequence[Change]) -> Iterator[_Gone]:
    """What is dropped or changes its type, by the names it has today."""
    tables, columns = former_names(changes), former_columns(changes)
    enums = former_names(changes, RenameEnum)

    def column(position: int, table: str, name: str, what: str = "retyped") -> _Gone:
        return position, what, tables.get(table, table), columns.get((table, name), name)

    for position, change in enumerate(changes):
        match change:
            case DropTable():
                yield position, "table", change.table.name, ""
            case DropColumn():
                yield column(position, change.table, change.column.name, "column")
            case AlterColumn() if change.aspects & {"type", "collation", "enum"}:
                yield column(position, change.table, change.before.name)
            case DropIndex():
                yield position, "index", "", change.index.name or ""
            case DropPrimaryKey():
                yield position, "index", "", change.primary_key.name or ""
            case DropEnum():
                yield position, "type", "", change.enum.name
            case ReplaceEnum():
                name = change.before.name
                yield position, "type", "", enums.get(name, name)
                for table, before, _ in change.columns:
                    yield column(position, table, before.name)
            case _:
                pass
