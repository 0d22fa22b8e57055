"""Where a table can be made for a moment: the temporary schema, or beside the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.connect import masked_url
from odac_db.dialects.postgresql.catalog_json import OWN_SCHEMA, TEMPORARY_SCHEMA
from odac_db.dialects.postgresql.naming import quote
from odac_db.dialects.postgresql.reading import run
from odac_db.errors import ServerRefused
from odac_db.schema.model import Column, Table

replace = msgspec.structs.replace

_QUESTION = """SELECT current_setting('transaction_read_only')::bool,
has_database_privilege(current_database(), 'TEMPORARY'),
has_schema_privilege(current_schema(), 'CREATE'),
pg_backend_pid(), current_user::text, current_database()::text"""


@dataclass(frozen=True, kw_only=True)
class ScratchPlace:
    """``schema`` is SQL for its oid. Beside other tables a table needs a name of its own,
    which ``session`` makes different from those of whoever plans at the same time."""

    schema: str
    temporary: bool
    session: int

    def name(self, table: Table, number: int) -> str:
        return table.name if self.temporary else f"odac scratch {self.session} {number}"

    def table(self, name: str, table: Table) -> Table:
        """The table as it can be made here."""
        if self.temporary:
            return table
        columns = tuple(_unsequenced(column) for column in table.columns)
        key = table.primary_key and replace(table.primary_key, name=f"p {name}")
        return replace(table, name=name, columns=columns, primary_key=key, comment=None)


def _unsequenced(column: Column) -> Column:
    """The column without the name of a sequence, which may exist, and without its comment."""
    identity = column.identity and replace(column.identity, sequence=None)
    return replace(column, identity=identity, comment=None)


def scratch_place(connection: Connection) -> ScratchPlace:
    """Raises ServerRefused, saying what is missing, where this role can make no table at all."""
    answer: tuple[Any, ...] = tuple(run(connection, _QUESTION).one())
    read_only, temporary, create, session, role, database = answer
    if read_only or not (temporary or create):
        place = masked_url(connection.engine)
        raise ServerRefused(place, _missing(read_only, quote(role), quote(database)))
    schema = TEMPORARY_SCHEMA if temporary else OWN_SCHEMA
    return ScratchPlace(schema=schema, temporary=temporary, session=session)


def _missing(read_only: bool, role: str, database: str) -> str:
    what = "whether texts mean the same is found out with a temporary table, and"
    if read_only:
        return f"{what} this session is read-only: connect to the primary, for reading and writing"
    return f"{what} {role} may make none: GRANT TEMPORARY ON DATABASE {database} TO {role}"
