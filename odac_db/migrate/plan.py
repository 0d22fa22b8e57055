"""From a live database and its declarations to a plan. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import DeclarationError, ServerRefused
from odac_db.migrate.big_tables import big_tables, held_for_cost, spared
from odac_db.migrate.checked import Checked, checked
from odac_db.migrate.dangling import unsupported
from odac_db.migrate.dependants import Verdict
from odac_db.migrate.describe import name_of, summary_of
from odac_db.migrate.detach import detached
from odac_db.migrate.diff import diff
from odac_db.migrate.doomed import counted
from odac_db.migrate.hold import judged, refuse_to_empty
from odac_db.migrate.in_use import asked_for, held_for_use, in_use
from odac_db.migrate.order import ordered
from odac_db.migrate.orphans.policy import with_policies
from odac_db.migrate.preflight import Site
from odac_db.migrate.reconcile import Known, reconciled
from odac_db.migrate.refused import texts_of_new, will_be_refused
from odac_db.migrate.rename import Question, declared_renames, questions
from odac_db.migrate.respelt import respelt
from odac_db.migrate.restated import restated
from odac_db.migrate.standing_keys import standing_keys
from odac_db.migrate.taken_names import cannot_be_made
from odac_db.migrate.transform import transformed
from odac_db.migrate.unclashing import unclashing
from odac_db.schema.changes import (
    Change,
    RenameColumn,
    RenameEnum,
    RenameTable,
    kind_of,
    table_of,
)
from odac_db.schema.declaration import Declarations
from odac_db.schema.model import Schema, Table
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
    words of the declarations (see ``restated``), ``refused`` what the server says against
    tables that it will not have so, ``asking`` finds the changes that need an answer.
    """

    live: Schema
    renames: Sequence[Change]
    renamed: Schema
    declared: Schema
    settled: Schema
    refused: Mapping[str, str] = field(default_factory=dict)
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
    settled, refused = _settled(conn, dialect, features, known, renamed, declared)
    way = Way(
        live=live,
        renames=renames,
        renamed=renamed,
        declared=declared,
        settled=settled,
        refused=refused,
        allow=request.allow,
        prune=request.prune,
        big_table=request.big_table,
        asking=lambda changes: questions(renamed, changes, request.declarations),
    )
    plan = Plan(
        operations=counted(conn, features, operations_of(conn, dialect, features, way), live),
        unsupported=unsupported(live),
        undeclared=tuple(sorted(set(renamed.tables) - set(declared.tables))),
    )
    return Draft(plan=plan, live=live, declared=declared, settled=settled)


def _settled(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    known: Collection[Known],
    renamed: Schema,
    declared: Schema,
) -> tuple[Schema, Mapping[str, str]]:
    """``Way.settled`` and ``Way.refused``."""
    refused: dict[str, str] = {}

    def ask(tables: Sequence[Table]) -> Mapping[str, Table]:
        answer = dialect.canonicalize(conn, tables, declared, features)
        refused.update(answer.refused)
        return answer.tables

    settled = reconciled(renamed, declared, known, features, ask)
    if not features.transactional_ddl:  # what fails halfway stays so
        with suppress(ServerRefused):  # the role need not be able to ask, only to make tables
            ask([table for table in texts_of_new(renamed, declared) if table.name not in refused])
    return settled, refused


def operations_of(
    conn: Connection, dialect: Dialect, features: Features, way: Way
) -> tuple[Operation, ...]:
    """What is to be done on the way, in order, judged and checked against the rows."""
    changes = diff(way.renamed, way.settled, features, prune=way.prune)
    standing = list(standing_keys(way.renamed, changes, way.settled.tables, dialect.refers))
    kept = {(each.table, each.key) for each in standing}
    changes += detached(way.renamed, changes, way.renames, features, dialect.lossy, kept)
    changes = unclashing(restated(changes, way.declared, way.settled))
    changes = with_policies(changes, way.renamed, way.settled)
    changes = [*way.renames, *changes]
    stuck = {id(change): each.reason for each in standing for change in each.causes}
    stuck |= will_be_refused(changes, way.refused)
    stuck |= cannot_be_made(changes, way.live, features)
    used = in_use(conn, dialect, features, changes, way.live)
    stuck |= used.refused
    changes = changes if way.prune else asked_for(changes, used)
    big = big_tables(conn, dialect, features, changes, way.big_table)
    verdicts = judged(
        changes,
        way.asking(changes),
        lambda before, after: dialect.lossy(before, after, features),
        way.allow,
        stuck,
    )
    verdicts = held_for_use(verdicts, used.breaking, way.allow)
    site = Site(conn=conn, dialect=dialect, features=features, live=way.live, desired=way.settled)

    def costly(verdicts: Sequence[Verdict]) -> list[Verdict]:
        return held_for_cost(
            verdicts, lambda one: dialect.hazards(one, way.renamed, features, big), big, way.allow
        )

    answer = checked(site, verdicts, way.renamed, costly)
    online = spared(big, way.allow)
    return tuple(rendered(dialect, features, answer, way.live, way.settled, online))


def rendered(
    dialect: Dialect,
    features: Features,
    answer: Checked,
    live: Schema,
    desired: Schema,
    big: Collection[str],
) -> Iterator[Operation]:
    verdicts = answer.verdicts
    by_change = {id(verdict.change): verdict for verdict in verdicts}
    in_order = ordered([verdict.change for verdict in verdicts], live, desired)
    pending = [change for change in in_order if by_change[id(change)].status == "pending"]
    # Changes name everything as after the renames, also those that run before them.
    target = transformed(live, sorted(pending, key=lambda change: not isinstance(change, RENAMES)))
    for one in dialect.render(pending, live, target, features, big):
        operation = _operation(by_change[id(one.change)], dialect, features, live, answer, big)
        yield replace(
            operation, statements=one.statements, carried_by=one.carried_by, stage=one.stage
        )
    for change in in_order:
        verdict = by_change[id(change)]
        if verdict.status != "pending":
            yield _operation(verdict, dialect, features, live, answer, big)


def _operation(
    verdict: Verdict,
    dialect: Dialect,
    features: Features,
    live: Schema,
    answer: Checked,
    big: Collection[str],
) -> Operation:
    change = verdict.change
    findings = answer.of(change)
    touched = [each.count for each in findings if each.count is not None and not each.refuses]
    return Operation(
        change=change,
        kind=kind_of(change),
        table=table_of(change),
        name=name_of(change),
        summary=summary_of(change),
        destructive=verdict.destructive,
        hazards=(*verdict.hazards, *dialect.hazards(change, live, features, big)),
        status=verdict.status,
        reason=verdict.reason,
        rows=sum(touched) if touched else None,
        findings=findings,
        on_big_table=table_of(change) in big,
    )
