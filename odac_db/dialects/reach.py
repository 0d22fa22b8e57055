"""What a statement may touch beyond the tables that its text names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

Operation = Literal["insert", "update", "delete"]


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

    views: the query behind each; "" where it may not be seen.
    triggered: tables and views whose writes run something else, a trigger or a rule.
    guarded: what must not be cached, and why: row security, foreign and virtual tables, engines
        without transactions.
    kin: partitions and inheriting tables, with the root of their tree.
    routines: functions that are not the server's own.
    namespaces: by which the tables may be qualified.
    """

    grammar: str
    tables: frozenset[str]
    views: Mapping[str, str]
    keys: tuple[KeyActions, ...]
    triggered: frozenset[str]
    guarded: Mapping[str, str]
    kin: Mapping[str, str]
    routines: frozenset[str]
    namespaces: frozenset[str]
    fingerprint: str = ""


def on_delete(action: str) -> Operation | None:
    """What a foreign key's ON DELETE does to the child."""
    word = action.upper()
    if word == "CASCADE":
        return "delete"
    return "update" if word in {"SET NULL", "SET DEFAULT"} else None


def on_update(action: str) -> Operation | None:
    """What its ON UPDATE does."""
    return "update" if action.upper() in {"CASCADE", "SET NULL", "SET DEFAULT"} else None


def roots(parents: Mapping[str, str]) -> dict[str, str]:
    """Each name of a tree with the last of its parents."""
    found = {}
    for name in parents:
        top, seen = name, {name}
        while parents.get(top, top) not in seen:
            top = parents[top]
            seen.add(top)
        found[name] = top
    return found
