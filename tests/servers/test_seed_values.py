"""Seeds of every type: unchanged ones write nothing, on any server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from odac_db.schema.declaration import (
    ColumnDeclaration,
    TableDeclaration,
)
from tests.fixtures.databases import LiveDatabase
from tests.servers.seed_site import column, declared, make, sow, table
from tests.servers.site import Site, opened


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with opened(database) as site:
        yield site


NOON = datetime(2024, 2, 29, 12, 30, 15, 250_000, tzinfo=UTC)
VALUES: dict[str, tuple[ColumnDeclaration, list[Any]]] = {
    "small": (column("small_integer"), [1, "2", -3]),
    "number": (column("integer"), [1, "2", Decimal(3)]),
    "big": (column("big_integer"), [2**62, "-9007199254740993", 0]),
    "half": (column("float"), [0.1, "0.1", 16777216]),
    "whole": (column("double"), [0.1, "1e300", 3]),
    "money": (column("decimal", precision=20, scale=3), ["1.5", 2, Decimal("12345678901.125")]),
    "plain": (column("decimal"), [0.1, "19.99", -1]),
    "name": (column("string", length=40), ["it's 50% \u00e9 :x", "", 12]),
    "fixed": (column("char", length=5), ["ab", "ab   ", "abcde"]),
    "words": (column("text"), ["a\nb\\n\"'", "null", True]),
    "flag": (column("boolean"), [True, 0, "false"]),
    "day": (column("date"), ["2024-02-29", date(1999, 12, 31), NOON]),
    "clock": (column("time"), ["12:30:00", time(1, 2, 3, 500_000), "23:59:59.000001"]),
    "at": (column("datetime"), ["2024-02-29 12:30:15.25", "2024-02-29T14:30:15.25+02:00", NOON]),
    "since": (column("timestamp"), ["2024-02-29T12:30:15Z", "2024-02-29", NOON]),
    "second": (column("datetime", precision=0), ["2024-02-29 12:30:15.7", NOON, None]),
    "raw": (column("binary"), [b"\x00\xff'", b"", "text"]),
    "meta": (
        column("json"),
        [{"b": 1, "a": [1.5, None, True, "\u00e9"]}, "a string", [{"x": {}}]],
    ),
    "more": (column("jsonb"), [{"n": 1.0, "s": "it's"}, 5, False]),
    "key": (
        column("uuid"),
        ["6F9619FF-8B86-D011-B42D-00C04FC964FF", UUID(int=7), "00000000000000000000000000000008"],
    ),
    "span": (column("interval"), [timedelta(days=1, seconds=2.5), timedelta(), 1_500_000]),
    "state": (column("enum", values=("draft", "live", "it's")), ["draft", "live", "it's"]),
}


@pytest.mark.parametrize("kind", list(VALUES))
def test_a19_unchanged_seeds_of_every_type_write_nothing(site: Site, kind: str) -> None:
    spec, values = VALUES[kind]
    columns = {"id": column("integer", primary=True), "v": spec}
    rows: list[dict[str, Any]] = [
        {"id": number, "v": value} for number, value in enumerate([*values, None])
    ]
    seeds = table("kinds", columns, "id", *rows)
    make(site, declared(seeds))
    assert [kind for kind, _ in sow(site, seeds)] == ["seed_insert"] * len(rows)
    assert sow(site, seeds) == []
    shifted = [{"id": row["id"], "v": rows[row["id"] - 1]["v"]} for row in rows]
    distinct = {kind for kind, _ in sow(site, table("kinds", columns, "id", *shifted))}
    assert distinct == {"seed_update"}
    assert sow(site, table("kinds", columns, "id", *shifted)) == []


def test_json_is_compared_by_its_values(site: Site) -> None:
    columns = {"id": column("integer", primary=True), "meta": column("json")}

    def seeds(meta: Any) -> TableDeclaration:
        return table("docs", columns, "id", {"id": 1, "meta": meta})

    make(site, declared(seeds({})))
    sow(site, seeds({"a": 1, "b": [True]}))
    assert sow(site, seeds({"b": [True], "a": 1})) == []
    assert sow(site, seeds({"b": [1], "a": 1})) == [("seed_update", "id=1")]


def test_the_servers_own_types_are_compared_in_its_words(site: Site) -> None:
    own: dict[str, list[tuple[str, Any]]] = {
        "postgresql": [
            ("inet", "10.0.0.1/32"),
            ("int4range", "[1,5]"),
            ("text[]", ["a", None, 'q"\\']),
            ("integer[]", [1, 2]),
            ("point", "1, 2"),
            ("tsvector", "b a"),
            ("citext_like", None),
            ("bit(3)", "101"),
            ("money", "1"),
        ],
        "mysql": [
            ("mediumint unsigned", 7),
            ("year", 2024),
            ("set('a','b')", "b,a"),
            ("varbinary(9)", b"\xff"),
            ("tinytext", "x"),
            ("float unsigned", 0.5),
        ],
        "sqlite": [("NUMERIC", 1.5), ("MEDIUMINT", 7), ("CLOB", "x"), ("ANYTHING", "12a")],
    }
    name = site.conn.dialect.name
    chosen = own["mysql" if name == "mariadb" else name]
    kinds = {f"c{n}": pair for n, pair in enumerate(chosen) if pair[0] != "citext_like"}
    columns = {"id": column("integer", primary=True)}
    columns |= {each: column(kind) for each, (kind, _) in kinds.items()}
    row = {"id": 1, **{each: value for each, (_, value) in kinds.items()}}
    if "set('a','b')" in [kind for kind, _ in chosen]:
        row = {each: "a,b" if value == "b,a" else value for each, value in row.items()}
    seeds = table("natives", columns, "id", row)
    make(site, declared(seeds))
    assert sow(site, seeds) == [("seed_insert", "id=1")]
    assert sow(site, seeds) == []
