"""From a live database and its declarations to a plan. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import DeclarationError
from odac_db.migrate import preflight
from odac_db.migrate.big_tables import big_tables, held_for_cost, spared
from odac_db.migrate.dependants import Verdict, waiting
from odac_db.migrate.describe import name_of, summary_of
from odac_db.migrate.detach import detached
from odac_db.migrate.diff import diff
from odac_db.migrate.hold import judged, refuse_to_empty
from odac_db.migrate.leaving import let_go
from odac_db.migrate.order import ordered
from odac_db.migrate.preflight import Finding
from odac_db.migrate.reconcile import Known, reconciled
from odac_db.migrate.relax import relaxed
from odac_db.migrate.rename import Question, declared_renames, questions
from odac_db.migrate.respelt import respelt
from odac_db.migrate.restated import restated
from odac_db.migrate.standing_keys import standing_keys
from odac_db.migrate.transform import transformed
from odac_db.migrate.unclashing import unclashing
from odac_db.schema.changes import (
    AddColumn,
    AddForeignKey,
    Change,
    CleanOrphans,
    RenameColumn,
    RenameEnum,
    RenameTable,
    kind_of,
    table_of,
)
from odac_db.schema.declaration import Declarations
from odac_db.schema.model import Schema
from odac_db.schema.plan import Operation, Plan

replace = msgspec.structs.replace
RENAMES = (RenameTable, RenameColumn, RenameEnum)


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked for: the declarations, and the leave that is given.

    ``allow`` holds ``destructive``, kinds (``drop_column``) or single objects
    (``drop_column:posts.slug``). ``prune`` also drops tables that no file declares, which
    needs leave like any other drop. ``big_table`` is from how many rows on a table is big.
    """

    declarations: Declarations
    allow: Collection[str] = ()
    prune: bool = False
    big_table: int = 100_000


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A plan, and what it was made from.

    ``declared`` is the desired schema as declared, ``settled`` the same in live spelling
    where that means the same, ``live`` the database as read.
    """

    plan: Plan
    live: Schema
    declared: Schema
    settled: Schema


@dataclass(frozen=True, kw_only=True)
class Way:
    """From a live schema by way of renames to a settled one.

    ``renamed`` is the live schema after the renames, ``declared`` the settled one in the
    words of the declarations (see ``restated``), ``asking`` finds the changes that
    need an answer.
    """

    live: Schema
    renames: Sequence[Change]
    renamed: Schema
    declared: Schema
    settled: Schema
    allow: Collection[str] = ()
    prune: bool = False
    big_table: int = 100_000
    asking: Callable[[Sequence[Change]], list[Question]] = lambda _: []


def drafted(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    request: Request,
    known: Collection[Known],
    live: Schema,
) -> Draft:
    """The plan that brings this database to its declarations. Changes nothing.

    Raises DeclarationError for what this server cannot do, before anything is read.
    """
    resolved = dialect.resolve(request.declarations, features)
    if resolved.problems:
        raise DeclarationError(resolved.problems)
    refuse_to_empty(live, resolved.schema, request.allow, prune=request.prune)
    renames = declared_renames(live, request.declarations, resolved.schema, features)
    renamed = transformed(live, renames)
    renamed = respelt(renamed, renamed, features)
    declared = respelt(resolved.schema, renamed, features)
    settled = reconciled(
        renamed,
        declared,
        known,
        features,
        lambda tables: dialect.canonicalize(conn, tables, declared, features),
    )
    way = Way(
        live=live,
        renames=renames,
        renamed=renamed,
        declared=declared,
        settled=settled,
        allow=request.allow,
        prune=request.prune,
        big_table=request.big_table,
        asking=lambda changes: questions(renamed, changes, request.declarations),
    )
    plan = Plan(
        operations=operations_of(conn, dialect, features, way),
        unsupported=live.unsupported,
        undeclared=tuple(sorted(set(renamed.tables) - set(declared.tables))),
    )
    return Draft(plan=plan, live=live, declared=declared, settled=settled)


def operations_of(
    conn: Connection, dialect: Dialect, features: Features, way: Way
) -> tuple[Operation, ...]:
    """What is to be done on the way, in order, judged and checked against the rows."""
    changes = diff(way.renamed, way.settled, features, prune=way.prune)
    standing = list(standing_keys(way.renamed, changes, way.settled.tables, dialect.refers))
    kept = {(each.table, each.key) for each in standing}
    changes += detached(way.renamed, changes, way.renames, features, kept)
    changes = unclashing(restated(changes, way.declared, way.settled))
    changes = [*way.renames, *changes]
    big = big_tables(conn, dialect, features, changes, way.big_table)
    verdicts = judged(
        changes,
        way.asking(changes),
        lambda before, after: dialect.lossy(before, after, features),
        way.allow,
        {id(change): each.reason for each in standing for change in each.causes},
    )
    verdicts = held_for_cost(
        verdicts, lambda one: dialect.hazards(one, way.renamed, features, big), big, way.allow
    )
    verdicts, findings = _checked(conn, features, relaxed(verdicts, way.renamed), way.live)
    verdicts = let_go(verdicts)
    online = spared(big, way.allow)
    return tuple(rendered(dialect, features, verdicts, findings, way.live, way.settled, online))


def _checked(
    conn: Connection, features: Features, verdicts: list[Verdict], live: Schema
) -> tuple[list[Verdict], dict[CleanOrphans, Finding]]:
    """The verdicts once the data has been asked, with the cleaning that foreign keys need."""
    pending = [verdict.change for verdict in verdicts if verdict.status == "pending"]
    answers = preflight.check(conn, features, pending, live)
    found = {id(pending[position]): finding for position, finding in answers.items()}
    checked = waiting([_refused(verdict, found.get(id(verdict.change))) for verdict in verdicts])
    # Of the keys that will be added, and of no others: what waits cleans nothing.
    cleaning = list(_cleaning(checked, found, live))
    findings = {change: finding for change, finding in cleaning if finding is not None}
    added = [
        Verdict(change=change, destructive=change.policy == "delete") for change, _ in cleaning
    ]
    return [*checked, *added], findings


def _refused(verdict: Verdict, finding: Finding | None) -> Verdict:
    if finding is None or not finding.refuses:
        return verdict
    return replace(verdict, status="blocked", reason=finding.message)


def _cleaning(
    verdicts: Sequence[Verdict], found: Mapping[int, Finding], live: Schema
) -> Iterator[tuple[CleanOrphans, Finding | None]]:
    """Where orphans stand, or may come to stand while the plan runs."""
    pending = [verdict.change for verdict in verdicts if verdict.status == "pending"]
    filled = {
        (change.table, change.column.name)
        for change in pending
        if isinstance(change, AddColumn) and change.column.default is not None
    }
    keys = [change for change in pending if isinstance(change, AddForeignKey)]
    deleting: set[str] = set()
    certain: dict[int, CleanOrphans] = {}
    for _ in keys:
        for change in keys:
            if id(change) in certain:
                continue
            clean = _clean(change, found.get(id(change)), filled, deleting, live)
            if clean is not None:
                certain[id(change)] = clean
                if clean.policy == "delete":
                    deleting.add(change.table)
        if not deleting:
            break
    for change in keys:
        if id(change) in certain:
            yield certain[id(change)], found.get(id(change))


def _clean(
    change: AddForeignKey,
    finding: Finding | None,
    filled: Collection[tuple[str, str]],
    deleting: Collection[str],
    live: Schema,
) -> CleanOrphans | None:
    key = change.foreign_key
    table = live.tables.get(change.table)
    risky = key.ref_table in deleting or any((change.table, name) in filled for name in key.columns)
    if finding is None and not (risky and table is not None):
        return None
    policy = finding.policy if finding is not None and finding.policy else key.orphans
    if policy is None or policy == "fail":
        return None
    return CleanOrphans(table=change.table, foreign_key=key, policy=policy)


def rendered(
    dialect: Dialect,
    features: Features,
    verdicts: Sequence[Verdict],
    findings: Mapping[CleanOrphans, Finding],
    live: Schema,
    desired: Schema,
    big: Collection[str],
) -> Iterator[Operation]:
    by_change = {id(verdict.change): verdict for verdict in verdicts}
    in_order = ordered([verdict.change for verdict in verdicts], live, desired)
    pending = [change for change in in_order if by_change[id(change)].status == "pending"]
    # Changes name everything as after the renames, also those that run before them.
    target = transformed(live, sorted(pending, key=lambda change: not isinstance(change, RENAMES)))
    for one in dialect.render(pending, live, target, features, big):
        operation = _operation(by_change[id(one.change)], dialect, features, live, findings, big)
        yield replace(
            operation, statements=one.statements, carried_by=one.carried_by, stage=one.stage
        )
    for change in in_order:
        verdict = by_change[id(change)]
        if verdict.status != "pending":
            yield _operation(verdict, dialect, features, live, findings, big)


def _operation(
    verdict: Verdict,
    dialect: Dialect,
    features: Features,
    live: Schema,
    findings: Mapping[CleanOrphans, Finding],
    big: Collection[str],
) -> Operation:
    change = verdict.change
    finding = findings.get(change) if isinstance(change, CleanOrphans) else None
    return Operation(
        change=change,
        kind=kind_of(change),
        table=table_of(change),
        name=name_of(change),
        summary=summary_of(change),
        destructive=verdict.destructive,
        hazards=dialect.hazards(change, live, features, big),
        status=verdict.status,
        reason=verdict.reason,
        rows=finding.count if finding is not None else None,
        on_big_table=table_of(change) in big,
    )
