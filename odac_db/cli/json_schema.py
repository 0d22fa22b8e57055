"""``odac-db json-schema``: the schema files' own schema, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odac_db.cli.errors import DONE

Types = Annotated[
    bool, typer.Option("--types", help="That of _types.yaml instead of a table's file.")
]
Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write it there instead of printing.")
]
AsJson = Annotated[bool, typer.Option("--json", help="It is JSON either way.")]


def json_schema(types: Types = False, out: Out = None, as_json: AsJson = False) -> int:  # noqa: ARG001
    """Print the JSON Schema that editors check schema files against."""
    import json

    from odac_db.schema.files import json_schema as made

    found = made.types_json_schema() if types else made.json_schema()
    text = json.dumps(found, indent=2) + "\n"
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")
    return DONE
