"""Declarations in SQLite's words, and what SQLite cannot do. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from odac_db.dialects.base import Features, Resolved
from odac_db.dialects.qualifiers import without_own_name
from odac_db.dialects.refusals import columns_equal_but_for_case, no_columns, refused
from odac_db.dialects.sqlite.column_types import enum_check
from odac_db.dialects.sqlite.pieces import without_outer_parentheses
from odac_db.dialects.sqlite.resolve_columns import chosen, resolved_column
from odac_db.dialects.sqlite.resolve_keys import (
    resolved_foreign_key,
    resolved_index,
    resolved_reference,
    unique_column,
)
from odac_db.errors import Problem
from odac_db.schema.column_types import INCREMENTS
from odac_db.schema.declaration import (
    Declarations,
    PerDialect,
    PrimaryKeyDeclaration,
    TableDeclaration,
)
from odac_db.schema.model import Check, Column, ForeignKey, Index, PrimaryKey, Schema, Table
from odac_db.schema.names import generated_name, shortened

Report = Callable[..., None]


def resolve(declarations: Declarations, features: Features) -> Resolved:
    """The declarations as SQLite would hold them; see ``Dialect.resolve``.

    Comments are dropped: SQLite has none and they change no behaviour.
    """
    problems = refused(declarations, features, columns_equal_but_for_case, no_columns)
    spelt = {name.lower(): name for name in declarations.tables}
    tables = {
        declaration.name: _TableResolver(declaration, features, spelt, problems).table()
        for declaration in declarations.tables.values()
    }
    return Resolved(schema=Schema(tables=tables), problems=tuple(problems))


class _TableResolver:
    """Resolves one table, reporting into ``problems``."""

    def __init__(
        self,
        declaration: TableDeclaration,
        features: Features,
        spelt: Mapping[str, str],
        problems: list[Problem],
    ) -> None:
        self.name = declaration.name
        self.body = declaration.body
        self.source = declaration.source
        self.features = features
        self.spelt = spelt
        self.problems = problems
        self.columns: dict[str, Column] = {}

    def report(self, message: str, *path: str | int) -> None:
        self.problems.append(self.source.problem(message, *path))

    def reporter(self, *start: str | int) -> Report:
        """``report`` for paths below ``start``."""
        return lambda message, *path: self.report(message, *start, *path)

    def table(self) -> Table:
        options = self.options()
        key = self.primary_key()
        self.resolve_columns(key, strict=options.get("strict") == "true")
        self.refuse(key, options)
        if key is not None:
            options.update(self.null_keys(key, options))
        table = Table(
            name=self.name,
            columns=tuple(self.columns.values()),
            primary_key=key,
            indexes=self.without_twins(tuple(self.indexes(key)), key),
            foreign_keys=tuple(self.foreign_keys()),
            checks=tuple(self.checks()),
            options=options,
        )
        return without_own_name(table)

    def options(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self.body.options.items():
            if name in ("strict", "without_rowid"):
                found[name] = (
                    "true" if str(value).lower() in ("true", "1", "yes", "on") else "false"
                )
        return found

    def primary_key(self) -> PrimaryKey | None:
        declared = self.body.primary_key
        if isinstance(declared, PrimaryKeyDeclaration):
            for feature in ("deferrable", "include"):
                if getattr(declared, feature):
                    self.report(f"SQLite has no {feature} on a primary key", "primary_key", feature)
            named = declared.name is not None
            return PrimaryKey(columns=declared.columns, name=declared.name, named=named)
        columns = declared or tuple(
            name for name, column in self.body.columns.items() if column.primary
        )
        columns = columns or tuple(
            name
            for name, column in self.body.columns.items()
            if (chosen(column.type) or "") in INCREMENTS
        )
        return PrimaryKey(columns=columns, named=False) if columns else None

    def resolve_columns(self, key: PrimaryKey | None, *, strict: bool) -> None:
        key_columns = key.columns if key is not None else ()
        for name, body in self.body.columns.items():
            self.columns[name] = resolved_column(
                name, body, self.reporter("columns", name), key_columns, strict=strict
            )

    def refuse(self, key: PrimaryKey | None, options: Mapping[str, str]) -> None:
        """What only the table as a whole shows to be impossible."""
        without_rowid = options.get("without_rowid") == "true"
        if without_rowid and key is None:
            self.report("a WITHOUT ROWID table needs a primary key", "options", "without_rowid")
        for name, column in self.columns.items():
            if without_rowid and column.identity is not None:
                self.report("a WITHOUT ROWID table has no AUTOINCREMENT", "columns", name)
        for position in range(len(self.body.exclusions)):
            self.report("SQLite has no exclusion constraints", "exclusions", position)

    def null_keys(self, key: PrimaryKey, options: Mapping[str, str]) -> dict[str, str]:
        """Which key columns go without NOT NULL, by position; only where a file says so.

        SQLite lets a primary key be without, and a pulled file keeps that. An INTEGER key
        is the rowid, which is never NULL whatever is written.
        """
        declared = self.body.options.get("null_keys")
        if "true" in options.values():
            return {}
        if declared is not None and declared is not False:
            positions = range(1, len(key.columns) + 1)
            return {"null_keys": " ".join(map(str, positions)) if declared is True else declared}
        alias = is_rowid_alias(key, self.columns)
        if declared is False or (alias and self.body.columns[key.columns[0]].nullable is False):
            return {"null_keys": ""}
        return {}

    def indexes(self, key: PrimaryKey | None) -> Iterator[Index]:
        for name, body in self.body.columns.items():
            if body.unique and (key is None or key.columns != (name,)):
                yield unique_column(self.short_name([name], "key"), name)
        for position, declared in enumerate(self.body.indexes):
            yield resolved_index(
                declared, self.columns, self.short_name, self.reporter("indexes", position)
            )

    def without_twins(
        self, indexes: tuple[Index, ...], key: PrimaryKey | None
    ) -> tuple[Index, ...]:
        """All but UNIQUE constraints over what the key or another constraint has unique.

        SQLite makes one index of two such constraints, whatever their directions.
        """
        seen: set[object] = set()
        if key is not None and not is_rowid_alias(key, self.columns):
            seen.add(tuple((name, None) for name in key.columns))
        kept = []
        for index in indexes:
            made_of = tuple((part.column, part.collation) for part in index.parts)
            if index.constraint and made_of in seen:
                continue
            if index.constraint:
                seen.add(made_of)
            kept.append(index)
        return tuple(kept)

    def foreign_keys(self) -> Iterator[ForeignKey]:
        for name, body in self.body.columns.items():
            if body.references is not None:
                yield resolved_reference(name, body, self.spelt)
        for position, declared in enumerate(self.body.foreign_keys):
            yield resolved_foreign_key(
                declared, self.spelt, self.reporter("foreign_keys", position)
            )

    def checks(self) -> Iterator[Check]:
        for name, body in self.body.columns.items():
            if chosen(body.type) == "enum" and body.values:
                yield Check(name=None, named=False, expression=enum_check(name, body.values))
            if body.check is not None:
                yield from self.check(body.check, None, "columns", name, "check")
        for position, declared in enumerate(self.body.checks):
            for feature, used in (
                ("no_inherit", declared.no_inherit),
                ("enforced: false", not declared.enforced),
            ):
                if used:
                    self.report(f"SQLite has no {feature} on a check", "checks", position)
            yield from self.check(declared.expression, declared.name, "checks", position)

    def check(self, expression: PerDialect, name: str | None, *path: str | int) -> Iterator[Check]:
        text = chosen(expression)
        if text is None:
            self.report("the check has no entry for sqlite", *path)
        else:
            text = without_outer_parentheses(text)
            yield Check(name=name, named=name is not None, expression=text)

    def short_name(self, columns: list[str], suffix: str) -> str:
        return shortened(generated_name(self.name, columns, suffix), self.features.fits)


def is_rowid_alias(key: PrimaryKey, columns: Mapping[str, Column]) -> bool:
    """Whether the key is the rowid itself: one column whose type is just INTEGER."""
    column = columns.get(key.columns[0]) if len(key.columns) == 1 else None
    return column is not None and column.type.upper() == "INTEGER"
