"""The options several verbs share, spelt once: decorators of a verb's function.

Each gives the function a keyword argument of its name; they are listed in ``--help`` as they
stand above the function.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TypeVar

import click

from odac_db.cli.errors import UsageProblem

Verb = TypeVar("Verb", bound=Callable[..., int])

url = click.option(
    "--url",
    metavar="URL",
    help="The database. Else ODAC_DB_URL, else url under [tool.odac-db] in pyproject.toml.",
)
schema = click.option(
    "--schema",
    metavar="DIR",
    help="The folder of schema files, or SQLAlchemy models as package.module:Base. "
    "Else ODAC_DB_SCHEMA, else schema in pyproject.toml.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the answer as JSON.")
as_sql = click.option("--sql", "as_sql", is_flag=True, help="Print only the SQL, ready to read.")
allow_what = click.option(
    "--allow",
    multiple=True,
    metavar="WHAT",
    help="Do one held-back thing: a kind (drop_column), or kind:table.name "
    "(drop_column:posts.slug). May be repeated.",
)
allow_destructive = click.option(
    "--allow-destructive", is_flag=True, help="Also do what loses data: drops, lossy changes."
)
prune = click.option(
    "--prune",
    is_flag=True,
    help="Also drop tables that no file declares; held back without --allow-destructive.",
)
big_table = click.option(
    "--big-table",
    type=click.IntRange(min=1),
    default=100_000,
    metavar="ROWS",
    help="From how many rows on a table is changed in stages that hold up nobody.",
)
lock_timeout = click.option(
    "--lock-timeout",
    type=click.FloatRange(min=0),
    default=60.0,
    metavar="SECONDS",
    help="How long to wait while another process migrates.",
)
connection = click.option(
    "--connection", metavar="NAME", help="On this connection; else the default."
)


def database(verb: Verb) -> Verb:
    """``--url`` and ``--schema``, what ``opened`` asks for."""
    return url(schema(verb))


def allow(verb: Verb) -> Verb:
    """``--allow`` and ``--allow-destructive``, what ``allowed`` asks for."""
    return allow_what(allow_destructive(verb))


def allowed(allow: Collection[str], allow_destructive: bool) -> frozenset[str]:
    """What ``Database`` calls ``allow``; ``UsageProblem`` for a kind of change there is not."""
    if allow:
        from odac_db.migrate.hold import unknown_leave

        fault = unknown_leave(allow)
        if fault:
            raise UsageProblem(f"--{fault}")
    return frozenset(allow) | ({"destructive"} if allow_destructive else frozenset())
