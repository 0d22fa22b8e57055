"""The way from a verb's options to open databases, in one place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from odac_db.cli.settings import Models, read_settings

if TYPE_CHECKING:
    from odac_db.database import Database


@contextmanager
def opened(
    url: str | None, schema: str | None, *, needs_schema: bool
) -> Iterator[Mapping[str, Database]]:
    """Every configured connection by name, closed again at the end; nothing is migrated."""
    settings = read_settings(url, schema)
    schema_from = settings.declared() if needs_schema else None
    if isinstance(schema_from, Models):
        from odac_db.cli.models import loaded

        schema_from = loaded(schema_from)
    from odac_db.database import Database

    with Database.open(settings.url, schema=schema_from) as database:
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
