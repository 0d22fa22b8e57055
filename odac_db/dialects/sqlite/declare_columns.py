"""One live column as a declaration. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from msgspec import UNSET, UnsetType

from odac_db.dialects.sqlite.column_types import column_type, enum_check, literal, spelt
from odac_db.dialects.sqlite.create import rowid_alias
from odac_db.dialects.sqlite.resolve_columns import clock
from odac_db.schema.declaration import (
    ColumnDeclaration,
    DefaultDeclaration,
    DefaultValue,
    GeneratedDeclaration,
)
from odac_db.schema.model import Check, Column, Table

_SIZED = re.compile(r"(VARCHAR|CHAR)\((\d+)\)")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_INTEGER = re.compile(r"-?(?:0|[1-9]\d*)")
_WORDS = (
    "small_integer",
    "integer",
    "big_integer",
    "float",
    "double",
    "text",
    "boolean",
    "date",
    "time",
    "datetime",
    "timestamp",
    "binary",
    "json",
    "jsonb",
)


def declared_column(column: Column, table: Table, values: tuple[str, ...]) -> ColumnDeclaration:
    """The column with what differs from the defaults of a declaration.

    ``values`` are those of the CHECK that makes it an enum, empty if it is none. The
    primary key, uniques and foreign keys are left to the table.
    """
    body = _typed(column, table, values)
    made = column.generated
    return msgspec.structs.replace(
        body,
        nullable=_nullable(column, table),
        default=_default(column.default, str(body.type)),
        collation=column.collation,
        generated=None
        if made is None
        else GeneratedDeclaration(expression=made.expression, stored=made.stored or None),
    )


def _typed(column: Column, table: Table, values: tuple[str, ...]) -> ColumnDeclaration:
    """The portable type that gives this very type back, else the type as it is."""
    if column.identity is not None:
        return ColumnDeclaration(type="increments")
    if values:
        return ColumnDeclaration(type="enum", values=values)
    strict = table.options.get("strict") == "true"
    for body in _candidates(column.type):
        if column_type(str(body.type), body, strict=strict) == column.type:
            return body
    return ColumnDeclaration(type=spelt(column.type))


def _candidates(type_text: str) -> Iterator[ColumnDeclaration]:
    sized = _SIZED.fullmatch(type_text)
    if sized is not None:
        name, length = sized[1], int(sized[2])
        if name == "VARCHAR":
            yield ColumnDeclaration(type="string", length=None if length == 255 else length)
        else:
            yield ColumnDeclaration(type="char", length=None if length == 1 else length)
    decimal = _DECIMAL.fullmatch(type_text)
    if decimal is not None:
        precision, scale = int(decimal[1]), int(decimal[2])
        yield ColumnDeclaration(type="decimal", precision=precision, scale=scale)
    for word in _WORDS:
        yield ColumnDeclaration(type=word)


def _nullable(column: Column, table: Table) -> bool | None:
    """Only what is not the rule; key columns are left to ``null_keys``.

    A rowid key goes without NOT NULL as a rule, being never NULL anyhow.
    """
    key = table.primary_key
    if key is None or column.name not in key.columns:
        return None if column.nullable else False
    spelt_out = rowid_alias(table) is not None and not table.options.get("null_keys")
    return False if spelt_out and table.options.get("strict") != "true" else None


def null_keys(table: Table) -> bool | str | None:
    """The option for key columns without NOT NULL; None where the rule holds."""
    lacking = table.options.get("null_keys")
    key = table.primary_key
    if not lacking or key is None or rowid_alias(table) is not None:
        return None
    return True if len(lacking.split()) == len(key.columns) else lacking


def _default(text: str | None, type_name: str) -> DefaultValue | UnsetType:
    """A plain value where it gives the same text back, else the expression."""
    if text is None:
        return UNSET
    if text == "CURRENT_TIMESTAMP":
        return "now()"
    for value in _values(text, type_name):
        plain = not isinstance(value, str) or (clock(value) is None and type_name != "boolean")
        if plain and literal(value, type_name) == text:
            return value
    return DefaultDeclaration(expression=text)


def _values(text: str, type_name: str) -> Iterator[str | int | float | bool]:
    """What the text may stand for, the likeliest first."""
    if type_name == "boolean" and text in ("0", "1"):
        yield text == "1"
    if _INTEGER.fullmatch(text):
        yield int(text)
    quoted = _STRING.fullmatch(text)
    if quoted is not None:
        yield quoted[1].replace("''", "'")
    else:
        try:
            yield float(text)
        except ValueError:
            return
        yield text


def enum_values(column: Column, check: Check) -> tuple[str, ...]:
    """The values if the CHECK is the one that an enum column of this name gets; else empty."""
    if check.name is not None or column.type != "TEXT":
        return ()
    values = tuple(value.replace("''", "'") for value in _STRING.findall(check.expression))
    if len(set(values)) < len(values):
        return ()
    return values if values and enum_check(column.name, values) == check.expression else ()
