"""The command ``odac-db``: its verbs, and what starts them.

Verb modules import only what their options need; the rest is imported when a verb runs,
so that ``odac-db --help`` does not wait for SQLAlchemy.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TextIO

import click

from odac_db.cli import buffer, cache
from odac_db.cli.check import check
from odac_db.cli.demo import demo
from odac_db.cli.errors import INTERRUPTED, guarded
from odac_db.cli.fmt import fmt
from odac_db.cli.history import history
from odac_db.cli.json_schema import json_schema
from odac_db.cli.migrate import migrate
from odac_db.cli.orphans import list_orphans, restore
from odac_db.cli.plan import plan
from odac_db.cli.pull import pull
from odac_db.cli.rollback import rollback
from odac_db.cli.status import status
from odac_db.version import VERSION


class Verbs(click.Group):
    """Lists its verbs in the order in which they were added, as do the groups in it."""

    group_class = type

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


@click.group(
    cls=Verbs,
    epilog="Exit codes: 0 done and in sync, 1 failed, 2 wrong usage, 3 not in sync.",
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(VERSION, message="%(prog)s %(version)s", help="Show it.")
def app() -> None:
    """Schema files in, a database in sync out."""


for verb in (migrate, plan, check, status, rollback, pull, fmt, json_schema, history, demo):
    app.command()(guarded(verb))


@app.group()
def orphans() -> None:
    """Rows that pointed nowhere and were cleaned: list them, put them back."""


orphans.command("list")(guarded(list_orphans))
orphans.command()(guarded(restore))


@app.group("buffer")
def buffered() -> None:
    """Buffered writes: journals, dead letters."""


for own in (buffer.status, buffer.drain, buffer.dead, buffer.retry, buffer.discard):
    buffered.command()(guarded(own))


@app.group("cache")
def cached() -> None:
    """Cached reads: what the store holds, to have it forgotten."""


cached.command()(guarded(cache.stats))
cached.command()(guarded(cache.clear))


def run(arguments: Sequence[str] | None = None) -> None:
    """Run the command and leave the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        _write_anything(stream)
    sys.exit(answer(arguments))


def answer(arguments: Sequence[str] | None) -> int:
    """Run the command, that of this process if there are no arguments; its exit code."""
    try:
        return int(app.main(arguments, prog_name="odac-db", standalone_mode=False))
    except click.ClickException as fault:
        fault.show()
        return fault.exit_code
    except click.Abort:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED


def _write_anything(stream: TextIO) -> None:
    """A letter that the terminal's encoding lacks is spelt out instead of ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
