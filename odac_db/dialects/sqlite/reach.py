"""What statements touch beyond the tables they name, from the catalog."""

from __future__ import annotations

import re

from sqlalchemy import Connection

from odac_db.dialects.reach import Grammar, KeyActions, Reach, on_delete, on_update

GRAMMAR = Grammar("sqlite", percent=False)
_REPLACES = re.compile(r"\bconflict\b.*?\breplace\b", re.IGNORECASE | re.DOTALL)
_KEYS = """
SELECT m.name, k."table", k.on_delete, k.on_update
FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) k WHERE m.type = 'table'"""


def reach(connection: Connection) -> Reach:
    """Two statements. Functions of the application are not in the catalog.

    Tables of SQLite's own are none: ``sqlite_sequence`` is written by every INSERT.
    """
    found = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master").all()
    keys = tuple(
        KeyActions(child.casefold(), parent.casefold(), on_delete(deletes), on_update(updates))
        for child, parent, deletes, updates in connection.exec_driver_sql(_KEYS).all()
    )
    return Reach(
        grammar=GRAMMAR,
        tables=frozenset(
            name.casefold()
            for kind, name, _, _ in found
            if kind == "table" and not name.casefold().startswith("sqlite_")
        ),
        views={name.casefold(): (sql,) for kind, name, _, sql in found if kind == "view"},
        keys=keys,
        triggered=frozenset(on.casefold() for kind, _, on, _ in found if kind == "trigger"),
        guarded={
            name.casefold(): "is a virtual table"
            for kind, name, _, sql in found
            if kind == "table" and (sql or "").upper().startswith("CREATE VIRTUAL")
        },
        kin={},
        routines=frozenset(),
        writers=frozenset(),
        namespaces=frozenset({"main"}),
        replacing=frozenset(
            name.casefold()
            for kind, name, _, sql in found
            if kind == "table" and _REPLACES.search(sql or "")
        ),
    )


def session(connection: Connection) -> str:
    """The files it has attached, and what it has made for itself."""
    attached = connection.exec_driver_sql("PRAGMA database_list").all()
    own = connection.exec_driver_sql("SELECT type, name FROM sqlite_temp_master").all()
    files = [(name, file) for _, name, file in attached if name != "temp"]
    return repr((files, [tuple(row) for row in own]))
