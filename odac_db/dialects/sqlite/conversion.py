"""Which values a change of type alters. SQLite refuses none. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.dialects.base import Features
from odac_db.dialects.conversion import Conversion, Misfit
from odac_db.dialects.sqlite.casts import cast_of, family
from odac_db.dialects.sqlite.spelling import quote
from odac_db.schema.model import Column, Schema


def conversion(before: Column, after: Column, desired: Schema, features: Features) -> Conversion:
    """The values that the copy of a rebuild makes others of."""
    value = quote(after.name)
    cast = cast_of(before.type, after.type)
    if cast is not None:
        return Conversion(
            value=f"CAST({value} AS {cast})", misfits=tuple(_cast(value, cast, after.type))
        )
    new = family(after.type)
    if new == "text":
        text = f"CAST({value} AS TEXT)"
        rounded = f"(typeof({value}) = 'real' AND CAST({text} AS REAL) <> {value})"
        return Conversion(value=text, misfits=(_changed(rounded, "that is rounded to 15 digits"),))
    if new in ("other", "boolean", "integer", "real", "decimal"):
        number = f"CAST({value} AS NUMERIC)"
        read = (
            f"(typeof({value}) = 'text' AND {_is_number(value)}"
            f" AND CAST({number} AS TEXT) <> {value})"
        )
        said = "that is stored as a number and then reads otherwise"
        return Conversion(value=value, misfits=(_changed(read, said),))
    return Conversion(value=value)


def _cast(value: str, cast: str, new: str) -> Iterator[Misfit]:
    word = "whole number" if cast == "INTEGER" else "number"
    no_number = f"(typeof({value}) IN ('text', 'blob') AND NOT {_is_number(value)})"
    yield Misfit(
        kind="not_castable",
        condition=no_number,
        said=f"that is no {word}, and becomes what {new} reads of it, such as 0",
        refuses=False,
    )
    other = f"(NOT {no_number} AND CAST({value} AS {cast}) <> {value})"
    said = "that is cut to a whole number" if cast == "INTEGER" else "that is rounded"
    yield _changed(other, said)


def _is_number(value: str) -> str:
    """Comparing with a number makes one of text that reads as one, and of no other."""
    return f"({value} = CAST({value} AS NUMERIC))"


def _changed(condition: str, said: str) -> Misfit:
    return Misfit(kind="changed", condition=condition, said=said, refuses=False)
