"""Statements for enum types."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from odac_db.dialects.postgresql.casts import conversion
from odac_db.dialects.postgresql.column_types import is_array
from odac_db.dialects.postgresql.naming import literal, printed, quote
from odac_db.schema.changes import AddEnumValue, ReplaceEnum
from odac_db.schema.model import Column, EnumType

_ASIDE = quote("_odac_enum")


def create(enum: EnumType) -> Iterator[str]:
    yield type_of(enum)
    if enum.comment is not None:
        yield comment(enum.name, enum.comment)


def type_of(enum: EnumType) -> str:
    return f"CREATE TYPE {quote(enum.name)} AS ENUM ({', '.join(map(literal, enum.values))})"


def comment(name: str, text: str | None) -> str:
    return f"COMMENT ON TYPE {quote(name)} IS {'NULL' if text is None else literal(text)}"


def add_value(change: AddEnumValue) -> str:
    """IF NOT EXISTS: it commits by itself, before a run that may be tried again."""
    before = "" if change.before is None else f" BEFORE {literal(change.before)}"
    return (
        f"ALTER TYPE {quote(change.enum)} ADD VALUE IF NOT EXISTS {literal(change.value)}{before}"
    )


def replace(change: ReplaceEnum) -> Iterator[str]:
    """A type of the wanted values takes the place of the old one in every column.

    Fails, and changes nothing, where a row holds a value that is gone.
    """
    name = quote(change.before.name)
    yield f"ALTER TYPE {name} RENAME TO {_ASIDE}"
    yield type_of(change.after)
    for table, before, after in change.columns:
        yield f"ALTER TABLE {quote(table)} {', '.join(_retyped(before, after, change.after.name))}"
    if change.before.comment is not None:
        yield comment(change.after.name, change.before.comment)
    yield f"DROP TYPE {_ASIDE}"


def _retyped(before: Column, after: Column | None, enum: str) -> Iterator[str]:
    column = f"ALTER COLUMN {quote(before.name)}"
    type_ = "text" if after is None else printed(enum)
    type_ += "[]" if is_array(before.type) else ""
    target = msgspec.structs.replace(before, type=type_)
    if before.default is not None:
        yield f"{column} DROP DEFAULT"
    yield f"{column} TYPE {type_} USING {conversion(quote(before.name), before, target)}"
    if after is not None and after.default is not None and after.enum == enum:
        yield f"{column} SET DEFAULT {after.default}"
