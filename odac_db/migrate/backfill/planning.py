"""Which columns a plan must fill before they can be NOT NULL. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from odac_db.migrate.dependants import Verdict
from odac_db.schema.changes import AlterColumn, Backfill
from odac_db.schema.plan import Finding

replace = msgspec.structs.replace

Findings = dict[int, tuple[Finding, ...]]
"""By the identity of their change."""


def backfilled(verdicts: Sequence[Verdict], found: Findings, *, in_place: bool) -> list[Verdict]:
    """The verdicts, with a Backfill where rows were found that hold NULL and get the default.

    The column first becomes all it is to be but NOT NULL, so that new rows get the default
    while the others are filled; then it becomes that too. Where a table is rebuilt whole
    (not ``in_place``) the rebuild fills it, and nothing comes apart. What was found goes to
    the part it is about.
    """
    return [one for verdict in verdicts for one in _filled(verdict, found, in_place)]


def _filled(verdict: Verdict, found: Findings, in_place: bool) -> Iterator[Verdict]:
    change = verdict.change
    empty = _empty(found.get(id(change), ()))
    if empty is None or not isinstance(change, AlterColumn) or verdict.status != "pending":
        yield verdict
        return
    rest = tuple(each for each in found.pop(id(change)) if each is not empty)
    fill = Backfill(table=change.table, column=change.after, rows=empty.count or 0)
    found[id(fill)] = (empty,)
    if not in_place:
        found[id(change)] = rest
        yield from (Verdict(change=fill), verdict)
        return
    nullable = replace(change.after, nullable=True)
    first = replace(change, after=nullable)
    last = replace(change, before=nullable)
    found[id(first if nullable != change.before else last)] = rest
    if nullable != change.before:
        yield replace(verdict, change=first)
    yield Verdict(change=fill)
    yield Verdict(change=last)


def _empty(findings: Sequence[Finding]) -> Finding | None:
    return next((each for each in findings if each.kind == "nulls" and not each.refuses), None)
