"""``odac-db rollback``: take back the last batch of data migrations, or a run's structure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odac_db.cli import options
from odac_db.cli.back import show_back, take_back
from odac_db.cli.errors import DONE, UsageProblem
from odac_db.cli.opening import opened
from odac_db.cli.options import allowed

if TYPE_CHECKING:
    from odac_db.migrate.files.rollback import RolledBack


@click.option(
    "--plan",
    "run",
    metavar="RUN",
    help="Show what would take back the structure that this run of history changed.",
)
@click.option("--apply", is_flag=True, help="Do what --plan shows.")
@options.allow
@options.as_sql
@options.connection
@options.database
@options.lock_timeout
@options.as_json
def rollback(  # noqa: PLR0913 - one parameter an option
    *,
    run: str | None,
    apply: bool,
    allow: tuple[str, ...],
    allow_destructive: bool,
    as_sql: bool,
    connection: str | None,
    url: str | None,
    schema: str | None,
    lock_timeout: float,
    as_json: bool,
) -> int:
    """Take back the last batch of data migrations; with --plan the structure a run changed."""
    leave = allowed(allow, allow_destructive)
    if run is None and (apply or as_sql or leave):
        raise UsageProblem("--apply, --sql and --allow are about --plan RUN: name the run")
    with opened(url, schema, needs_schema=run is None) as connections:
        name = connection or next(iter(connections))
        if name not in connections:
            raise UsageProblem(f"no connection {name!r}; there is {', '.join(connections)}")
        if run is None:
            _print(connections[name].rollback(lock_timeout=lock_timeout), as_json)
            return DONE
        if apply:
            return take_back(
                connections[name], run, leave, lock_timeout=lock_timeout, as_json=as_json
            )
        return show_back(connections[name], run, leave, as_sql=as_sql, as_json=as_json)


def _print(result: RolledBack, as_json: bool) -> None:
    import msgspec

    from odac_db.cli.output import Output

    output = Output()
    if as_json:
        output.json(msgspec.to_builtins(result))
        return
    for file in result.files:
        output.line(("↩ ", "yellow"), file)
    if result.files:
        output.line(f"Took batch {result.batch} back. The next migrate runs it again.")
    else:
        output.line("No data migration is applied.")
