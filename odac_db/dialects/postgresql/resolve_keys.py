"""Declared keys, indexes and constraints in PostgreSQL's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.resolve_columns import Report, expression
from odac_db.schema.declaration import (
    ForeignKeyDeclaration,
    IndexDeclaration,
    IndexKey,
    PrimaryKeyDeclaration,
    ReferenceDeclaration,
    TableDeclaration,
)
from odac_db.schema.model import (
    Check,
    Exclusion,
    ExclusionPart,
    FkAction,
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
)
from odac_db.schema.names import generated_name, shortened

_MYSQL_METHODS = ("fulltext", "spatial")


class Keys:
    """One table's keys. ``primary_keys`` are those of all declared tables, by name."""

    def __init__(
        self,
        table: TableDeclaration,
        features: PostgreSQLFeatures,
        report: Report,
        primary_keys: Mapping[str, tuple[str, ...]],
    ) -> None:
        self.table = table.name
        self.body = table.body
        self.features = features
        self.report = report
        self.primary_keys = primary_keys

    def _name(self, columns: tuple[str, ...], suffix: str) -> str:
        return shortened(generated_name(self.table, columns, suffix), self.features.fits)

    def primary_key(self) -> PrimaryKey | None:
        columns = self.primary_keys[self.table]
        if not columns:
            return None
        declared = self.body.primary_key
        if not isinstance(declared, PrimaryKeyDeclaration):
            declared = PrimaryKeyDeclaration(columns=columns)
        return PrimaryKey(
            columns=columns,
            name=declared.name or self._name((), "pkey"),
            named=declared.name is not None,
            deferrable=declared.deferrable,
            include=declared.include,
        )

    def indexes(self) -> tuple[Index, ...]:
        of_columns = (
            IndexDeclaration(columns=(name,), unique=True)
            for name, column in self.body.columns.items()
            if column.unique
        )
        declared = (self._index(index, place) for place, index in enumerate(self.body.indexes))
        return (*(self._index(index, None) for index in of_columns), *declared)

    def _index(self, declared: IndexDeclaration, place: int | None) -> Index:
        path = () if place is None else ("indexes", place)
        unique = declared.unique or declared.constraint is True
        parts = tuple(
            self._part(key, unique, *path, "columns", position)
            for position, key in enumerate(declared.columns)
        )
        constraint = declared.constraint
        if constraint is None:
            constraint = True if declared.deferrable else None if unique else False
        self._check_index(declared, unique, path)
        columns = tuple(part.column or "expr" for part in parts)
        where = declared.where
        return Index(
            name=declared.name or self._name(columns, "key" if unique else "idx"),
            parts=parts,
            named=declared.name is not None,
            unique=unique or constraint is True,
            constraint=constraint,
            method=None if declared.using in (None, "btree") else declared.using,
            include=declared.include,
            where=None if where is None else expression(where, self.report, *path, "where"),
            nulls_not_distinct=declared.nulls_not_distinct,
            deferrable=declared.deferrable,
            comment=declared.comment or None,
        )

    def _check_index(
        self, declared: IndexDeclaration, unique: bool, path: tuple[str | int, ...]
    ) -> None:
        if declared.nulls_not_distinct and not self.features.nulls_not_distinct:
            self.report(
                f"{self.features.label} has no NULLS NOT DISTINCT: it needs PostgreSQL 15",
                *path,
                "nulls_not_distinct",
            )
        if declared.using in _MYSQL_METHODS:
            self.report(f"PostgreSQL has no {declared.using} indexes: use gin", *path, "using")
        plain = all(isinstance(key, str) and " " not in key for key in declared.columns)
        if declared.constraint and (declared.where is not None or not unique):
            self.report("a UNIQUE constraint has no where: leave constraint out", *path, "where")
        if (
            declared.constraint
            and not plain
            and any(
                isinstance(key, IndexKey) and key.expression is not None for key in declared.columns
            )
        ):
            self.report("a UNIQUE constraint has columns, not expressions", *path, "columns")

    def _part(self, key: str | IndexKey, unique: bool, *path: str | int) -> IndexPart:
        if isinstance(key, str):
            return self._short_part(key)
        if key.length is not None and unique:
            self.report("PostgreSQL has no index prefixes: a unique one means more", *path)
        nulls = key.nulls
        if nulls == ("first" if key.descending else "last"):
            nulls = None
        text = None
        if key.expression is not None:
            text = expression(key.expression, self.report, *path, "expression")
        return IndexPart(
            column=key.column,
            expression=text,
            descending=key.descending,
            nulls=nulls,
            collation=key.collation,
            opclass=key.opclass,
        )

    def _short_part(self, key: str) -> IndexPart:
        """``column``, ``column desc`` or ``column asc``."""
        if key in self.body.columns:
            return IndexPart(column=key)
        name, _, direction = key.rpartition(" ")
        if name.strip() in self.body.columns and direction.lower() in ("asc", "desc"):
            return IndexPart(column=name.strip(), descending=direction.lower() == "desc")
        return IndexPart(column=key)

    def foreign_keys(self) -> tuple[ForeignKey, ...]:
        found = []
        for name, column in self.body.columns.items():
            if column.references is not None:
                declared = ForeignKeyDeclaration(
                    columns=(name,),
                    references=column.references,
                    on_delete=column.on_delete or "no action",
                    on_update=column.on_update or "no action",
                    orphans=column.orphans,
                )
                found.append(self._foreign_key(declared, "columns", name, "references"))
        for place, declared in enumerate(self.body.foreign_keys):
            found.append(self._foreign_key(declared, "foreign_keys", place))
        return tuple(found)

    def _foreign_key(self, declared: ForeignKeyDeclaration, *path: str | int) -> ForeignKey:
        if declared.set_columns and not self.features.set_columns:
            self.report(
                f"{self.features.label} has no ON DELETE SET NULL (columns): it needs "
                "PostgreSQL 15",
                *path,
                "set_columns",
            )
        target = self._target(declared.references, *path)
        return ForeignKey(
            name=declared.name or self._name(declared.columns, "fkey"),
            named=declared.name is not None,
            columns=declared.columns,
            ref_table=target.table,
            ref_columns=target.columns,
            on_delete=cast(FkAction, declared.on_delete.upper()),
            on_update=cast(FkAction, declared.on_update.upper()),
            set_columns=declared.set_columns,
            match_full=declared.match == "full",
            valid=declared.validated,
            deferrable=declared.deferrable,
            comment=declared.comment or None,
            orphans=declared.orphans,
        )

    def _target(
        self, references: str | ReferenceDeclaration, *path: str | int
    ) -> ReferenceDeclaration:
        if isinstance(references, str):
            table, _, column = references.partition(".")
            references = ReferenceDeclaration(table=table, columns=(column,) if column else ())
        if references.columns:
            return references
        columns = self.primary_keys.get(references.table, ())
        if not columns:
            self.report(
                f"table {references.table} declares no primary key: name the columns", *path
            )
        return ReferenceDeclaration(table=references.table, columns=columns)

    def checks(self) -> tuple[Check, ...]:
        return (*self._column_checks(), *self._table_checks())

    def _column_checks(self) -> Iterator[Check]:
        for name, column in self.body.columns.items():
            if column.check is not None:
                yield Check(
                    name=self._name((name,), "check"),
                    named=False,
                    expression=expression(column.check, self.report, "columns", name, "check"),
                )

    def _table_checks(self) -> Iterator[Check]:
        for place, check in enumerate(self.body.checks):
            path = ("checks", place)
            if not check.enforced and not self.features.not_enforced:
                self.report(
                    f"{self.features.label} enforces every check: enforced: false needs "
                    "PostgreSQL 18",
                    *path,
                    "enforced",
                )
            yield Check(
                name=check.name or self._name((), "check"),
                named=check.name is not None,
                expression=expression(check.expression, self.report, *path, "expression"),
                no_inherit=check.no_inherit,
                enforced=check.enforced,
                valid=check.validated or not check.enforced,
                comment=check.comment or None,
            )

    def exclusions(self) -> tuple[Exclusion, ...]:
        found = []
        for place, declared in enumerate(self.body.exclusions):
            keys = [
                IndexKey(
                    column=element.column,
                    expression=element.expression,
                    descending=element.descending,
                    nulls=element.nulls,
                    collation=element.collation,
                    opclass=element.opclass,
                )
                for element in declared.elements
            ]
            parts = [self._part(key, False, "exclusions", place) for key in keys]
            columns = tuple(part.column or "expr" for part in parts)
            pairs = zip(parts, declared.elements, strict=True)
            found.append(
                Exclusion(
                    name=declared.name or self._name(columns, "excl"),
                    named=declared.name is not None,
                    parts=tuple(
                        ExclusionPart(part=part, operator=element.operator)
                        for part, element in pairs
                    ),
                    method=declared.using,
                    where=declared.where,
                    deferrable=declared.deferrable,
                    comment=declared.comment or None,
                )
            )
        return tuple(found)
