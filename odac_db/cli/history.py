"""``odac-db history``: what earlier migrates did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE
from odac_db.cli.labels import LABELS
from odac_db.cli.opening import opened

if TYPE_CHECKING:
    from odac_db.cli.output import Output
    from odac_db.migrate.ledger import HistoryEntry

STYLES = {
    "applied": "green",
    "running": "yellow",
    "failed": "red",
    "died": "red",
    "taken_back": "dim",
    "takes_back": "green",
}
"""The colour of each status a run may have."""


@options.database
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the last N runs.")
@options.as_json
def history(*, url: str | None, schema: str | None, limit: int | None, as_json: bool) -> int:
    """List the runs that changed the database, oldest first."""
    import msgspec

    from odac_db.cli.output import Output

    with opened(url, schema, needs_schema=False) as connections:
        runs = {name: _last(db.history(), limit) for name, db in connections.items()}
    output = Output()
    if as_json:
        listed = {name: msgspec.to_builtins(entries) for name, entries in runs.items()}
        only = set(listed) == {"default"}
        output.json({"runs": listed["default"]} if only else {"connections": listed})
        return DONE
    for name, entries in runs.items():
        _print(output, entries, name if len(runs) > 1 else "")
    return DONE


def _last(entries: tuple[HistoryEntry, ...], limit: int | None) -> tuple[HistoryEntry, ...]:
    ordered = tuple(sorted(entries, key=lambda entry: entry.started_at))
    return ordered[-limit:] if limit else ordered


def _print(output: Output, entries: tuple[HistoryEntry, ...], title: str) -> None:
    from odac_db.cli.text import moment

    if title:
        output.line((title, "bold underline"))
    if not entries:
        output.line("No run yet.")
    for entry in entries:
        when = moment(entry.started_at)
        status = (entry.status.replace("_", " "), STYLES[entry.status])
        output.line((when, "bold"), "  ", status, "  ", (entry.run, "dim"))
        for number, operation in enumerate(entry.operations):
            undone = entry.status != "applied" and number >= entry.done
            output.line(
                "  ",
                (_in_words(operation), "dim" if undone else ""),
                "  (not done)" if undone else "",
            )


def _in_words(operation: str) -> str:
    """``add_column posts.slug text`` as a plan would say it."""
    kind, _, summary = operation.partition(" ")
    label = LABELS.get(kind)
    return f"{label.sign} {label.doing} {summary}" if label else operation
