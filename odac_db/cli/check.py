"""``odac-db check``: in sync or not, for CI."""

from __future__ import annotations

from odac_db.cli import options
from odac_db.cli.errors import DONE, NOT_IN_SYNC
from odac_db.cli.opening import opened


@options.database
@options.as_json
def check(*, url: str | None, schema: str | None, as_json: bool) -> int:
    """Exit 0 if the database matches the schema files, 3 if not. Changes nothing."""
    from odac_db.cli.output import Output, by_connection

    with opened(url, schema, needs_schema=True) as connections:
        plans = {name: db.plan() for name, db in connections.items()}
    output = Output()
    in_sync = {name: plan.in_sync for name, plan in plans.items()}
    if as_json:
        answers = {name: plan.to_json() for name, plan in plans.items()}
        output.json(by_connection(answers, in_sync))
    else:
        for name, plan in plans.items():
            output.plan(plan, title=name if len(plans) > 1 else "")
    return DONE if all(in_sync.values()) else NOT_IN_SYNC
