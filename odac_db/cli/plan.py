"""``odac-db plan``: what migrate would do, changing nothing."""

from __future__ import annotations

from pathlib import Path

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE
from odac_db.cli.opening import opened
from odac_db.cli.options import allowed


@options.database
@options.allow
@options.prune
@options.big_table
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Save the plan for migrate --plan FILE.",
)
@options.as_sql
@options.as_json
def plan(  # noqa: PLR0913 - one parameter an option
    *,
    url: str | None,
    schema: str | None,
    allow: tuple[str, ...],
    allow_destructive: bool,
    prune: bool,
    big_table: int,
    out: Path | None,
    as_sql: bool,
    as_json: bool,
) -> int:
    """Show what migrate would do. Changes nothing."""
    from odac_db.cli.output import Output, by_connection
    from odac_db.cli.plan_sql import plan_sql
    from odac_db.schema.online import Online

    with opened(url, schema, needs_schema=True) as connections:
        leave = allowed(allow, allow_destructive)
        online = Online(big_table=big_table)
        plans = {
            name: db.plan(allow=leave, prune=prune, online=online)
            for name, db in connections.items()
        }
    if out is not None:
        from odac_db.schema.plan import saved
        from odac_db.schema.plan_file import write_plans

        write_plans(out, [saved(each) for each in plans.values()])
    output = Output()
    if as_json:
        answers = {name: plan.to_json() for name, plan in plans.items()}
        output.json(by_connection(answers, {n: p.in_sync for n, p in plans.items()}))
        return DONE
    for name, each in plans.items():
        title = name if len(plans) > 1 else ""
        if as_sql:
            output.raw(plan_sql(each, title=title))
        else:
            output.plan(each, title=title)
    return DONE
