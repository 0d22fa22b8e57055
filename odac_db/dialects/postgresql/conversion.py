"""Which values a change of type refuses or alters. Pure.

What is read from text is tried by ``pg_input_is_valid`` where the server has it (16), and
by a function of the session that catches the error where not; ranges and lengths are
compared, which is cheaper.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import xxhash

from odac_db.dialects.conversion import Conversion, Misfit
from odac_db.dialects.postgresql.casts import NUMBERS, STRINGS, cuts
from odac_db.dialects.postgresql.casts import conversion as cast
from odac_db.dialects.postgresql.column_types import arguments, base, element, is_array
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import literal, quote
from odac_db.schema.model import Column, Schema

_BOUNDS = {
    "smallint": (-(2**15), 2**15 - 1),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
_FLOATS = ("real", "double precision")
_EXACT = frozenset({*_BOUNDS, "numeric"})
_MOMENTS = ("timestamp with time zone", "timestamp without time zone", "date")
_CLOCKS = ("time without time zone", "time with time zone", "interval")


def conversion(
    before: Column, after: Column, desired: Schema, features: PostgreSQLFeatures
) -> Conversion:
    """The values that ALTER COLUMN TYPE refuses or alters, as ``render`` writes it."""
    name = quote(after.name)
    same = before.type == after.type and after.enum is None
    if same or after.generated is not None:
        return Conversion(value=name)
    both = is_array(before.type) and is_array(after.type)
    change = _Change(before, after, "v" if both else name, desired, features)
    value = name if after.enum is not None else cast(name, before, after)
    found = Conversion(value=value, misfits=tuple(change.misfits()), harmless=change.harmless)
    if not both:
        return Conversion(
            value=_compared(before, after, name),
            misfits=found.misfits,
            harmless=change.harmless,
            setup=tuple(change.setup),
        )
    misfits = tuple(
        Misfit(
            kind=each.kind,
            condition=f"EXISTS (SELECT 1 FROM unnest({name}) AS u(v) WHERE {condition})",
            said=each.said,
            refuses=each.refuses,
        )
        for each, condition in zip(found.misfits, found.conditions, strict=True)
    )
    return Conversion(
        value=value, misfits=misfits, harmless=change.harmless, setup=tuple(change.setup)
    )


def _compared(before: Column, after: Column, name: str) -> str:
    """The new value. An enum type may not exist yet, and is compared by its labels."""
    return f"{name}::text" if after.enum is not None else cast(name, before, after)


@dataclass
class _Change:
    """One change of type, seen at one value (of an array: at one element)."""

    before: Column
    after: Column
    value: str
    desired: Schema
    features: PostgreSQLFeatures

    def __post_init__(self) -> None:
        self.old, self.new = element(self.before.type), element(self.after.type)
        self.old_base, self.new_base = base(self.old), base(self.new)
        self.setup: list[str] = []

    @property
    def harmless(self) -> bool:
        """Whether the only loss is that of enum values in use."""
        return self.before.enum is not None and self.after.enum is not None

    def misfits(self) -> Iterator[Misfit]:
        if self.after.enum is not None:
            yield from self._labels(self.after.enum)
        elif is_array(self.before.type) and not is_array(self.after.type):
            yield from self._read()
        elif self.new_base in STRINGS:
            yield from self._length()
        elif self.old_base in STRINGS or self.before.enum is not None or self._by_way_of_text():
            yield from self._read()
        elif self.old_base in NUMBERS and self.new_base in NUMBERS:
            yield from self._number()
        elif self.old_base in (*_MOMENTS, *_CLOCKS):
            yield from self._time()
        else:
            yield from self._other()

    def _labels(self, enum: str) -> Iterator[Misfit]:
        known = self.desired.enums.get(enum)
        if known is not None:
            labels = ", ".join(map(literal, known.values))
            yield Misfit(
                kind="not_in_enum",
                condition=f"{self.value}::text NOT IN ({labels})",
                said=f"that is none of {', '.join(known.values)}",
            )

    def _length(self) -> Iterator[Misfit]:
        value, limit = f"{self.value}::text", arguments(self.new)
        if self.new_base == "name":
            yield _changed(f"octet_length({value}) > 63", "that is cut after 63 bytes")
        if not limit:
            return
        counted = f"rtrim({value}, ' ')" if self.new_base == "character" else value
        cut = cuts(self.before, self.after)
        said = f"of more than {limit[0]} characters" + (", which is cut" if cut else "")
        condition = f"length({counted}) > {limit[0]}"
        yield Misfit(kind="too_long", condition=condition, said=said, refuses=not cut)

    def _read(self) -> Iterator[Misfit]:
        value, article = f"{self.value}::text", f"that is no {self.new}"
        yield Misfit(kind="not_castable", condition=self._unreadable(value), said=article)
        limits = arguments(self.new)
        if self.new_base == "numeric" and limits:
            rounded = f"{value}::numeric <> {value}::{self.new}"
            yield _changed(rounded, f"that {self.new} rounds")
        elif self.new_base == "date":
            midnight = f"{value}::timestamp <> {value}::date::timestamp"
            yield _changed(midnight, "whose time of day is cut off")

    def _unreadable(self, value: str) -> str:
        if self.features.version >= (16,):
            return f"NOT pg_input_is_valid({value}, {literal(self.new)})"
        name = f"pg_temp._odac_reads_{xxhash.xxh3_64_hexdigest(self.new.encode())}"
        self.setup.append(
            f"CREATE OR REPLACE FUNCTION {name}(given text) RETURNS boolean LANGUAGE plpgsql AS"
            f" $odac$ BEGIN PERFORM given::{self.new}; RETURN true;"
            " EXCEPTION WHEN OTHERS THEN RETURN false; END $odac$"
        )
        return f"NOT {name}({value})"

    def _number(self) -> Iterator[Misfit]:
        if self.new_base in _BOUNDS:
            yield from self._whole()
        elif self.new_base == "numeric":
            yield from self._decimal()
        elif self.new_base in _FLOATS and self.old_base in (*_EXACT, *_FLOATS):
            yield from self._float()

    def _whole(self) -> Iterator[Misfit]:
        low, high = _BOUNDS[self.new_base]
        whole = self.value if self.old_base in _BOUNDS else f"round({self.value})"
        bounds = f"{whole} < {low} OR {whole} > {high}"
        if self.old_base in _FLOATS and self.new_base == "bigint":
            bounds = f"{whole} < {low} OR {whole} >= {high + 1}"  # as a float the bound is rounded
        yield self._out_of_range(bounds)
        if self.old_base not in _BOUNDS:
            yield _changed(f"{self.value} <> {whole}", "that is rounded to a whole number")

    def _decimal(self) -> Iterator[Misfit]:
        limits = arguments(self.new)
        if not limits or self.old_base == "money":
            return
        precision, scale = limits
        if self.old_base in _FLOATS:
            yield self._out_of_range(f"{self.value} IN ('Infinity', '-Infinity')")
        number = f"{self.value}::numeric"
        large = f"abs(round({number}, {scale})) >= '1e{precision - scale}'::numeric"
        yield self._out_of_range(f"{large} AND {number} <> 'NaN'")
        if self.old_base == "numeric":
            yield _changed(f"{number} <> round({number}, {scale})", f"that {self.new} rounds")
        elif self.old_base in _FLOATS:
            back = f"{number}::{self.new}::{self.old}"
            yield _changed(f"{back} <> {self.value}", f"that {self.new} rounds")

    def _float(self) -> Iterator[Misfit]:
        if self.old_base not in (*_BOUNDS, "real"):
            yield self._out_of_range(self._beyond_float())
        through = "numeric" if self.old_base in _EXACT else "double precision"
        back = f"{self.value}::{self.new}::{through}"
        yield _changed(f"{back} <> {self.value}::{through}", "that loses digits")

    def _beyond_float(self) -> str:
        small = ("1.4e-45", "3.4028235e38")
        low, high = small if self.new == "real" else ("4.9e-324", "1.8e308")
        size = f"abs({self.value})"
        finite = f"{size} <> 'Infinity' AND " if self.old_base in _FLOATS else ""
        return f"({finite}{size} > {high}) OR ({self.value} <> 0 AND {size} < {low})"

    def _time(self) -> Iterator[Misfit]:
        if self.old_base in _MOMENTS and self.new_base in _MOMENTS:
            back = f"{self.value}::{self.new}::{self.old}"
            said = (
                "whose time of day is cut off" if self.new == "date" else f"that {self.new} rounds"
            )
            yield _changed(f"{back} <> {self.value}", said)
        elif self.old_base in _MOMENTS:
            yield _changed(f"{self.value} IS NOT NULL", "whose date is cut off")
        elif self.old_base == self.new_base and arguments(self.new):
            yield _changed(f"{self.value}::{self.new} <> {self.value}", f"that {self.new} rounds")

    def _other(self) -> Iterator[Misfit]:
        if {self.old_base, self.new_base} <= {"bit", "bit varying"}:
            sign = "<>" if self.new_base == "bit" else ">"
            limit = arguments(self.new) or ((1,) if self.new_base == "bit" else ())
            if limit:
                condition = f"length({self.value}) {sign} {limit[0]}"
                yield Misfit(kind="too_long", condition=condition, said=f"that is no {self.new}")
        elif self.old_base in NUMBERS - {"money"} and self.new_base == "boolean":
            yield _changed(f"{self.value} NOT IN (0, 1)", "that is neither 0 nor 1")
        elif self.old_base == "jsonb" and self.new_base in {*NUMBERS, "boolean"} - {"money"}:
            yield from self._number_of_json()
        elif (self.old_base, self.new_base) == ("json", "jsonb"):
            yield from self._read()

    def _number_of_json(self) -> Iterator[Misfit]:
        kind = "boolean" if self.new_base == "boolean" else "number"
        condition = f"jsonb_typeof({self.value}) <> '{kind}'"
        yield Misfit(kind="not_castable", condition=condition, said=f"that is no {kind}")
        if self.new_base in _BOUNDS:
            low, high = _BOUNDS[self.new_base]
            number = f"round({self.value}::numeric)"
            yield self._out_of_range(f"{number} < {low} OR {number} > {high}")

    def _by_way_of_text(self) -> bool:
        changes = self.old_base != self.new_base
        return changes and "::text::" in cast("v", self.before, self.after)

    def _out_of_range(self, condition: str) -> Misfit:
        return Misfit(kind="out_of_range", condition=condition, said=f"that {self.new} cannot hold")


def _changed(condition: str, said: str) -> Misfit:
    return Misfit(kind="changed", condition=condition, said=said, refuses=False)
