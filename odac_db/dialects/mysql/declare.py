"""A live schema as declarations, for ``pull``. Pure.

``resolve(declare(schema))`` is ``schema``. A portable type is written only where it
resolves to exactly the same column.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from odac_db.dialects.mysql.declare_columns import declared_column
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.schema.declaration import (
    Action,
    CheckDeclaration,
    ColumnDeclaration,
    Declarations,
    ForeignKeyDeclaration,
    IndexDeclaration,
    IndexKey,
    ReferenceDeclaration,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.model import ForeignKey, Index, IndexPart, Schema, Table
from odac_db.schema.names import generated_name, shortened

_OPTIONS = ("engine", "collation", "row_format")


def declare(schema: Schema, features: MySQLFeatures) -> Declarations:
    """Every table of the schema as its file would say it."""
    return Declarations(
        tables={
            name: TableDeclaration(
                name=name, body=_file(table, features), source=Source(file=f"{name}.yaml")
            )
            for name, table in schema.tables.items()
        }
    )


def _file(table: Table, features: MySQLFeatures) -> TableFile:
    columns = {column.name: declared_column(column, table, features) for column in table.columns}
    uniques = _unique_columns(table, features)
    for name in uniques:
        columns[name] = msgspec.structs.replace(columns[name], unique=True)
    single = {
        key.columns[0]: key
        for key in table.foreign_keys
        if len(key.columns) == 1 and _is_generated(table, key.name, key.columns, "fkey", features)
    }
    for name, key in single.items():
        columns[name] = _referring(columns[name], key, features)
    primary = table.primary_key.columns if table.primary_key else ()
    implicit = _implicit_last(table)
    return TableFile(
        columns=columns,
        comment=table.comment,
        primary_key=None if _implied(columns) == primary else primary,
        indexes=tuple(
            _index(table, index, features)
            for index in table.indexes
            if index.name not in implicit and not (index.unique and _plain_column(index) in uniques)
        ),
        foreign_keys=tuple(
            _foreign_key(table, key, features)
            for key in table.foreign_keys
            if key not in single.values()
        ),
        checks=tuple(_checks(table, features)),
        options=_options(table, features),
    )


def _implied(columns: dict[str, ColumnDeclaration]) -> tuple[str, ...]:
    """The primary key that the columns alone declare."""
    marked = tuple(name for name, column in columns.items() if column.primary)
    numbered = ("increments", "big_increments")
    return marked or tuple(name for name, column in columns.items() if column.type in numbered)


def _is_generated(
    table: Table, name: str | None, columns: tuple[str, ...], suffix: str, features: MySQLFeatures
) -> bool:
    return name == shortened(generated_name(table.name, columns, suffix), features.fits)


def _plain_column(index: Index) -> str | None:
    """The one column of an index that is nothing but that column."""
    part = index.parts[0]
    plain = len(index.parts) == 1 and part == IndexPart(column=part.column)
    return part.column if plain and index.method is None and index.comment is None else None


def _implicit_last(table: Table) -> set[str | None]:
    """The indexes that adding the foreign keys makes again, in the place they have.

    One that stands before another index is written out: made by its foreign key, it would
    come last.
    """
    found: list[str | None] = []
    for index in reversed([index for index in table.indexes if index.method is None]):
        in_order = not found or (index.name or "") < (found[-1] or "")
        if not index.implicit or not in_order:
            break
        found.append(index.name)
    return set(found)


def _unique_columns(table: Table, features: MySQLFeatures) -> tuple[str, ...]:
    """Columns whose unique index can be said as ``unique: true``.

    None at all where that would change the order of the unique indexes, which is the order
    SHOW CREATE TABLE shows them in.
    """
    uniques = [index for index in table.indexes if index.unique]
    found = [
        column
        for index in uniques
        if (column := _plain_column(index)) is not None
        and _is_generated(table, index.name, (column,), "key", features)
        and (table.primary_key is None or table.primary_key.columns != (column,))
    ]
    in_order = sorted(found, key=[column.name for column in table.columns].index)
    first = [_plain_column(index) for index in uniques[: len(found)]]
    return tuple(found) if len(set(found)) == len(found) and first == in_order else ()


def _referring(
    column: ColumnDeclaration, key: ForeignKey, features: MySQLFeatures
) -> ColumnDeclaration:
    def action(value: str) -> Action | None:
        return None if value == features.default_action else _action(value)

    return msgspec.structs.replace(
        column,
        references=ReferenceDeclaration(table=key.ref_table, columns=key.ref_columns),
        on_delete=action(key.on_delete),
        on_update=action(key.on_update),
    )


def _action(value: str) -> Action:
    action: Action = msgspec.convert(value.lower(), Action)
    return action


def _foreign_key(table: Table, key: ForeignKey, features: MySQLFeatures) -> ForeignKeyDeclaration:
    generated = _is_generated(table, key.name, key.columns, "fkey", features)
    return ForeignKeyDeclaration(
        columns=key.columns,
        references=ReferenceDeclaration(table=key.ref_table, columns=key.ref_columns),
        name=None if generated else key.name,
        on_delete=_action(key.on_delete),
        on_update=_action(key.on_update),
    )


def _index(table: Table, index: Index, features: MySQLFeatures) -> IndexDeclaration:
    words = tuple(part.column or "expr" for part in index.parts)
    suffix = "key" if index.unique else "idx"
    generated = _is_generated(table, index.name, words, suffix, features)
    return IndexDeclaration(
        columns=tuple(_key(part, table) for part in index.parts),
        name=None if generated else index.name,
        unique=index.unique,
        using=None if index.method == "hash" else index.method,
        comment=index.comment,
    )


def _key(part: IndexPart, table: Table) -> str | IndexKey:
    name = part.column
    if name is None or part.length is not None:
        return IndexKey(
            column=name,
            expression=part.expression,
            descending=part.descending,
            length=part.length,
        )
    looks_spelt_out = len(name.split()) > 1 and table.column(name) is None
    if looks_spelt_out or (part.descending and table.column(f"{name} desc") is not None):
        return IndexKey(column=name, descending=part.descending)
    return f"{name} desc" if part.descending else name


def _checks(table: Table, features: MySQLFeatures) -> Iterator[CheckDeclaration]:
    for position, check in enumerate(table.checks):
        generated = position == 0 and _is_generated(table, check.name, (), "check", features)
        yield CheckDeclaration(
            expression=check.expression,
            name=None if generated else check.name,
            enforced=check.enforced,
        )


def _options(table: Table, features: MySQLFeatures) -> Any:
    usual = {"engine": "InnoDB", "collation": features.collation}
    return {key: table.options[key] for key in _OPTIONS if table.options.get(key) != usual.get(key)}
