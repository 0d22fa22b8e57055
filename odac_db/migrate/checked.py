"""What may run once the data has been asked: blocked, split and cleaned for. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import msgspec

from odac_db.errors import ConstraintSetupError
from odac_db.migrate import preflight
from odac_db.migrate.backfill.planning import backfilled
from odac_db.migrate.dependants import Verdict, waiting
from odac_db.migrate.leaving import let_go
from odac_db.migrate.orphans.policy import narrowed
from odac_db.migrate.relax import relaxed
from odac_db.schema.changes import (
    AddColumn,
    AddForeignKey,
    AlterColumn,
    Backfill,
    Change,
    CleanOrphans,
    ReplaceEnum,
)
from odac_db.schema.model import Column, Schema, Table
from odac_db.schema.plan import Finding, FindingKind, Report

__all__ = ["Checked", "checked", "raise_for_blocked"]

replace = msgspec.structs.replace

Findings = Mapping[int, tuple[Finding, ...]]
"""By the identity of their change."""

_TYPE = ("type", "enum", "collation", "identity", "default", "check")
_ASPECTS: Mapping[FindingKind, tuple[str, ...]] = {
    "nulls": ("nullable", "identity"),
    "check": _TYPE,
    "duplicates": _TYPE,
    "out_of_range": _TYPE,
    "too_long": _TYPE,
    "not_castable": _TYPE,
    "not_in_enum": _TYPE,
}


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The verdicts, and what the data had to say to the changes."""

    verdicts: list[Verdict]
    findings: Findings

    def of(self, change: Change) -> tuple[Finding, ...]:
        """What was found for one of the verdicts' changes."""
        return self.findings.get(id(change), ())


Judge = Callable[[Sequence[Verdict]], list[Verdict]]


def checked(
    site: preflight.Site, verdicts: Sequence[Verdict], renamed: Schema, costly: Judge
) -> Checked:
    """The verdicts once the data has been asked, with the cleaning that foreign keys need.

    ``renamed`` is the live schema under coming names. Changes of type are asked about
    first, because all else is asked of the rows as they will be; then ``costly`` says which
    of those that may run are held back for what they cost.
    """
    found: dict[int, tuple[Finding, ...]] = {}
    judged = waiting(_converted(site, verdicts, renamed, costly, found))
    pending = [verdict.change for verdict in judged if verdict.status == "pending"]
    for position, findings in preflight.check(site, pending).items():
        change = pending[position]
        found[id(change)] = (*found.get(id(change), ()), *findings)
    settled = waiting([part for verdict in judged for part in _permitted(verdict, found)])
    settled = backfilled(settled, found, in_place=site.features.alters_in_place)
    # Of the keys that will be added, and of no others: what waits cleans nothing.
    tables = {name: site.desired.tables.get(name, live) for name, live in renamed.tables.items()}
    cleaning = list(_cleaning(settled, found, tables))
    for clean, cause in cleaning:
        findings = found.pop(id(cause), ())
        if findings:
            found[id(clean)] = findings
    added = [Verdict(change=each, destructive=each.policy == "delete") for each, _ in cleaning]
    return Checked(verdicts=_let_go([*settled, *added], found), findings=found)


def raise_for_blocked(reports: Iterable[Report | None]) -> None:
    """Raises ConstraintSetupError if something that is declared was refused by the rows."""
    left = [operation for report in reports if report for operation in report.remaining]
    blocked = [operation for operation in left if operation.status == "blocked"]
    if blocked:
        raise ConstraintSetupError(blocked)


def _converted(
    site: preflight.Site,
    verdicts: Sequence[Verdict],
    renamed: Schema,
    costly: Judge,
    found: dict[int, tuple[Finding, ...]],
) -> list[Verdict]:
    """The verdicts once the rows were asked about changes of type; fills ``found``."""
    asked = {
        position: verdict.change
        for position, verdict in enumerate(let_go(verdicts))
        if verdict.destructive and isinstance(verdict.change, AlterColumn | ReplaceEnum)
    }
    around = [verdict.change for verdict in verdicts if verdict.status == "pending"]
    answer = preflight.converted(site, asked, around)
    settled: list[Verdict] = []
    for position, verdict in enumerate(costly(_released(verdicts, answer.harmless))):
        findings = answer.findings.get(position, ())
        if verdict.status == "held_back":
            parts = relaxed([_told(verdict, findings)], renamed)
            found[id(parts[-1].change)] = findings
            settled += parts
        else:
            found[id(verdict.change)] = findings
            settled += _permitted(verdict, found)
    return settled


def _released(verdicts: Sequence[Verdict], harmless: Collection[int]) -> list[Verdict]:
    """The verdicts, with what loses nothing of what there is no longer held back."""
    free = {place for place in harmless if verdicts[place].status == "held_back"}
    if not free:
        return list(verdicts)
    return waiting(
        [
            _free(verdict) if place in free else _called(verdict)
            for place, verdict in enumerate(verdicts)
        ]
    )


def _free(verdict: Verdict) -> Verdict:
    """What loses nothing needs no leave, but is made only if it can be."""
    if verdict.stuck:
        return replace(verdict, status="blocked", reason=verdict.stuck, destructive=False)
    return Verdict(change=verdict.change)


def _called(verdict: Verdict) -> Verdict:
    """Pending again, because the wait may be over."""
    return replace(verdict, status="pending", reason="", waits=False) if verdict.waits else verdict


def _told(verdict: Verdict, findings: tuple[Finding, ...]) -> Verdict:
    """A held-back change with what will be in the way once it is allowed."""
    refusing = [each.message for each in findings if each.refuses]
    return replace(verdict, reason="\n".join([verdict.reason, *refusing])) if refusing else verdict


def _permitted(verdict: Verdict, found: dict[int, tuple[Finding, ...]]) -> Iterator[Verdict]:
    """A change as far as the data permits it, and what it does not permit as a blocked one."""
    findings = found.get(id(verdict.change), ())
    refusing = tuple(finding for finding in findings if finding.refuses)
    if not refusing or verdict.status != "pending":
        yield verdict
        return
    reason = "\n".join(finding.message for finding in refusing)
    blocked = replace(verdict, status="blocked", reason=reason)
    change = verdict.change
    if isinstance(change, AlterColumn):
        found[id(change)] = tuple(each for each in findings if not _is_filled(each))
        between = _between(change, findings)
        if between not in (change.before, change.after):
            step = AlterColumn(table=change.table, before=change.before, after=between)
            rest = AlterColumn(table=change.table, before=between, after=change.after)
            harmless = (each for each in findings if not each.refuses)
            found[id(step)] = tuple(each for each in harmless if step.fills or not _is_filled(each))
            found[id(rest)] = refusing
            yield replace(verdict, change=step)
            blocked = replace(blocked, change=rest)
    yield blocked


def _between(change: AlterColumn, findings: Sequence[Finding]) -> Column:
    """The column with all that the data has nothing against.

    Rows that hold NULL and would get the default keep it NULL where that is refused, too.
    """
    before, after = change.before, change.after
    refusing = [finding for finding in findings if finding.refuses]
    filled = any(map(_is_filled, findings))
    alike = filled and any(finding.kind == "duplicates" for finding in refusing)
    if alike and not change.aspects & {"type", "enum", "collation"}:
        refusing = [finding for finding in refusing if finding.kind != "duplicates"]
    kept = {aspect for finding in refusing for aspect in _ASPECTS.get(finding.kind, ())}
    if alike or (filled and "default" in kept and before.default is None):
        kept.add("nullable")
    return replace(after, **{aspect: getattr(before, aspect) for aspect in kept})


def _is_filled(finding: Finding) -> bool:
    """Whether it tells of rows that hold NULL and will be given the default."""
    return finding.kind == "nulls" and not finding.refuses


def _let_go(verdicts: Sequence[Verdict], found: dict[int, tuple[Finding, ...]]) -> list[Verdict]:
    """The verdicts in their last form; findings follow the changes that become others."""
    settled = let_go(verdicts)
    for before, after in zip(verdicts, settled, strict=True):
        if after.change is not before.change:
            found[id(after.change)] = found.pop(id(before.change), ())
    return settled


def _cleaning(
    verdicts: Sequence[Verdict], found: Findings, tables: Mapping[str, Table]
) -> Iterator[tuple[CleanOrphans, AddForeignKey]]:
    """Where orphans stand, or may come to stand while the plan runs, and for which keys.

    ``tables`` are the live ones as they are declared.
    """
    pending = [verdict.change for verdict in verdicts if verdict.status == "pending"]
    filled = {
        (change.table, change.column.name)
        for change in pending
        if isinstance(change, AddColumn | Backfill) and change.column.default is not None
    }
    keys = [change for change in pending if isinstance(change, AddForeignKey)]
    deleting: set[str] = set()
    certain: dict[int, CleanOrphans] = {}
    for _ in keys:
        for change in keys:
            if id(change) in certain:
                continue
            clean = _clean(change, found.get(id(change), ()), filled, deleting, tables)
            if clean is not None:
                certain[id(change)] = clean
                if clean.policy == "delete":
                    deleting.add(change.table)
        if not deleting:
            break
    for change in keys:
        if id(change) in certain:
            yield certain[id(change)], change


def _clean(
    change: AddForeignKey,
    findings: tuple[Finding, ...],
    filled: Collection[tuple[str, str]],
    deleting: Collection[str],
    tables: Mapping[str, Table],
) -> CleanOrphans | None:
    key, table = change.foreign_key, tables.get(change.table)
    ends = [(change.table, name) for name in key.columns]
    ends += [(key.ref_table, name) for name in key.ref_columns]
    risky = key.ref_table in deleting or any(end in filled for end in ends)
    if table is None or not key.valid or not (findings or risky):
        return None
    policy = next((each.policy for each in findings if each.policy), key.orphans)
    if policy is None or policy == "fail":
        return None
    if policy == "nullify":
        key = narrowed(table, key)
    return CleanOrphans(table=change.table, foreign_key=key, policy=policy)
