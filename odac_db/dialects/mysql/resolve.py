"""Declarations in MySQL's and MariaDB's words, and what these servers cannot do. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

from odac_db.dialects.base import Resolved
from odac_db.dialects.mysql import resolve_indexes
from odac_db.dialects.mysql.building import engine_name
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import kept_comment, without_outer_parentheses
from odac_db.dialects.mysql.refused_numbers import expressions_over_numbers
from odac_db.dialects.mysql.resolve_columns import (
    NUMBERED,
    chosen,
    column_check,
    resolved_column,
)
from odac_db.dialects.qualifiers import without_own_name
from odac_db.dialects.refusals import (
    beyond_the_bmp,
    columns_equal_but_for_case,
    long_names,
    names_given_twice,
    no_columns,
    refused,
    scale_over_precision,
    set_null_not_nullable,
)
from odac_db.errors import Problem
from odac_db.schema.declaration import (
    Action,
    ColumnDeclaration,
    Declarations,
    ForeignKeyDeclaration,
    Orphans,
    PrimaryKeyDeclaration,
    ReferenceDeclaration,
    TableDeclaration,
)
from odac_db.schema.model import (
    Check,
    Column,
    FkAction,
    ForeignKey,
    Index,
    PrimaryKey,
    Schema,
    Table,
)
from odac_db.schema.names import generated_name, shortened


def resolve(declarations: Declarations, features: MySQLFeatures) -> Resolved:
    """The declarations as this server would hold them; see ``Dialect.resolve``."""
    problems = refused(
        declarations,
        features,
        long_names,
        beyond_the_bmp,
        columns_equal_but_for_case,
        no_columns,
        scale_over_precision,
        set_null_not_nullable,
        names_given_twice,
        lambda table, _: expressions_over_numbers(table, features),
    )
    tables = {}
    for declaration in declarations.tables.values():
        table = _TableResolver(declaration, features, problems).table()
        tables[table.name] = without_own_name(table, double_quotes_strings=True)
    return Resolved(schema=Schema(tables=tables), problems=tuple(problems))


class _TableResolver:
    """Resolves one table, reporting into ``problems``."""

    def __init__(
        self, declaration: TableDeclaration, features: MySQLFeatures, problems: list[Problem]
    ) -> None:
        self.name = stored_name(declaration.name, features)
        self.body = declaration.body
        self.source = declaration.source
        self.features = features
        self.problems = problems
        self.options = self.table_options()
        self.key_columns = self.primary_key_columns()
        self.columns: dict[str, Column] = {}

    def report(self, message: str, *path: str | int) -> None:
        self.problems.append(self.source.problem(message, *path))

    def generated_name(self, columns: Sequence[str], suffix: str) -> str:
        return shortened(generated_name(self.name, columns, suffix), self.features.fits)

    def table(self) -> Table:
        self.resolve_columns()
        for position in range(len(self.body.exclusions)):
            self.report(
                f"{self.features.label} has no exclusion constraints", "exclusions", position
            )
        return Table(
            name=self.name,
            columns=tuple(self.columns.values()),
            primary_key=PrimaryKey(columns=self.key_columns) if self.key_columns else None,
            indexes=tuple(self.indexes()),
            foreign_keys=tuple(sorted(self.foreign_keys(), key=lambda key: key.name or "")),
            checks=tuple(self.checks()),
            comment=kept_comment(self.body.comment),
            options=self.options,
        )

    def table_options(self) -> dict[str, str]:
        found = {}
        declared = self.body.options
        if "engine" in declared:
            found["engine"] = engine_name(str(declared["engine"]))
        if "collation" in declared:
            found["collation"] = self.features.collation_name(str(declared["collation"]))
        if "row_format" in declared:
            found["row_format"] = str(declared["row_format"]).upper()
        return found

    def primary_key_columns(self) -> tuple[str, ...]:
        declared = self.body.primary_key
        if isinstance(declared, PrimaryKeyDeclaration):
            for feature in ("deferrable", "include"):
                if getattr(declared, feature):
                    self.report(
                        f"{self.features.label} has no {feature} on a primary key",
                        "primary_key",
                        feature,
                    )
            return declared.columns
        if declared:
            return declared
        columns = self.body.columns
        marked = tuple(name for name, column in columns.items() if column.primary)
        return marked or tuple(
            name
            for name, column in columns.items()
            if chosen(column.type, self.features) in NUMBERED
        )

    def resolve_columns(self) -> None:
        collation = self.options.get("collation", self.features.collation)
        for name, body in self.body.columns.items():
            self.columns[name] = resolved_column(
                name,
                body,
                self.features,
                collation,
                lambda message, *path, at=name: self.report(message, "columns", at, *path),
                in_primary_key=name in self.key_columns,
            )

    def indexes(self) -> Iterator[Index]:
        for name, body in self.body.columns.items():
            if body.unique and self.key_columns != (name,):
                yield resolve_indexes.unique_column(self.generated_name([name], "key"), name)
        for position, declared in enumerate(self.body.indexes):
            yield resolve_indexes.resolved_index(
                declared,
                self.columns,
                self.features,
                self.generated_name,
                lambda message, *path, at=position: self.report(message, "indexes", at, *path),
            )

    def foreign_keys(self) -> Iterator[ForeignKey]:
        for name, column in self.body.columns.items():
            if column.references is not None:
                self.refuse_set_default(column, "columns", name)
                yield self.foreign_key(
                    (name,),
                    column.references,
                    (column.on_delete, column.on_update),
                    column.orphans,
                )
        for position, declared in enumerate(self.body.foreign_keys):
            self.refuse_foreign_key(declared, position)
            self.refuse_set_default(declared, "foreign_keys", position)
            yield self.foreign_key(
                declared.columns,
                declared.references,
                (declared.on_delete, declared.on_update),
                declared.orphans,
                declared.name,
            )

    def refuse_foreign_key(self, declared: ForeignKeyDeclaration, position: int) -> None:
        wanted = {
            "deferrable": bool(declared.deferrable),
            "match": declared.match == "full",
            "set_columns": bool(declared.set_columns),
        }
        for feature, used in wanted.items():
            if used:
                self.report(
                    f"{self.features.label} has no {feature} for foreign keys",
                    "foreign_keys",
                    position,
                    feature,
                )

    def refuse_set_default(
        self, declared: ColumnDeclaration | ForeignKeyDeclaration, *path: str | int
    ) -> None:
        """MariaDB takes SET DEFAULT and stores nothing of it."""
        for action in ("on_delete", "on_update"):
            if self.features.mariadb and getattr(declared, action) == "set default":
                self.report(f"{self.features.label} has no set default", *path, action)

    def foreign_key(
        self,
        columns: tuple[str, ...],
        references: str | ReferenceDeclaration,
        actions: tuple[Action | None, Action | None],
        orphans: Orphans | None,
        name: str | None = None,
    ) -> ForeignKey:
        assert isinstance(references, ReferenceDeclaration), "references are split by the reader"
        on_delete, on_update = (self.action(action) for action in actions)
        return ForeignKey(
            name=name or self.generated_name(columns, "fkey"),
            named=name is not None,
            columns=columns,
            ref_table=stored_name(references.table, self.features),
            ref_columns=references.columns,
            on_delete=on_delete,
            on_update=on_update,
            orphans=orphans,
        )

    def action(self, declared: Action | None) -> FkAction:
        """What is declared nowhere is the server's own default, under its own word for it."""
        return cast(FkAction, declared.upper() if declared else self.features.default_action)

    def checks(self) -> Iterator[Check]:
        if not self.features.mariadb:
            for name, column in self.body.columns.items():
                text = column_check(
                    column,
                    self.features,
                    lambda message, *path, at=name: self.report(message, "columns", at, *path),
                )
                if text is not None:
                    yield Check(
                        name=self.generated_name([name], "check"), expression=text, named=False
                    )
        taken = {check.name for check in self.body.checks}
        for position, declared in enumerate(self.body.checks):
            text = chosen(declared.expression, self.features)
            if text is None:
                self.report(f"the check has no entry for {self.features.name}", "checks", position)
                continue
            self.refuse_check(declared.no_inherit, declared.enforced, position)
            yield Check(
                name=declared.name or self.free_check_name(taken),
                expression=without_outer_parentheses(text),
                named=declared.name is not None,
                enforced=declared.enforced,
            )

    def refuse_check(self, no_inherit: bool, enforced: bool, position: int) -> None:
        label = self.features.label
        if no_inherit:
            self.report(f"{label} has no NO INHERIT", "checks", position, "no_inherit")
        if not enforced and self.features.mariadb:
            self.report(f"{label} has no NOT ENFORCED", "checks", position, "enforced")
        if not self.features.checks:
            self.report(f"{label} ignores CHECK: it needs 8.0.16", "checks", position)

    def free_check_name(self, taken: set[str | None]) -> str:
        """``table_check``, ``table_check2`` … for checks that are given no name."""
        number, name = 1, self.generated_name([], "check")
        while name in taken:
            number += 1
            name = self.generated_name([], f"check{number}")
        taken.add(name)
        return name


def stored_name(table: str, features: MySQLFeatures) -> str:
    """The table's name as the server keeps it: in lower case where it folds case."""
    return table.lower() if features.folds_table_case else table
