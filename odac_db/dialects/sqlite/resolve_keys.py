"""Declared indexes and foreign keys in SQLite's words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import cast

from odac_db.dialects.sqlite.pieces import without_outer_parentheses
from odac_db.dialects.sqlite.resolve_columns import chosen
from odac_db.schema.declaration import (
    ColumnDeclaration,
    ForeignKeyDeclaration,
    IndexDeclaration,
    IndexKey,
    ReferenceDeclaration,
)
from odac_db.schema.model import Column, FkAction, ForeignKey, Index, IndexPart

Report = Callable[..., None]
Namer = Callable[[list[str], str], str]


def unique_column(name: str, column: str) -> Index:
    """What ``unique: true`` on a column asks for: an index or a constraint, either will do."""
    parts = (IndexPart(column=column),)
    return Index(name=name, parts=parts, named=False, unique=True, constraint=None)


def resolved_index(
    declared: IndexDeclaration, columns: Mapping[str, Column], namer: Namer, report: Report
) -> Index:
    """The index or UNIQUE constraint. An unnamed constraint stays so; an index needs a name."""
    refused = {
        "using": declared.using is not None and declared.using.lower() != "btree",
        "include": bool(declared.include),
        "nulls_not_distinct": declared.nulls_not_distinct,
        "deferrable": declared.deferrable is not None,
    }
    for feature, used in refused.items():
        if used:
            report(f"SQLite has no {feature} for indexes", feature)
    parts = tuple(
        _part(key, columns, report, position) for position, key in enumerate(declared.columns)
    )
    where = chosen(declared.where) if declared.where is not None else None
    if declared.where is not None and where is None:
        report("the predicate has no entry for sqlite", "where")
    constraint = declared.constraint
    if constraint and (where is not None or any(part.expression for part in parts)):
        report("a UNIQUE constraint takes plain columns of all rows only", "constraint")
    if constraint is None and not declared.unique:
        constraint = False
    return Index(
        name=_name(declared, parts, namer),
        parts=parts,
        named=declared.name is not None,
        unique=declared.unique or bool(declared.constraint),
        constraint=constraint,
        where=where and without_outer_parentheses(where),
    )


def _name(declared: IndexDeclaration, parts: Sequence[IndexPart], namer: Namer) -> str | None:
    if declared.name is not None or declared.constraint:
        return declared.name
    words = [part.column or "expr" for part in parts]
    return namer(words, "key" if declared.unique else "idx")


def _part(
    key: str | IndexKey, columns: Mapping[str, Column], report: Report, position: int
) -> IndexPart:
    if isinstance(key, str):
        key = short_key(key, columns)
    for feature in ("opclass", "length"):
        if getattr(key, feature) is not None:
            report(f"SQLite has no {feature} for index keys", "columns", position)
    if key.nulls is not None and (key.nulls == "first") == key.descending:
        report(
            "SQLite sorts NULL below every value, and an index cannot change that",
            "columns",
            position,
        )
    if key.expression is not None:
        text = chosen(key.expression)
        if text is None:
            report("the expression has no entry for sqlite", "columns", position)
        return IndexPart(
            expression=without_outer_parentheses(text or "NULL"),
            descending=key.descending,
            collation=_own(key.collation, None),
        )
    own = _own(key.collation, columns.get(key.column or ""))
    return IndexPart(column=key.column, descending=key.descending, collation=own)


def short_key(text: str, columns: Mapping[str, Column]) -> IndexKey:
    """``created_at desc`` read as a key; a column may also be called so."""
    words = text.rsplit(None, 1)
    if text not in columns and len(words) == 2 and words[1].lower() in ("asc", "desc"):
        return IndexKey(column=words[0], descending=words[1].lower() == "desc")
    return IndexKey(column=text)


def _own(collation: str | None, column: Column | None) -> str | None:
    """The collation if it is not the one that the key has anyway."""
    inherited = (column.collation if column is not None else None) or "BINARY"
    return None if collation is None or collation.upper() == inherited.upper() else collation


def resolved_reference(name: str, body: ColumnDeclaration, spelt: Mapping[str, str]) -> ForeignKey:
    """The foreign key of a column's ``references``."""
    target = body.references
    assert isinstance(target, ReferenceDeclaration), "references are split by the reader"
    return ForeignKey(
        name=None,
        named=False,
        columns=(name,),
        ref_table=spelt.get(target.table.lower(), target.table),
        ref_columns=target.columns,
        on_delete=_action(body.on_delete),
        on_update=_action(body.on_update),
        orphans=body.orphans,
    )


def resolved_foreign_key(
    declared: ForeignKeyDeclaration, spelt: Mapping[str, str], report: Report
) -> ForeignKey:
    """The foreign key of a table's ``foreign_keys``."""
    target = declared.references
    assert isinstance(target, ReferenceDeclaration), "references are split by the reader"
    if declared.set_columns:
        report("SQLite has no set_columns for foreign keys", "set_columns")
    if declared.match == "full":
        report("SQLite reads MATCH FULL and does not enforce it", "match")
    return ForeignKey(
        name=declared.name,
        named=declared.name is not None,
        columns=declared.columns,
        ref_table=spelt.get(target.table.lower(), target.table),
        ref_columns=target.columns,
        on_delete=_action(declared.on_delete),
        on_update=_action(declared.on_update),
        deferrable=declared.deferrable,
        orphans=declared.orphans,
    )


def _action(declared: str | None) -> FkAction:
    return cast(FkAction, (declared or "no action").upper())
