"""``odac-db migrate``: bring the database to the schema files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from odac_db.cli.errors import DONE, NOT_IN_SYNC
from odac_db.cli.opening import naming, opened
from odac_db.cli.options import (
    Allow,
    AllowDestructive,
    AsJson,
    BigTable,
    Prune,
    Schema,
    Url,
    allowed,
)
from odac_db.cli.settings import read_buffer_folder

SavedPlan = Annotated[
    Path | None,
    typer.Option(
        "--plan",
        metavar="FILE",
        help="Carry out exactly the plan that plan --out saved; refused if anything moved.",
    ),
]
LockTimeout = Annotated[
    float,
    typer.Option(
        "--lock-timeout",
        min=0,
        metavar="SECONDS",
        help="How long to wait while another process migrates.",
    ),
]
TableLockTimeout = Annotated[
    float,
    typer.Option(
        "--table-lock-timeout",
        min=0.001,
        metavar="SECONDS",
        help="How long to wait at a time for a table that is in use; others queue up meanwhile.",
    ),
]
TableLockPatience = Annotated[
    float,
    typer.Option(
        "--table-lock-patience",
        min=0,
        metavar="SECONDS",
        help="How long to keep trying before giving up.",
    ),
]


def migrate(  # noqa: PLR0913, PLR0917 - one parameter an option
    url: Url = None,
    schema: Schema = None,
    allow: Allow = None,
    allow_destructive: AllowDestructive = False,
    prune: Prune = False,
    plan: SavedPlan = None,
    lock_timeout: LockTimeout = 60.0,
    table_lock_timeout: TableLockTimeout = 2.0,
    table_lock_patience: TableLockPatience = 60.0,
    big_table: BigTable = 100_000,
    as_json: AsJson = False,
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
