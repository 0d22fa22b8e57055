"""Driving the PostgreSQL dialect alone: declare, plan, run the statements, look again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection

from odac_db.dialects.postgresql import POSTGRESQL
from odac_db.dialects.postgresql.features import features
from odac_db.dialects.postgresql.reading import run
from odac_db.migrate.detach import detached
from odac_db.migrate.diff import diff
from odac_db.migrate.order import ordered
from odac_db.migrate.reconcile import reconciled
from odac_db.migrate.transform import transformed
from odac_db.schema.changes import Change
from odac_db.schema.declaration import (
    Declarations,
    EnumDeclaration,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.model import Schema, Table
from odac_db.schema.plan import Statement
from tests.fixtures.databases import LiveDatabase

replace = msgspec.structs.replace


def declarations(
    tables: Mapping[str, Any], enums: Mapping[str, Sequence[str]] | None = None
) -> Declarations:
    """Tables as a file says them, in plain Python."""
    return Declarations(
        tables={
            name: TableDeclaration(
                name=name, body=msgspec.convert(body, TableFile), source=Source(file=name)
            )
            for name, body in tables.items()
        },
        enums={
            name: EnumDeclaration(values=tuple(values)) for name, values in (enums or {}).items()
        },
    )


class Site:
    """One connection of a test and what a plan needs of it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.features = features(connection)

    def live(self) -> Schema:
        return POSTGRESQL.introspect(self.connection, self.features, None)

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """The rows of the last statement."""
        answer: list[tuple[Any, ...]] = []
        for sql in statements:
            result = run(self.connection, sql)
            answer = [tuple(row) for row in result] if result.returns_rows else []
        return answer

    def value(self, sql: str) -> Any:
        return self.run(sql)[0][0]

    def desired(
        self, tables: Mapping[str, Any], enums: Mapping[str, Sequence[str]] | None = None
    ) -> Schema:
        resolved = POSTGRESQL.resolve(declarations(tables, enums), self.features)
        assert resolved.problems == ()
        return resolved.schema

    def problems(self, **tables: Any) -> list[str]:
        resolved = POSTGRESQL.resolve(declarations(tables), self.features)
        return [str(problem) for problem in resolved.problems]

    def changes(self, desired: Schema, live: Schema | None = None) -> list[Change]:
        """What is left to do, expressions compared through the server."""
        live = live or self.live()
        settled = reconciled(
            live,
            desired,
            (),
            self.features,
            lambda tables: (
                POSTGRESQL.canonicalize(self.connection, tables, desired, self.features).tables
            ),
        )
        found = diff(live, settled, self.features, prune=True)
        found += detached(live, found, (), self.features, POSTGRESQL.lossy)
        return ordered(found, live, settled)

    def statements(self, changes: Sequence[Change]) -> list[Statement]:
        live = self.live()
        rendered = POSTGRESQL.render(changes, live, transformed(live, changes), self.features)
        assert [one.change for one in rendered] == list(changes)
        return [statement for one in rendered for statement in one.statements]

    def apply(self, changes: Sequence[Change]) -> list[str]:
        """Runs the changes as a plan does: what must be committed first, then the rest."""
        statements = self.statements(changes)
        for statement in statements:
            if statement.stage == "ahead":
                self.run(statement.sql)
        POSTGRESQL.begin(self.connection, self.features)
        try:
            self.run(*(one.sql for one in statements if one.stage != "ahead"))
        except BaseException:
            POSTGRESQL.rollback(self.connection, self.features)
            raise
        POSTGRESQL.commit(self.connection, self.features)
        return [statement.sql for statement in statements]

    def bring(
        self, tables: Mapping[str, Any], enums: Mapping[str, Sequence[str]] | None = None
    ) -> list[str]:
        """Makes the database what is declared and checks that nothing is left to do."""
        desired = self.desired(tables, enums)
        statements = self.apply(self.changes(desired))
        assert self.changes(desired) == []
        return statements


def named(table: Table) -> Table:
    """The table without what only a declaration has: open names, choices and policies."""

    def all_named(items: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(sorted((replace(item, named=True) for item in items), key=lambda i: i.name))

    key = table.primary_key
    indexes = [replace(index, constraint=bool(index.constraint)) for index in table.indexes]
    return replace(
        table,
        primary_key=None if key is None else replace(key, named=True),
        indexes=all_named(indexes),
        foreign_keys=all_named([replace(one, orphans=None) for one in table.foreign_keys]),
        checks=all_named(table.checks),
        exclusions=all_named(table.exclusions),
        options={"unlogged": table.options.get("unlogged", "false")},
    )


@contextmanager
def opened(database: LiveDatabase) -> Iterator[Site]:
    with database.connect() as connection:
        yield Site(connection)
