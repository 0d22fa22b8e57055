"""``odac-db buffer``: the journals and dead letters of buffered writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from odac_db.cli import options
from odac_db.cli.errors import DONE, NOT_IN_SYNC, UsageProblem
from odac_db.cli.opening import naming_connection, opened
from odac_db.cli.settings import read_buffer_folder

if TYPE_CHECKING:
    from odac_db.database import Database

folder = click.option(
    "--buffer",
    metavar="DIR",
    help="The folder of the journals. Else ODAC_DB_BUFFER, else buffer in pyproject.toml.",
)
of_table = click.option("--table", metavar="NAME", help="Only those of this table.")


def _of_one(verb: options.Verb) -> options.Verb:
    """The options that name one connection's buffer."""
    return options.database(folder(options.connection(verb)))


@contextmanager
def _one(
    url: str | None, schema: str | None, folder: str | None, connection: str | None
) -> Iterator[Database]:
    journals = read_buffer_folder(folder)
    if journals is None:
        raise UsageProblem(
            "no folder of journals: pass --buffer DIR, set ODAC_DB_BUFFER, "
            'or write buffer = "DIR" under [tool.odac-db] in pyproject.toml'
        )
    with opened(url, schema, needs_schema=False, journals=journals) as connections:
        yield naming_connection(connection, connections)


@_of_one
@options.as_json
def status(
    *,
    url: str | None,
    schema: str | None,
    buffer: str | None,
    connection: str | None,
    as_json: bool,
) -> int:
    """Show the journals, what they hold that the database has not, and the dead letters."""
    import msgspec

    from odac_db.cli.output import Output
    from odac_db.cli.text import counted, moment

    with _one(url, schema, buffer, connection) as db:
        journals = db.buffer.journals()
        dead = len(db.buffer.dead_letters())
    pending = sum(sum(each.pending.values()) for each in journals)
    output = Output()
    if as_json:
        answer = {"pending": pending, "dead": dead, "journals": msgspec.to_builtins(journals)}
        output.json(answer)
        return DONE
    for each in journals:
        waiting = ", ".join(f"{lane} {count:,}" for lane, count in each.pending.items())
        life = "alive" if each.alive else "nobody's"
        line = f"  {life}  {moment(each.written)}  {each.bytes:,} bytes  {waiting or 'applied'}"
        output.line((each.journal, "bold"), line, (f"  {each.fault}" if each.fault else "", "red"))
    output.line(f"{counted(pending, 'operation')} pending, {counted(dead, 'dead letter')}.")
    return DONE


@_of_one
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=60.0,
    metavar="SECONDS",
    help="How long to try again.",
)
@click.option(
    "--accept-loss", is_flag=True, help="Go on behind what is lost; the ledger counts it."
)
@options.as_json
def drain(
    *,
    url: str | None,
    schema: str | None,
    buffer: str | None,
    connection: str | None,
    wait: float,
    accept_loss: bool,
    as_json: bool,
) -> int:
    """Bring the journals of dead processes into the database. Exit 3 if something stays."""
    import msgspec

    from odac_db.cli.output import Output
    from odac_db.cli.text import counted

    with _one(url, schema, buffer, connection) as db:
        before = db.buffer.adopt(accept_loss=accept_loss)
        result = _drained(db, before, wait)
        foreign = db.buffer.status().foreign
    output = Output()
    if as_json:
        output.json({**msgspec.to_builtins(result), "foreign": foreign})
    else:
        for lane, reason in result.paused.items():
            output.line(("✗ ", "red"), f"{lane}: {reason}")
        for journal, reason in foreign.items():
            output.line(("✗ ", "red"), f"journal {journal} is let alone: {reason}")
        done = f"{counted(result.rows, 'operation')} applied, {result.dead:,} refused"
        output.line(f"{done}, {result.pending:,} pending.")
    return NOT_IN_SYNC if result.pending or foreign else DONE


def _drained(db: Database, total: int, wait: float) -> Any:
    """Flushes for as long, a bar showing how far it is where there is a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    until = time.monotonic() + wait
    before = db.buffer.status()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("operations", total=total)
        result = db.buffer.flush(wait=min(wait, 1.0) or None)
        while result.pending and time.monotonic() < until:
            bar.update(task, completed=total - result.pending)
            result = db.buffer.flush(wait=1.0)
    after = db.buffer.status()
    import msgspec

    rows, dead = after.applied - before.applied, after.dead - before.dead
    return msgspec.structs.replace(result, rows=rows, dead=dead)


@_of_one
@of_table
@options.as_json
def dead(
    *,
    url: str | None,
    schema: str | None,
    buffer: str | None,
    connection: str | None,
    table: str | None,
    as_json: bool,
) -> int:
    """List the operations that the server refused, with what it said."""
    import msgspec

    from odac_db.cli.output import Output
    from odac_db.cli.text import moment

    with _one(url, schema, buffer, connection) as db:
        letters = [one for one in db.buffer.dead_letters() if table in (None, one.table)]
    output = Output()
    if as_json:
        output.json({"dead": msgspec.to_builtins(letters)})
        return DONE
    for each in letters:
        output.line((f"{each.table} {each.operation}", "bold"), f"  {moment(each.created_at)}")
        output.line(f"  {each.payload}")
        output.line(("  " + each.error.splitlines()[0], "red"))
    if not letters:
        output.line("No dead letters.")
    return DONE


@_of_one
@of_table
@options.as_json
def retry(
    *,
    url: str | None,
    schema: str | None,
    buffer: str | None,
    connection: str | None,
    table: str | None,
    as_json: bool,
) -> int:
    """Try the dead letters again, each once. Exit 3 if the server refused some of them."""
    import msgspec

    from odac_db.cli.output import Output
    from odac_db.cli.text import counted

    with _one(url, schema, buffer, connection) as db:
        result = db.buffer.retry_dead_letters(table=table)
    output = Output()
    if as_json:
        output.json(msgspec.to_builtins(result))
    else:
        for place, reason in result.refusals.items():
            output.line(("✗ ", "red"), f"{place}: {reason.splitlines()[0]}")
        output.line(f"{counted(result.applied, 'operation')} applied, {result.refused:,} refused.")
    return NOT_IN_SYNC if result.refused else DONE


@_of_one
@of_table
@click.option("--yes", is_flag=True, help="Do it: they are gone for good.")
@options.as_json
def discard(
    *,
    url: str | None,
    schema: str | None,
    buffer: str | None,
    connection: str | None,
    table: str | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Throw the dead letters away, for good."""
    from odac_db.cli.output import Output
    from odac_db.cli.text import counted

    if not yes:
        raise UsageProblem("dead letters are the only copy of what was refused: add --yes")
    with _one(url, schema, buffer, connection) as db:
        count = db.buffer.discard_dead_letters(table=table)
    if as_json:
        Output().json({"discarded": count})
    else:
        Output().line(f"{counted(count, 'dead letter')} discarded.")
    return DONE
