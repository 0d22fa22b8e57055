"""``odac-db pull``: schema files from a live database."""

from __future__ import annotations

from pathlib import Path

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE
from odac_db.cli.settings import DEFAULT, read_settings


@options.database
@click.option("--force", is_flag=True, help="Overwrite files that differ from the database.")
@options.as_json
def pull(*, url: str | None, schema: str | None, force: bool, as_json: bool) -> int:
    """Write schema files from the database into --schema DIR. Changes no database."""
    from odac_db.cli.output import Output
    from odac_db.cli.text import counted
    from odac_db.database import Database

    settings = read_settings(url, schema)
    folder = settings.schema_folder()
    with Database.open(settings.url) as database:
        results = {
            name: db.pull(folder if name == DEFAULT else folder / name, force=force)
            for name, db in database.connections.items()
        }
    written = sorted(str(path) for result in results.values() for path in result.written)
    unchanged = sorted(str(path) for result in results.values() for path in result.unchanged)
    unsupported = [item for result in results.values() for item in result.unsupported]
    output = Output()
    if as_json:
        import msgspec

        items = msgspec.to_builtins(unsupported)
        output.json({"written": written, "unchanged": unchanged, "unsupported": items})
        return DONE
    for path in written:
        output.line(("✓ ", "green"), _shown(path))
    output.unsupported(unsupported)
    output.line(f"{counted(len(written), 'file')} written, {len(unchanged):,} unchanged.")
    return DONE


def _shown(path: str) -> str:
    """Relative to where one stands, if it is below."""
    here = Path.cwd()
    full = Path(path)
    return str(full.relative_to(here)) if full.is_relative_to(here) else path
