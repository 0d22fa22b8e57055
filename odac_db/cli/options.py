"""The options several verbs share, spelt once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from odac_db.cli.errors import UsageProblem

Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="The database. Else ODAC_DB_URL, else url under [tool.odac-db] in pyproject.toml.",
    ),
]
Schema = Annotated[
    str | None,
    typer.Option(
        "--schema",
        metavar="DIR",
        help="The folder of schema files, or SQLAlchemy models as package.module:Base. "
        "Else ODAC_DB_SCHEMA, else schema in pyproject.toml.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
AllowDestructive = Annotated[
    bool,
    typer.Option("--allow-destructive", help="Also do what loses data: drops, lossy changes."),
]
Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="WHAT",
        help="Do one held-back thing: a kind (drop_column), or kind:table.name "
        "(drop_column:posts.slug). May be repeated.",
    ),
]
Prune = Annotated[
    bool,
    typer.Option(
        "--prune",
        help="Also drop tables that no file declares; held back without --allow-destructive.",
    ),
]
BigTable = Annotated[
    int,
    typer.Option(
        "--big-table",
        min=1,
        metavar="ROWS",
        help="From how many rows on a table is changed in stages that hold up nobody.",
    ),
]
Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Files or folders; the schema folder if left out."),
]


def allowed(allow: list[str] | None, allow_destructive: bool) -> frozenset[str]:
    """What ``Database`` calls ``allow``; ``UsageProblem`` for a kind of change there is not."""
    if allow:
        from odac_db.migrate.hold import unknown_leave

        fault = unknown_leave(allow)
        if fault:
            raise UsageProblem(f"--{fault}")
    return frozenset(allow or ()) | ({"destructive"} if allow_destructive else frozenset())
