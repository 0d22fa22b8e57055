"""Which tables are big, and what is not done to them unless asked for.

A small table is changed in a moment, in whatever way is simplest. On a big one, what goes
through all rows must not hold up others; where no server can do without, it needs leave.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features, Size
from odac_db.migrate.dependants import Verdict, waiting
from odac_db.schema.changes import Change, RenameTable, ReplaceEnum, table_of
from odac_db.schema.plan import Hazard

__all__ = ["big_tables", "held_for_cost", "spared"]

_ROW_BYTES = 640
"""100,000 rows are 64 MB: what is not yet counted (PostgreSQL before ANALYZE) is weighed."""


def big_tables(
    conn: Connection, dialect: Dialect, features: Features, changes: Sequence[Change], rows: int
) -> dict[str, Size]:
    """Of the tables that the changes touch those from ``rows`` rows on, by coming names."""
    former: dict[str, str] = {}
    touched: set[str] = set()
    for change in changes:
        if isinstance(change, RenameTable):
            former[change.after] = former.pop(change.before, change.before)
        elif isinstance(change, ReplaceEnum):
            touched.update(table for table, _, _ in change.columns)
        touched.add(table_of(change))
    live = {former.get(table, table): table for table in touched - {""}}
    if not live:
        return {}
    found = dialect.sizes(conn, live.keys(), features)
    return {
        live[name]: size
        for name, size in found.items()
        if size.rows >= rows or size.bytes >= rows * _ROW_BYTES
    }


def held_for_cost(
    verdicts: Sequence[Verdict],
    hazards: Callable[[Change], Sequence[Hazard]],
    big: Mapping[str, Size],
    allow: Collection[str],
) -> list[Verdict]:
    """The verdicts, with what would hold up others for long held back unless allowed.

    ``allow`` names the hazard (``table_rewrite``) or the hazard and the table
    (``table_rewrite:posts``).
    """
    if not big:
        return list(verdicts)
    found = []
    for verdict in verdicts:
        costs = hazards(verdict.change) if verdict.status == "pending" else ()
        costs = [one for one in costs if one.needs_leave]
        refused = [one for one in costs if not _is_allowed(one, verdict.change, allow)]
        if refused:
            reason = _reason(refused[0], verdict.change, big)
            found.append(msgspec.structs.replace(verdict, status="held_back", reason=reason))
        else:
            found.append(verdict)
    return waiting(found)


def spared(big: Collection[str], allow: Collection[str]) -> frozenset[str]:
    """The big tables but those that may be copied, or not be written to meanwhile."""
    given = set(allow)
    codes = ("table_copy", "blocks_writes")
    return frozenset(t for t in big if not given & {w for c in codes for w in (c, f"{c}:{t}")})


def _is_allowed(hazard: Hazard, change: Change, allow: Collection[str]) -> bool:
    return bool({hazard.code, f"{hazard.code}:{table_of(change)}"} & set(allow))


def _reason(hazard: Hazard, change: Change, big: Mapping[str, Size]) -> str:
    table = table_of(change)
    size = big.get(table)
    about = f" (about {size.rows:,} rows)" if size is not None and size.rows else ""
    leave = f"{hazard.code}:{table}" if table else hazard.code
    return f"{hazard.message}{about}; allow it for a quiet hour with --allow {leave}"
