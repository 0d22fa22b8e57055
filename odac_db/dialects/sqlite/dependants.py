"""Views and triggers that are broken already, on which SQLite fails every rename.

ALTER TABLE RENAME reads all of them anew, and stops at the first that names what is not
there. Which they are only SQLite tells: the renames are tried on an empty private database.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection

from odac_db.dialects.base import Features
from odac_db.dialects.sqlite.create import create_table
from odac_db.dialects.sqlite.leftovers import TRIGGER, VIEW
from odac_db.dialects.sqlite.renames import rename_statements, renames_of
from odac_db.dialects.sqlite.spelling import quote
from odac_db.schema.changes import Change, RenameColumn, RenameTable
from odac_db.schema.model import Schema

_ERROR = re.compile(r"error in (view|trigger) (.+?)(?: after rename)?: (.+)", re.DOTALL)


def dependants(
    conn: Connection,
    changes: Sequence[Change],
    live: Schema,
    features: Features,
) -> Mapping[int, tuple[str, ...]]:
    """See ``Dialect.dependants``. Asks the database at hand nothing.

    What a drop would break is found out when the plan has run, and undoes it.
    """
    renames = {n for n, one in enumerate(changes) if isinstance(one, RenameTable | RenameColumn)}
    if not renames or not any(item.kind in (TRIGGER, VIEW) for item in live.unsupported):
        return {}
    found = tuple(dict.fromkeys(_broken(live, changes)))
    return dict.fromkeys(renames, found) if found else {}


def _broken(live: Schema, changes: Sequence[Change]) -> Iterator[str]:
    """Each of them, with what SQLite says of it."""
    scratch = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _furnish(scratch, live)
        for change in renames_of(changes):
            for statement in rename_statements(change):
                yield from _tried(scratch, statement)
    except sqlite3.Error:
        return  # what else is amiss is not for us to tell
    finally:
        scratch.close()


def _furnish(scratch: sqlite3.Connection, live: Schema) -> None:
    for table in live.tables.values():
        scratch.execute(create_table(table))
    for item in sorted(live.unsupported, key=lambda item: item.kind == TRIGGER):
        if item.kind in ("virtual table", VIEW, TRIGGER):
            scratch.execute(item.detail)


def _tried(scratch: sqlite3.Connection, statement: str) -> Iterator[str]:
    """The statement executed, without those that it fails on."""
    while True:
        try:
            scratch.execute(statement)
        except sqlite3.OperationalError as error:
            told = _ERROR.fullmatch(str(error))
            if told is None:
                raise
            kind, name, reason = told.groups()
            yield f"{kind} {name} ({reason})"
            scratch.execute(f"DROP {kind} {quote(name)}")
        else:
            return
