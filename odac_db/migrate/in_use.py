"""What no file holds and that uses what a plan takes away, told before the first write.

A server either breaks it without a word, and it fails when it is next used: that needs
leave. Or it refuses the change: then the change is blocked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features
from odac_db.migrate.dependants import Verdict, waiting
from odac_db.migrate.describe import name_of
from odac_db.schema.changes import Change, DropEnum, kind_of, table_of
from odac_db.schema.model import Schema
from odac_db.schema.plan import Hazard

__all__ = ["InUse", "asked_for", "held_for_use", "in_use"]


@dataclass(frozen=True, kw_only=True)
class InUse:
    """By the ``id`` of the change: why it is ``refused``, or what it is ``breaking``."""

    refused: Mapping[int, str] = field(default_factory=dict)
    breaking: Mapping[int, Hazard] = field(default_factory=dict)


def in_use(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    changes: Sequence[Change],
    live: Schema,
) -> InUse:
    """Asks the catalog; nothing is asked where nothing is taken away."""
    found = {
        id(changes[position]): (changes[position], ", ".join(names))
        for position, names in dialect.dependants(conn, changes, live, features).items()
    }
    if features.breaks_dependants:
        return InUse(breaking={key: _breaking(*one) for key, one in found.items()})
    return InUse(refused={key: _refused(*one) for key, one in found.items()})


def asked_for(changes: Sequence[Change], used: InUse) -> list[Change]:
    """The changes without drops of types that nobody asked to drop and others still use."""
    return [one for one in changes if not (isinstance(one, DropEnum) and id(one) in used.refused)]


def _refused(change: Change, names: str) -> str:
    return (
        f"the server refuses to change {_what(change)} because of {names}, which no schema file "
        "holds: drop that by hand first, and make it again afterwards, or leave this as it is"
    )


def _breaking(change: Change, names: str) -> Hazard:
    message = f"{names}: fails when next used, because it names {_what(change)}"
    return Hazard("breaks_dependants", message, needs_leave=True)


def _what(change: Change) -> str:
    table = table_of(change)
    name = getattr(change, "before", name_of(change))
    name = name if isinstance(name, str) else name_of(change)
    return f"{table}.{name}" if table and kind_of(change).endswith("_column") else name


def held_for_use(
    verdicts: Sequence[Verdict], breaking: Mapping[int, Hazard], allow: Collection[str]
) -> list[Verdict]:
    """The verdicts, each with its hazard, and held back where that is not allowed.

    ``allow`` names ``breaks_dependants``, or that and the table.
    """
    return waiting(
        [
            _held(one, breaking[id(one.change)], allow) if id(one.change) in breaking else one
            for one in verdicts
        ]
    )


def _held(verdict: Verdict, hazard: Hazard, allow: Collection[str]) -> Verdict:
    told = msgspec.structs.replace(verdict, hazards=(hazard,))
    leave = f"{hazard.code}:{table_of(verdict.change)}"
    if verdict.status != "pending" or {hazard.code, leave} & set(allow):
        return told
    reason = (
        f"{hazard.message}; drop it by hand first, or allow this with --allow {leave}, "
        "and make it again at once"
    )
    return msgspec.structs.replace(told, status="held_back", reason=reason)
