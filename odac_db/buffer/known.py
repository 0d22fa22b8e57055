"""What a buffer asks the database before it begins: tables, lanes, and what it cannot do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from odac_db.buffer import ledger
from odac_db.buffer.fitting import Columns
from odac_db.buffer.lanes import Lanes, lanes
from odac_db.buffer.tables import BufferTable
from odac_db.dialects import dialect_of
from odac_db.dialects.buffering import Buffering, buffering_of
from odac_db.dialects.connect import connected
from odac_db.errors import BufferRefused, DeclarationError
from odac_db.ids import nanoid_columns
from odac_db.schema.declaration import Declarations
from odac_db.schema.model import Schema

Read = Callable[[], Declarations]


@dataclass(frozen=True)
class Known:
    """What a buffer has asked the database once; forked children have it from their parent."""

    database: str
    buffering: Buffering
    tables: Mapping[str, BufferTable]
    lanes: Lanes
    declared: bool

    def columns(self, table: str) -> Columns:
        """What the columns of a table take; none of a table that there is not."""
        found = self.tables.get(table)
        return {} if found is None else found.accepts


def known(engine: Engine, read: Read | None) -> Known:
    """Asks the database. Raises BufferRefused, DeclarationError or LedgerIsNewer."""
    if isinstance(engine.pool, (StaticPool, SingletonThreadPool)):
        message = "a database in memory is gone with its process, and a journal is not"
        raise BufferRefused(f"{message}: buffer writes to a file or a server")
    buffering = buffering_of(engine)
    with connected(engine) as conn:
        buffering.prepare(conn)
        conn.detach()
        declarations, schema = _schema(conn, read)
        database = ledger.ready(conn)
        untransacted = buffering.untransacted(conn)
        longest = buffering.longest(conn) if buffering.longest is not None else None
        conn.rollback()
    if ledger.positions.name in untransacted:
        raise BufferRefused(f"{ledger.positions.name}: {untransacted[ledger.positions.name]}")
    found = lanes(schema.tables)
    nanoids = nanoid_columns(declarations)
    tables = {
        name: BufferTable(
            table=table,
            lane=found.of[name],
            schema=schema,
            buffering=buffering,
            nanoids=nanoids.get(name, {}),
            untransacted=untransacted.get(name, ""),
            longest=longest,
        )
        for name, table in schema.tables.items()
    }
    return Known(database, buffering, tables, found, read is not None)


def _schema(conn: Connection, read: Read | None) -> tuple[Declarations, Schema]:
    dialect = dialect_of(conn)
    features = dialect.features(conn)
    if read is None:
        return Declarations(), dialect.introspect(conn, features, None)
    declarations = read()
    resolved = dialect.resolve(declarations, features)
    if resolved.problems:
        raise DeclarationError(resolved.problems)
    return declarations, resolved.schema
