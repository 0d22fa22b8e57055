"""A test's database together with its dialect: read the live schema, run as a plan would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection

from odac_db.dialects import dialect_of
from odac_db.dialects.base import Dialect, Features
from odac_db.migrate import preflight
from odac_db.schema.model import Schema, Table
from tests.fixtures.databases import LiveDatabase


class Site:
    """One connection in AUTOCOMMIT and what is known of its server."""

    def __init__(self, conn: Connection, dialect: Dialect) -> None:
        self.conn = conn
        self.dialect = dialect
        self.features: Features = dialect.features(conn)

    def live(self) -> Schema:
        return self.dialect.introspect(self.conn, self.features, None)

    def table(self, name: str) -> Table:
        return self.live().tables[name]

    def run(self, *statements: str) -> None:
        """Statements as they are: ``%`` and ``:name`` mean nothing."""
        cursor = self.conn.connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        cursor = self.conn.connection.cursor()
        cursor.execute(statement)
        rows = [tuple(row) for row in cursor.fetchall()]
        cursor.close()
        return rows

    @staticmethod
    @contextmanager
    def nothing() -> Iterator[None]:
        """No transaction around."""
        yield

    @contextmanager
    def plan(self) -> Iterator[None]:
        """The transaction around a plan, where the server has one."""
        self.dialect.begin(self.conn, self.features)
        try:
            yield
        except BaseException:
            self.dialect.rollback(self.conn, self.features)
            raise
        self.dialect.commit(self.conn, self.features)


def seen_by(site: Site) -> preflight.Site:
    """The same place as preflight sees it."""
    return preflight.Site(
        conn=site.conn, dialect=site.dialect, features=site.features, live=site.live()
    )


@contextmanager
def opened(database: LiveDatabase) -> Iterator[Site]:
    """The database of a test, opened with the dialect of its server."""
    with database.connect() as conn:
        yield Site(conn, dialect_of(conn))
