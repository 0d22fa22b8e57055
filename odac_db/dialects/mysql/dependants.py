"""Triggers, views, routines and events whose text names what is dropped or renamed.

These servers keep their texts as they were written, and find out what they name when they
are next used: then a trigger refuses every write of its table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects.mysql.catalog import execute
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import string, tokens, unquote_name
from odac_db.dialects.taken_away import TakenAway, taken_away
from odac_db.schema.changes import Change, DropTable, RenameColumn, RenameTable
from odac_db.schema.model import Schema


@dataclass(frozen=True)
class _Text:
    """What one of them says. ``table`` is whose trigger it is.

    ``names`` are all names in it but those it gives, ``of_row`` the columns of NEW and OLD.
    """

    label: str
    table: str
    names: frozenset[str]
    of_row: frozenset[str]


def dependants(
    connection: Connection,
    changes: Sequence[Change],
    live: Schema,
    features: MySQLFeatures,
) -> Mapping[int, tuple[str, ...]]:
    """See ``Dialect.dependants``. One statement, and none where nothing is taken away.

    Texts are compared by name: one that names the table and, of something else, a column of
    that name is told as well. What a routine puts together at run time is not seen.
    """
    gone = [one for one in taken_away(changes) if not _is_spelling(one, features)]
    texts = list(_texts(connection, features)) if gone else []
    found = {
        one.position: tuple(text.label for text in texts if _is_named(one, text)) for one in gone
    }
    return {position: labels for position, labels in found.items() if labels}


def _is_spelling(one: TakenAway, features: MySQLFeatures) -> bool:
    """Whether only the case of a name changes that means the same in any case."""
    match one.change:
        case RenameColumn():
            return one.change.before.lower() == one.change.after.lower()
        case RenameTable():
            same = one.change.before.lower() == one.change.after.lower()
            return features.folds_table_case and same
        case _:
            return False


def _is_named(one: TakenAway, text: _Text) -> bool:
    table = one.table.lower()
    if one.column is None:
        goes_along = isinstance(one.change, DropTable) and text.table == table
        return table in text.names and not goes_along
    column = one.column.lower()
    if text.table == table and column in text.of_row:
        return True
    return table in text.names and column in text.names


def _texts(connection: Connection, features: MySQLFeatures) -> Iterator[_Text]:
    database = string(features.namespace)
    rows: Sequence[Any] = execute(
        connection,
        f"""SELECT 'trigger', EVENT_OBJECT_TABLE, TRIGGER_NAME, ACTION_STATEMENT
        FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = {database}
        UNION ALL SELECT 'view', '', TABLE_NAME, VIEW_DEFINITION
        FROM information_schema.VIEWS WHERE TABLE_SCHEMA = {database}
        UNION ALL SELECT LOWER(ROUTINE_TYPE), '', ROUTINE_NAME, ROUTINE_DEFINITION
        FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {database}
        UNION ALL SELECT 'event', '', EVENT_NAME, EVENT_DEFINITION
        FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {database}
        ORDER BY 1, 3""",
    ).all()
    for kind, table, name, text in rows:
        # A role without the privilege to see a text is given none.
        named = list(_names(text or ""))
        of_row = {name for before, name in named if before in ("new", "old")}
        names = {name for _, name in named}
        yield _Text(f"{kind} {name}", str(table).lower(), frozenset(names), frozenset(of_row))


def _names(text: str) -> Collection[tuple[str, str]]:
    """Each name, in lower case, with the one it is qualified by; not those behind AS."""
    found: list[tuple[str, str]] = []
    pieces = [(one.kind, unquote_name(one.text).lower()) for one in tokens(text)]
    for at, (kind, name) in enumerate(pieces):
        before = pieces[at - 1] if at else ("", "")
        if kind not in ("name", "word") or before == ("word", "as"):
            continue
        qualified = before == ("sign", ".") and at > 1
        found.append((pieces[at - 2][1] if qualified else "", name))
    return found
