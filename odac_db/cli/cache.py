"""``odac-db cache``: what the store of cached reads holds, and to have it forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE, UsageProblem
from odac_db.cli.opening import naming_connection, opened
from odac_db.cli.settings import read_cache_store

if TYPE_CHECKING:
    from odac_db.database import Database

store = click.option(
    "--cache",
    metavar="URL",
    help='A Redis URL or "memory". Else ODAC_DB_CACHE, else cache in pyproject.toml.',
)
namespace = click.option("--namespace", metavar="NAME", help="As the applications have it.")
of_connection = click.option(
    "--connection", metavar="NAME", help="Of this connection; else the default."
)


def _of_one(verb: options.Verb) -> options.Verb:
    """The options that name one connection's cache."""
    return options.database(store(namespace(of_connection(verb))))


@contextmanager
def _one(
    url: str | None,
    schema: str | None,
    store: str | None,
    namespace: str | None,
    connection: str | None,
    commit_within: float = 10.0,
) -> Iterator[Database]:
    named = read_cache_store(store)
    if named is None:
        raise UsageProblem(
            "no cache: pass --cache URL, set ODAC_DB_CACHE, "
            'or write cache = "URL" under [tool.odac-db] in pyproject.toml'
        )
    from odac_db.cache.settings import Cache

    cache = Cache(store=named, namespace=namespace, commit_within=commit_within)
    with opened(url, schema, needs_schema=False, cache=cache) as connections:
        yield naming_connection(connection, connections)


@_of_one
@options.as_json
def stats(
    *,
    url: str | None,
    schema: str | None,
    cache: str | None,
    namespace: str | None,
    connection: str | None,
    as_json: bool,
) -> int:
    """Show how much the store holds, and what is being written. Changes nothing."""
    from dataclasses import asdict

    from odac_db.cli.output import Output
    from odac_db.cli.text import counted

    with _one(url, schema, cache, namespace, connection) as db:
        found = db.cache._inventory()
    output = Output()
    if as_json:
        output.json(asdict(found))
        return DONE
    held = "entries in each process"
    if found.entries is not None:
        held = f"{counted(found.entries, 'entry', 'entries')}, {found.bytes:,} bytes"
    output.line((found.store, "bold"), f"  {held}, {counted(found.stamps, 'stamp')}")
    for name in found.writing:
        output.line(f"  being written: {name}")
    return DONE


@_of_one
@click.option(
    "--commit-within",
    type=click.FloatRange(min=0),
    default=10.0,
    metavar="SECONDS",
    help="As the applications have it.",
)
@click.option(
    "--table", multiple=True, metavar="NAME", help="Only what was read from it; may be repeated."
)
@options.as_json
def clear(  # noqa: PLR0913 - one parameter an option
    *,
    url: str | None,
    schema: str | None,
    cache: str | None,
    namespace: str | None,
    connection: str | None,
    commit_within: float,
    table: tuple[str, ...],
    as_json: bool,
) -> int:
    """Have all processes forget what was read, from some tables or from all."""
    from odac_db.cli.output import Output

    with _one(url, schema, cache, namespace, connection, commit_within) as db:
        if table:
            db.cache.touch(*table)
        else:
            db.cache.clear()
    if as_json:
        Output().json({"cleared": sorted(table) or "everything"})
    else:
        Output().line(f"Forgotten: {', '.join(table) if table else 'everything'}.")
    return DONE
