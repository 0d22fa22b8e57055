"""What these servers cannot do is said before anything runs; what may lose data is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pymysql
import pytest

from odac_db import Database, DeclarationError
from odac_db.dialects.mysql import MYSQL
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.schema.changes import AddForeignKey, AddIndex, AlterColumn, Change, SetTableComment
from odac_db.schema.model import Column, ForeignKey, Generated, Index, IndexPart, Schema
from tests.fixtures.databases import LiveDatabase
from tests.servers.mysql_site import declarations


def known(name: str = "mysql", version: tuple[int, ...] = (8, 4, 0), **more: Any) -> MySQLFeatures:
    return MySQLFeatures(
        name=name,
        label=f"{name} {'.'.join(map(str, version))}",
        version=version,
        namespace="app",
        identifier_limit=64,
        identifier_limit_in_bytes=False,
        transactional_ddl=False,
        alters_in_place=True,
        foreign_keys_need_index=True,
        enum_types=False,
        named_primary_keys=False,
        unique_constraints=False,
        comments=True,
        renames_constraints=frozenset({"index", "unique"}),
        collation="utf8mb4_0900_ai_ci",
        default_collations={"latin1": "latin1_swedish_ci", "utf8mb4": "utf8mb4_0900_ai_ci"},
        **more,
    )


MYSQL_8 = known()
MARIADB = known("mariadb", (10, 11, 0))

REFUSED = [
    ({"checks": [{"expression": "id > 0"}]}, MYSQL_8, "the check reads 'id'"),
    ({"checks": [{"expression": "n < `ID`"}]}, MARIADB, "which is auto_increment"),
    ({"columns": {"c": {"type": "integer", "check": "c < t.id"}}}, MARIADB, "the check reads 'id'"),
    ({"columns": {"c": {"type": "integer", "generated": "id + 1"}}}, MYSQL_8, "generated column"),
    (
        {"columns": {"c": {"type": "integer", "generated": {"expression": "id", "stored": True}}}},
        MARIADB,
        "the generated column reads 'id'",
    ),
    (
        {"columns": {"c": {"type": "integer", "default": {"expression": "id + 1"}}}},
        MARIADB,
        "the default reads 'id'",
    ),
    ({"indexes": [{"columns": [{"expression": "id + 1"}]}]}, MYSQL_8, "the index key reads 'id'"),
    ({"indexes": [{"columns": ["n"], "where": "n > 0"}]}, MYSQL_8, "partial indexes"),
    ({"indexes": [{"columns": ["n"], "include": ["id"]}]}, MYSQL_8, "INCLUDE"),
    ({"indexes": [{"columns": ["n"], "using": "gin"}]}, MYSQL_8, "no gin indexes"),
    ({"indexes": [{"columns": ["body"]}]}, MYSQL_8, "needs a length"),
    ({"indexes": [{"columns": ["body"]}]}, MARIADB, "needs a length"),
    ({"indexes": [{"columns": [{"column": "n", "opclass": "x"}]}]}, MYSQL_8, "no opclass"),
    ({"indexes": [{"columns": [{"expression": "n + 1"}]}]}, MARIADB, "indexes on expressions"),
    ({"indexes": [{"columns": ["n desc"]}]}, known("mariadb", (10, 6, 0)), "descending"),
    ({"indexes": [{"columns": ["n"], "nulls_not_distinct": True}]}, MYSQL_8, "NOT DISTINCT"),
    ({"indexes": [{"columns": ["n"], "deferrable": "deferred"}]}, MYSQL_8, "deferrable"),
    ({"exclusions": [{"elements": [{"column": "n", "with": "="}]}]}, MYSQL_8, "exclusion"),
    ({"columns": {"😀": {"type": "text"}}}, MYSQL_8, "column name '😀' has characters"),
    ({"indexes": [{"name": "i😀", "columns": ["n"]}]}, MARIADB, "index name 'i😀'"),
    ({"columns": {"c": {"type": "enum", "values": ["😀"]}}}, MARIADB, "enum value '😀'"),
    ({"checks": [{"expression": "n > 0"}]}, known(version=(8, 0, 15)), "8.0.16"),
    ({"checks": [{"expression": "n > 0", "enforced": False}]}, MARIADB, "NOT ENFORCED"),
    ({"checks": [{"expression": {"sqlite": "1"}}]}, MYSQL_8, "no entry for mysql"),
    (
        {
            "columns": {
                "c": {
                    "type": "integer",
                    "references": {"table": "t", "columns": ["id"]},
                    "on_delete": "set default",
                }
            }
        },
        MARIADB,
        "no set default",
    ),
    ({"columns": {"c": {"type": "text[]"}}}, MYSQL_8, "no arrays"),
    ({"columns": {"c": {"type": {"sqlite": "text"}}}}, MARIADB, "no entry for mariadb"),
    ({"columns": {"c": {"type": "enum"}}}, MYSQL_8, "needs values"),
    ({"columns": {"c": {"type": "integer", "default": "abc"}}}, MYSQL_8, "no number"),
    (
        {"columns": {"c": {"type": "varchar(9) character set klingon"}}},
        MYSQL_8,
        "unknown character set",
    ),
    (
        {"columns": {"c": {"type": "integer", "identity": {"kind": "always", "start": 5}}}},
        MYSQL_8,
        "auto_increment",
    ),
    ({"columns": {"c": {"type": "text", "default": "x"}}}, known(version=(8, 0, 12)), "expression"),
    (
        {"columns": {"c": {"type": "date", "on_update_current_timestamp": True}}},
        MYSQL_8,
        "datetime or timestamp",
    ),
    (
        {"columns": {"c": {"type": "integer", "generated": "1", "nullable": False}}},
        MARIADB,
        "NOT NULL for generated",
    ),
    (
        {"columns": {"c": {"type": "timestamp", "nullable": False}}},
        known("mariadb", (10, 6, 0), explicit_timestamps=False),
        "explicit_defaults_for_timestamp",
    ),
]


@pytest.mark.parametrize(
    ("body", "features", "message"), REFUSED, ids=lambda value: str(value)[:50]
)
def test_what_the_server_cannot_do_is_a_problem(
    body: dict[str, Any], features: MySQLFeatures, message: str
) -> None:
    columns = {"id": {"type": "increments"}, "n": {"type": "integer"}, "body": {"type": "text"}}
    declared = {**body, "columns": {**columns, **body.get("columns", {})}}
    problems = MYSQL.resolve(declarations({"t": declared}), features).problems
    assert len(problems) == 1
    assert message in problems[0].message


@pytest.mark.parametrize(
    "body",
    [
        {"checks": [{"expression": "body <> 'id' and id(n) > 0"}]},
        {"columns": {"c": {"type": "integer", "generated": "id + 1"}}},
    ],
)
def test_what_only_looks_like_a_numbered_column_or_is_computed_when_read(
    body: dict[str, Any],
) -> None:
    columns = {"id": {"type": "increments"}, "n": {"type": "integer"}, "body": {"type": "text"}}
    declared = {**body, "columns": {**columns, **body.get("columns", {})}}
    assert MYSQL.resolve(declarations({"t": declared}), MARIADB).problems == ()


def test_a_check_over_the_number_is_a_problem_with_its_place_and_nothing_runs(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    with pytest.raises(pymysql.MySQLError, match=r"3818|1901"):
        mysql_database.execute("CREATE TABLE u (id int AUTO_INCREMENT PRIMARY KEY, CHECK (id > 0))")
    (tmp_path / "a.yaml").write_text("columns:\n  id: {type: increments}\n")
    (tmp_path / "t.yaml").write_text(
        "columns:\n  id: {type: increments}\nchecks:\n  - {expression: id > 0}\n"
    )
    with pytest.raises(DeclarationError, match=r"t\.yaml:4:\d+: the check reads 'id'"):
        Database.open(mysql_database.url, schema=tmp_path, migrate=True)
    assert mysql_database.execute("SHOW TABLES") == []


def test_mariadb_falls_back_to_the_entries_of_mysql() -> None:
    declared = {"t": {"columns": {"c": {"type": {"mysql": "mediumint", "sqlite": "int"}}}}}
    for features in (MYSQL_8, MARIADB):
        resolved = MYSQL.resolve(declarations(declared), features)
        assert resolved.problems == ()
        assert resolved.schema.tables["t"].columns[0].type == "mediumint"


LOSSY = [
    ("varchar(40)", "varchar(10)", True),
    ("varchar(10)", "varchar(40)", False),
    ("varchar(10)", "text", False),
    ("text", "varchar(255)", True),
    ("mediumtext", "text", True),
    ("int", "bigint", False),
    ("bigint", "int", True),
    ("int", "int unsigned", True),
    ("int unsigned", "int", True),
    ("int unsigned", "bigint", False),
    ("int", "varchar(5)", True),
    ("int", "varchar(20)", False),
    ("varchar(20)", "int", True),
    ("decimal(10,2)", "decimal(8,2)", True),
    ("decimal(10,2)", "decimal(12,1)", True),
    ("decimal(10,2)", "decimal(12,4)", False),
    ("int", "decimal(10,0)", False),
    ("int", "decimal(10,2)", True),
    ("float", "double", False),
    ("double", "float", True),
    ("int", "double", False),
    ("bigint", "double", True),
    ("datetime(6)", "datetime", True),
    ("datetime", "datetime(6)", False),
    ("timestamp(6)", "datetime(6)", False),
    ("datetime", "timestamp", True),
    ("date", "datetime", False),
    ("datetime", "date", True),
    ("enum('a','b')", "enum('b')", True),
    ("enum('a','b')", "enum('b','a','c')", False),
    ("enum('a','bcd')", "varchar(3)", False),
    ("enum('a','bcd')", "varchar(2)", True),
    ("json", "int", True),
    ("blob", "varbinary(10)", True),
    ("varbinary(10)", "blob", False),
    ("tinyint(1)", "int", False),
    ("tinyint", "tinyint(1)", False),
    ("bit(8)", "bit(4)", True),
    ("char(36)", "uuid", True),
]


@pytest.mark.parametrize(("before", "after", "loses"), LOSSY)
def test_lossy_type_changes_are_known(before: str, after: str, loses: bool) -> None:
    reason = MYSQL.lossy(Column(name="c", type=before), Column(name="c", type=after), MYSQL_8)
    assert (reason is not None) is loses


def test_a_narrower_character_set_and_a_computed_column_lose_values() -> None:
    wide = Column(name="c", type="varchar(9)", collation="utf8mb4_bin")
    narrow = Column(name="c", type="varchar(9)", collation="latin1_bin")
    assert MYSQL.lossy(wide, narrow, MYSQL_8) is not None
    assert MYSQL.lossy(narrow, wide, MYSQL_8) is None
    computed = Column(name="c", type="varchar(9)", generated=Generated("1", stored=False))
    assert MYSQL.lossy(wide, computed, MYSQL_8) is not None
    assert MYSQL.lossy(computed, computed, MYSQL_8) is None


def altered(before: str, after: str) -> Change:
    columns = Column(name="c", type=before), Column(name="c", type=after)
    return AlterColumn(table="t", before=columns[0], after=columns[1])


HAZARDS: list[tuple[Change, list[str]]] = [
    (altered("varchar(10)", "varchar(40)"), []),
    (altered("varchar(40)", "varchar(300)"), ["table_copy"]),
    (altered("int", "bigint"), ["table_copy"]),
    (altered("enum('a')", "enum('a','b')"), []),
    (altered("enum('a')", "enum('b','a')"), ["table_copy"]),
    (
        AddForeignKey(
            table="t",
            foreign_key=ForeignKey(name="f", columns=("c",), ref_table="p", ref_columns=("id",)),
        ),
        ["table_copy"],
    ),
    (AddIndex(table="t", index=Index(name="i", parts=(IndexPart(column="c"),))), []),
    (
        AddIndex(
            table="t", index=Index(name="i", parts=(IndexPart(column="c"),), method="fulltext")
        ),
        ["blocks_writes"],
    ),
    (SetTableComment(table="t", before=None, after="x"), []),
]


@pytest.mark.parametrize(("change", "codes"), HAZARDS)
def test_hazards_say_what_innodb_does(change: Change, codes: list[str]) -> None:
    assert [hazard.code for hazard in MYSQL.hazards(change, Schema(), MYSQL_8)] == codes


def test_long_generated_names_are_shortened_to_what_the_server_keeps() -> None:
    long = "a" * 60
    body = {"columns": {"id": {"type": "increments"}, long: {"type": "integer", "unique": True}}}
    index = MYSQL.resolve(declarations({"t": body}), MYSQL_8).schema.tables["t"].indexes[0]
    assert index.name is not None
    assert len(index.name) == 64
    assert not index.named
