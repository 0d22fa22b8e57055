"""Driving the MySQL dialect alone: declare, plan, run the statements, look again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.mysql import MYSQL
from odac_db.dialects.mysql.catalog import execute
from odac_db.dialects.mysql.features import features
from odac_db.migrate.detach import detached
from odac_db.migrate.diff import diff
from odac_db.migrate.order import ordered
from odac_db.migrate.reconcile import reconciled
from odac_db.migrate.transform import transformed
from odac_db.schema.changes import Change
from odac_db.schema.declaration import (
    Declarations,
    ReferenceDeclaration,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.model import Schema
from tests.fixtures.databases import LiveDatabase


def declarations(tables: Mapping[str, Any]) -> Declarations:
    """Tables as a file says them, in plain Python; references like ``users.id``."""
    return Declarations(
        tables={
            name: TableDeclaration(
                name=name, body=_split(msgspec.convert(body, TableFile)), source=Source(file=name)
            )
            for name, body in tables.items()
        }
    )


def _split(body: TableFile) -> TableFile:
    columns = {}
    for name, column in body.columns.items():
        if isinstance(column.references, str):
            table, _, other = column.references.partition(".")
            reference = ReferenceDeclaration(table=table, columns=(other,))
            columns[name] = msgspec.structs.replace(column, references=reference)
        else:
            columns[name] = column
    return msgspec.structs.replace(body, columns=columns)


class Site:
    """One connection of a test and what a plan needs of it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.features = features(connection)

    @property
    def mariadb(self) -> bool:
        return self.features.mariadb

    def live(self) -> Schema:
        return MYSQL.introspect(self.connection, self.features, None)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        answer: list[tuple[Any, ...]] = []
        for sql in statements:
            result = execute(self.connection, sql)
            answer = [tuple(row) for row in result] if result.returns_rows else []
        return answer

    def desired(self, tables: Mapping[str, Any]) -> Schema:
        resolved = MYSQL.resolve(declarations(tables), self.features)
        assert resolved.problems == ()
        return resolved.schema

    def changes(self, desired: Schema) -> list[Change]:
        """What is left to do, expressions compared through the server."""
        live = self.live()
        settled = reconciled(
            live,
            desired,
            (),
            self.features,
            lambda tables: (
                MYSQL.canonicalize(self.connection, tables, desired, self.features).tables
            ),
        )
        found = diff(live, settled, self.features, prune=True)
        found += detached(live, found, (), self.features, MYSQL.lossy)
        return ordered(found, live, settled)

    def statements(self, changes: Sequence[Change]) -> list[str]:
        live = self.live()
        rendered = MYSQL.render(changes, live, transformed(live, changes), self.features)
        assert [one.change for one in rendered] == list(changes)
        return [statement.sql for one in rendered for statement in one.statements]

    def bring(self, tables: Mapping[str, Any]) -> list[str]:
        """Makes the database what is declared and checks that nothing is left to do."""
        desired = self.desired(tables)
        statements = self.statements(self.changes(desired))
        self.run(*statements)
        assert self.changes(desired) == []
        return statements


@contextmanager
def opened(database: LiveDatabase) -> Iterator[Site]:
    with database.connect() as connection:
        yield Site(connection)
