"""``odac-db migrate``: bring the database to the schema files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE, NOT_IN_SYNC
from odac_db.cli.opening import naming, opened
from odac_db.cli.options import allowed
from odac_db.cli.settings import read_buffer_folder


@options.database
@options.allow
@options.prune
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Carry out exactly the plan that plan --out saved; refused if anything moved.",
)
@options.lock_timeout
@click.option(
    "--table-lock-timeout",
    type=click.FloatRange(min=0.001),
    default=2.0,
    metavar="SECONDS",
    help="How long to wait at a time for a table that is in use; others queue up meanwhile.",
)
@click.option(
    "--table-lock-patience",
    type=click.FloatRange(min=0),
    default=60.0,
    metavar="SECONDS",
    help="How long to keep trying before giving up.",
)
@options.big_table
@options.as_json
def migrate(  # noqa: PLR0913 - one parameter an option
    *,
    url: str | None,
    schema: str | None,
    allow: tuple[str, ...],
    allow_destructive: bool,
    prune: bool,
    plan: Path | None,
    lock_timeout: float,
    table_lock_timeout: float,
    table_lock_patience: float,
    big_table: int,
    as_json: bool,
) -> int:
    """Bring the database to the schema files. Exit 3 if something was held back or blocked."""
    from odac_db.cli.output import Output, by_connection
    from odac_db.cli.progress import shown_progress
    from odac_db.schema.online import Online

    online = Online(
        table_lock_timeout=table_lock_timeout,
        table_lock_patience=table_lock_patience,
        big_table=big_table,
    )
    leave = allowed(allow, allow_destructive)
    given: dict[str, Any] = {"prune": prune, "lock_timeout": lock_timeout, "online": online}
    output = Output()
    reports = {}
    done: list[str] = []
    journals = read_buffer_folder(None)
    with opened(url, schema, needs_schema=True, journals=journals) as connections:
        for name, db in connections.items():
            with naming(name, connections, done), shown_progress() as progress:
                reports[name] = db.migrate(plan=plan, allow=leave, progress=progress, **given)
            if not as_json:
                output.report(reports[name], title=name if len(connections) > 1 else "")
    if as_json:
        answers = {name: report.to_json() for name, report in reports.items()}
        output.json(by_connection(answers, {n: r.in_sync for n, r in reports.items()}))
    return DONE if all(report.in_sync for report in reports.values()) else NOT_IN_SYNC
