"""A hash of the catalog, made by the server: it changes with every DDL that a plan would see.

Most rows are told by ``xmin``, the transaction that wrote them: any ALTER writes the row
anew, and whatever reading may use of it is covered. Where the server writes rows for other
reasons (TRUNCATE and VACUUM FULL in pg_class, CREATE OR REPLACE in pg_proc), or changes them
in place (pg_index before PostgreSQL 14), the hash is of their content. ANALYZE and
autovacuum change nothing here. A dump that is restored has other transactions and object
ids: its first boot compares everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import xxhash
from sqlalchemy import Connection

from odac_db.dialects.base import Fingerprint
from odac_db.dialects.postgresql.reading import run

# The first id that initdb does not give away: FirstNormalObjectId in access/transam.h.
_USERS = "oid >= 16384"
_OWN = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"

# Ours but for odac-db's own tables and what belongs to them.
_RELATIONS = f"""rel AS MATERIALIZED (SELECT c.oid, c.relkind, c.relname, c.relam,
c.relpersistence, c.relispartition, c.reloftype, c.reltablespace, c.reloptions,
c.relrowsecurity, c.relforcerowsecurity, c.relreplident, i.xmin AS indexed, i.indisvalid,
i.indisready, i.indislive
FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
LEFT JOIN pg_class t ON t.oid = i.indrelid
WHERE c.relnamespace = {_OWN} AND coalesce(t.relname, c.relname) NOT LIKE '\\_odac\\_%'),
kept AS MATERIALIZED (SELECT k.oid, k.xmin, k.contype, k.confrelid FROM pg_constraint k
WHERE k.connamespace = {_OWN} AND (k.conrelid = 0 OR k.conrelid IN (SELECT oid FROM rel)))"""

# Names of objects anywhere: expressions and types are printed with them.
_ANYWHERE = "JOIN pg_namespace n ON n.oid = {column} AND n.nspname NOT LIKE 'pg\\_temp\\_%'"

_OTHERS = (
    "pg_am",
    "pg_collation",
    "pg_conversion",
    "pg_operator",
    "pg_opclass",
    "pg_opfamily",
    "pg_ts_config",
    "pg_ts_dict",
    "pg_ts_parser",
    "pg_ts_template",
)


def fingerprint(connection: Connection) -> Fingerprint:
    """The hash, in one statement."""
    row: Sequence[Any] = run(connection, _statement()).one()
    ledger, *sums = row
    text = "\n".join(str(each) for each in sums)
    return Fingerprint(value=xxhash.xxh3_128_hexdigest(text.encode()), ledger=bool(ledger))


def _statement() -> str:
    sums = ",\n".join(
        f"(SELECT count(*) || ' ' || coalesce(sum({hashed}), 0) FROM {rows})"
        for rows, hashed in _parts()
    )
    return f"""WITH {_RELATIONS}
SELECT to_regclass('_odac_state') IS NOT NULL, version(), current_schema(),
current_schemas(false)::text, {_OWN}::text,
{sums}"""


def _parts() -> Iterator[tuple[str, str]]:
    """Rows and the 64-bit hash of one; sums of such do not depend on the order."""
    for rows, values in {**_tables(), **_objects(), **_names()}.items():
        yield rows, f"hashtextextended(concat_ws(',', {values}), 0)"
    # The largest catalog: numbers are hashed as such, without going by way of text.
    yield (
        "rel JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 "
        "WHERE rel.relkind NOT IN ('i', 'I', 'S')",
        "hashint8extended(a.attrelid::bigint << 16 | a.attnum, a.xmin::text::bigint)",
    )


def _tables() -> Mapping[str, str]:
    """What belongs to the relations of our schema."""
    return {
        "rel LEFT JOIN pg_tablespace s ON s.oid = rel.reltablespace": """rel.oid, relname, relkind,
relam, relpersistence, relispartition, reloftype, spcname, quote_nullable(reloptions::text),
relrowsecurity, relforcerowsecurity, relreplident, indexed, indisvalid, indisready, indislive""",
        "rel JOIN pg_attrdef d ON d.adrelid = rel.oid": "d.oid, d.xmin",
        "rel JOIN pg_sequence q ON q.seqrelid = rel.oid": "q.seqrelid, q.xmin",
        "rel JOIN pg_inherits i ON i.inhrelid = rel.oid": "i.inhrelid, i.inhparent, i.xmin",
        "rel JOIN pg_trigger t ON t.tgrelid = rel.oid AND NOT t.tgisinternal": "t.oid, t.tgname",
        "rel JOIN pg_rewrite r ON r.ev_class = rel.oid": "r.oid, r.rulename",
        "rel JOIN pg_policy p ON p.polrelid = rel.oid": "p.oid, p.polname",
        """rel JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = rel.oid
AND rel.relkind = 'S' AND d.refclassid = 'pg_class'::regclass""": """d.objid, d.refobjid,
d.refobjsubid, d.deptype""",
        "kept k": "k.oid, k.xmin",
        # What they are printed with is not in our schema.
        "kept k WHERE k.contype = 'f' AND k.confrelid NOT IN (SELECT oid FROM rel)": (
            "k.oid, pg_get_constraintdef(k.oid)"
        ),
    }


def _objects() -> Mapping[str, str]:
    """What else is in our schema, and what anything of ours is called in comments."""
    return {
        f"pg_enum e JOIN pg_type t ON t.oid = e.enumtypid AND t.typnamespace = {_OWN}": (
            "e.oid, e.xmin"
        ),
        f"pg_statistic_ext s WHERE s.stxnamespace = {_OWN}": "s.oid, s.stxname",
        f"""pg_description x WHERE x.obj{_USERS} AND (x.objoid IN (SELECT oid FROM rel)
OR x.objoid IN (SELECT oid FROM kept)
OR x.objoid IN (SELECT oid FROM pg_type WHERE typnamespace = {_OWN}))""": """x.objoid, x.classoid,
x.objsubid, x.xmin""",
        "pg_depend d WHERE d.deptype = 'e'": "d.classid, d.objid, d.refobjid",
    }


def _names() -> Mapping[str, str]:
    """Types, functions and the like in any schema, by the names they are printed with.

    Row types and array types are not: their tables and elements are. But in the schemas of
    the search path a row type may take the place of another type of its name.
    """
    types = _ANYWHERE.format(column="t.typnamespace")
    routines = _ANYWHERE.format(column="p.pronamespace")
    return {
        f"""pg_type t {types} WHERE t.{_USERS} AND (t.typtype <> 'c' AND t.typcategory <> 'A'
OR t.typnamespace <> {_OWN} AND n.nspname = ANY (current_schemas(false)))""": (
            "t.oid, t.xmin, n.nspname"
        ),
        f"pg_proc p {routines} WHERE p.{_USERS}": """p.oid, p.proname, n.nspname, p.prokind,
p.proargtypes, p.proargnames, p.proargmodes""",
        **{f"{catalog} o WHERE o.{_USERS}": "o.oid, o.xmin" for catalog in _OTHERS},
    }
