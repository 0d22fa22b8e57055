"""Which values a change of type refuses or alters in strict mode. Pure.

Measured on MariaDB 10.11 and MySQL 9.7. They differ: MariaDB takes '1.6' for no integer
where MySQL rounds it, and cuts fractions of a second where MySQL rounds them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from odac_db.dialects.conversion import Conversion, Misfit
from odac_db.dialects.mysql.column_types import (
    BINARIES,
    BLOBS,
    CLOCKS,
    INTEGERS,
    STRINGS,
    TEMPORALS,
    TEXTS,
    column_type,
    enum_values,
)
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote, string
from odac_db.dialects.mysql.lossy import capacity
from odac_db.schema.model import Column, Schema

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}
_FLOATS = ("float", "double")
_EXACT = INTEGERS | {"decimal"}
_NUMERIC = _EXACT | {*_FLOATS}
_TEXTUAL = TEXTS | {"char", "varchar"}
_BYTES = BINARIES | BLOBS | _TEXTUAL
_ADDRESSES = ("uuid", "inet4", "inet6")
_CASTS = ("uuid", "inet6", "inet4")

_WHOLE = "^[[:space:]]*[+-]?[0-9]+[[:space:]]*$"
_NUMBER = "^[[:space:]]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[[:space:]]*$"
_DATE = "^[ ]*[0-9]{4}([-/]?[0-9]{1,2}){2}([ T]+[0-9]{1,2}(:[0-9]{1,2}){1,2}([.][0-9]*)?)?[ ]*$"
_TIME = "^[ ]*-?[0-9]{1,3}(:[0-9]{1,2}){1,2}([.][0-9]*)?[ ]*$"
_LARGEST_TIME = 3_020_399


def conversion(
    before: Column,
    after: Column,
    desired: Schema,  # noqa: ARG001
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


@dataclass
class _Change:
    before: Column
    after: Column
    name: str
    features: MySQLFeatures

    def __post_init__(self) -> None:
        self.old = column_type(self.before.type, self.features.mariadb)
        self.new = column_type(self.after.type, self.features.mariadb)
        # A float is compared as what it prints: as a double it is another number.
        printed = f"(CAST({self.name} AS CHAR) + 0e0)"
        self.value = printed if self.old.name == "float" else self.name
        if self.old.name in ("json", "year", "enum", "set", "time", *CLOCKS, "date", "decimal"):
            self.text = f"CAST({self.name} AS CHAR)"
        else:
            self.text = self.name
        self.reads = self.old.name in _TEXTUAL or self.old.name == "json"
        self.read = f"CAST({self.text} AS DECIMAL(65,20))"

    @property
    def harmless(self) -> bool:
        """Whether the only loss is that of enum values in use."""
        return self.old.name == self.new.name and self.old.name in ("enum", "set")

    def misfits(self) -> Iterator[Misfit]:
        if self.old.text != self.new.text:
            yield from self._by_type()
        yield from self._characters()

    def _by_type(self) -> Iterator[Misfit]:
        old, new = self.old.name, self.new.name
        if new in INTEGERS:
            yield from self._whole()
        elif new == "decimal":
            yield from self._decimal()
        elif new in _FLOATS:
            yield from self._float()
        elif new in ("enum", "set"):
            yield from self._listed()
        elif new in _TEXTUAL:
            yield from self._length()
        elif new in TEMPORALS:
            yield from self._time()
        elif new in BINARIES | BLOBS:
            value = self.name if old in {*_BYTES, "bit"} else f"CAST({self.name} AS CHAR)"
            yield self._too_long(f"LENGTH({value})", capacity(self.new), "bytes")
        elif new == "bit" and old in {"bit", *INTEGERS}:
            limit = 2 ** int(self.new.arguments[0])
            yield self._out_of_range(f"{self.name} + 0 < 0 OR {self.name} + 0 >= {limit}")
        elif new == "json" and old in _TEXTUAL:
            yield self._not_castable(f"NOT JSON_VALID({self.name})")
        elif new in _ADDRESSES and old in _TEXTUAL:
            yield self._not_castable(f"CAST({self.name} AS {new.upper()}) IS NULL")
        elif new in _ADDRESSES and old in _NUMERIC | TEMPORALS:
            yield self._not_castable("1 = 1")

    def _whole(self) -> Iterator[Misfit]:
        low, high = self._bounds()
        if self.reads:
            shape = _WHOLE if self.features.mariadb else _NUMBER
            yield self._not_castable(f"NOT ({self.text} REGEXP {string(shape)})")
            number = f"ROUND({self.read})"
            yield self._out_of_range(f"{number} < {low} OR {number} > {high}")
            if not self.features.mariadb:
                yield _changed(f"{self.read} <> {number}", "that is rounded to a whole number")
        elif self.old.name in INTEGERS:
            yield self._out_of_range(f"{self.name} < {low} OR {self.name} > {high}")
        elif self.old.name in ("decimal", *_FLOATS):
            number = f"ROUND({self.value})"
            yield self._out_of_range(f"{number} < {low} OR {number} > {high}")
            yield _changed(f"{self.value} <> {number}", "that is rounded to a whole number")
        elif self.old.name in ("year", *TEMPORALS):
            number = f"ROUND({self.name} + 0)"
            yield self._out_of_range(f"{number} < {low} OR {number} > {high}")

    def _bounds(self) -> tuple[int, int]:
        bits = _BITS[self.new.name]
        if self.new.unsigned:
            return 0, 2**bits - 1
        return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def _decimal(self) -> Iterator[Misfit]:
        precision, scale = map(int, self.new.arguments)
        if self.reads:
            yield self._not_castable(f"NOT ({self.text} REGEXP {string(_NUMBER)})")
            number = f"CAST({self.text} AS DECIMAL(65,30))"
        elif self.old.name in {*_EXACT, *_FLOATS}:
            number = self.value
        else:
            return
        beyond = f"ABS(ROUND({number}, {scale})) >= 1{'0' * (precision - scale)}"
        if self.new.unsigned:
            beyond += f" OR {number} < 0"
        yield self._out_of_range(beyond)
        if self.old.name not in INTEGERS:
            said = f"that is rounded to {scale} digits behind the point"
            yield _changed(f"{number} <> ROUND({number}, {scale})", said)

    def _float(self) -> Iterator[Misfit]:
        if self.reads:
            yield self._not_castable(f"NOT ({self.text} REGEXP {string(_NUMBER)})")
            number = f"({self.text} + 0e0)"
        elif self.old.name in {*_EXACT, *_FLOATS}:
            number = self.value
        else:
            return
        largest = "3.402823466e38" if self.new.name == "float" else "1.7976931348623157e308"
        sign = ">=" if self.new.name == "double" and self.reads else ">"
        beyond = f"ABS({number}) {sign} {largest}"
        yield self._out_of_range(beyond + (f" OR {number} < 0" if self.new.unsigned else ""))
        if self.new.name == "float" and self.old.name != "float" and not self.reads:
            yield _changed(f"CAST({number} AS FLOAT) <> {number}", "that loses digits")
        elif self.new.name == "double" and self.old.name in _EXACT:
            back = f"CAST(CAST({number} AS DOUBLE) AS DECIMAL(65,30))"
            yield _changed(f"{back} <> {number}", "that loses digits")

    def _listed(self) -> Iterator[Misfit]:
        values = enum_values(self.new.text)
        if self.harmless:
            gone = [string(v) for v in enum_values(self.old.text) if v not in values]
            if not gone:
                return
            each = (f"FIND_IN_SET({value}, {self.name}) > 0" for value in gone)
            held = f"{self.name} IN ({', '.join(gone)})"
            condition = held if self.new.name == "enum" else " OR ".join(each)
        elif self.old.name in _TEXTUAL and self.new.name == "enum":
            condition = f"{self.name} NOT IN ({', '.join(map(string, values))})"
        elif self.old.name in INTEGERS and self.new.name == "enum":  # read as its position
            condition = f"{self.name} < 1 OR {self.name} > {len(values)}"
        elif self.old.name in _NUMERIC:  # as its position or as a label: servers differ
            yield self._not_castable("1 = 1")
            return
        else:
            return
        said = f"that is none of {', '.join(values)}"
        yield Misfit(kind="not_in_enum", condition=condition, said=said)

    def _length(self) -> Iterator[Misfit]:
        if self.old.name in BINARIES | BLOBS | {"bit"}:
            return
        if self.new.name in TEXTS:
            yield self._too_long(f"LENGTH({self.text})", capacity(self.new), "bytes")
            return
        text = self.text if self.old.name in STRINGS else f"CAST({self.name} AS CHAR)"
        yield self._too_long(f"CHAR_LENGTH({text})", capacity(self.new), "characters")
        if self.new.name == "char" and self.old.name in TEXTS | {"varchar"}:
            yield _changed(f"RIGHT({text}, 1) = ' '", "whose trailing blanks are cut")

    def _time(self) -> Iterator[Misfit]:
        old, new = self.old.name, self.new.name
        if old in _TEXTUAL:
            yield from self._time_of_text()
        elif old in INTEGERS:
            moment = f"CAST({self.name} AS DATETIME)"
            yield self._not_castable(f"{moment} IS NULL OR DAYOFMONTH({moment}) = 0")
        elif old in _NUMERIC:  # which digits are a time's depends on the server
            yield self._not_castable("1 = 1")
        if new == "timestamp" and old in {"datetime", "date", *_TEXTUAL}:
            moment = f"COALESCE(UNIX_TIMESTAMP(CAST({self.name} AS DATETIME(6))), 0)"
            last = (
                2**32 - 1
                if self.features.mariadb and self.features.version >= (11, 5)
                else 2**31 - 1
            )
            zero = f"CAST({self.name} AS CHAR) NOT LIKE '0000-00-00%'"
            yield self._out_of_range(f"({moment} <= 0 OR {moment} >= {last + 1}) AND {zero}")
        yield from self._cut_time()

    def _time_of_text(self) -> Iterator[Misfit]:
        if self.new.name == "time":
            shape, cast = _TIME, f"CAST({self.name} AS TIME(6))"
            beyond = f"ABS(TIME_TO_SEC({cast})) >= {_LARGEST_TIME}"
        else:
            shape, cast = _DATE, f"CAST({self.name} AS DATETIME(6))"
            beyond = "1 = 0"
        unread = f"NOT ({self.name} REGEXP {string(shape)}) OR {cast} IS NULL OR {beyond}"
        yield self._not_castable(unread)

    def _cut_time(self) -> Iterator[Misfit]:
        old, new = self.old.name, self.new.name
        moment = f"CAST({self.name} AS DATETIME(6))"
        if new == "date" and old in {*CLOCKS, *_TEXTUAL}:
            yield _changed(f"TIME({moment}) <> '00:00:00'", "whose time of day is cut off")
        elif (new == "time" and old in {*CLOCKS, "date"}) or (old == "time" and new != "time"):
            yield _changed(f"{self.name} IS NOT NULL", "that has no date or time to become")
        elif new in CLOCKS and old in {*CLOCKS, *_TEXTUAL}:
            if old in _TEXTUAL or self.new.fraction < self.old.fraction:
                short = f"CAST({self.name} AS DATETIME({self.new.fraction}))"
                yield _changed(f"{moment} <> {short}", "whose fraction of a second is shortened")
        elif old == new == "time" and self.new.fraction < self.old.fraction:
            short = f"CAST({self.name} AS TIME({self.new.fraction}))"
            yield _changed(f"{self.name} <> {short}", "whose fraction of a second is shortened")

    def _characters(self) -> Iterator[Misfit]:
        """Characters that the new character set lacks: the server puts a ? for them."""
        collation = self.after.collation
        if collation is None or collation == self.before.collation:
            return
        if self.old.name not in _TEXTUAL or self.new.name not in _TEXTUAL:
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
        if new in CLOCKS and self.old.name in {*TEMPORALS, *_TEXTUAL}:
            return f"CAST({self.name} AS DATETIME({self.new.fraction}))"
        return self.name

    def _out_of_range(self, condition: str) -> Misfit:
        said = f"that {self.new.text} cannot hold"
        return Misfit(kind="out_of_range", condition=condition, said=said)

    def _not_castable(self, condition: str) -> Misfit:
        """A cast that fails is NULL, and so is the cast of NULL, which does not fail."""
        condition = f"{self.name} IS NOT NULL AND ({condition})"
        said = f"that cannot be read as {self.new.text}"
        return Misfit(kind="not_castable", condition=condition, said=said)

    @staticmethod
    def _too_long(length: str, limit: int, what: str) -> Misfit:
        said = f"of more than {limit} {what}"
        return Misfit(kind="too_long", condition=f"{length} > {limit}", said=said)


def _changed(condition: str, said: str) -> Misfit:
    return Misfit(kind="changed", condition=condition, said=said, refuses=False)
