"""``odac-db json-schema``: the schema files' own schema, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odac_db.cli.errors import DONE

Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead of printing.")
]
Indifferent = Annotated[bool, typer.Option("--json", help="It is JSON either way.")]


def json_schema(out: Out = None, as_json: Indifferent = False) -> int:  # noqa: ARG001
    """Print the JSON Schema that editors check schema files against."""
    import json

    from odac_db.schema.files.json_schema import json_schema as make

    text = json.dumps(make(), indent=2) + "\n"
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")
    return DONE
