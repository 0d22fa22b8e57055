"""A Backfill carried out by a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from odac_db.migrate.backfill.batches import Filling
from odac_db.schema.changes import Backfill
from odac_db.schema.model import Schema
from odac_db.schema.plan import Operation

if TYPE_CHECKING:
    from odac_db.migrate.apply import Execution


def fill(run: Execution, operations: Sequence[Operation], position: int, live: Schema) -> None:
    """Fills the column of the operation at that position; ``live`` is the schema as it stands."""
    change = operations[position].change
    assert isinstance(change, Backfill)
    run.at_work_on(change.table)
    Filling(
        conn=run.conn,
        dialect=run.dialect,
        features=run.features,
        table=live.tables[change.table],
        change=change,
        tried=run.attempts.until_done,
        progress=lambda rows: run.tell(position, rows, among=operations),
    ).fill()
