"""What follows a plan's transaction: long, each step by itself, beside readers and writers.

Every step leaves the database in a state that the next plan understands, so a run that
dies between any two is gone on from.
"""

from __future__ import annotations

from odac_db.migrate import ledger
from odac_db.migrate.apply import Execution
from odac_db.migrate.backfill.run import fill
from odac_db.schema.changes import Backfill, CleanOrphans
from odac_db.schema.plan import STAGES, Stage

__all__ = ["execute_behind"]

_BEHIND = STAGES[STAGES.index("main") + 1 :]


def execute_behind(work: Execution) -> None:
    """Executes the stages behind the transaction, which is committed.

    Raises MigrationFailed or TableBusy; what was done stands, and the next run goes on.
    """
    work.parts += 1
    left = [position for position, one in enumerate(work.operations) if one.goes_on]
    work.done = len(work.operations) - len(left)
    for number, stage in enumerate(_BEHIND):
        for position in list(left):
            operation = work.operations[position]
            if operation.is_in(stage):
                _execute_stage(work, position, stage)
            if not any(operation.is_in(later) for later in _BEHIND[number + 1 :]):
                left.remove(position)
                work.done += 1
                ledger.note_progress(work.conn, work.run, work.done)


def _execute_stage(work: Execution, position: int, stage: Stage) -> None:
    work.tell(position)
    operation = work.operations[position]
    if isinstance(operation.change, CleanOrphans):
        work.dialect.locking.limit(work.conn, work.online.table_lock_timeout, work.features)
        work.attempts.until_done(lambda: work.clean(position))
    if isinstance(operation.change, Backfill):
        live = work.dialect.introspect(work.conn, work.features, [operation.table])
        fill(work, work.operations, position, live)
        return
    for statement in operation.statements:
        if statement.stage == stage:
            work.execute_alone(operation, statement)
