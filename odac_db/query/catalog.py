"""Which tables there are, and each as a SQLAlchemy table whose types round-trip.

The names come from the declarations, without asking the database; without a schema they
come from the live database, read once. Types depend on the server, so a table's are made
when its first statement is, after one look at which server it is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    FetchedValue,
    FromClause,
    MetaData,
    Table,
    quoted_name,
)

from odac_db.dialects import dialect_of
from odac_db.dialects.base import Dialect, Features, Resolved
from odac_db.errors import DeclarationError
from odac_db.ids import nanoid_columns
from odac_db.query.names import unknown
from odac_db.schema import model
from odac_db.schema.constraints import declared_constraints
from odac_db.schema.declaration import Declarations, TableDeclaration
from odac_db.schema.files.keys import foreign_keys, primary_key
from odac_db.sources import DeclaredSource, MetadataSource

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Reference:
    """A foreign key: these columns refer to those of ``table``."""

    columns: tuple[str, ...]
    table: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Definition:
    """What a query needs to know of a table before there is any SQL.

    ``uniques`` are the column sets of its primary key and unique keys without a predicate;
    ``nanoids`` the columns to fill, with their lengths.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    references: tuple[Reference, ...]
    uniques: tuple[tuple[str, ...], ...]
    nanoids: Mapping[str, int]

    def has(self, column: str) -> bool:
        return column in self._columns

    @cached_property
    def _columns(self) -> frozenset[str]:
        return frozenset(self.columns)


class Ask(Protocol):
    """Calls a function with a connection: that of the open transaction, if there is one."""

    def __call__(self, question: Callable[[Connection], Answer], /) -> Answer: ...


class Catalog:
    """The tables of one connection. Safe for threads."""

    def __init__(self, engine: Engine, source: DeclaredSource | None, ask: Ask) -> None:
        self._engine = engine
        self._source = source
        self._ask = ask
        self._definitions: dict[str, Definition] = {}
        self._tables: dict[str, Table] = {}
        self._aliases: dict[tuple[str, str], FromClause] = {}
        self._metadata = MetaData()
        self._lock = threading.RLock()

    @cached_property
    def dialect(self) -> Dialect:
        return dialect_of(self._engine)

    @property
    def names(self) -> list[str]:
        """Every table's name."""
        return list(self._declarations.tables)

    def look(self) -> None:
        """Asks now what would be asked at the first use."""
        _ = self._features, self._declarations

    def definition(self, name: str) -> Definition:
        """What is known of a table. Raises UnknownName."""
        found = self._definitions.get(name)
        if found is None:
            declared = self._declarations.tables.get(name)
            if declared is None:
                raise unknown("there is no table", name, self.names)
            found = self._definitions[name] = self._defined(declared)
        return found

    def table(self, name: str) -> Table:
        """The SQLAlchemy table. Asks which server it is, once. Raises DeclarationError."""
        found = self._tables.get(name)
        if found is None:
            with self._lock:
                found = self._tables.get(name)
                if found is None:
                    found = self._tables[name] = self._made(self.definition(name))
        return found

    def source(self, name: str, alias: str) -> FromClause:
        """The table under the name it has in a query."""
        if name == alias:
            return self.table(name)
        found = self._aliases.get((name, alias))
        if found is None:
            made = self.table(name).alias(quoted_name(alias, True))
            found = self._aliases.setdefault((name, alias), made)
        return found

    def _defined(self, declared: TableDeclaration) -> Definition:
        body = declared.body
        found = declared_constraints(Declarations(tables={declared.name: declared}))
        partial = {_names(index.columns) for index in body.indexes if index.where is not None}
        keys = [one for one in found if one.kind in ("primary_key", "unique")]
        return Definition(
            name=declared.name,
            columns=tuple(body.columns),
            key=primary_key(body),
            references=tuple(
                Reference(one.key.columns, one.target.table, one.target.columns)
                for one in foreign_keys(body)
            ),
            uniques=tuple(
                dict.fromkeys(
                    one.columns
                    for one in keys
                    if one.columns not in partial and "expr" not in one.columns
                )
            ),
            nanoids=self._nanoids.get(declared.name, {}),
        )

    def _made(self, definition: Definition) -> Table:
        if isinstance(self._source, MetadataSource):
            return self._source.tables[definition.name]
        declared = self._declarations.tables[definition.name]
        resolved = self._resolved(declared)
        live = resolved.schema.tables.get(declared.name)
        if live is None:
            raise DeclarationError(resolved.problems)
        columns = [self._column(declared, live, column, resolved) for column in live.columns]
        return Table(quoted_name(live.name, True), self._metadata, *columns)

    def _column(
        self,
        declared: TableDeclaration,
        table: model.Table,
        column: model.Column,
        resolved: Resolved,
    ) -> Column[Any]:
        key = table.primary_key is not None and column.name in table.primary_key.columns
        value_type = self.dialect.value_type(
            f"{table.name}.{column.name}",
            declared.body.columns[column.name],
            column,
            resolved.schema.enums,
            self._features,
        )
        numbered = column.identity is not None
        filled = column.default is not None or column.generated is not None or key
        return Column(
            quoted_name(column.name, True),
            value_type,
            server_default=FetchedValue() if filled and not numbered else None,
            primary_key=key,
            nullable=column.nullable,
            autoincrement=numbered,
        )

    def _resolved(self, declared: TableDeclaration) -> Resolved:
        everything = self._declarations
        alone = Declarations(
            tables={declared.name: declared},
            enums=everything.enums,
            enums_source=everything.enums_source,
        )
        return self.dialect.resolve(alone, self._features)

    @cached_property
    def _features(self) -> Features:
        return self._ask(self.dialect.features)

    @cached_property
    def _declarations(self) -> Declarations:
        if self._source is not None:
            return self._source.read()
        features = self._features
        live = self._ask(lambda conn: self.dialect.introspect(conn, features, None))
        return self.dialect.declare(live, features)

    @cached_property
    def _nanoids(self) -> Mapping[str, Mapping[str, int]]:
        return nanoid_columns(self._declarations)


def _names(keys: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(key if isinstance(key, str) else key.column or "expr" for key in keys)
