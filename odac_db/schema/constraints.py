"""What the declarations know of a constraint that a server names: its kind, columns and code.

Servers tell more or less of what was violated: PostgreSQL its name, MySQL the name of the
key, SQLite only the columns. The declarations fill in the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import msgspec

from odac_db.errors import ViolationKind
from odac_db.schema.declaration import (
    Declarations,
    IndexKey,
    PerDialect,
    PrimaryKeyDeclaration,
    TableDeclaration,
)
from odac_db.schema.files.keys import foreign_keys, primary_key
from odac_db.schema.names import generated_name, shortened

_SUFFIXES: dict[ViolationKind, str] = {
    "primary_key": "pkey",
    "unique": "key",
    "foreign_key": "fkey",
    "check": "check",
    "exclusion": "excl",
}
# PostgreSQL's limit, the one of MySQL and MariaDB, and SQLite's.
_LIMITS: tuple[Callable[[str], bool], ...] = (
    lambda name: len(name.encode()) <= 63,
    lambda name: len(name) <= 64,
    lambda _: True,
)


class DeclaredConstraint(msgspec.Struct, frozen=True, kw_only=True):
    """One constraint of the files. ``columns`` is empty where it is about expressions.

    ``name`` is None where the file gives none, ``expressions`` are a CHECK's spellings.
    """

    kind: ViolationKind
    table: str
    columns: tuple[str, ...] = ()
    name: str | None = None
    code: str | None = None
    expressions: frozenset[str] = frozenset()

    def is_called(self, name: str) -> bool:
        """Whether the server may know it by that name (or, an unnamed CHECK, by its text)."""
        if self.name is not None:
            return self.name.casefold() == name.casefold()
        return name in self.expressions or name in self._generated()

    def _generated(self) -> Iterator[str]:
        whole = generated_name(self.table, self.columns, _SUFFIXES.get(self.kind, ""))
        return (shortened(whole, fits) for fits in _LIMITS)


def declared_constraints(declarations: Declarations) -> tuple[DeclaredConstraint, ...]:
    """Every primary key, unique, foreign key, check and exclusion of every table."""
    parts = (_keys, _foreign_keys, _checks)
    return tuple(
        one for table in declarations.tables.values() for part in parts for one in part(table)
    )


def _keys(table: TableDeclaration) -> Iterator[DeclaredConstraint]:
    made = partial(DeclaredConstraint, table=table.name)
    key = table.body.primary_key
    name = key.name if isinstance(key, PrimaryKeyDeclaration) else None
    if primary_key(table.body):
        yield made(kind="primary_key", columns=primary_key(table.body), name=name)
    for index in table.body.indexes:
        if index.unique:
            columns = _plain(key for key in index.columns if isinstance(key, IndexKey))
            yield made(kind="unique", columns=columns, name=index.name, code=index.code)
    for column, spec in table.body.columns.items():
        if spec.unique:
            yield made(kind="unique", columns=(column,))
    for exclusion in table.body.exclusions:
        columns = tuple(one.column for one in exclusion.elements if one.column is not None)
        yield made(kind="exclusion", columns=columns, name=exclusion.name, code=exclusion.code)


def _plain(keys: Iterable[IndexKey]) -> tuple[str, ...]:
    return tuple(key.column if key.column is not None else "expr" for key in keys)


def _foreign_keys(table: TableDeclaration) -> Iterator[DeclaredConstraint]:
    for reference in foreign_keys(table.body):
        key = reference.key
        yield DeclaredConstraint(
            kind="foreign_key",
            table=table.name,
            columns=key.columns,
            name=key.name,
            code=key.code,
        )


def _checks(table: TableDeclaration) -> Iterator[DeclaredConstraint]:
    made = partial(DeclaredConstraint, kind="check", table=table.name)
    for check in table.body.checks:
        texts = _spellings(check.expression)
        yield made(name=check.name, code=check.code, expressions=texts)
    for column, spec in table.body.columns.items():
        if spec.check is not None:
            yield made(columns=(column,), expressions=_spellings(spec.check))


def _spellings(expression: PerDialect) -> frozenset[str]:
    return frozenset([expression] if isinstance(expression, str) else expression.values())
