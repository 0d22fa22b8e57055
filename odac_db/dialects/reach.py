"""What a statement may touch beyond the tables that its text names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Operation = Literal["insert", "update", "delete"]


class Grammar(msgspec.Struct, frozen=True, cache_hash=True):
    """How texts of a server are read. ``name`` is sqlglot's.

    percent: parameters are written with one, ``%(name)s``.
    bare: functions without parentheses that sqlglot takes for columns.
    """

    name: str
    percent: bool
    bare: frozenset[str] = frozenset()


class KeyActions(msgspec.Struct, frozen=True):
    """A foreign key's actions on its child: ``deletes`` and ``updates`` say when they write.

    Deleting parents deletes (CASCADE) or updates (SET NULL, SET DEFAULT) children; updating
    them updates children.
    """

    child: str
    parent: str
    on_delete: Operation | None
    on_update: Operation | None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """The catalog as far as invalidation needs it. All names are case-folded and unqualified.

    Tables of one name in several schemas are taken for one, which only invalidates too much.

    views: the queries behind each name, one for each schema that has such a view; "" for one
        that may not be seen.
    triggered: tables and views whose writes run something else, a trigger or a rule.
        Tables with a default or check that may write count, too.
    guarded: what must not be cached, and why: row security, foreign and virtual tables, engines
        without transactions.
    kin: partitions and inheriting tables with those they inherit from, each with one name for
        all of them.
    routines: functions that are not the server's own. writers: those of them that may write.
    namespaces: by which the tables may be qualified.
    replacing: tables in which whatever is inserted or updated may replace other rows.
    temporary: whether temporary objects of all sessions are among these.
    hidden: whether the text of some view may not be seen.
    warning: what its user is not shown, and what that costs.
    session: what tells the session it was read in, beside the structure in ``fingerprint``.
    """

    grammar: Grammar
    tables: frozenset[str]
    views: Mapping[str, tuple[str, ...]]
    keys: tuple[KeyActions, ...]
    triggered: frozenset[str]
    guarded: Mapping[str, str]
    kin: Mapping[str, str]
    routines: frozenset[str]
    writers: frozenset[str]
    namespaces: frozenset[str]
    replacing: frozenset[str] = frozenset()
    temporary: bool = False
    hidden: bool = False
    warning: str = ""
    fingerprint: str = ""
    session: str = ""


def on_delete(action: str) -> Operation | None:
    """What a foreign key's ON DELETE does to the child."""
    word = action.upper()
    if word == "CASCADE":
        return "delete"
    return "update" if word in {"SET NULL", "SET DEFAULT"} else None


def on_update(action: str) -> Operation | None:
    """What its ON UPDATE does."""
    return "update" if action.upper() in {"CASCADE", "SET NULL", "SET DEFAULT"} else None


def roots(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each name with the first of all names that pairs lead to from it, by the alphabet.

    A table may inherit from several.
    """
    above: dict[str, str] = {}

    def top(name: str) -> str:
        while above.setdefault(name, name) != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    for pair in pairs:
        first, second = sorted(map(top, pair))
        above[second] = first
    return {name: top(name) for name in list(above)}
