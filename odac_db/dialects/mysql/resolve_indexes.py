"""One declared index in this server's words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from odac_db.dialects.mysql.column_types import BLOBS, TEXTS, column_type
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import kept_comment, without_outer_parentheses
from odac_db.dialects.mysql.resolve_columns import Report, chosen
from odac_db.schema.declaration import IndexDeclaration, IndexKey
from odac_db.schema.model import Column, Index, IndexPart

_METHODS = {"btree": None, "hash": None, "fulltext": "fulltext", "spatial": "spatial"}
"""InnoDB takes ``hash`` and makes a b-tree of it."""


def unique_column(name: str, column: str) -> Index:
    """The index of ``unique: true`` on a column."""
    return Index(
        name=name, parts=(IndexPart(column=column),), named=False, unique=True, constraint=False
    )


def resolved_index(
    declared: IndexDeclaration,
    columns: Mapping[str, Column],
    features: MySQLFeatures,
    generated_name: Callable[[Sequence[str], str], str],
    report: Report,
) -> Index:
    """The index; what the server cannot do of it is reported."""
    _refuse(declared, features, report)
    method = _method(declared, features, report)
    parts = tuple(
        _part(key, position, columns, features, report)
        for position, key in enumerate(declared.columns)
    )
    if method is None:
        method = _method_for_texts(parts, declared, columns, features, report)
    words = [part.column or "expr" for part in parts]
    suffix = "key" if declared.unique or declared.constraint else "idx"
    return Index(
        name=declared.name or generated_name(words, suffix),
        named=declared.name is not None,
        parts=parts,
        unique=declared.unique or bool(declared.constraint),
        method=method,
        comment=kept_comment(declared.comment),
    )


def _refuse(declared: IndexDeclaration, features: MySQLFeatures, report: Report) -> None:
    wanted = {
        "where": (declared.where is not None, "partial indexes"),
        "include": (bool(declared.include), "INCLUDE columns"),
        "deferrable": (bool(declared.deferrable), "deferrable constraints"),
        "nulls_not_distinct": (declared.nulls_not_distinct, "NULLS NOT DISTINCT"),
    }
    for key, (used, what) in wanted.items():
        if used:
            report(f"{features.label} has no {what}", key)


def _method(declared: IndexDeclaration, features: MySQLFeatures, report: Report) -> str | None:
    name = (declared.using or "btree").lower()
    if name not in _METHODS and not (name == "vector" and features.mariadb):
        report(f"{features.label} has no {name} indexes", "using")
    return _METHODS.get(name, name)


def _part(
    key: str | IndexKey,
    position: int,
    columns: Mapping[str, Column],
    features: MySQLFeatures,
    report: Report,
) -> IndexPart:
    if isinstance(key, str):
        key = _spelt_out(key, columns)
    for feature in ("nulls", "collation", "opclass"):
        if getattr(key, feature) is not None:
            report(f"{features.label} has no {feature} in index keys", "columns", position)
    if key.descending and not features.descending_indexes:
        report(f"{features.label} has no descending indexes", "columns", position)
    text = chosen(key.expression, features)
    if key.expression is None:
        return IndexPart(column=key.column, descending=key.descending, length=key.length)
    if text is None:
        report(f"the index key has no entry for {features.name}", "columns", position)
    if not features.functional_indexes:
        report(
            f"{features.label} has no indexes on expressions: index a generated column",
            "columns",
            position,
        )
    return IndexPart(expression=without_outer_parentheses(text or ""), descending=key.descending)


def _spelt_out(text: str, columns: Mapping[str, Column]) -> IndexKey:
    """``created_at desc`` is a column and a direction, unless a column is named so."""
    words = text.rsplit(None, 1)
    if text not in columns and len(words) == 2 and words[1].lower() in ("asc", "desc"):
        return IndexKey(column=words[0], descending=words[1].lower() == "desc")
    return IndexKey(column=text)


def _method_for_texts(
    parts: Sequence[IndexPart],
    declared: IndexDeclaration,
    columns: Mapping[str, Column],
    features: MySQLFeatures,
    report: Report,
) -> str | None:
    """MariaDB hashes a unique key over whole texts; every other index needs a prefix length."""
    for position, part in enumerate(parts):
        column = columns.get(part.column or "")
        if column is None or part.length is not None:
            continue
        name = column_type(column.type, features.mariadb).name
        if name not in TEXTS | BLOBS and not (name == "json" and features.mariadb):
            if name == "json":
                report("MySQL cannot index a json column: index an expression", "columns", position)
            continue
        if features.mariadb and declared.unique:
            return "hash"
        report(
            f"an index on {column.name}, a {column.type}, needs a length: "
            f"{{column: {column.name}, length: 191}}",
            "columns",
            position,
        )
    return None
