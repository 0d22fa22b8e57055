"""``odac-db rollback``: take back the last batch of data migrations, or a run's structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from odac_db.cli.back import Apply, Run, show_back, take_back
from odac_db.cli.errors import DONE, UsageProblem
from odac_db.cli.migrate import LockTimeout
from odac_db.cli.opening import opened
from odac_db.cli.options import Allow, AllowDestructive, AsJson, Schema, Url, allowed
from odac_db.cli.plan import AsSql

if TYPE_CHECKING:
    from odac_db.migrate.files.rollback import RolledBack

Connection = Annotated[
    str | None,
    typer.Option("--connection", metavar="NAME", help="On this connection; else the default."),
]


def rollback(  # noqa: PLR0913, PLR0917 - one parameter an option
    run: Run = None,
    apply: Apply = False,
    allow: Allow = None,
    allow_destructive: AllowDestructive = False,
    as_sql: AsSql = False,
    connection: Connection = None,
    url: Url = None,
    schema: Schema = None,
    lock_timeout: LockTimeout = 60.0,
    as_json: AsJson = False,
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
