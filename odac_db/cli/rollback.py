"""``odac-db rollback``: take the last batch of data migrations back."""

from __future__ import annotations

from typing import Annotated

import typer

from odac_db.cli.errors import DONE, UsageProblem
from odac_db.cli.migrate import LockTimeout
from odac_db.cli.opening import opened
from odac_db.cli.options import AsJson, Schema, Url

Connection = Annotated[
    str | None,
    typer.Option("--connection", metavar="NAME", help="On this connection; else the default."),
]


def rollback(
    connection: Connection = None,
    url: Url = None,
    schema: Schema = None,
    lock_timeout: LockTimeout = 60.0,
    as_json: AsJson = False,
) -> int:
    """Take back the data migrations that the last migrate with any applied."""
    import msgspec

    from odac_db.cli.output import Output

    with opened(url, schema, needs_schema=True) as connections:
        name = connection or next(iter(connections))
        if name not in connections:
            raise UsageProblem(f"no connection {name!r}; there is {', '.join(connections)}")
        result = connections[name].rollback(lock_timeout=lock_timeout)
    output = Output()
    if as_json:
        output.json(msgspec.to_builtins(result))
        return DONE
    for file in result.files:
        output.line(("↩ ", "yellow"), file)
    if result.files:
        output.line(f"Took batch {result.batch} back. The next migrate runs it again.")
    else:
        output.line("No data migration is applied.")
    return DONE
