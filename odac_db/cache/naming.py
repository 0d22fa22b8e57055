"""Tables as people name them, and as the catalog does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from odac_db.dialects.reach import Reach
from odac_db.errors import UnknownName


def found(names: Iterable[str], reach: Reach) -> dict[str, str | None]:
    """By each name, that of the table or view in the catalog; None if there is none."""
    return {name: _found(name.casefold(), reach) for name in names}


def unknown(name: str, reach: Reach) -> UnknownName:
    """The error for a name there is not, with the one most like it."""
    there = sorted({*reach.tables, *reach.views})
    close = difflib.get_close_matches(name.casefold(), there, n=1, cutoff=0.5)
    what = "cache: the database has no table and no view"
    return UnknownName(what, name, close[0] if close else None)


def _found(name: str, reach: Reach) -> str | None:
    space, _, last = name.rpartition(".")
    for candidate in (name, last) if space in reach.namespaces else (name,):
        if candidate in reach.tables or candidate in reach.views:
            return candidate
    return None
