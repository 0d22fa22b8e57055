"""``odac-db rollback --plan RUN``: the structural changes of one run, the other way round."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from odac_db.cli.errors import DONE, NOT_IN_SYNC

if TYPE_CHECKING:
    from odac_db.database import Database


def show_back(
    database: Database, run: str, allow: Collection[str], *, as_sql: bool, as_json: bool
) -> int:
    """Print the plan back. Changes nothing."""
    from odac_db.cli.output import Output
    from odac_db.cli.plan_sql import plan_sql

    plan = database.plan_back(run, allow=allow)
    output = Output()
    if as_json:
        output.json(plan.to_json())
    elif as_sql:
        output.raw(plan_sql(plan))
    else:
        output.plan(plan)
    return DONE


def take_back(
    database: Database, run: str, allow: Collection[str], *, lock_timeout: float, as_json: bool
) -> int:
    """Take the run back, as far as it is allowed, and print the report."""
    from odac_db.cli.output import Output

    report = database.migrate_back(run, allow=allow, lock_timeout=lock_timeout)
    output = Output()
    if as_json:
        output.json(report.to_json())
    else:
        output.report(report)
    return DONE if report.in_sync else NOT_IN_SYNC
