"""Declared columns in PostgreSQL's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from odac_db.dialects.postgresql import column_types, literals
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import literal, printed
from odac_db.schema.declaration import (
    ColumnDeclaration,
    DefaultDeclaration,
    EnumDeclaration,
    GeneratedDeclaration,
    IdentityDeclaration,
    PerDialect,
)
from odac_db.schema.model import Column, EnumType, Generated, Identity
from odac_db.schema.names import shortened

NUMBERED = ("increments", "big_increments")
"""Portable types that number their rows and are the primary key unless another is declared."""

Report = Callable[..., None]
"""Called with a message and the path, below the table, of what it is about."""


def chosen(value: PerDialect | None) -> str | None:
    """This server's entry of a per-dialect map."""
    if isinstance(value, dict):
        found: str | None = value.get("postgresql")
        return found
    return value


def expression(value: PerDialect, report: Report, *path: str | int) -> str:
    """The declared SQL for this server; a map without it is a fault."""
    found = chosen(value)
    if found is None:
        report("has no entry for postgresql", *path)
        return "NULL"
    return found.strip()


class Enums:
    """The enum types that declarations ask for: their own, and those behind columns."""

    def __init__(
        self, declared: Mapping[str, EnumDeclaration], features: PostgreSQLFeatures
    ) -> None:
        self.types: dict[str, EnumType] = {
            name: EnumType(name=name, values=enum.values, comment=enum.comment)
            for name, enum in declared.items()
        }
        self._fits = features.fits

    def named(self, type_: str) -> EnumType | None:
        """The declared type of that name, written bare or quoted."""
        plain = type_
        if type_.startswith('"') and type_.endswith('"'):
            plain = type_[1:-1].replace('""', '"')
        return self.types.get(plain)

    def of_column(
        self, table: str, name: str, body: ColumnDeclaration, report: Report
    ) -> EnumType | None:
        """The type behind a column of type ``enum``; None after a report."""
        wanted = body.enum_name or shortened(f"{table}_{name}", self._fits)
        known = self.types.get(wanted)
        if body.values is None:
            if known is None or body.enum_name is None:
                report("an enum needs values", "columns", name, "type")
                return None
            return known
        if known is None:
            known = self.types[wanted] = EnumType(name=wanted, values=body.values)
        elif known.values != body.values:
            report(
                f"enum type {wanted} has other values elsewhere: give this one an enum_name",
                "columns",
                name,
                "values",
            )
        return known


def resolved_column(
    table: str, name: str, body: ColumnDeclaration, enums: Enums, report: Report
) -> Column:
    """A column, its nullability as if it were in no primary key."""
    type_, enum = _type(table, name, body, enums, report)
    identity = _identity(body, name, type_, report)
    numbered = identity is not None and (identity.kind != "serial" or body.nullable is None)
    if body.on_update_current_timestamp:
        report(
            "PostgreSQL has no ON UPDATE CURRENT_TIMESTAMP: use a trigger",
            "columns",
            name,
            "on_update_current_timestamp",
        )
    collation = chosen(body.collation)
    return Column(
        name=name,
        type=type_,
        nullable=body.nullable is not False and not numbered,
        default=_default(body, name, type_, enum, report),
        identity=identity,
        generated=_generated(body, name, report),
        collation=None if collation == "default" else collation,
        comment=body.comment or None,
        enum=None if enum is None else enum.name,
    )


def _type(
    table: str, name: str, body: ColumnDeclaration, enums: Enums, report: Report
) -> tuple[str, EnumType | None]:
    text = chosen(body.type)
    if text is None:
        report("type has no entry for postgresql", "columns", name, "type")
        return "text", None
    text = text.strip()
    brackets = "[]" if text.endswith("[]") else ""
    element = text.removesuffix("[]").strip() if brackets else text
    if element.lower() == "enum":
        enum = enums.of_column(table, name, body, report)
    else:
        enum = enums.named(element)
    if enum is not None:
        return printed(enum.name) + brackets, enum
    found = column_types.portable(element.lower(), body)
    return (found + brackets if found else column_types.native(text)), None


def _identity(body: ColumnDeclaration, name: str, type_: str, report: Report) -> Identity | None:
    declared = body.identity
    if declared is False:
        is_numbered = chosen(body.type) in NUMBERED
        return Identity(kind="by_default") if is_numbered else None
    if declared is True:
        declared = IdentityDeclaration()
    if type_ not in literals.INTEGERS and declared.kind != "serial":
        report(
            f"a column of type {type_} cannot number its rows: use an integer type",
            "columns",
            name,
            "identity",
        )
    kind = "by_default" if declared.kind == "auto_increment" else declared.kind
    fields: dict[str, Any] = {**msgspec.structs.asdict(declared), "kind": kind}
    return _without_defaults(Identity(**fields), type_)


def _without_defaults(identity: Identity, type_: str) -> Identity:
    """The numbers that are the server's own, left out as introspection does."""
    highest = literals.INTEGERS.get(type_, 2**63)
    up = (identity.increment or 1) > 0
    lowest, most = (1, highest - 1) if up else (-highest, -1)
    minimum = None if identity.minimum == lowest else identity.minimum
    maximum = None if identity.maximum == most else identity.maximum
    first = (minimum, lowest) if up else (maximum, most)
    start = first[0] if first[0] is not None else first[1]
    return msgspec.structs.replace(
        identity,
        minimum=minimum,
        maximum=maximum,
        start=None if identity.start == start else identity.start,
        increment=None if identity.increment == 1 else identity.increment,
        cache=None if identity.cache == 1 else identity.cache,
    )


def _generated(body: ColumnDeclaration, name: str, report: Report) -> Generated | None:
    """Stored unless declared otherwise, on every version alike."""
    declared = body.generated
    if declared is None:
        return None
    if isinstance(declared, str):
        declared = GeneratedDeclaration(expression=declared)
    text = expression(declared.expression, report, "columns", name, "generated")
    return Generated(text, declared.stored is not False)


def _default(
    body: ColumnDeclaration, name: str, type_: str, enum: EnumType | None, report: Report
) -> str | None:
    value: Any = body.default
    if value is UNSET or value is None:
        return None
    path = ("columns", name, "default")
    if isinstance(value, DefaultDeclaration):
        if value.expression is not None:
            return expression(value.expression, report, *path)
        value = value.literal
        if value is UNSET or value is None:
            return None
    elif isinstance(value, str) and value.strip().lower() in literals.CLOCKS:
        return literals.CLOCKS[value.strip().lower()]
    try:
        if enum is not None and not column_types.is_array(type_):
            return _enum_value(value, type_, enum)
        return literals.default(value, type_)
    except literals.NotAValue as error:
        report(f"default {error}", *path)
        return None


def _enum_value(value: Any, type_: str, enum: EnumType) -> str:
    if value not in enum.values:
        raise literals.NotAValue(f"{value!r} is not one of {', '.join(enum.values)}")
    return f"{literal(str(value))}::{type_}"
