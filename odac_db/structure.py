"""``db.schema``: what is declared and what there is, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from odac_db.dialects import dialect_of
from odac_db.dialects.connect import standing
from odac_db.errors import DeclarationError, OdacDbError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from odac_db.migrate.leave import Source
    from odac_db.schema.model import Schema

__all__ = ["Described", "Structure"]


@dataclass(frozen=True)
class Structure:
    """Tables, columns, keys and enum types, in the words of this server; frozen.

    Each access looks anew and changes nothing. Not promised: that two looks agree. Raises
    ConnectionFailed, UnsupportedServer or ServerRefused.
    """

    _engine: Engine
    _source: Source | None

    @property
    def declared(self) -> Schema:
        """What the schema files or models say, with this server's types and default names.

        Expressions are as they are written there. Raises DeclarationError, and OdacDbError
        where no schema was given.
        """
        if self._source is None:
            message = "no schema is given: Database.open(url, schema=...)"
            raise OdacDbError(message)
        with standing(self._engine) as conn:
            dialect = dialect_of(conn)
            resolved = dialect.resolve(self._source.read(), dialect.features(conn))
        if resolved.problems:
            raise DeclarationError(resolved.problems)
        return resolved.schema

    @property
    def live(self) -> Schema:
        """What the database holds, tables that nobody declares included, our own left out."""
        with standing(self._engine) as conn:
            dialect = dialect_of(conn)
            return dialect.introspect(conn, dialect.features(conn), None)


class Described:
    """What a Database can say of its structure."""

    engine: Engine
    _source: Source | None

    @property
    def schema(self) -> Structure:
        """What is declared (``schema.declared``) and what there is (``schema.live``)."""
        return Structure(self.engine, self._source)
