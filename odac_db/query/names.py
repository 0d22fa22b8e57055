"""Names that people write, and the nearest ones there are."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from odac_db.errors import UnknownName


def unknown(what: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for a name there is not, with the known name most like it."""
    by_case = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), by_case, n=1, cutoff=0.5)
    return UnknownName(what, name, by_case[close[0]] if close else None)
