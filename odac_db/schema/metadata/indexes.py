"""SQLAlchemy indexes and unique constraints as index declarations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import TextClause, UnaryExpression

from odac_db.schema.declaration import IndexDeclaration, IndexKey
from odac_db.schema.files.normalize import index_key
from odac_db.schema.metadata.clauses import deferrable, expression, name_of, names

_ORDERS: Mapping[Any, Mapping[str, Any]] = {
    operators.desc_op: {"descending": True},
    operators.asc_op: {},
    operators.nulls_first_op: {"nulls": "first"},
    operators.nulls_last_op: {"nulls": "last"},
}


def unique_declaration(constraint: sa.UniqueConstraint) -> IndexDeclaration:
    """A UNIQUE constraint."""
    options = constraint.dialect_options["postgresql"]
    return IndexDeclaration(
        columns=tuple(IndexKey(column=name) for name in names(constraint.columns)),
        name=name_of(constraint),
        unique=True,
        constraint=True,
        include=names(options.get("include")),
        nulls_not_distinct=bool(options.get("nulls_not_distinct")),
        deferrable=deferrable(constraint),
        comment=constraint.comment,
    )


def index_declaration(index: sa.Index, columns: Collection[str]) -> IndexDeclaration:
    """An index, with the options of every dialect that an index declaration has."""
    postgresql = index.dialect_options["postgresql"]
    mysql = index.dialect_options["mysql"]
    using = postgresql.get("using") or mysql.get("prefix") or mysql.get("using")
    return IndexDeclaration(
        columns=tuple(
            _key(item, dict.fromkeys(columns), postgresql.get("ops") or {}, mysql.get("length"))
            for item in index.expressions
        ),
        name=name_of(index),
        unique=bool(index.unique),
        using=using.lower() if using else None,
        include=names(postgresql.get("include")),
        where=_where(index),
        nulls_not_distinct=bool(postgresql.get("nulls_not_distinct")),
    )


def _where(index: sa.Index) -> Any:
    texts = {}
    for dialect in ("postgresql", "sqlite"):
        clause = index.dialect_options[dialect].get("where")
        if clause is not None:
            text = expression(sa.text(clause) if isinstance(clause, str) else clause)
            texts[dialect] = text if isinstance(text, str) else text[dialect]
    return texts or None


def _key(item: Any, columns: Mapping[str, None], ops: Mapping[str, str], length: Any) -> IndexKey:
    order: dict[str, Any] = {}
    while isinstance(item, UnaryExpression) and item.modifier in _ORDERS:
        order |= _ORDERS[item.modifier]
        item = item.element
    if isinstance(item, TextClause):
        return msgspec.structs.replace(index_key(item.text, columns), **order)
    if not isinstance(item, sa.Column):
        return IndexKey(expression=expression(item), **order)
    prefix = length.get(item.name) if isinstance(length, Mapping) else length
    opclass = ops.get(item.key) or ops.get(item.name)
    return IndexKey(column=str(item.name), opclass=opclass, length=prefix, **order)
