"""The plan: what a migrate would do, as data that can be printed, saved and run."""

from __future__ import annotations

import os
from typing import Any, Literal

import msgspec

from odac_db.errors import PlanRefused
from odac_db.schema.changes import Change
from odac_db.schema.drift import Drift
from odac_db.schema.model import OrphanPolicy, Unsupported
from odac_db.schema.plan_file import Basis, SavedPlan, write_plans

Status = Literal["pending", "held_back", "blocked", "applied"]
Stage = Literal["ahead", "main", "build", "validate"]
STAGES: tuple[Stage, ...] = ("ahead", "main", "build", "validate")
"""When a statement runs; within a stage statements keep their order in the plan.

``ahead``: by itself before all else; what it makes must be committed before it is used.
``main``: in the plan's transaction, where the server has one for DDL; else by itself.
``build``: by itself after it, for as long as it takes, beside readers and writers.
``validate``: by itself, last: what is in place is held against the rows that were there.
"""


class Hazard(msgspec.Struct, frozen=True):
    """A cost or a risk of one operation. ``code`` is stable and has a page in the docs.

    ``needs_leave``: others would wait for so long that it is not done unless allowed.
    """

    code: str
    message: str
    needs_leave: bool = False


class Statement(msgspec.Struct, frozen=True):
    """One SQL statement.

    ``unhurried`` statements hold up nobody while they wait for others, and wait for as long
    as it takes. ``undo`` clears away what a failed one leaves behind. ``otherwise`` are other
    ways to the same end, each tried when the server says that it cannot do the one before.
    """

    sql: str
    stage: Stage = "main"
    unhurried: bool = False
    undo: str = ""
    otherwise: tuple[str, ...] = ()


FindingKind = Literal[
    "duplicates",
    "nulls",
    "unfilled",
    "orphans",
    "check",
    "computed",
    "out_of_range",
    "too_long",
    "not_castable",
    "not_in_enum",
    "changed",
]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What the rows have to say to one operation, read before the first write.

    ``kind`` says which check found it (see the reference of plans). ``count`` is the number
    of rows (for ``duplicates``, of values that occur more than once), None where they were
    not counted. ``samples`` are up to five of them, each as its primary key and the columns
    in question; values that JSON has no word for are text. ``refuses`` says that the server
    would not make the change as the rows are. ``policy`` is what will be done with orphans.
    """

    kind: FindingKind
    message: str
    count: int | None = None
    samples: tuple[dict[str, Any], ...] = ()
    refuses: bool = True
    policy: OrphanPolicy | None = None

    def to_json(self) -> dict[str, Any]:
        """The finding as ``plan --json`` prints it."""
        return {
            "kind": self.kind,
            "message": self.message,
            "count": self.count,
            "samples": list(self.samples),
            "refuses": self.refuses,
        }


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One change with everything a reader or a runner needs to know of it.

    ``status``: pending (will be applied), held_back (would lose data or is a question;
    needs leave), blocked (cannot be applied as things stand), applied (in a report).
    ``reason`` says why it is held back or blocked and what to do next.
    ``statements`` may be empty where an earlier operation's statement carries this change
    too (one ALTER per table on MySQL, one rebuild per table on SQLite); ``carried_by`` is
    then that operation's position in the plan.
    ``stage`` is when an operation without statements of its own is carried out.
    ``on_big_table`` says that others would notice if its table were locked for long.
    ``rows`` counts what the operation touches where that is known (orphans, a dropped
    table's rows), else None. ``findings`` are what its rows say to it.
    """

    change: Change
    kind: str
    table: str
    name: str
    summary: str
    statements: tuple[Statement, ...] = ()
    carried_by: int | None = None
    stage: Stage = "main"
    destructive: bool = False
    hazards: tuple[Hazard, ...] = ()
    status: Status = "pending"
    reason: str = ""
    rows: int | None = None
    on_big_table: bool = False
    findings: tuple[Finding, ...] = ()

    def is_in(self, stage: Stage) -> bool:
        """Whether something of it is done in that stage."""
        if self.statements:
            return any(statement.stage == stage for statement in self.statements)
        return self.stage == stage

    @property
    def goes_on(self) -> bool:
        """Whether something of it is done behind the plan's transaction."""
        return self.is_in("build") or self.is_in("validate")

    def to_json(self) -> dict[str, Any]:
        """The operation as ``plan --json`` prints it."""
        return {
            "kind": self.kind,
            "table": self.table,
            "name": self.name,
            "summary": self.summary,
            "sql": [statement.sql for statement in self.statements],
            "stages": [statement.stage for statement in self.statements],
            "carried_by": self.carried_by,
            "destructive": self.destructive,
            "hazards": [{"code": h.code, "message": h.message} for h in self.hazards],
            "status": self.status,
            "reason": self.reason,
            "rows": self.rows,
            "findings": [finding.to_json() for finding in self.findings],
        }


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Operations in the order they would run. Making a plan changes nothing.

    ``undeclared`` are live tables no file declares; they are left alone unless pruned.
    ``drift`` says what has changed since the last migrate, and who did it.
    ``files`` are the data migrations that are to run between what is added and what refuses
    rows or goes. What they will have done to the data is not foreseen.
    ``basis`` is what the plan was made from.
    """

    operations: tuple[Operation, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    undeclared: tuple[str, ...] = ()
    drift: Drift = Drift()
    files: tuple[str, ...] = ()
    basis: Basis | None = None

    @property
    def in_sync(self) -> bool:
        """True when the database matches the declarations: no operation of any status, no file."""
        return not self.operations and not self.files

    def of_status(self, status: Status) -> tuple[Operation, ...]:
        """The operations with that status, in order."""
        return tuple(op for op in self.operations if op.status == status)

    def to_json(self) -> dict[str, Any]:
        """The plan as ``plan --json`` prints it."""
        return {
            "in_sync": self.in_sync,
            "operations": [operation.to_json() for operation in self.operations],
            "unsupported": [msgspec.to_builtins(item) for item in self.unsupported],
            "undeclared": list(self.undeclared),
            "drift": self.drift.to_json(),
            "files": list(self.files),
        }

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the plan to a file, for ``Database.migrate(plan=path)``.

        The file is JSON that people can read: what the plan was made from, and each operation
        with its SQL. It takes the place of an old one whole or not at all.
        """
        write_plans(path, [saved(self)])


def saved(plan: Plan) -> SavedPlan:
    """A plan as its file holds it. Raises PlanRefused while data migrations are pending."""
    assert plan.basis is not None, "a plan is made by Database.plan"
    if plan.files:
        names = ", ".join(plan.files)
        message = f"data migrations are pending, what they leave is not foreseen: migrate ({names})"
        raise PlanRefused([message])
    operations = tuple(operation.to_json() for operation in plan.operations)
    return SavedPlan(basis=plan.basis, operations=operations)


class SeedResult(msgspec.Struct, frozen=True, kw_only=True):
    """One seed row that was written. ``kind`` is seed_insert or seed_update."""

    kind: Literal["seed_insert", "seed_update"]
    table: str
    key: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a migrate did and what is left.

    ``applied`` holds the operations this call executed, each with status ``applied``;
    ``remaining`` what is still held back or blocked. ``in_sync`` is True when nothing
    declared is left undone. ``orphans`` counts the cleaned rows by table. ``drift`` says what
    had changed since the migrate before, and who had done it. ``files`` are the data
    migrations this call applied, in their order.
    """

    applied: tuple[Operation, ...] = ()
    remaining: tuple[Operation, ...] = ()
    seeds: tuple[SeedResult, ...] = ()
    orphans: dict[str, int] = {}
    unsupported: tuple[Unsupported, ...] = ()
    undeclared: tuple[str, ...] = ()
    drift: Drift = Drift()
    files: tuple[str, ...] = ()
    run: str = ""
    seconds: float = 0.0

    @property
    def in_sync(self) -> bool:
        """True when nothing that is declared is left undone."""
        return not self.remaining

    def to_json(self) -> dict[str, Any]:
        """The report as ``migrate --json`` prints it."""
        operations = [*self.applied, *self.remaining]
        return {
            "in_sync": self.in_sync,
            "applied": [operation.to_json() for operation in self.applied],
            "operations": [operation.to_json() for operation in operations],
            "seeds": [msgspec.to_builtins(seed) for seed in self.seeds],
            "orphans": dict(self.orphans),
            "unsupported": [msgspec.to_builtins(item) for item in self.unsupported],
            "undeclared": list(self.undeclared),
            "drift": self.drift.to_json(),
            "files": list(self.files),
            "run": self.run,
            "seconds": self.seconds,
        }


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running migrate is: the operation begun, of how many, and its rows so far.

    ``rows_total`` is None where it is not known beforehand. ``waits_for`` are the sessions
    that have a table in use which the migrate needs: it lets them, and tries again.
    """

    position: int
    total: int
    summary: str
    rows_done: int = 0
    rows_total: int | None = None
    waits_for: tuple[str, ...] = ()
