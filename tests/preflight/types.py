"""What narrower and other types refuse, once there is leave for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.preflight.case import Refusal
from tests.preflight.constraints import t

SERVERS = ("postgresql", "mysql", "mariadb")
POSTGRESQL, MYSQL = ("postgresql",), ("mysql", "mariadb")


def narrowed(  # noqa: PLR0917 - a table is read by its columns
    name: str,
    before: Any,
    after: Any,
    fits: Sequence[Any],
    misfits: Sequence[Any],
    finding: str,
    on: tuple[str, ...] = SERVERS,
    shown: Sequence[Any] | None = None,
) -> Refusal:
    """Column ``a`` gets another type; ids of what fits, as NULL does, are below 100."""
    rows = [{"id": n, "a": a} for n, a in enumerate([*fits, None])]
    wrong = [{"id": 100 + n, "a": a} for n, a in enumerate(misfits)]
    told = misfits if shown is None else shown
    return Refusal(
        name=name,
        before=t(a=before),
        after=t(a=after),
        rows=[*rows, *wrong],
        operation="alter_column",
        finding=finding,
        count=len(misfits),
        samples=[{"id": 100 + n, "a": a} for n, a in enumerate(told)],
        allow=("destructive",),
        on=on,
    )


def decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "decimal", "precision": precision, "scale": scale}


def string(length: int) -> dict[str, Any]:
    return {"type": "string", "length": length}


TEXT = string(60)
KIND = {"type": "enum", "values": ["a", "b"], "enum_name": "kind"}

TYPES = [
    narrowed(
        "integers", "integer", "small_integer", [1, -32768, 32767, None], [32768, -32769],
        "out_of_range",
    ),
    narrowed(
        "big integers", "big_integer", "integer", [2**31 - 1, -(2**31)], [2**31, -(2**31) - 1],
        "out_of_range",
    ),
    narrowed(
        "negative numbers", "integer", {"type": {"mysql": "int unsigned"}}, [0, 7], [-1],
        "out_of_range", on=MYSQL,
    ),
    narrowed(
        "digits before the point", decimal(10, 2), decimal(5, 2), [999.99, -999.99], [1000, -1000],
        "out_of_range", shown=["1000.00", "-1000.00"],
    ),
    narrowed(
        "digits that rounding brings before the point", decimal(10, 4), decimal(4, 2), [99.99],
        [99.995], "out_of_range", shown=["99.9950"],
    ),
    narrowed(
        "decimals out of the range of integers", decimal(12, 0), "integer", [5], [3000000000],
        "out_of_range", shown=["3000000000"],
    ),
    narrowed(
        "doubles out of the range of integers", "double", "integer", [5, -2147483648.0],
        [3e9, -3e9], "out_of_range",
    ),
    narrowed(
        "doubles out of the range of decimals", "double", decimal(5, 2), [5.25], [1000.0],
        "out_of_range",
    ),
    narrowed(
        "integers as decimals", "integer", decimal(4, 2), [99, -99], [100], "out_of_range",
    ),
    narrowed(
        "doubles as floats", "double", "float", [0.5, -1e38], [1e39], "out_of_range",
    ),
    narrowed(
        "strings too long", string(20), string(3), ["abc", "äöü", None], ["abcd", "äöüß"],
        "too_long", on=MYSQL,
    ),
    narrowed(
        "bytes too long", {"type": {"mysql": "text"}}, {"type": {"mysql": "tinytext"}},
        ["a" * 255], ["a" * 256], "too_long", on=MYSQL, shown=["a" * 199 + "…"],
    ),
    narrowed(
        "numbers as short strings", "integer", string(3), [123, -12], [1234, -123], "too_long",
    ),
    narrowed(
        "bits", {"type": {"postgresql": "varbit(8)"}}, {"type": {"postgresql": "varbit(4)"}},
        ["1010"], ["10101"], "too_long", on=POSTGRESQL,
    ),
    narrowed(
        "text as integers", TEXT, "integer", ["1", "-7", "+5", " 12 "], ["", "x", "1a", "9 9"],
        "not_castable",
    ),
    narrowed(
        "text as integers out of range", TEXT, "small_integer", ["32767"], ["40000"],
        "not_castable", on=POSTGRESQL,
    ),
    narrowed(
        "text as large integers", TEXT, "small_integer", ["32767"], ["40000"], "out_of_range",
        on=MYSQL,
    ),
    narrowed(
        "text as decimals", TEXT, decimal(5, 2), ["1.25", "1e2", " 3 "], ["", "x", "1,5"],
        "not_castable",
    ),
    narrowed(
        "text as doubles", TEXT, "double", ["1.5", "1e3"], ["", "1.5x"], "not_castable",
    ),
    narrowed(
        "text as dates", TEXT, "date", ["2020-02-29", "20200101"],
        ["2021-02-29", "x", "", "2020-13-01"], "not_castable",
    ),
    narrowed(
        "text as moments", TEXT, "datetime", ["2020-01-01 10:00:00", "2020-01-01T10:00"],
        ["2020-01-01 25:00", "yesterday-ish", ""], "not_castable",
    ),
    narrowed("text as times", TEXT, "time", ["10:00", "23:59:59"], ["x", "10-00"], "not_castable"),
    narrowed(
        "text as uuids", TEXT, "uuid", ["123e4567-e89b-12d3-a456-426614174000"], ["xyz", ""],
        "not_castable", on=("postgresql", "mariadb"),
    ),
    narrowed(
        "text as booleans", TEXT, "boolean", ["true", "no", "1"], ["maybe", "2"], "not_castable",
        on=POSTGRESQL,
    ),
    narrowed(
        "numbers as short bytes", "integer", {"type": "binary", "length": 4}, [1, -999], [12345],
        "too_long", MYSQL,
    ),
    narrowed(
        "numbers as moments", "integer", "timestamp", [20260102, 127], [40000], "not_castable",
        MYSQL,
    ),
    narrowed(
        "decimals as dates", decimal(8, 0), "date", [], ["20260102"], "not_castable", MYSQL
    ),
    narrowed(
        "decimals as an enum", decimal(5, 2), {"type": "enum", "values": ["a", "b"]}, [],
        ["1.00"], "not_castable", MYSQL,
    ),
    narrowed(
        "numbers as uuids", "integer", {"type": {"mariadb": "uuid", "mysql": "integer"}}, [], [1],
        "not_castable", ("mariadb",),
    ),
    narrowed(
        "dates as short decimals", "date", decimal(5, 2), [], ["2026-01-02"], "out_of_range", MYSQL
    ),
    narrowed("dates as json", "date", "json", [], ["2026-01-02"], "not_castable", MYSQL),
    narrowed(
        "dates as an enum", "date", {"type": "enum", "values": ["a"]}, [], ["2026-01-02"],
        "not_castable", MYSQL,
    ),
    narrowed(
        "bytes as short strings", "binary", string(3), [b"abc", b""], [b"abcd"], "too_long",
        MYSQL, shown=["0x61626364"],
    ),
    narrowed(
        "bytes that are no text", "binary", "text", [b"\xc3\xa9"], [b"\xff"], "not_castable",
        MYSQL, shown=["0xff"],
    ),
    narrowed(
        "bytes as numbers", "binary", "integer", [], [b"1"], "not_castable", MYSQL,
        shown=["0x31"],
    ),
    narrowed(
        "labels as dates", {"type": "enum", "values": ["a", "b"]}, "date", [], ["a"],
        "not_castable", MYSQL,
    ),
    narrowed(
        "json as an enum", "json", {"type": "enum", "values": ["1"]}, [], ["1"], "not_castable",
        MYSQL,
    ),
    narrowed(
        "dates as numbers", "date", "integer", [], ["2026-01-02"], "not_castable", POSTGRESQL,
    ),
    narrowed(
        "times of day as dates", "time", "date", [], ["03:04:05"], "not_castable", POSTGRESQL,
    ),
    narrowed(
        "text as json", TEXT, "json", ["{}", "[1]", "null"], ["{", "", "{a: 1}"],
        "not_castable",
    ),
    narrowed(
        "text as ranges", TEXT, {"type": {"postgresql": "int4range"}}, ["[1,2)"], ["x"],
        "not_castable", on=POSTGRESQL,
    ),
    narrowed(
        "text as an enum", TEXT, {"type": "enum", "values": ["a", "b"]}, ["a", "b", None],
        ["c", ""], "not_in_enum", on=MYSQL,
    ),
    Refusal(
        name="text as an enum type",
        before=t(a=TEXT, b=KIND),
        after=t(a=KIND, b=KIND),
        rows=[{"id": 1, "a": "a"}, {"id": 2, "a": "c"}, {"id": 3, "a": None}],
        operation="alter_column",
        finding="not_in_enum",
        count=1,
        samples=[{"id": 2, "a": "c"}],
        allow=("destructive",),
        on=POSTGRESQL,
    ),
    narrowed(
        "enum values in use", {"type": "enum", "values": ["a", "b", "c"]},
        {"type": "enum", "values": ["a", "c"]}, ["a", "c", None], ["b"], "not_in_enum", on=MYSQL,
    ),
    narrowed(
        "moments as timestamps", {"type": {"mysql": "datetime"}}, {"type": {"mysql": "timestamp"}},
        ["2020-01-01 10:00:00"], ["1960-01-01 00:00:00", "2140-01-01 00:00:00"], "out_of_range",
        on=MYSQL,
    ),
    narrowed(
        "characters that a character set lacks", {**TEXT, "collation": "utf8mb4_bin"},
        {**TEXT, "collation": "ascii_bin"}, ["abc"], ["é"], "not_castable", on=MYSQL,
    ),
    narrowed(
        "elements of arrays", "integer[]", "small_integer[]", ["{1,2}", None], ["{1,40000}"],
        "out_of_range", on=POSTGRESQL, shown=["[1, 40000]"],
    ),
    Refusal(
        name="enum type values in use",
        before=t(a={"type": "enum", "values": ["a", "b", "c"]}),
        after=t(a={"type": "enum", "values": ["a", "c"]}),
        rows=[{"id": 1, "a": "a"}, {"id": 2, "a": "b"}, {"id": 3, "a": None}],
        operation="replace_enum",
        finding="not_in_enum",
        count=1,
        samples=[{"id": 2, "a": "b"}],
        allow=("destructive",),
        on=POSTGRESQL,
    ),
    Refusal(
        name="enum values in use under a check",
        before=t(a={"type": "enum", "values": ["a", "b", "c"]}),
        after=t(a={"type": "enum", "values": ["a", "c"]}),
        rows=[{"id": 1, "a": "a"}, {"id": 2, "a": "b"}, {"id": 3, "a": None}],
        operation="add_check",
        finding="check",
        count=1,
        samples=[{"id": 2}],
        on=("sqlite",),
    ),
    Refusal(
        name="values that become equal under a key",
        before=t(a={**decimal(10, 2), "unique": True}),
        after=t(a={**decimal(10, 1), "unique": True}),
        rows=[{"id": 1, "a": 1.11}, {"id": 2, "a": 1.12}, {"id": 3, "a": 2}],
        operation="alter_column",
        finding="duplicates",
        count=1,
        samples=[{"a": "1.1", "rows": 2}],
        allow=("destructive",),
        on=SERVERS,
    ),
]  # fmt: skip
