"""What the keys of a table file come down to: primary key, nullability, foreign keys."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from odac_db.schema.column_types import INCREMENTS, base_name
from odac_db.schema.declaration import (
    ColumnDeclaration,
    ForeignKeyDeclaration,
    PrimaryKeyDeclaration,
    ReferenceDeclaration,
    TableFile,
)
from odac_db.schema.files.document import Path


def numbers_itself(column: ColumnDeclaration) -> bool:
    """Whether the column is one of the ``increments`` types."""
    return isinstance(column.type, str) and base_name(column.type) in INCREMENTS


def primary_key(table: TableFile) -> tuple[str, ...]:
    """The primary key's columns: the table's word, then the columns', then ``increments``."""
    if isinstance(table.primary_key, PrimaryKeyDeclaration):
        return table.primary_key.columns
    if table.primary_key is not None:
        return table.primary_key
    marked = tuple(name for name, column in table.columns.items() if column.primary)
    return marked or tuple(name for name, c in table.columns.items() if numbers_itself(c))


def nullable_columns(table: TableFile) -> set[str]:
    """The columns that may hold NULL."""
    key = primary_key(table)
    return {n for n, c in table.columns.items() if c.nullable is not False and n not in key}


class KeyedReference(msgspec.Struct, frozen=True):
    """A foreign key wherever it was declared, and the path of that place."""

    path: Path
    key: ForeignKeyDeclaration

    @property
    def target(self) -> ReferenceDeclaration:
        """The target; references are split before anything else looks at them."""
        assert isinstance(self.key.references, ReferenceDeclaration)
        return self.key.references


def foreign_keys(table: TableFile) -> Iterator[KeyedReference]:
    """Every foreign key of the table, those of its columns first."""
    for name, column in table.columns.items():
        if column.references is not None:
            key = ForeignKeyDeclaration(
                columns=(name,),
                references=column.references,
                on_delete=column.on_delete or "no action",
                on_update=column.on_update or "no action",
                orphans=column.orphans,
            )
            yield KeyedReference(("columns", name), key)
    for index, key in enumerate(table.foreign_keys):
        yield KeyedReference(("foreign_keys", index), key)
