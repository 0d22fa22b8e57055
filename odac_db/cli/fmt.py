"""``odac-db fmt``: schema files spelt the standard way."""

from __future__ import annotations

from pathlib import Path

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE, NOT_IN_SYNC
from odac_db.cli.settings import read_schema_folder


@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="[PATH]...")
@options.schema
@click.option("--check", is_flag=True, help="Write nothing; exit 3 if a file would change.")
@options.as_json
def fmt(*, paths: tuple[Path, ...], schema: str | None, check: bool, as_json: bool) -> int:
    """Rewrite schema files in the standard spelling; comments stay.

    PATH: Files or folders; the schema folder if left out.
    """
    from odac_db.cli.output import Output
    from odac_db.cli.text import counted
    from odac_db.schema.files.fmt import format_paths

    changed = format_paths(paths or [read_schema_folder(schema)], write=not check)
    output = Output()
    if as_json:
        output.json({"written": not check, "changed": [str(path) for path in changed]})
    else:
        for path in changed:
            output.line(("~ ", "yellow"), str(path))
        files = counted(len(changed), "file")
        output.line(f"{files} would change." if check else f"{files} rewritten.")
    return NOT_IN_SYNC if check and changed else DONE
