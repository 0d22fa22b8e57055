"""SQLAlchemy types as column types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import CompileError

from odac_db.schema.declaration import ColumnDeclaration, EnumDeclaration
from odac_db.schema.metadata.clauses import COMPILERS, merged, name_of

_COLLATE = re.compile(r"\s+COLLATE\s+\S+", re.IGNORECASE)
_SIZED = re.compile(r"(VARCHAR|CHAR)\((\d+)\)\Z")
_SAME: Mapping[tuple[str, str, str], str] = {
    ("SMALLINT", "SMALLINT", "SMALLINT"): "small_integer",
    ("INTEGER", "INTEGER", "INTEGER"): "integer",
    ("BIGINT", "BIGINT", "BIGINT"): "big_integer",
    ("DOUBLE PRECISION", "DOUBLE", "DOUBLE"): "double",
    ("TEXT", "TEXT", "TEXT"): "text",
    ("BOOLEAN", "BOOL", "BOOLEAN"): "boolean",
    ("DATE", "DATE", "DATE"): "date",
    ("BYTEA", "BLOB", "BLOB"): "binary",
}
"""What SQLAlchemy compiles (PostgreSQL, MySQL, SQLite) where a portable type is the same."""


def column_type(kind: sa.types.TypeEngine[Any]) -> ColumnDeclaration:
    """A column of that type and nothing else."""
    if isinstance(kind, sa.Enum) and kind.native_enum and kind.enums:
        values = tuple(map(str, kind.enums))
        return ColumnDeclaration(type="enum", values=values, enum_name=name_of(kind))
    texts = _compiled(kind)
    collation = getattr(kind, "collation", None)
    triple = (texts.get("postgresql", ""), texts.get("mysql", ""), texts.get("sqlite", ""))
    sized = _SIZED.match(triple[0])
    if triple in _SAME:
        return ColumnDeclaration(type=_SAME[triple], collation=collation)
    if sized and len(set(triple)) == 1:
        name = "string" if sized[1] == "VARCHAR" else "char"
        return ColumnDeclaration(type=name, length=int(sized[2]), collation=collation)
    return ColumnDeclaration(type=merged(texts), collation=collation)


def _compiled(kind: sa.types.TypeEngine[Any]) -> dict[str, str]:
    texts = {}
    for name, dialect in COMPILERS.items():
        try:
            texts[name] = _COLLATE.sub("", kind.compile(dialect=dialect))
        except CompileError:  # this server has no such type; its plan says so
            continue
    return texts


def enum_types(kind: sa.types.TypeEngine[Any]) -> dict[str, EnumDeclaration]:
    """The enum types that only an array uses: no column declares them directly."""
    item = kind.item_type if isinstance(kind, sa.ARRAY) else None
    if isinstance(item, sa.Enum) and item.name:
        return {str(item.name): EnumDeclaration(values=tuple(map(str, item.enums)))}
    return {}
