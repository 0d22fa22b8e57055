"""Names that no table or index can have: something that no file holds has them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from odac_db.dialects.base import Features
from odac_db.schema.changes import (
    AddExclusion,
    AddIndex,
    AddPrimaryKey,
    Change,
    CreateTable,
    RenameConstraint,
    RenameTable,
)
from odac_db.schema.model import Schema, Table

__all__ = ["cannot_be_made", "taken_names"]

_NAMED_LIKE_TABLES = frozenset(
    {
        "base type",
        "composite type",
        "domain",
        "foreign table",
        "inherited table",
        "materialized view",
        "partition",
        "partitioned table",
        "range type",
        "sequence",
        "system versioned table",
        "typed table",
        "view",
        "virtual table",
    }
)


def taken_names(live: Schema) -> Mapping[str, str]:
    """What each such name is the name of, in the server's word."""
    listed = {
        one.name or one.table: one.kind
        for one in live.unsupported
        if one.kind in _NAMED_LIKE_TABLES
    }
    return {**live.taken, **listed}


def cannot_be_made(
    changes: Iterable[Change], live: Schema, features: Features
) -> Mapping[int, str]:
    """Why what is to have a name that is taken is not made, by the ``id`` of the change."""

    def folded(name: str) -> str:
        return name.lower() if features.folds_table_case else name

    taken = {folded(name): kind for name, kind in taken_names(live).items()}
    found: dict[int, str] = {}
    for change in changes:
        for name in _named(change, features):
            if folded(name) in taken:
                found[id(change)] = _told(name, taken[folded(name)], change)
    return found


def _told(name: str, kind: str, change: Change) -> str:
    article = "an" if kind[0] in "aeiou" else "a"
    advice = "give it another name or drop that by hand"
    if isinstance(change, CreateTable):
        advice = "give it another name or drop it by hand, or take the table out of the files"
    return f"{name} is the name of {article} {kind} here, which is left alone: {advice}"


def _named(change: Change, features: Features) -> Iterator[str]:
    """The names that a change gives, of those that tables share with others."""
    match change:
        case CreateTable():
            yield change.table.name
            if features.named_primary_keys:
                yield from _constraints(change.table)
        case RenameTable():
            yield change.after
        case AddIndex() if "index" in features.shared_names:
            yield change.index.name or ""
        case AddPrimaryKey() if features.named_primary_keys:
            yield change.primary_key.name or ""
        case AddExclusion():
            yield change.exclusion.name or ""
        case RenameConstraint() if "index" in features.shared_names:
            if change.what not in ("foreign_key", "check"):
                yield change.after
        case _:
            return


def _constraints(table: Table) -> Iterator[str]:
    """Of those that come with their table the ones that have an index."""
    if table.primary_key is not None:
        yield table.primary_key.name or ""
    yield from (index.name or "" for index in table.indexes)
    yield from (exclusion.name or "" for exclusion in table.exclusions)
