"""What a database says about itself: five statements, whatever the number of tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

# A broken view or a virtual table whose module is missing must not stop the reading: the
# pragmas are only asked about ordinary tables.
_TABLES = (
    "main.sqlite_master m WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' "
    "AND substr(m.name, 1, 7) <> 'sqlite_' AND lower(substr(m.name, 1, 6)) <> '_odac_'"
)
_MASTER = (
    "SELECT type, name, tbl_name, sql FROM main.sqlite_master "
    "WHERE substr(name, 1, 7) <> 'sqlite_' AND lower(substr(tbl_name, 1, 6)) <> '_odac_'"
)
_KINDS = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'"
_COLUMNS = (
    'SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden '
    "FROM " + _TABLES.replace(" m WHERE", " m, pragma_table_xinfo(m.name, 'main') x WHERE")
)
_INDEXES = (
    'SELECT m.name, l.name, l."unique", l.origin, l.partial, x.cid, x.name, x."desc", x.coll '
    "FROM "
    + _TABLES.replace(
        " m WHERE",
        " m, pragma_index_list(m.name, 'main') l, pragma_index_xinfo(l.name, 'main') x WHERE",
    )
    + " AND x.key"
)
# REFERENCES without columns means the primary key of the other table.
_TARGET_COLUMN = (
    "(SELECT p.name FROM pragma_table_xinfo(f.\"table\", 'main') p WHERE p.pk = f.seq + 1)"
)
_FOREIGN_KEYS = (
    f'SELECT m.name, f.id, f."table", f."from", coalesce(f."to", {_TARGET_COLUMN}), '
    "f.on_update, f.on_delete FROM "
    + _TABLES.replace(" m WHERE", " m, pragma_foreign_key_list(m.name, 'main') f WHERE")
)


class Facts(NamedTuple):
    """All rows the server gave, by table."""

    master: Sequence[Any]
    kinds: Mapping[str, tuple[str, int, int]]
    columns: Mapping[str, list[Any]]
    indexes: Mapping[str, list[Any]]
    foreign_keys: Mapping[str, list[Any]]
    names: Mapping[str, str]
    index_sql: Mapping[str, str]


def read(conn: Connection) -> Facts:
    """The rows of table-valued pragmas joined with sqlite_master."""
    master = _rows(conn, _MASTER)
    kinds = {row[0]: (row[1], row[2], row[3]) for row in _rows(conn, _KINDS)}
    return Facts(
        master,
        kinds,
        _by_table(_rows(conn, _COLUMNS)),
        _by_table(_rows(conn, _INDEXES)),
        _by_table(_rows(conn, _FOREIGN_KEYS)),
        {row[1].lower(): row[1] for row in master if row[0] == "table"},
        {row[1]: row[3] for row in master if row[0] == "index"},
    )


def _rows(conn: Connection, sql: str) -> Sequence[Any]:
    return conn.exec_driver_sql(sql).all()


def _by_table(rows: Sequence[Any]) -> Mapping[str, list[Any]]:
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found
