"""A live SQLite schema as declarations, for ``pull``. Pure.

Resolving them gives the schema back; where two spellings do, the portable one is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from odac_db.dialects.base import Features
from odac_db.dialects.sqlite.declare_columns import declared_column, enum_values, null_keys
from odac_db.dialects.sqlite.resolve_keys import short_key
from odac_db.schema.declaration import (
    Action,
    CheckDeclaration,
    ColumnDeclaration,
    Declarations,
    ForeignKeyDeclaration,
    IndexDeclaration,
    IndexKey,
    PrimaryKeyDeclaration,
    ReferenceDeclaration,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.model import Check, ForeignKey, Index, IndexPart, Schema, Table
from odac_db.schema.names import generated_name, shortened

replace = msgspec.structs.replace


def declare(schema: Schema, features: Features) -> Declarations:
    """Every table of the schema as its file would say it."""
    return Declarations(
        tables={
            name: TableDeclaration(
                name=name, body=_file(table, features), source=Source(file=f"{name}.yaml")
            )
            for name, table in schema.tables.items()
        }
    )


def _file(table: Table, features: Features) -> TableFile:
    enums = _enums(table)
    columns = {
        column.name: declared_column(column, table, _values(enums, column.name))
        for column in table.columns
    }
    inline = _inline_keys(table)
    for name, key in inline.items():
        columns[name] = _referring(columns[name], key)
    return TableFile(
        columns=_marked(columns, table),
        primary_key=_primary_key(table),
        indexes=tuple(_index(table, index, features) for index in table.indexes),
        foreign_keys=tuple(
            _foreign_key(key)
            for key in table.foreign_keys
            if not any(key is other for other in inline.values())
        ),
        checks=tuple(
            CheckDeclaration(expression=check.expression, name=check.name)
            for check in table.checks
            if not any(check is enum for _, enum, _ in enums)
        ),
        options=_options(table),
    )


def _options(table: Table) -> Any:
    found: dict[str, bool | str] = {
        name: True for name in ("strict", "without_rowid") if table.options.get(name) == "true"
    }
    lacking = null_keys(table)
    if lacking is not None and not found:
        found["null_keys"] = lacking
    return found


def _enums(table: Table) -> list[tuple[str, Check, tuple[str, ...]]]:
    """The columns that a CHECK makes enums, with that CHECK and its values."""
    found: dict[str, tuple[str, Check, tuple[str, ...]]] = {}
    for column in table.columns:
        for check in table.checks:
            values = enum_values(column, check)
            if values:
                found.setdefault(column.name, (column.name, check, values))
    return list(found.values())


def _values(enums: Sequence[tuple[str, Check, tuple[str, ...]]], column: str) -> tuple[str, ...]:
    return next((values for name, _, values in enums if name == column), ())


def _marked(columns: dict[str, ColumnDeclaration], table: Table) -> dict[str, ColumnDeclaration]:
    """The columns with ``primary: true`` where that says the whole primary key."""
    if not _said_by_columns(table):
        return columns
    key = table.primary_key.columns if table.primary_key is not None else ()
    return {
        name: replace(body, primary=True) if name in key and body.type != "increments" else body
        for name, body in columns.items()
    }


def _said_by_columns(table: Table) -> bool:
    key = table.primary_key
    if key is None:
        return True
    in_order = tuple(column.name for column in table.columns if column.name in key.columns)
    return key.name is None and in_order == key.columns


def _primary_key(table: Table) -> tuple[str, ...] | PrimaryKeyDeclaration | None:
    key = table.primary_key
    if key is None or _said_by_columns(table):
        return None
    if key.name is None:
        return key.columns
    return PrimaryKeyDeclaration(columns=key.columns, name=key.name)


def _inline_keys(table: Table) -> dict[str, ForeignKey]:
    """Foreign keys to be said with their column; none where that would change their order."""
    found: dict[str, ForeignKey] = {}
    for key in table.foreign_keys:
        if len(key.columns) == 1 and key.name is None and key.deferrable is None:
            found.setdefault(key.columns[0], key)
    said = [found[column.name] for column in table.columns if column.name in found]
    rest = [key for key in table.foreign_keys if not any(key is other for other in said)]
    same = all(a is b for a, b in zip([*said, *rest], table.foreign_keys, strict=True))
    return found if same else {}


def _referring(column: ColumnDeclaration, key: ForeignKey) -> ColumnDeclaration:
    def action(value: str) -> Action | None:
        return None if value == "NO ACTION" else _action(value)

    return replace(
        column,
        references=ReferenceDeclaration(table=key.ref_table, columns=key.ref_columns),
        on_delete=action(key.on_delete),
        on_update=action(key.on_update),
    )


def _action(value: str) -> Action:
    action: Action = msgspec.convert(value.lower(), Action)
    return action


def _foreign_key(key: ForeignKey) -> ForeignKeyDeclaration:
    return ForeignKeyDeclaration(
        columns=key.columns,
        references=ReferenceDeclaration(table=key.ref_table, columns=key.ref_columns),
        name=key.name,
        on_delete=_action(key.on_delete),
        on_update=_action(key.on_update),
        deferrable=key.deferrable,
    )


def _index(table: Table, index: Index, features: Features) -> IndexDeclaration:
    words = [part.column or "expr" for part in index.parts]
    suffix = "key" if index.unique else "idx"
    given = shortened(generated_name(table.name, words, suffix), features.fits)
    return IndexDeclaration(
        columns=tuple(_key(part, table) for part in index.parts),
        name=None if index.name == given and not index.constraint else index.name,
        unique=index.unique,
        constraint=True if index.constraint else None,
        where=index.where,
    )


def _key(part: IndexPart, table: Table) -> str | IndexKey:
    """``created_at desc`` where it is read back as the same key."""
    spelt = IndexKey(
        column=part.column,
        expression=part.expression,
        descending=part.descending,
        collation=part.collation,
    )
    columns = {column.name: column for column in table.columns}
    short = f"{part.column} desc" if part.descending else part.column
    return short if short is not None and short_key(short, columns) == spelt else spelt
