"""The way from a verb's options to open databases, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odac_db.cli.errors import UsageProblem
from odac_db.cli.settings import Models, read_settings

if TYPE_CHECKING:
    from odac_db.cache.settings import Cache
    from odac_db.database import Database


@contextmanager
def opened(
    url: str | None,
    schema: str | None,
    *,
    needs_schema: bool,
    journals: Path | None = None,
    cache: Cache | None = None,
) -> Iterator[Mapping[str, Database]]:
    """Every configured connection by name, closed again at the end; nothing is migrated.

    With a folder of ``journals`` the schema is read if there is one: what is buffered is
    judged by it.
    """
    settings = read_settings(url, schema)
    wanted = needs_schema or (journals is not None and settings.schema is not None)
    schema_from = settings.declared() if wanted else None
    if isinstance(schema_from, Models):
        from odac_db.cli.models import loaded

        schema_from = loaded(schema_from)
    from odac_db.database import Database

    behind: dict[str, Any] = {} if journals is None else {"buffer": journals}
    with Database.open(settings.url, schema=schema_from, cache=cache, **behind) as database:
        yield database.connections


@contextmanager
def naming(name: str, connections: Mapping[str, Database], done: list[str]) -> Iterator[None]:
    """Errors say which of several connections they are about, and which were done before."""
    try:
        yield
    except Exception as error:
        if len(connections) > 1:
            error.add_note(f"on connection {name}")
            if done:
                error.add_note(f"migrated before it: {', '.join(done)}")
        raise
    done.append(name)


def naming_connection(name: str | None, connections: Mapping[str, Database]) -> Database:
    """The connection of that name, the first if none is named."""
    chosen = name or next(iter(connections))
    if chosen not in connections:
        raise UsageProblem(f"no connection {chosen!r}; there is {', '.join(connections)}")
    return connections[chosen]
