"""Changing tables that hold rows: one ALTER where one will do, and nothing lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from odac_db.dialects.mysql import MYSQL
from odac_db.schema.changes import Change, DropColumn, RenameColumn, RenameTable
from tests.fixtures.databases import LiveDatabase
from tests.servers.mysql_site import Site, opened

ID = {"type": "increments"}


def table(**columns: Any) -> dict[str, Any]:
    return {"columns": {"id": ID, **columns}}


ALTERED: dict[str, tuple[dict[str, Any], dict[str, Any], str, Any]] = {
    "longer": ({"type": "string", "length": 10}, {"type": "string", "length": 40}, "'abc'", "abc"),
    "to text": ({"type": "string"}, {"type": "text"}, "'abc'", "abc"),
    "wider number": ({"type": "integer"}, {"type": "big_integer"}, "7", 7),
    "unsigned": ({"type": "integer"}, {"type": "integer", "unsigned": True}, "7", 7),
    "number to text": ({"type": "integer"}, {"type": "string"}, "7", "7"),
    "not null": ({"type": "integer"}, {"type": "integer", "nullable": False}, "7", 7),
    "null": ({"type": "integer", "nullable": False}, {"type": "integer"}, "7", 7),
    "default": ({"type": "string"}, {"type": "string", "default": "it's \\ 5%"}, "'x'", "x"),
    "no default": ({"type": "string", "default": "a"}, {"type": "string"}, "'x'", "x"),
    "comment": ({"type": "string"}, {"type": "string", "comment": "it's \\ 5%"}, "'x'", "x"),
    "no comment": ({"type": "string", "comment": "a"}, {"type": "string"}, "'x'", "x"),
    "collation": ({"type": "string"}, {"type": "string", "collation": "utf8mb4_bin"}, "'ü'", "ü"),
    "enum grows": (
        {"type": "enum", "values": ["a", "b"]},
        {"type": "enum", "values": ["c", "a", "b"], "default": "c"},
        "'b'",
        "b",
    ),
    "enum to string": ({"type": "enum", "values": ["a"]}, {"type": "string"}, "'a'", "a"),
    "finer": (
        {"type": "datetime", "precision": 0},
        {"type": "datetime", "default": "now()", "on_update_current_timestamp": True},
        "'2020-01-02 03:04:05'",
        "2020-01-02 03:04:05",
    ),
    "text with a default": ({"type": "text"}, {"type": "text", "default": "x'y\n"}, "'a'", "a"),
    "json with a default": (
        {"type": "json"},
        {"type": "json", "default": {"literal": {"a": "it's \\"}}},
        "'[]'",
        "[]",
    ),
    "json to text": ({"type": "json"}, {"type": "text"}, "'[1]'", "[1]"),
    "text to json": ({"type": "text"}, {"type": "json"}, "'[1]'", "[1]"),
    "computed default": (
        {"type": "string"},
        {"type": "string", "default": {"expression": "concat('a', upper('b'))"}},
        "'x'",
        "x",
    ),
    "bytes": ({"type": "binary", "length": 4}, {"type": "binary"}, "0x00FF", b"\x00\xff"),
    "decimal": (
        {"type": "decimal", "precision": 6, "scale": 2, "default": 1.5},
        {"type": "decimal", "precision": 8, "scale": 3, "default": 1.5},
        "12.34",
        "12.340",
    ),
}


@pytest.mark.parametrize("case", ALTERED)
def test_altering_a_column_keeps_its_values(mysql_database: LiveDatabase, case: str) -> None:
    before, after, value, expected = ALTERED[case]
    with opened(mysql_database) as site:
        site.bring({"t": table(c=before)})
        site.run(f"INSERT INTO t (c) VALUES ({value})")
        statements = site.bring({"t": table(c=after)})
        assert len(statements) == 1
        found = site.run("SELECT c FROM t")[0][0]
        assert (found if isinstance(expected, (bytes, int)) else str(found)) == expected
        site.bring({"t": table(c=before)})


def test_modify_repeats_everything_the_column_has(mysql_database: LiveDatabase) -> None:
    full = {
        "type": "timestamp",
        "precision": 3,
        "nullable": False,
        "default": "now()",
        "on_update_current_timestamp": True,
        "comment": "when",
    }
    with opened(mysql_database) as site:
        site.bring({"t": table(c=full)})
        site.bring({"t": table(c={**full, "nullable": True})})
        column = site.live().tables["t"].column("c")
        assert column is not None
        assert column.on_update == column.default == "CURRENT_TIMESTAMP(3)"
        assert column.comment == "when"


def test_an_invisible_column_stays_invisible(mysql_database: LiveDatabase) -> None:
    mysql_database.execute("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, c int INVISIBLE)")
    with opened(mysql_database) as site:
        site.bring({"t": table(c={"type": "big_integer"})})
        assert ("invisible column", "t", "c") in {
            (item.kind, item.table, item.name) for item in site.live().unsupported
        }


def test_neighbouring_changes_of_a_table_share_one_alter(mysql_database: LiveDatabase) -> None:
    with opened(mysql_database) as site:
        site.bring({"t": table(a={"type": "integer"}, b={"type": "string"})})
        statements = site.bring(
            {
                "t": {
                    **table(
                        a={"type": "big_integer"},
                        new={"type": "string", "unique": True},
                        b={"type": "text"},
                    ),
                    "indexes": [{"columns": ["a desc"]}],
                    "comment": "changed",
                }
            }
        )
        assert len(statements) == 1


def test_a_table_is_created_with_all_its_indexes(mysql_database: LiveDatabase) -> None:
    with opened(mysql_database) as site:
        statements = site.bring(
            {
                "t": {
                    "columns": {
                        "id": {"type": "big_integer", "identity": True},
                        "body": {"type": "text"},
                        "key": {"type": "uuid", "primary": True},
                    },
                    "indexes": [
                        {"columns": ["id"]},
                        {"columns": ["body"], "using": "fulltext"},
                        {"columns": [{"column": "body", "length": 10}]},
                    ],
                }
            }
        )
        assert len(statements) == 1


def test_full_text_indexes_are_added_one_at_a_time(mysql_database: LiveDatabase) -> None:
    columns = table(a={"type": "text"}, b={"type": "text"})
    words = [{"columns": [name], "using": "fulltext"} for name in ("a", "b")]
    with opened(mysql_database) as site:
        site.bring({"t": columns})
        assert len(site.bring({"t": {**columns, "indexes": words}})) == 2


@pytest.mark.parametrize("stored", [False, True])
def test_a_computed_column_made_plain_keeps_its_values(
    mysql_database: LiveDatabase, stored: bool
) -> None:
    made = {"type": "integer", "generated": {"expression": "`a` * 2", "stored": stored}}
    index = {"indexes": [{"columns": ["g", "a"]}]}
    with opened(mysql_database) as site:
        site.bring({"t": table(a={"type": "integer"}, g=made, z={"type": "integer"}) | index})
        site.run("INSERT INTO t (a) VALUES (4)")
        plain = table(a={"type": "integer"}, g={"type": "integer"}, z={"type": "integer"})
        site.bring({"t": plain | index})
        assert site.run("SELECT g FROM t") == [(8,)]
        assert [c.name for c in site.live().tables["t"].columns] == ["id", "a", "g", "z"]


def test_computed_columns_and_checks_change(mysql_database: LiveDatabase) -> None:
    def tables(expression: str, stored: bool, check: str) -> dict[str, Any]:
        made = {"type": "integer", "generated": {"expression": expression, "stored": stored}}
        checks = [{"name": "t_ok", "expression": check}]
        return {"t": {**table(a={"type": "integer", "check": "a < 99"}, g=made), "checks": checks}}

    with opened(mysql_database) as site:
        site.bring(tables("a + 1", False, "a > 0"))
        site.run("INSERT INTO t (a) VALUES (4)")
        for expression, stored in (("a+2", False), ("a + 2", True), ("a + 3", False)):
            site.bring(tables(expression, stored, f"a > 0 or g <> {expression}"))
        assert site.run("SELECT g FROM t") == [(7,)]


def test_collation_of_a_table_reaches_the_columns_that_inherit_it(
    mysql_database: LiveDatabase,
) -> None:
    columns: dict[str, Any] = {
        "code": {"type": "string", "length": 20, "primary": True},
        "own": {"type": "string", "collation": "latin1_bin"},
        "body": {"type": "text"},
        "n": {"type": "integer"},
        "other": {"type": "string", "length": 20, "references": "t.code"},
    }
    with opened(mysql_database) as site:
        site.bring({"t": {"columns": columns, "options": {"collation": "latin1_swedish_ci"}}})
        site.run("INSERT INTO t VALUES ('ü', 'ü', 'ü', 1, 'ü')")
        site.bring({"t": {"columns": columns, "options": {"collation": "utf8mb4_general_ci"}}})
        assert site.run("SELECT * FROM t") == [("ü", "ü", "ü", 1, "ü")]
        site.bring(
            {"t": {"columns": columns, "options": {"engine": "innodb", "row_format": "compact"}}}
        )


def test_primary_keys_change_with_their_numbers(mysql_database: LiveDatabase) -> None:
    plain = {"type": "big_integer"}
    numbered = {"type": "big_integer", "identity": True}
    other = {"type": "string", "length": 10, "nullable": False}
    stages: list[dict[str, Any]] = [
        {"columns": {"id": {**plain, "nullable": False}, "c": other}},
        {"columns": {"id": numbered, "c": other}, "primary_key": ["id"]},
        {"columns": {"id": numbered, "c": other}, "primary_key": ["c", "id"]}
        | {"indexes": [{"columns": ["id"]}]},
        {"columns": {"id": plain, "c": other}, "primary_key": ["c"]},
        {"columns": {"id": plain, "c": other, "n": {"type": "increments"}}},
    ]
    with opened(mysql_database) as site:
        site.bring({"t": stages[0]})
        site.run("INSERT INTO t (id, c) VALUES (0, 'zero'), (7, 'seven')")
        for stage in [*stages[1:], *reversed(stages)]:
            site.bring({"t": stage})
            assert set(site.run("SELECT id, c FROM t")) == {(0, "zero"), (7, "seven")}


def test_foreign_keys_come_and_go(mysql_database: LiveDatabase) -> None:
    def tables(action: str | None, type_: str, **more: Any) -> dict[str, Any]:
        refers = {"type": type_, "references": "parents.id", "on_delete": action, **more}
        return {
            "children": {"columns": {"id": ID, "pid": refers}},
            "parents": {"columns": {"id": {"type": type_, "primary": True}}},
        }

    with opened(mysql_database) as site:
        site.bring(tables(None, "integer"))
        site.run("INSERT INTO parents VALUES (1)", "INSERT INTO children (pid) VALUES (1)")
        assert site.bring(tables("restrict", "integer")) == []
        assert site.bring(tables("no action", "integer")) == []
        assert len(site.bring(tables("cascade", "integer"))) == 2
        site.bring(tables("cascade", "big_integer"))
        site.bring(tables("set null", "big_integer", unique=True))
        site.bring({"children": table(pid={"type": "big_integer"})})
        assert site.run("SELECT pid FROM children") == [(1,)]


def test_a_numbered_column_goes_together_with_its_key(mysql_database: LiveDatabase) -> None:
    code = {"type": "string", "length": 9, "nullable": False}
    with opened(mysql_database) as site:
        site.bring({"t": {"columns": {"id": ID, "code": code}, "indexes": [{"columns": ["id"]}]}})
        site.run("INSERT INTO t (code) VALUES ('x')")
        site.bring({"t": {"columns": {"code": code}, "primary_key": ["code"]}})
        assert site.run("SELECT * FROM t") == [("x",)]


def test_a_numbered_column_that_must_stay_stops_numbering(mysql_database: LiveDatabase) -> None:
    with opened(mysql_database) as site:
        site.bring({"t": table()})
        desired = site.desired({"t": {"columns": {"code": {"type": "string", "length": 9}}}})
        kept = [one for one in site.changes(desired) if not isinstance(one, DropColumn)]
        site.run(*site.statements(kept))
        site.run("INSERT INTO t (code) VALUES ('x')")
        assert site.run("SELECT id, code FROM t") == [(None, "x")]


def test_an_index_made_for_a_key_goes_with_the_index_that_covers_it(
    mysql_database: LiveDatabase,
) -> None:
    pid = {"type": "integer"}
    columns = {"id": ID, "pid": pid, "n": {"type": "integer"}}
    parents = {"columns": {"id": ID}}
    with opened(mysql_database) as site:
        site.bring(
            {"t": {"columns": {**columns, "pid": {**pid, "references": "p.id"}}}, "p": parents}
        )
        site.bring({"t": {"columns": columns, "indexes": [{"columns": ["pid", "n"]}]}})
        assert [index.columns for index in site.live().tables["t"].indexes] == [("pid", "n")]


def test_a_foreign_key_keeps_an_index_when_the_unique_one_it_used_goes(
    mysql_database: LiveDatabase,
) -> None:
    def tables(**more: Any) -> dict[str, Any]:
        pid = {"type": "integer", "references": "p.id", **more}
        return {"t": table(pid=pid), "p": {"columns": {"id": ID}}}

    with opened(mysql_database) as site:
        for more in ({}, {"unique": True}, {}):
            site.bring(tables(**more))
        assert [index.implicit for index in site.live().tables["t"].indexes] == [True]


def test_a_default_that_differs_by_row_is_given_to_the_rows_there_are(
    mysql_database: LiveDatabase,
) -> None:
    token = {"type": "uuid", "nullable": False, "default": {"expression": "uuid()"}}
    stamp = {"type": "timestamp", "on_update_current_timestamp": True}
    with opened(mysql_database) as site:
        site.bring({"t": table(at=stamp)})
        site.run("INSERT INTO t (at) VALUES ('2001-01-01'), ('2002-02-02')")
        before = site.run("SELECT id, at FROM t")
        site.bring({"t": table(at=stamp, token=token)})
        assert site.run("SELECT COUNT(DISTINCT token) FROM t") == [(2,)]
        assert site.run("SELECT id, at FROM t") == before


def test_a_check_may_take_the_name_of_one_that_goes(mysql_database: LiveDatabase) -> None:
    checks = {"checks": [{"name": "rule", "expression": "n > 0"}]}
    with opened(mysql_database) as site:
        columns = table(n={"type": "integer"})
        site.bring({"old": columns | checks, "stays": columns})
        site.bring({"new": columns | checks, "stays": columns})
        site.bring({"stays": columns | checks})


def test_a_key_goes_with_the_column_that_is_made_anew(mysql_database: LiveDatabase) -> None:
    made = {"type": "integer", "generated": {"expression": "n + 1", "stored": True}}
    n = {"type": "integer", "nullable": False}
    with opened(mysql_database) as site:
        site.bring({"t": {"columns": {"id": ID, "n": n}}})
        site.bring({"t": {"columns": {"id": made, "n": n}, "primary_key": ["n"]}})


def test_a_uuid_and_a_number_meet_by_way_of_text(mysql_database: LiveDatabase) -> None:
    with opened(mysql_database) as site:
        for type_ in ("uuid", "integer", "uuid", "date"):
            site.bring({"t": table(c={"type": type_}, d={"type": "integer"})})


def test_renames(mysql_database: LiveDatabase) -> None:
    with opened(mysql_database) as site:
        site.bring({"t": table(a={"type": "integer", "unique": True})})
        site.run("INSERT INTO t (a) VALUES (5)")
        renames: list[Change] = [
            RenameTable(before="t", after="u%"),
            RenameColumn(table="u%", before="a", after="b`"),
        ]
        live = site.live()
        rendered = MYSQL.render(renames, live, live, site.features)
        site.run(*(statement.sql for one in rendered for statement in one.statements))
        assert site.run("SELECT `b``` FROM `u%`") == [(5,)]


def test_checks_of_columns_outlive_a_rename(mysql_database: LiveDatabase) -> None:
    columns: dict[str, Any] = {
        "a`": {"type": "integer", "check": "`a``` > 0"},
        "b": {"type": "integer", "check": "b > `a```", "comment": "kept"},
        "c": {"type": "integer", "default": 5},
    }
    with opened(mysql_database) as site:
        if not site.mariadb:  # there they are checks of the table, which ``detach`` cares for
            columns = {name: {**body, "check": None} for name, body in columns.items()}
        site.bring({"t": table(**columns)})
        before = site.live()
        renames: list[Change] = [
            RenameColumn(table="t", before="c", after="d"),
            RenameColumn(table="t", before="a`", after="x"),
        ]
        rendered = MYSQL.render(renames, before, before, site.features)
        site.run(*(statement.sql for one in rendered for statement in one.statements))
        live = site.live().tables["t"]
        expected = ["`x` > 0", "`b` > `x`"] if site.mariadb else [None, None]
        assert [column.check for column in live.columns[1:3]] == expected
        assert [column.name for column in live.columns] == ["id", "x", "b", "d"]
        assert live.columns[2].comment == "kept"


def test_an_index_is_renamed_in_place(mysql_database: LiveDatabase) -> None:
    def tables(name: str, comment: str | None = None) -> dict[str, Any]:
        index = {"columns": ["a"], "name": name, "comment": comment}
        return {"t": {**table(a={"type": "integer"}), "indexes": [index]}}

    with opened(mysql_database) as site:
        site.bring(tables("one"))
        statements = site.bring(tables("two"))
        assert statements == ["ALTER TABLE `t` RENAME INDEX `one` TO `two`"]
        site.bring(tables("two", "it's"))
        assert site.live().tables["t"].indexes[0].comment == "it's"


@pytest.mark.parametrize("mode", ["ANSI", "NO_BACKSLASH_ESCAPES", "TRADITIONAL", ""])
def test_any_sql_mode_of_the_server_will_do(mysql_database: LiveDatabase, mode: str) -> None:
    declared = {
        "t": {
            **table(
                a={"type": "string", "default": 'it\'s \\ "q"', "comment": "back\\slash"},
                b={"type": "text", "default": "it's \\ x"},
            ),
            "comment": "it's \\",
        }
    }
    with mysql_database.connect() as connection:
        connection.exec_driver_sql("SET sql_mode = %s", (mode,))
        site = Site(connection)
        site.bring(declared)
        site.run("INSERT INTO t () VALUES ()")
        assert site.run("SELECT a, b FROM t") == [('it\'s \\ "q"', "it's \\ x")]
