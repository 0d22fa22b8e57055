"""A live schema as declarations, for ``pull``: ``resolve(declare(schema))`` is the schema."""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

from odac_db.dialects.postgresql.declare_columns import ColumnDeclarer
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.schema.declaration import (
    Action,
    CheckDeclaration,
    ColumnDeclaration,
    Declarations,
    EnumDeclaration,
    ExclusionDeclaration,
    ExclusionElement,
    ForeignKeyDeclaration,
    IndexDeclaration,
    IndexKey,
    PrimaryKeyDeclaration,
    ReferenceDeclaration,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.model import (
    Check,
    Exclusion,
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    Schema,
    Table,
)
from odac_db.schema.names import generated_name, shortened

replace = msgspec.structs.replace


def declare(schema: Schema, features: PostgreSQLFeatures) -> Declarations:
    """Every table and enum type. Names that would be generated the same are left out."""
    columns = ColumnDeclarer(schema, features)
    return Declarations(
        tables={
            name: TableDeclaration(
                name=name,
                body=_Declarer(table, features).body(columns),
                source=Source(file=f"{name}.yaml"),
            )
            for name, table in schema.tables.items()
        },
        enums={
            name: EnumDeclaration(values=enum.values, comment=enum.comment)
            for name, enum in columns.shared.items()
        },
    )


class _Declarer:
    """Writes one table."""

    def __init__(self, table: Table, features: PostgreSQLFeatures) -> None:
        self._table = table
        self._fits = features.fits

    def body(self, columns: ColumnDeclarer) -> TableFile:
        table = self._table
        key = table.primary_key.columns if table.primary_key is not None else ()
        declared = {
            column.name: columns.declared(table.name, column, key) for column in table.columns
        }
        primary_key = self._primary_key(declared)
        foreign_keys = [one for one in table.foreign_keys if not self._inline(one, declared)]
        unlogged = table.options.get("unlogged") == "true"
        return TableFile(
            columns=declared,
            comment=table.comment,
            primary_key=primary_key,
            indexes=tuple(map(self._index, table.indexes)),
            foreign_keys=tuple(map(self._foreign_key, foreign_keys)),
            checks=tuple(map(self._check, table.checks)),
            exclusions=tuple(map(self._exclusion, table.exclusions)),
            options={"unlogged": True} if unlogged else {},
        )

    def _name(self, name: str | None, columns: tuple[str, ...], suffix: str) -> str | None:
        """The name, unless it is the one that would be generated."""
        generated = shortened(generated_name(self._table.name, columns, suffix), self._fits)
        return None if name == generated else name

    def _primary_key(
        self, declared: dict[str, ColumnDeclaration]
    ) -> tuple[str, ...] | PrimaryKeyDeclaration | None:
        key = self._table.primary_key
        if key is None:
            return None
        name = self._name(key.name, (), "pkey")
        if name is not None or key.deferrable is not None or key.include:
            return PrimaryKeyDeclaration(
                columns=key.columns, name=name, deferrable=key.deferrable, include=key.include
            )
        in_order = tuple(column for column in declared if column in key.columns)
        if in_order != key.columns:
            return key.columns
        if not _implied(key, declared):
            for column in key.columns:
                declared[column] = replace(declared[column], primary=True)
        return None

    def _inline(self, key: ForeignKey, declared: dict[str, ColumnDeclaration]) -> bool:
        """Writes a plain key of one column into that column."""
        name = self._name(key.name, key.columns, "fkey")
        plain = replace(
            ForeignKey(
                name=key.name,
                columns=key.columns,
                ref_table=key.ref_table,
                ref_columns=key.ref_columns,
            ),
            on_delete=key.on_delete,
            on_update=key.on_update,
        )
        column = key.columns[0]
        if name is not None or key != plain or len(key.columns) > 1:
            return False
        if declared[column].references is not None:
            return False
        declared[column] = replace(
            declared[column],
            references=ReferenceDeclaration(table=key.ref_table, columns=key.ref_columns),
            on_delete=None if key.on_delete == "NO ACTION" else _action(key.on_delete),
            on_update=None if key.on_update == "NO ACTION" else _action(key.on_update),
        )
        return True

    def _index(self, index: Index) -> IndexDeclaration:
        columns = tuple(part.column or "expr" for part in index.parts)
        return IndexDeclaration(
            columns=tuple(map(self._key, index.parts)),
            name=self._name(index.name, columns, "key" if index.unique else "idx"),
            unique=index.unique,
            constraint=True if index.constraint else None,
            using=index.method,
            include=index.include,
            where=index.where,
            nulls_not_distinct=index.nulls_not_distinct,
            deferrable=index.deferrable,
            comment=index.comment,
        )

    def _key(self, part: IndexPart) -> str | IndexKey:
        plain = part.column is not None and part == IndexPart(column=part.column)
        if plain and part.column is not None:
            return part.column
        short = f"{part.column} desc"
        simple = part == IndexPart(column=part.column, descending=True)
        if (
            simple
            and part.column is not None
            and short not in {c.name for c in self._table.columns}
        ):
            return short
        return IndexKey(
            column=part.column,
            expression=part.expression,
            descending=part.descending,
            nulls=part.nulls,
            collation=part.collation,
            opclass=part.opclass,
        )

    def _foreign_key(self, key: ForeignKey) -> ForeignKeyDeclaration:
        match: Literal["simple", "full"] = "full" if key.match_full else "simple"
        return ForeignKeyDeclaration(
            columns=key.columns,
            references=ReferenceDeclaration(table=key.ref_table, columns=key.ref_columns),
            name=self._name(key.name, key.columns, "fkey"),
            on_delete=_action(key.on_delete),
            on_update=_action(key.on_update),
            set_columns=key.set_columns,
            match=match,
            validated=key.valid,
            deferrable=key.deferrable,
            comment=key.comment,
        )

    def _check(self, check: Check) -> CheckDeclaration:
        return CheckDeclaration(
            expression=check.expression,
            name=self._name(check.name, (), "check"),
            no_inherit=check.no_inherit,
            enforced=check.enforced,
            validated=check.valid,
            comment=check.comment,
        )

    def _exclusion(self, item: Exclusion) -> ExclusionDeclaration:
        columns = tuple(one.part.column or "expr" for one in item.parts)
        return ExclusionDeclaration(
            elements=tuple(_element(one.part, one.operator) for one in item.parts),
            name=self._name(item.name, columns, "excl"),
            using=item.method,
            where=item.where,
            deferrable=item.deferrable,
            comment=item.comment,
        )


def _element(part: IndexPart, operator: str) -> ExclusionElement:
    fields: dict[str, Any] = msgspec.structs.asdict(part)
    del fields["length"]
    return ExclusionElement(operator=operator, **fields)


def _implied(key: PrimaryKey, declared: dict[str, ColumnDeclaration]) -> bool:
    """Whether a column of type increments makes the key by itself."""
    numbered = [name for name, one in declared.items() if str(one.type).endswith("increments")]
    return len(key.columns) == 1 and numbered == list(key.columns)


def _action(action: str) -> Action:
    return cast(Action, action.lower())
