"""One declared column in this server's words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from odac_db.dialects.mysql.building import AUTO_INCREMENT
from odac_db.dialects.mysql.column_types import (
    CLOCKS,
    STRINGS,
    ColumnType,
    column_type,
    declared_type,
    enum_type,
)
from odac_db.dialects.mysql.defaults import clock, declared, declared_expression
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import kept_comment, quote, without_outer_parentheses
from odac_db.schema.declaration import (
    ColumnDeclaration,
    DefaultDeclaration,
    GeneratedDeclaration,
    IdentityDeclaration,
    PerDialect,
)
from odac_db.schema.model import Column, Generated

NUMBERED = {"increments": "int", "big_increments": "bigint"}
"""Portable types that number their rows and are the primary key unless another is declared."""

Report = Callable[..., None]
"""Called with a message and the path, below the column, of what it is about."""


def chosen(value: PerDialect | None, features: MySQLFeatures) -> str | None:
    """This server's entry of a per-dialect map; MariaDB falls back to MySQL's."""
    if not isinstance(value, dict):
        return value
    entries: Mapping[str, str] = {str(key): text for key, text in value.items()}
    found = entries.get(features.name)
    return found if found is not None or not features.mariadb else entries.get("mysql")


def resolved_type(body: ColumnDeclaration, features: MySQLFeatures) -> ColumnType:
    """The declared type. Raises ValueError with a message for the author of the file."""
    text = chosen(body.type, features)
    if text is None:
        raise ValueError(f"type has no entry for {features.name}")
    if text.endswith("[]"):
        raise ValueError(f"{features.label} has no arrays: use json, or a table of its own")
    spelt = _portable(text.lower(), body, features)
    found = declared_type(spelt or text, features)
    if body.unsigned and not found.unsigned:
        words = found.text.split(" ", 1)
        found = column_type(" ".join([words[0], "unsigned", *words[1:]]), features.mariadb)
    return found


def _portable(  # noqa: C901 - one line a type
    name: str, body: ColumnDeclaration, features: MySQLFeatures
) -> str | None:
    """What a portable type is here; None for a native one."""
    if name in _FIXED:
        return _FIXED[name]
    if name in NUMBERED:
        return NUMBERED[name]
    match name:
        case "nanoid":
            return f"varchar({body.length or 21})"
        case "string":
            return f"varchar({255 if body.length is None else body.length})"
        case "char":
            return f"char({1 if body.length is None else body.length})"
        case "text":
            return body.text_type or "text"
        case "decimal":
            return _decimal(body)
        case "datetime" | "timestamp" | "time":
            return f"{name}({6 if body.precision is None else body.precision})"
        case "binary":
            return "blob" if body.length is None else f"varbinary({body.length})"
        case "uuid":
            return "uuid" if features.native_uuid else "char(36)"
        case "enum":
            if not body.values:
                raise ValueError("an enum needs values")
            return enum_type(body.values)
        case _:
            return None


_FIXED = {
    "small_integer": "smallint",
    "integer": "int",
    "big_integer": "bigint",
    "float": "float",
    "double": "double",
    "boolean": "tinyint(1)",
    "date": "date",
    "json": "json",
    "jsonb": "json",
    "interval": "bigint",
}


def _decimal(body: ColumnDeclaration) -> str:
    if body.precision is None:
        return f"decimal(10,{2 if body.scale is None else body.scale})"
    return f"decimal({body.precision},{body.scale or 0})"


def resolved_column(
    name: str,
    body: ColumnDeclaration,
    features: MySQLFeatures,
    table_collation: str,
    report: Report,
    *,
    in_primary_key: bool,
) -> Column:
    """The column; what is wrong with it is reported and left out."""
    try:
        kind = resolved_type(body, features)
    except ValueError as error:
        report(str(error), "type")
        kind = column_type("int", features.mariadb)
    nullable = not in_primary_key and (True if body.nullable is None else body.nullable)
    numbered = _numbered(body, features, report)
    column = Column(
        name=name,
        type=kind.text,
        nullable=nullable and numbered is None,
        identity=numbered,
        default=None if numbered else _default(body, kind, features, report),
        generated=_generated(body, features, report),
        collation=_collation(body, kind, features, table_collation),
        comment=kept_comment(body.comment),
        on_update=_on_update(body, kind, report),
    )
    _refuse_implicit_timestamp(column, features, report)
    return _with_check(column, body, features, report)


def _numbered(body: ColumnDeclaration, features: MySQLFeatures, report: Report) -> Any:
    if chosen(body.type, features) not in NUMBERED and not body.identity:
        return None
    identity = body.identity
    if isinstance(identity, IdentityDeclaration):
        plain = IdentityDeclaration(kind=identity.kind)
        if identity != plain:
            report(
                f"{features.label} only knows auto_increment: leave out all of identity but kind",
                "identity",
            )
    return AUTO_INCREMENT


def _default(
    body: ColumnDeclaration, kind: ColumnType, features: MySQLFeatures, report: Report
) -> str | None:
    value = body.default
    try:
        if isinstance(value, DefaultDeclaration):
            return _spelt_out(value, kind, features)
        if value is UNSET or value is None:
            return None
        text = declared(value, kind, features, plain=True)
    except ValueError as error:
        report(str(error), "default")
        return None
    if text.startswith("(") and not features.expression_defaults:
        report(f"{features.label} takes no expression as a default of {kind.text}", "default")
    return text


def _spelt_out(value: DefaultDeclaration, kind: ColumnType, features: MySQLFeatures) -> str | None:
    if value.literal is not UNSET:
        if value.literal is None:
            return None
        return declared(value.literal, kind, features, plain=False)
    text = chosen(value.expression, features)
    if text is None:
        raise ValueError(f"the default has no entry for {features.name}")
    return declared_expression(text, kind, features)


def _generated(
    body: ColumnDeclaration, features: MySQLFeatures, report: Report
) -> Generated | None:
    if body.generated is None:
        return None
    stored = False
    text: str | None
    if isinstance(body.generated, GeneratedDeclaration):
        text = chosen(body.generated.expression, features)
        stored = bool(body.generated.stored)
    else:
        text = body.generated
    if text is None:
        report(f"the generated column has no expression for {features.name}", "generated")
        return None
    if features.mariadb and body.nullable is False:
        report("MariaDB has no NOT NULL for generated columns: leave nullable out", "nullable")
    return Generated(without_outer_parentheses(text), stored)


def _collation(
    body: ColumnDeclaration, kind: ColumnType, features: MySQLFeatures, table_collation: str
) -> str | None:
    named = chosen(body.collation, features)
    collation = features.collation_name(named) if named else kind.collation
    if kind.name not in STRINGS or collation == table_collation:
        return None
    return collation


def _on_update(body: ColumnDeclaration, kind: ColumnType, report: Report) -> str | None:
    if not body.on_update_current_timestamp:
        return None
    if kind.name not in CLOCKS:
        report(
            f"only a datetime or timestamp can follow updates, not {kind.text}",
            "on_update_current_timestamp",
        )
        return None
    return clock(kind.fraction)


def _refuse_implicit_timestamp(column: Column, features: MySQLFeatures, report: Report) -> None:
    """Such a server would quietly add DEFAULT and ON UPDATE CURRENT_TIMESTAMP."""
    if features.explicit_timestamps or not column.type.startswith("timestamp"):
        return
    if not column.nullable and column.default is None and column.generated is None:
        report(
            "explicit_defaults_for_timestamp is OFF on this server, so a timestamp that is "
            "not nullable needs a default: give it one, or use datetime",
            "nullable",
        )


def _with_check(
    column: Column, body: ColumnDeclaration, features: MySQLFeatures, report: Report
) -> Column:
    """The column with its own check, which only MariaDB has; see ``column_check``."""
    text = column_check(body, features, report)
    if text is None or not features.mariadb:
        return column
    if column.type != "json":
        return msgspec.structs.replace(column, check=text)
    return msgspec.structs.replace(
        column,
        type="longtext",
        collation="utf8mb4_bin",
        check=f"json_valid({quote(column.name)}) and ({text})",
    )


def column_check(body: ColumnDeclaration, features: MySQLFeatures, report: Report) -> str | None:
    """The check declared at the column."""
    if body.check is None:
        return None
    text = chosen(body.check, features)
    if text is None:
        report(f"the check has no entry for {features.name}", "check")
        return None
    if not features.checks:
        report(f"{features.label} ignores CHECK: it needs 8.0.16", "check")
        return None
    return without_outer_parentheses(text)
