"""One declared column in SQLite's words. Pure."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET

from odac_db.dialects.sqlite.column_types import (
    CLOCK,
    INTEGERS,
    allowed_in_strict,
    column_type,
    literal,
)
from odac_db.dialects.sqlite.pieces import without_outer_parentheses
from odac_db.dialects.sqlite.spelling import default_spelt
from odac_db.schema.column_types import INCREMENTS, base_name
from odac_db.schema.declaration import (
    ColumnDeclaration,
    DefaultDeclaration,
    GeneratedDeclaration,
    IdentityDeclaration,
    PerDialect,
)
from odac_db.schema.model import Column, Generated, Identity

Report = Callable[..., None]


def chosen(value: PerDialect) -> str | None:
    """What a per-dialect value says for SQLite; None where it says nothing."""
    return value if isinstance(value, str) else value.get("sqlite")


def resolved_column(
    name: str,
    body: ColumnDeclaration,
    report: Report,
    key_columns: tuple[str, ...],
    *,
    strict: bool,
) -> Column:
    """The column; what SQLite cannot do of it goes to ``report``."""
    declared = chosen(body.type)
    if declared is None:
        report("the type has no entry for sqlite", "type")
        declared = "text"
    if declared.endswith("]") and base_name(declared):
        report("SQLite has no arrays: use json, or another type for sqlite", "type")
        declared = "text"
    type_text = column_type(declared, body, strict=strict)
    if strict and not allowed_in_strict(type_text):
        report(f"a STRICT table has no type {type_text}", "type")
    if body.on_update_current_timestamp:
        report("SQLite has no ON UPDATE CURRENT_TIMESTAMP", "on_update_current_timestamp")
    generated = _generated(body, report)
    return Column(
        name=name,
        type=type_text,
        nullable=name not in key_columns and body.nullable is not False,
        default=_default(body, declared, report) if generated is None else None,
        identity=_identity(name, body, declared, key_columns, report),
        generated=generated,
        collation=_collation(body, report),
    )


def _generated(body: ColumnDeclaration, report: Report) -> Generated | None:
    declared = body.generated
    if declared is None:
        return None
    stored = False
    if isinstance(declared, GeneratedDeclaration):
        text, stored = chosen(declared.expression), bool(declared.stored)
    else:
        text = declared
    if text is None:
        report("the generated column has no expression for sqlite", "generated")
        return None
    return Generated(without_outer_parentheses(text), stored)


def _default(body: ColumnDeclaration, declared: str, report: Report) -> str | None:
    value = body.default
    if value is UNSET or value is None:
        return None
    if isinstance(value, DefaultDeclaration):
        if value.expression is None:
            return None if value.literal is None else literal(value.literal, declared)
        text = chosen(value.expression)
        if text is None:
            report("the default has no entry for sqlite", "default")
            return None
        return clock(text) or default_spelt(text)
    if isinstance(value, str) and clock(value):
        return clock(value)
    return literal(value, declared)


def clock(text: str) -> str | None:
    """CURRENT_TIMESTAMP for every portable spelling of the server's clock."""
    return "CURRENT_TIMESTAMP" if text.strip().lower() in CLOCK else None


def _identity(
    name: str,
    body: ColumnDeclaration,
    declared: str,
    key_columns: tuple[str, ...],
    report: Report,
) -> Identity | None:
    if not body.identity and declared not in INCREMENTS:
        return None
    where = "identity" if body.identity else "type"
    if key_columns != (name,):
        report("SQLite numbers only a column that is the whole primary key", where)
    elif declared not in INTEGERS | INCREMENTS and declared.upper() != "INTEGER":
        report("SQLite numbers only INTEGER columns", where)
    if isinstance(body.identity, IdentityDeclaration):
        for option in ("sequence", "start", "increment", "minimum", "maximum", "cache", "cycle"):
            if getattr(body.identity, option) not in (None, False):
                report(f"SQLite has no {option} for AUTOINCREMENT", "identity", option)
    return Identity(kind="auto_increment")


def _collation(body: ColumnDeclaration, report: Report) -> str | None:
    if body.collation is None:
        return None
    collation = chosen(body.collation)
    if collation is None:
        report("the collation has no entry for sqlite", "collation")
    elif collation.upper() != "BINARY":
        return collation
    return None
