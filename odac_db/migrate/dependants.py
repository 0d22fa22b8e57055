"""What cannot run while another change does not. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from odac_db.migrate.change_expressions import dropped_texts, texts
from odac_db.migrate.describe import name_of
from odac_db.migrate.expressions import mentions
from odac_db.migrate.guards import guarded, guarding, relieved
from odac_db.migrate.naming import naming, unnamed
from odac_db.migrate.needs import disturbed, missing, needs
from odac_db.schema.changes import Change, kind_of, table_of
from odac_db.schema.plan import Hazard, Status


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one change may run, and if not, why and what to do.

    ``waits`` says that it is stopped for another change's sake only, ``stuck`` why it cannot
    be made whatever leave is given. ``hazards`` are those that only the catalog tells.
    """

    change: Change
    status: Status = "pending"
    reason: str = ""
    destructive: bool = False
    waits: bool = False
    stuck: str = ""
    hazards: tuple[Hazard, ...] = ()


def waiting(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, with what depends on a change that will not run stopped as well."""
    settled = list(verdicts)
    running = [verdict.change for verdict in settled if verdict.status == "pending"]
    free = relieved(running)
    fresh = [verdict for verdict in settled if verdict.status != "pending"]
    while fresh:
        undone = _Undone(fresh, free)
        fresh = []
        for position, verdict in enumerate(settled):
            cause = undone.cause(verdict.change) if verdict.status == "pending" else None
            if cause is not None:
                settled[position] = _waits(verdict, cause)
                fresh.append(settled[position])
    return settled


def _waits(verdict: Verdict, cause: Verdict) -> Verdict:
    kind, name = kind_of(cause.change).replace("_", " "), name_of(cause.change)
    state = cause.status.replace("_", " ")
    status: Status = "held_back" if cause.status == "held_back" else "blocked"
    reason = f"waits for {kind} {name}, which is {state}"
    return msgspec.structs.replace(verdict, status=status, reason=reason, waits=True)


class _Undone:
    """Changes that will not run, by what is not as desired for their sake."""

    def __init__(self, stopped: Sequence[Verdict], relieved: Collection[int]) -> None:
        """``relieved`` are the drops after which others guard what they did."""
        self.relieved = relieved
        self.missing = {
            need: one
            for one in reversed(stopped)
            for need in (*guarding(one.change), *unnamed(one.change), *missing(one.change))
        }
        self.columns: dict[str, list[tuple[str, Verdict]]] = {}
        for (what, table, column), one in self.missing.items():
            if what in {"column", "type"}:
                self.columns.setdefault(table, []).append((column, one))
        self.standing: dict[str, list[tuple[str, Verdict]]] = {}
        for one in stopped:
            for text in dropped_texts(one.change):
                self.standing.setdefault(table_of(one.change), []).append((text, one))

    def cause(self, change: Change) -> Verdict | None:
        """The stopped change without which this one makes no sense or would be refused."""
        left = () if id(change) in self.relieved else guarded(change)
        for need in (*needs(change), *naming(change), *left):
            if need in self.missing:
                return self.missing[need]
        for text in texts(change):
            for column, one in self.columns.get(table_of(change), ()):
                if mentions(text, column):
                    return one
        for table, column in disturbed(change):
            for text, one in self.standing.get(table, ()):
                if mentions(text, column):
                    return one
        return None
