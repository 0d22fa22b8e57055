"""Names that no table can have, because something that no file holds has them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from odac_db.dialects.base import Features
from odac_db.schema.changes import Change, CreateTable
from odac_db.schema.model import Schema

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
    return {
        one.name or one.table: one.kind
        for one in live.unsupported
        if one.kind in _NAMED_LIKE_TABLES
    }


def cannot_be_made(
    changes: Iterable[Change], live: Schema, features: Features
) -> Mapping[int, str]:
    """Why tables are not made whose names are taken, by the ``id`` of the change."""

    def folded(name: str) -> str:
        return name.lower() if features.folds_table_case else name

    taken = {folded(name): kind for name, kind in taken_names(live).items()}
    return {
        id(change): f"{change.table.name} is the name of a {kind} here, which is left alone: "
        "give it another name or drop it by hand, or take the table out of the files"
        for change in changes
        if isinstance(change, CreateTable)
        for kind in [taken.get(folded(change.table.name))]
        if kind is not None
    }
