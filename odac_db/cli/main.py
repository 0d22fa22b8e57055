"""The command ``odac-db``: its verbs, and what starts them.

Verb modules import only what their options need; the rest is imported when a verb runs,
so that ``odac-db --help`` does not wait for SQLAlchemy.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, TextIO

import typer

from odac_db.cli import buffer, cache
from odac_db.cli.check import check
from odac_db.cli.demo import demo
from odac_db.cli.errors import guarded
from odac_db.cli.fmt import fmt
from odac_db.cli.history import history
from odac_db.cli.json_schema import json_schema
from odac_db.cli.migrate import migrate
from odac_db.cli.orphans import list_orphans, restore
from odac_db.cli.plan import plan
from odac_db.cli.pull import pull
from odac_db.cli.rollback import rollback
from odac_db.cli.status import status

app = typer.Typer(
    name="odac-db",
    help="Schema files in, a database in sync out.",
    epilog="Exit codes: 0 done and in sync, 1 failed, 2 wrong usage, 3 not in sync.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
orphans = typer.Typer(
    help="Rows that pointed nowhere and were cleaned: list them, put them back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

for verb in (migrate, plan, check, status, rollback, pull, fmt, json_schema, history):
    app.command()(guarded(verb))
app.add_typer(orphans, name="orphans")
orphans.command("list")(guarded(list_orphans))
orphans.command("restore")(guarded(restore))
buffered = typer.Typer(
    help="Buffered writes: journals, dead letters.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(buffered, name="buffer")
for own in (buffer.status, buffer.drain, buffer.dead, buffer.retry, buffer.discard):
    buffered.command()(guarded(own))
cached = typer.Typer(
    help="Cached reads: what the store holds, to have it forgotten.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(cached, name="cache")
cached.command()(guarded(cache.stats))
cached.command()(guarded(cache.clear))
app.command()(guarded(demo))


def _show_version(wanted: bool) -> None:
    if wanted:
        from odac_db import __version__

        print(f"odac-db {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None: ...


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        _write_anything(stream)
    app(args=arguments, prog_name="odac-db")


def _write_anything(stream: TextIO) -> None:
    """A letter that the terminal's encoding lacks is spelt out instead of ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
