"""``odac-db orphans``: rows that pointed nowhere and were cleaned; list them, put them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE, NOT_IN_SYNC, UsageProblem
from odac_db.cli.opening import opened

if TYPE_CHECKING:
    from odac_db.cli.output import Output
    from odac_db.database import Database
    from odac_db.migrate.orphans.restore import RestoreResult


@options.database
@options.as_json
def list_orphans(*, url: str | None, schema: str | None, as_json: bool) -> int:
    """List what was cleaned: run, time, table, foreign key, rows."""
    import msgspec

    from odac_db.cli.output import Output
    from odac_db.cli.text import counted, moment

    with opened(url, schema, needs_schema=False) as connections:
        runs = {name: db.orphan_runs() for name, db in connections.items()}
    output = Output()
    if as_json:
        listed: dict[str, Any] = {n: msgspec.to_builtins(found) for n, found in runs.items()}
        only = set(listed) == {"default"}
        output.json({"orphans": listed["default"]} if only else {"connections": listed})
        return DONE
    for name, found in runs.items():
        if len(runs) > 1:
            output.line((name, "bold underline"))
        if not found:
            output.line("No orphan was ever cleaned.")
        for each in found:
            output.line(
                (each.run, "bold"),
                f"  {moment(each.cleaned_at)}  {each.table}  {each.constraint}  "
                f"{each.action}  {counted(each.rows, 'row')}",
                (f", {each.restored:,} restored" if each.restored else "", "green"),
            )
    return DONE


@click.argument("run", metavar="RUN")
@click.option("--constraint", metavar="NAME", help="Only the rows of this foreign key.")
@options.connection
@options.database
@options.as_json
def restore(
    *,
    run: str,
    constraint: str | None,
    connection: str | None,
    url: str | None,
    schema: str | None,
    as_json: bool,
) -> int:
    """Put the cleaned rows of one run back. Exit 3 if the server refused some of them.

    RUN: The run's id, as listed.
    """
    from odac_db.cli.output import Output

    with opened(url, schema, needs_schema=False) as connections:
        name = connection or next(iter(connections))
        if name not in connections:
            raise UsageProblem(f"no connection {name!r}; there is {', '.join(connections)}")
        database = connections[name]
        _check_cleaned(database, run, constraint)
        result = database.restore_orphans(run, constraint=constraint)
    output = Output()
    if as_json:
        import msgspec

        output.json(msgspec.to_builtins(result))
    else:
        _print_restored(output, result)
    return NOT_IN_SYNC if result.refused else DONE


def _check_cleaned(database: Database, run: str, constraint: str | None) -> None:
    cleaned = [each.constraint for each in database.orphan_runs() if each.run == run]
    if not cleaned:
        raise UsageProblem(f"no run {run!r} cleaned anything; see odac-db orphans list")
    if constraint is not None and constraint not in cleaned:
        keys = ", ".join(dict.fromkeys(cleaned))
        raise UsageProblem(f"run {run} cleaned nothing for {constraint!r}, but for {keys}")


def _print_restored(output: Output, result: RestoreResult) -> None:
    from odac_db.cli.text import counted

    for refusal in result.refusals:
        output.line(("✗ ", "red"), f"{refusal.table} {refusal.key}: {refusal.reason}")
    output.line(f"{counted(result.restored, 'row')} restored, {result.refused:,} refused.")
