"""``odac-db json-schema``: the schema files' own schema, for editors."""

from __future__ import annotations

from pathlib import Path

import click

from odac_db.cli.errors import DONE


@click.option("--types", is_flag=True, help="That of _types.yaml instead of a table's file.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write it there instead of printing.",
)
@click.option("--json", "as_json", is_flag=True, help="It is JSON either way.")
def json_schema(*, types: bool, out: Path | None, as_json: bool) -> int:  # noqa: ARG001 - guarded reads it
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
