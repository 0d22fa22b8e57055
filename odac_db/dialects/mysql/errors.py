"""What MySQL's and MariaDB's errors say: which constraint was violated, what to try again.

Only the number is structured; names stand in the text, in quotes whatever the language.
Numbers: https://dev.mysql.com/doc/mysql-errors/en/server-error-reference.html and
https://mariadb.com/kb/en/mariadb-error-code-reference/
"""

from __future__ import annotations

import re

from odac_db.dialects.base import Failure, Refusal
from odac_db.dialects.targets import target_of

_DUPLICATES = frozenset({1022, 1062, 1169, 1557, 1586, 1761, 1762})
_NULLS = frozenset({1048, 1263, 1364})
_FOREIGN_KEYS = frozenset({1216, 1217, 1451, 1452})
_CHECKS = frozenset({3819, 4025})

# Deadlock; a row changed since the snapshot (MariaDB): the server undid the transaction.
_GONE = frozenset({1020, 1213})
# Lock wait timeout, NOWAIT: the server undid the statement.
_CONFLICTS = frozenset({1205, 3572})
# Server shutdown, network, connection killed (MariaDB), gone away, inactivity.
_LOST = frozenset({1053, 1158, 1159, 1160, 1161, 1927, 2006, 2013, 2055, 4031})

_LAST_QUOTED = re.compile(r"'([^']+)'[^']*\Z")
_FIRST_QUOTED = re.compile(r"'([^']+)'")
_KEY = re.compile(
    r"\(`[^`]+`\.`(?P<table>(?:[^`]|``)+)`, CONSTRAINT `(?P<name>(?:[^`]|``)+)` "
    r"FOREIGN KEY \((?P<columns>[^)]*)\)"
)
_BACKTICKED = re.compile(r"`((?:[^`]|``)+)`")


def refusal(error: BaseException, statement: str) -> Refusal | None:
    """The constraint, as far as the message names it; its table from the statement if not."""
    number, text = said(error)
    if number in _DUPLICATES:
        return _duplicate(text, statement)
    if number in _FOREIGN_KEYS:
        return _foreign_key(text)
    if number in _NULLS:
        found = _FIRST_QUOTED.search(text)
        columns = (found[1],) if found else ()
        return Refusal(kind="not_null", table=target_of(statement), columns=columns)
    return _check(text, statement) if number in _CHECKS else None


def failure(error: BaseException) -> Failure | None:
    """Whether the same transaction may succeed when it is run again."""
    number, _ = said(error)
    if number in _GONE:
        return "gone"
    if number in _CONFLICTS:
        return "conflict"
    return "lost" if number in _LOST else None


def said(error: BaseException | None) -> tuple[int, str]:
    """The number and the text: PyMySQL's and mysqlclient's two arguments."""
    match error.args if error is not None else ():
        case (int(number), str(text), *_):
            return number, text
        case _:
            return 0, ""


def _duplicate(text: str, statement: str) -> Refusal:
    """``... for key 'posts.posts_slug_key'``; MariaDB leaves the table out.

    Another table than the statement's is one that a trigger writes to, unless the point is
    part of the key's own name, which begins with its table's where odac-db has made it.
    """
    found = _LAST_QUOTED.search(text)
    table, name = target_of(statement), found[1] if found else None
    if name is not None and name.startswith(f"{table}."):
        name = name.removeprefix(f"{table}.")
    elif name is not None and not name.startswith(table or "\0"):
        before, point, after = name.partition(".")
        table, name = (before, after) if point else (table, name)
    if name == "PRIMARY":
        return Refusal(kind="primary_key", table=table)
    return Refusal(kind="unique", constraint=name, table=table)


def _foreign_key(text: str) -> Refusal:
    """Nothing is named to those who may not see the table."""
    found = _KEY.search(text)
    if found is None:
        return Refusal(kind="foreign_key")
    return Refusal(
        kind="foreign_key",
        constraint=_plain(found["name"]),
        table=_plain(found["table"]),
        columns=tuple(map(_plain, _BACKTICKED.findall(found["columns"]))),
    )


def _check(text: str, statement: str) -> Refusal:
    """MySQL quotes the name alone; MariaDB the name and ``db``.``table``, a column's as t.c."""
    names = _BACKTICKED.findall(text)
    if not names:
        found = _FIRST_QUOTED.search(text)
        name = found[1] if found else None
        return Refusal(kind="check", constraint=name, table=target_of(statement))
    name, table = _plain(names[0]), _plain(names[-1])
    if name.startswith(f"{table}."):
        return Refusal(kind="check", table=table, columns=(name.removeprefix(f"{table}."),))
    return Refusal(kind="check", constraint=name, table=table)


def _plain(name: str) -> str:
    return name.replace("``", "`")
