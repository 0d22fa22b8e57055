"""Driving SQLite as a migrate does: declare in plain Python, plan, apply, read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.sqlite import SQLITE
from odac_db.migrate.diff import diff
from odac_db.migrate.leave import Leave
from odac_db.migrate.run import Runner
from odac_db.schema.changes import Change
from odac_db.schema.declaration import (
    Declarations,
    ReferenceDeclaration,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.files.migrations import MigrationFile
from odac_db.schema.model import Schema, Table
from odac_db.schema.plan import Plan, Report
from tests.fixtures.databases import LiveDatabase

Tables = Mapping[str, Any]


def declarations(tables: Tables) -> Declarations:
    """Tables as files say them; references like ``users.id``."""
    return Declarations(
        tables={
            name: TableDeclaration(
                name=name, body=_split(msgspec.convert(body, TableFile)), source=Source(file=name)
            )
            for name, body in tables.items()
        }
    )


def _split(body: TableFile) -> TableFile:
    columns = dict(body.columns)
    for name, column in columns.items():
        if isinstance(column.references, str):
            table, _, other = column.references.partition(".")
            reference = ReferenceDeclaration(table=table, columns=(other,))
            columns[name] = msgspec.structs.replace(column, references=reference)
    return msgspec.structs.replace(body, columns=columns)


class _Declared:
    """Declarations where a folder of files would be."""

    def __init__(self, declared: Declarations) -> None:
        self._declared = declared

    def migrations(self) -> tuple[MigrationFile, ...]:
        return ()

    def digest(self) -> str:
        return ""

    def read(self) -> Declarations:
        return self._declared


class Site:
    """One SQLite database of a test."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.features = SQLITE.features(conn)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows of the last statement; ``%`` and ``:name`` mean nothing."""
        rows: list[tuple[Any, ...]] = []
        for sql in statements:
            options = {"no_parameters": True}
            result = self.conn.exec_driver_sql(sql, execution_options=options)
            rows = [tuple(row) for row in result] if result.returns_rows else []
        return rows

    def live(self) -> Schema:
        return SQLITE.introspect(self.conn, self.features, None)

    def table(self, name: str) -> Table:
        return self.live().tables[name]

    def sql_of(self, name: str) -> str:
        """The CREATE text that SQLite keeps."""
        ((text,),) = self.conn.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE name = ?", (name,)
        )
        return str(text)

    def pull(self) -> Declarations:
        return SQLITE.declare(self.live(), self.features)

    def left_to_do(self, declared: Declarations) -> list[Change]:
        """What a diff finds, nothing reconciled."""
        resolved = SQLITE.resolve(declared, self.features)
        assert resolved.problems == ()
        return diff(self.live(), resolved.schema, self.features)

    def plan(self, declared: Tables | Declarations, *, allow: str = "destructive") -> Plan:
        return self._runner(declared, allow).plan()

    def migrate(self, declared: Tables | Declarations, *, allow: str = "destructive") -> Report:
        """Brings the database to the declarations; nothing must be left to do."""
        report = self._runner(declared, allow).migrate()
        again = self.plan(declared, allow=allow)
        assert again.of_status("pending") == ()
        return report

    def _runner(self, declared: Tables | Declarations, allow: str) -> Runner:
        if not isinstance(declared, Declarations):
            declared = declarations(declared)
        return Runner(
            conn=self.conn,
            dialect=SQLITE,
            known_features=self.features,
            source=_Declared(declared),
            leave=Leave(allow=(allow,)),
        )


@contextmanager
def opened(database: LiveDatabase) -> Iterator[Site]:
    with database.connect() as conn:
        yield Site(conn)


def statements(outcome: Report | Plan) -> list[str]:
    """All SQL of a plan, or of what a migrate applied."""
    operations = outcome.applied if isinstance(outcome, Report) else outcome.operations
    return [statement.sql for operation in operations for statement in operation.statements]


def rebuilds(outcome: Report | Plan) -> int:
    """How many tables were made anew."""
    return sum(sql.startswith('CREATE TABLE "_odac_new_') for sql in statements(outcome))
