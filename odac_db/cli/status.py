"""``odac-db status``: where each database stands, in a few lines."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from odac_db.cli import options
from odac_db.cli.errors import DONE
from odac_db.cli.masking import masked
from odac_db.cli.opening import opened

if TYPE_CHECKING:
    from odac_db.cli.output import Output
    from odac_db.database import Database
    from odac_db.schema.drift import Drift


@options.database
@options.as_json
def status(*, url: str | None, schema: str | None, as_json: bool) -> int:
    """Show whether the database is in sync, what is pending, and the last run. Changes nothing."""
    from odac_db.cli.output import Output, by_connection

    with opened(url, schema, needs_schema=True) as connections:
        found = {name: _standing(db) for name, db in connections.items()}
    output = Output()
    if as_json:
        output.json(by_connection(found, {n: each["in_sync"] for n, each in found.items()}))
        return DONE
    for name, each in found.items():
        _print(output, each, name if len(found) > 1 else "")
    return DONE


def _standing(database: Database) -> dict[str, Any]:
    import msgspec

    plan = database.plan()
    runs = database.history()
    last = max(runs, key=lambda entry: entry.started_at, default=None)
    return {
        "in_sync": plan.in_sync,
        "database": masked(database.engine.url.render_as_string(hide_password=True)),
        "pending": len(plan.of_status("pending")),
        "held_back": len(plan.of_status("held_back")),
        "blocked": len(plan.of_status("blocked")),
        "files": list(plan.files),
        "undeclared": list(plan.undeclared),
        "unsupported": len(plan.unsupported),
        "drift": plan.drift.to_json(),
        "runs": len(runs),
        "last_run": msgspec.to_builtins(last),
    }


def _changed_by(drift: Drift) -> list[str]:
    """Who has changed something since the last migrate, in words."""
    from odac_db.cli.output import by_others

    found = ["the schema files are others"] if drift.declared else []
    if drift.library:
        found.append(f"odac-db {drift.library} migrated last")
    return [*found, f"somebody else {by_others(drift)}"] if drift.actual else found


def _print(output: Output, standing: dict[str, Any], title: str) -> None:
    import msgspec

    from odac_db.cli.text import counted, moment
    from odac_db.schema.drift import Drift

    if title:
        output.line((title, "bold underline"))
    output.line("database     ", standing["database"])
    if standing["in_sync"]:
        output.line("schema       ", ("in sync", "green"))
    else:
        words = ("pending", "held_back", "blocked")
        counts = [f"{standing[w]:,} {w.replace('_', ' ')}" for w in words if standing[w]]
        output.line("schema       ", (", ".join(counts) or "files pending", "yellow"))
    drift = msgspec.convert(standing["drift"], Drift)
    for number, text in enumerate(_changed_by(drift)):
        output.line("since then   " if not number else " " * 13, text)
    if standing["files"]:
        output.line("files        ", (f"{', '.join(standing['files'])} pending", "yellow"))
    last = standing["last_run"]
    if last is None:
        output.line("last run     none")
    else:
        began = moment(datetime.fromisoformat(last["started_at"]))
        operations = counted(len(last["operations"]), "operation")
        if last["done"] < len(last["operations"]):
            operations = f"{last['done']:,} of {operations}"
        ended = last["status"].replace("_", " ")
        output.line(f"last run     {began}  {ended}  {operations}  {last['run']}")
    output.line(f"undeclared   {counted(len(standing['undeclared']), 'table')}")
    output.line(f"unsupported  {counted(standing['unsupported'], 'object')}")
