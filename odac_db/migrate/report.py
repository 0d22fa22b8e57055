"""What a migrate tells when it is over."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec

from odac_db.migrate.apply import Execution, applied
from odac_db.schema.changes import AlterColumn
from odac_db.schema.drift import Drift
from odac_db.schema.plan import Operation, Plan, Report, SeedResult


def reported(
    plan: Plan,
    started: float,
    *,
    work: Execution | None = None,
    written: Sequence[SeedResult] = (),
    since: Drift | None = None,
) -> Report:
    """The report of a run, or of a look that found nothing to do.

    ``since`` is what had changed before the run; after it nothing has.
    """
    return Report(
        applied=applied(work.operations) if work is not None else (),
        remaining=tuple(map(_explained, plan.operations)),
        seeds=tuple(written),
        orphans=dict(work.orphans) if work is not None else {},
        unsupported=plan.unsupported,
        undeclared=plan.undeclared,
        drift=plan.drift if since is None else since,
        run=work.run if work is not None and work.operations else "",
        seconds=round(time.monotonic() - started, 3),
    )


def repeated(executed: Sequence[Operation], pending: Sequence[Operation]) -> list[Operation]:
    """Of what is pending that which has been executed already."""
    done = {_aim(operation) for operation in executed}
    return [operation for operation in pending if _aim(operation) in done]


def _aim(operation: Operation) -> tuple[object, ...]:
    """What an operation is to bring about. The rows may permit an alteration in parts."""
    change = operation.change
    after = change.after if isinstance(change, AlterColumn) else None
    return operation.kind, operation.table, operation.name, after


def _explained(operation: Operation) -> Operation:
    """An operation that is left; one that nothing stands in the way of any more says so."""
    if operation.status != "pending":
        return operation
    reason = "became possible while this migrate ran: migrate once more"
    return msgspec.structs.replace(operation, reason=reason)


def joined(first: Report, last: Report, files: Sequence[str]) -> Report:
    """The report of a migrate in two parts, with data migrations in between."""
    cleaned = {**first.orphans, **last.orphans}
    return msgspec.structs.replace(
        last,
        applied=(*first.applied, *last.applied),
        orphans={name: first.orphans.get(name, 0) + last.orphans.get(name, 0) for name in cleaned},
        drift=first.drift,
        files=tuple(files),
        run=last.run or first.run,
    )
