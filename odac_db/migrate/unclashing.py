"""Constraint and index renames in an order in which no name is taken twice. Pure.

``x1 → x2`` can only run once ``x2`` is free. Names that change places in a circle go by way
of a name of ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import xxhash

from odac_db.schema.changes import Change, RenameConstraint

replace = msgspec.structs.replace


def unclashing(changes: Sequence[Change]) -> list[Change]:
    """The changes, with the renames of constraints last and sorted among themselves."""
    renames = [change for change in changes if isinstance(change, RenameConstraint)]
    others = [change for change in changes if not isinstance(change, RenameConstraint)]
    return [*others, *_sorted(renames)]


def _sorted(renames: list[RenameConstraint]) -> Iterator[RenameConstraint]:
    waiting = list(renames)
    while waiting:
        taken = {change.before for change in waiting}
        free = [change for change in waiting if change.after not in taken]
        if free:
            yield from free
            waiting = [change for change in waiting if change not in free]
            continue
        first = waiting[0]
        aside = f"_odac_{xxhash.xxh3_64_hexdigest(first.before.encode())}"
        yield replace(first, after=aside)
        waiting[0] = replace(first, before=aside)
