"""Every value of every type comes back from its copy as it was, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odac_db.migrate.orphans.restore import restore
from tests.fixtures.databases import LiveDatabase
from tests.servers.cleaning_site import AUTHOR, clean
from tests.servers.site import Site, opened


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with opened(database) as site:
        yield site


KINDS: dict[str, list[tuple[str, list[str]]]] = {
    "postgresql": [
        ("real", ["0.1", "3.4e38", "'NaN'", "'-Infinity'", "1.1754944e-38"]),
        ("double precision", ["0.1", "1e308", "5e-324", "'NaN'", "123456789.123456789"]),
        ("numeric", ["1.50", "123456789012345678901234567890.123456789", "'NaN'"]),
        ("bytea", ["'\\x00ff27'", "''"]),
        ("text", ["E'it''s \\u00e9 \\u2028 \\\\ %s :x'", "''", "'{\"a\": 1}'", "'NULL'"]),
        ("char(5)", ["'a'"]),
        ("timestamptz", ["'2024-02-29 23:59:59.123456+05:30'", "'infinity'", "'0044-03-15 BC'"]),
        ("timestamp", ["'2024-02-29 23:59:59.000001'"]),
        ("date", ["'9999-12-31'", "'-infinity'"]),
        ("time", ["'24:00:00'"]),
        ("timetz", ["'01:02:03.5+09'"]),
        ("interval", ["'1 year 2 mons -3 days 04:05:06.7'"]),
        ("uuid", ["'6f9619ff-8b86-d011-b42d-00c04fc964ff'"]),
        ("json", ["'{\"b\":1,  \"a\":[1.0,null], \"b\":2}'", "'\"x\"'", "'null'"]),
        ("jsonb", ["'{\"a\": 12345678901234567890.10}'"]),
        ("boolean", ["true", "false"]),
        ("text[]", ["ARRAY['a,b', NULL, 'q\"']", "'{}'", "'[2:3]={x,y}'"]),
        ("int4range", ["'[1,5)'", "'empty'"]),
        ("inet", ["'10.0.0.1/24'", "'::1'"]),
        ("bit(4)", ["B'1010'"]),
        ("varbit", ["B'1'"]),
        ("point", ["'(1.5,2)'"]),
        ("tsvector", ["'fat:2 cat:3'"]),
        ("xml", ["'<a>1</a>'"]),
        ("money", ["'12.34'"]),
        ("\"char\"", ["'x'"]),
    ],
    "mysql": [
        ("float", ["0.1", "3.4e38", "16777217", "1.2345678"]),
        ("double", ["0.1", "1e308", "5e-324"]),
        ("decimal(40,10)", ["1.5", "123456789012345678901234567890.0123456789"]),
        ("bigint unsigned", ["18446744073709551615"]),
        ("tinyint(1)", ["1", "5"]),
        ("blob", ["x'00ff27'", "''"]),
        ("binary(3)", ["x'000102'"]),
        ("bit(12)", ["b'101'", "b'111111111111'"]),
        (
            "text CHARACTER SET utf8mb4",
            ["'it''s \u00e9 \u2028 \\\\ %s :x \U0001f600'", "''", "'NULL'"],
        ),
        ("text CHARACTER SET latin1", ["'\u00e9'"]),
        ("datetime(6)", ["'2024-02-29 23:59:59.123456'", "'9999-12-31 23:59:59'"]),
        ("timestamp(6) NULL", ["'2024-02-29 23:59:59.000001'"]),
        ("date", ["'1000-01-01'"]),
        ("time(6)", ["'-838:59:59'", "'12:00:00.5'"]),
        ("year", ["2024"]),
        ("enum('a','B c')", ["'B c'"]),
        ("set('a','b','c')", ["'a,c'", "''"]),
        ("json", ["'{\"b\": 1, \"a\": [1.5, null]}'", "'\"x\"'"]),
        ("point", ["ST_GeomFromText('POINT(1.5 2)')"]),
    ],
    "sqlite": [
        ("", ["0.1", "1e999", "-1e999", "5e-324", "9223372036854775807", "1.0", "1"]),
        ("TEXT", ["'it''s \u00e9 %s :x ?'", "''", "'12'", "CAST(x'ff61' AS TEXT)"]),
        ("BLOB", ["x'00ff'", "x''", "'text in a blob'", "12"]),
        ("INTEGER", ["'not a number'", "3"]),
        ("DATETIME", ["'2024-01-01'", "1700000000", "1.5"]),
        ("TEXT", ["'nul' || char(0) || 'inside'", "CAST(x'80' AS TEXT)"]),
    ],
}  # fmt: skip


@pytest.mark.parametrize("policy", ["delete", "nullify"])
@pytest.mark.parametrize("keyed", [True, False], ids=["keyed", "keyless"])
def test_every_value_comes_back_as_it_was(site: Site, policy: Any, keyed: bool) -> None:
    name = site.conn.dialect.name
    kinds = KINDS["mysql" if name == "mariadb" else name]
    columns = ", ".join(f"c{number} {kind}" for number, (kind, _) in enumerate(kinds))
    key_column = "id int PRIMARY KEY" if keyed else "id int"
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY)",
        f"CREATE TABLE posts ({key_column}, author_id int, {columns})",
    )
    for row in range(max(len(values) for _, values in kinds)):
        values = ", ".join(values[row] if row < len(values) else "NULL" for _, values in kinds)
        site.run(f"INSERT INTO posts VALUES ({row}, 7, {values})")
    before = _exact(site, len(kinds))
    clean(site, "posts", AUTHOR, policy)
    assert _exact(site, len(kinds)) != before
    result = restore(site.conn, site.dialect, site.features, site.live(), "run1")
    assert result.refusals == ()
    assert _exact(site, len(kinds)) == before


def _exact(site: Site, kinds: int) -> list[tuple[Any, ...]]:
    """The bytes of every value, as the server tells them."""
    spelled = {
        "postgresql": "md5(c{0}::text), pg_column_size(c{0})",
        "sqlite": "typeof(c{0}), hex(CAST(c{0} AS BLOB)), c{0} IS 0.1",
    }.get(site.conn.dialect.name, "hex(c{0}), hex(CAST(c{0} AS char)), c{0} + 0e0")
    if site.conn.dialect.name in ("mysql", "mariadb"):
        columns = ", ".join(
            f"hex(c{n})" if "point" in KINDS["mysql"][n][0] else spelled.format(n)
            for n in range(kinds)
        )
    else:
        columns = ", ".join(spelled.format(n) for n in range(kinds))
    return site.ask(f"SELECT id, author_id, {columns} FROM posts ORDER BY id")
