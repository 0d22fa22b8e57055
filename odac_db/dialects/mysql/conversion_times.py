"""Which values a change to a date or a time refuses or alters in strict mode. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.dialects.conversion import Misfit
from odac_db.dialects.mysql.changed import TEXTUAL, Changed, altered
from odac_db.dialects.mysql.column_types import CLOCKS, INTEGERS, TEMPORALS
from odac_db.dialects.mysql.literals import string

_DATE = "^[ ]*[0-9]{4}([-/]?[0-9]{1,2}){2}([ T]+[0-9]{1,2}(:[0-9]{1,2}){1,2}([.][0-9]*)?)?[ ]*$"
_TIME = "^[ ]*-?[0-9]{1,3}(:[0-9]{1,2}){1,2}([.][0-9]*)?[ ]*$"
_LARGEST_TIME = 3_020_399


def misfits_of_times(change: Changed) -> Iterator[Misfit]:
    """The values that are no date or time, or lose a part of one."""
    old, new = change.old.name, change.new.name
    if old in TEXTUAL:
        yield from _of_text(change)
    elif old in INTEGERS:
        moment = f"CAST({change.name} AS DATETIME)"
        yield change.not_castable(f"{moment} IS NULL OR DAYOFMONTH({moment}) = 0")
    elif old not in TEMPORALS:  # which digits are a time's depends on the server
        yield change.not_castable("1 = 1")
    if new == "timestamp" and old in {"datetime", "date", *TEXTUAL}:
        moment = f"COALESCE(UNIX_TIMESTAMP(CAST({change.name} AS DATETIME(6))), 0)"
        last = (
            2**32 - 1
            if change.features.mariadb and change.features.version >= (11, 5)
            else 2**31 - 1
        )
        zero = f"CAST({change.name} AS CHAR) NOT LIKE '0000-00-00%'"
        yield change.out_of_range(f"({moment} <= 0 OR {moment} >= {last + 1}) AND {zero}")
    yield from _cut(change)


def _of_text(change: Changed) -> Iterator[Misfit]:
    if change.new.name == "time":
        shape, cast = _TIME, f"CAST({change.name} AS TIME(6))"
        beyond = f"ABS(TIME_TO_SEC({cast})) >= {_LARGEST_TIME}"
    else:
        shape, cast = _DATE, f"CAST({change.name} AS DATETIME(6))"
        beyond = "1 = 0"
    unread = f"NOT ({change.name} REGEXP {string(shape)}) OR {cast} IS NULL OR {beyond}"
    yield change.not_castable(unread)


def _cut(change: Changed) -> Iterator[Misfit]:
    old, new = change.old.name, change.new.name
    moment = f"CAST({change.name} AS DATETIME(6))"
    if new == "date" and old in {*CLOCKS, *TEXTUAL}:
        yield altered(f"TIME({moment}) <> '00:00:00'", "whose time of day is cut off")
    elif (new == "time" and old in {*CLOCKS, "date"}) or (old == "time" and new != "time"):
        yield altered(f"{change.name} IS NOT NULL", "that has no date or time to become")
    elif new in CLOCKS and old in {*CLOCKS, *TEXTUAL}:
        if old in TEXTUAL or change.new.fraction < change.old.fraction:
            short = f"CAST({change.name} AS DATETIME({change.new.fraction}))"
            yield altered(f"{moment} <> {short}", "whose fraction of a second is shortened")
    elif old == new == "time" and change.new.fraction < change.old.fraction:
        short = f"CAST({change.name} AS TIME({change.new.fraction}))"
        yield altered(f"{change.name} <> {short}", "whose fraction of a second is shortened")
