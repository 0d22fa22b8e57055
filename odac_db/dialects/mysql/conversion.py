"""Which values a change of type refuses or alters in strict mode. Pure.

Measured on MariaDB 10.11 and MySQL 9.7. They differ: MariaDB takes '1.6' for no integer
where MySQL rounds it, and cuts fractions of a second where MySQL rounds them.
"""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.dialects.conversion import Conversion, Misfit
from odac_db.dialects.mysql.changed import (
    EXACT,
    FLOATS,
    NUMERIC,
    TEXTUAL,
    Changed,
    altered,
)
from odac_db.dialects.mysql.column_types import (
    BINARIES,
    BLOBS,
    CLOCKS,
    INTEGERS,
    STRINGS,
    TEMPORALS,
    TEXTS,
    enum_values,
)
from odac_db.dialects.mysql.conversion_times import misfits_of_times
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote, string
from odac_db.dialects.mysql.lossy import capacity
from odac_db.schema.model import Column, Schema

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_ADDRESSES = ("uuid", "inet4", "inet6")

_WHOLE = "^[[:space:]]*[+-]?[0-9]+[[:space:]]*$"
_NUMBER = "^[[:space:]]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[[:space:]]*$"


def conversion(
    before: Column,
    after: Column,
    desired: Schema,
    features: MySQLFeatures,
) -> Conversion:
    """The values that ALTER TABLE refuses or alters."""
    name = quote(after.name)
    if after.generated is not None:
        return Conversion(value=name)
    change = _Change(before, after, name, features)
    value, misfits = name, tuple(change.misfits())
    if change.old.text != change.new.text:
        value = change.converted()
    return Conversion(
        value=_collated(value, before, after), misfits=misfits, harmless=change.harmless
    )


def _collated(value: str, before: Column, after: Column) -> str:
    if after.collation is None or after.collation == before.collation:
        return value
    return f"CONVERT({value} USING {after.collation.split('_')[0]}) COLLATE {after.collation}"


class _Change(Changed):
    """Which misfits a change of type has."""

    @property
    def harmless(self) -> bool:
        """Whether the only loss is that of enum values in use."""
        return self.old.name == self.new.name and self.old.name in ("enum", "set")

    def misfits(self) -> Iterator[Misfit]:
        if self.old.text != self.new.text:
            of_bytes = self.old.name in BINARIES | BLOBS
            yield from self._of_bytes() if of_bytes else self._by_type()
        yield from self._characters()

    def _by_type(self) -> Iterator[Misfit]:
        old, new = self.old.name, self.new.name
        if new in INTEGERS:
            yield from self._whole()
        elif new == "decimal":
            yield from self._decimal()
        elif new in FLOATS:
            yield from self._float()
        elif new in ("enum", "set"):
            yield from self._listed()
        elif new in TEXTUAL:
            yield from self._length()
        elif new in TEMPORALS:
            yield from misfits_of_times(self)
        elif new in BINARIES | BLOBS:
            value = self.name if old in {*TEXTUAL, "bit"} else f"CAST({self.name} AS CHAR)"
            yield self.too_long(f"LENGTH({value})", capacity(self.new), "bytes")
        elif new == "bit" and old in {"bit", *INTEGERS}:
            limit = 2 ** int(self.new.arguments[0])
            yield self.out_of_range(f"{self.name} + 0 < 0 OR {self.name} + 0 >= {limit}")
        elif new == "json" and old not in NUMERIC:
            yield self.not_castable(f"NOT JSON_VALID(CAST({self.name} AS CHAR))")
        elif new in _ADDRESSES:
            yield from self._address()

    def _of_bytes(self) -> Iterator[Misfit]:
        new = self.new.name
        if new in BINARIES | BLOBS:
            yield self.too_long(f"LENGTH({self.name})", capacity(self.new), "bytes")
        elif new in TEXTUAL:
            text = f"CONVERT({self.name} USING utf8mb4)"
            yield self.not_castable(f"COALESCE(CAST({text} AS BINARY) <> {self.name}, 1 = 1)")
            bytewise = new in TEXTS
            length = f"LENGTH({self.name})" if bytewise else f"CHAR_LENGTH({text})"
            yield self.too_long(length, capacity(self.new), "bytes" if bytewise else "characters")
        elif new not in _ADDRESSES:
            yield self.not_castable("1 = 1")

    def _address(self) -> Iterator[Misfit]:
        if self.old.name in TEXTUAL:
            yield self.not_castable(f"CAST({self.name} AS {self.new.name.upper()}) IS NULL")
        else:
            yield self.not_castable("1 = 1")

    def _whole(self) -> Iterator[Misfit]:
        low, high = self._bounds()
        if self.reads:
            shape = _WHOLE if self.features.mariadb else _NUMBER
            yield self.not_castable(f"NOT ({self.text} REGEXP {string(shape)})")
            number = f"ROUND({self.read})"
            yield self.out_of_range(f"{number} < {low} OR {number} > {high}")
            if not self.features.mariadb:
                yield altered(f"{self.read} <> {number}", "that is rounded to a whole number")
        elif self.old.name in INTEGERS:
            yield self.out_of_range(f"{self.name} < {low} OR {self.name} > {high}")
        elif self.old.name in ("decimal", *FLOATS):
            number = f"ROUND({self.value})"
            yield self.out_of_range(f"{number} < {low} OR {number} > {high}")
            yield altered(f"{self.value} <> {number}", "that is rounded to a whole number")
        elif self.old.name in ("year", *TEMPORALS):
            number = f"ROUND({self.name} + 0)"
            yield self.out_of_range(f"{number} < {low} OR {number} > {high}")

    def _bounds(self) -> tuple[int, int]:
        bits = _BITS[self.new.name]
        if self.new.unsigned:
            return 0, 2**bits - 1
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def _decimal(self) -> Iterator[Misfit]:
        precision, scale = map(int, self.new.arguments)
        if self.reads:
            yield self.not_castable(f"NOT ({self.text} REGEXP {string(_NUMBER)})")
            number = f"CAST({self.text} AS DECIMAL(65,30))"
        elif self.old.name in NUMERIC:
            number = self.value
        elif self.old.name in TEMPORALS:  # its digits, without what stands between them
            number = f"({self.name} + 0)"
        else:
            return
        beyond = f"ABS(ROUND({number}, {scale})) >= 1{'0' * (precision - scale)}"
        if self.new.unsigned:
            beyond += f" OR {number} < 0"
        yield self.out_of_range(beyond)
        if self.old.name not in INTEGERS:
            said = f"that is rounded to {scale} digits behind the point"
            yield altered(f"{number} <> ROUND({number}, {scale})", said)

    def _float(self) -> Iterator[Misfit]:
        if self.reads:
            yield self.not_castable(f"NOT ({self.text} REGEXP {string(_NUMBER)})")
            number = f"({self.text} + 0e0)"
        elif self.old.name in NUMERIC:
            number = self.value
        else:
            return
        largest = "3.402823466e38" if self.new.name == "float" else "1.7976931348623157e308"
        sign = ">=" if self.new.name == "double" and self.reads else ">"
        beyond = f"ABS({number}) {sign} {largest}"
        yield self.out_of_range(beyond + (f" OR {number} < 0" if self.new.unsigned else ""))
        if self.new.name == "float" and self.old.name != "float" and not self.reads:
            yield altered(f"CAST({number} AS FLOAT) <> {number}", "that loses digits")
        elif self.new.name == "double" and self.old.name in EXACT:
            back = f"CAST(CAST({number} AS DOUBLE) AS DECIMAL(65,30))"
            yield altered(f"{back} <> {number}", "that loses digits")

    def _listed(self) -> Iterator[Misfit]:
        values = enum_values(self.new.text)
        if self.harmless:
            gone = [string(v) for v in enum_values(self.old.text) if v not in values]
            if not gone:
                return
            each = (f"FIND_IN_SET({value}, {self.name}) > 0" for value in gone)
            held = f"{self.name} IN ({', '.join(gone)})"
            condition = held if self.new.name == "enum" else " OR ".join(each)
        elif self.old.name in TEXTUAL and self.new.name == "enum":
            condition = f"{self.name} NOT IN ({', '.join(map(string, values))})"
        elif self.old.name in INTEGERS and self.new.name == "enum":  # read as its position
            condition = f"{self.name} < 1 OR {self.name} > {len(values)}"
        elif self.new.name == "enum":  # a position or a label: servers differ
            yield self.not_castable("1 = 1")
            return
        else:
            return
        said = f"that is none of {', '.join(values)}"
        yield Misfit(kind="not_in_enum", condition=condition, said=said)

    def _length(self) -> Iterator[Misfit]:
        if self.old.name == "bit":
            return
        if self.new.name in TEXTS:
            yield self.too_long(f"LENGTH({self.text})", capacity(self.new), "bytes")
            return
        text = self.text if self.old.name in STRINGS else f"CAST({self.name} AS CHAR)"
        yield self.too_long(f"CHAR_LENGTH({text})", capacity(self.new), "characters")
        if self.new.name == "char" and self.old.name in TEXTS | {"varchar"}:
            yield altered(f"RIGHT({text}, 1) = ' '", "whose trailing blanks are cut")

    def _characters(self) -> Iterator[Misfit]:
        """Characters that the new character set lacks: the server puts a ? for them."""
        collation = self.after.collation
        if collation is None or collation == self.before.collation:
            return
        if self.old.name not in TEXTUAL or self.new.name not in TEXTUAL:
            return
        there = f"CONVERT(CONVERT({self.name} USING {collation.split('_')[0]}) USING utf8mb4)"
        here = f"CONVERT({self.name} USING utf8mb4)"
        condition = f"BINARY {there} <> BINARY {here}"
        said = f"with characters that {collation.split('_')[0]} does not have"
        yield Misfit(kind="not_castable", condition=condition, said=said)

    def converted(self) -> str:
        """The new value, for comparing rows with each other."""
        new = self.new.name
        if self.old.name in _ADDRESSES:  # no function takes one, and no key stands on it
            return self.name
        if new in INTEGERS and self.old.name not in INTEGERS:
            return f"ROUND({self.read})" if self.reads else f"ROUND({self.value})"
        if new == "decimal":
            return f"ROUND({self.read if self.reads else self.value}, {self.new.arguments[1]})"
        if new == "date":
            return f"CAST({self.name} AS DATE)"
        if new in CLOCKS and self.old.name in {*TEMPORALS, *TEXTUAL}:
            return f"CAST({self.name} AS DATETIME({self.new.fraction}))"
        return self.name
