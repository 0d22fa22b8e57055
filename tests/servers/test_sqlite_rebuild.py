"""Changing SQLite tables that hold rows: in place where that works, else nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odac_db.errors import MigrationFailed
from tests.fixtures.databases import LiveDatabase
from tests.servers.sqlite_site import Site, opened, rebuilds, statements

Columns = dict[str, dict[str, Any]]

PARENT: Columns = {"id": {"type": "increments"}, "name": {"type": "string"}}
CHILD: Columns = {
    "id": {"type": "increments"},
    "parent_id": {"type": "integer", "references": "parent.id", "on_delete": "cascade"},
}


@pytest.fixture
def site(sqlite_database: LiveDatabase) -> Iterator[Site]:
    with opened(sqlite_database) as found:
        found.run("PRAGMA foreign_keys = ON")
        yield found


def family(**parent: dict[str, Any]) -> dict[str, Any]:
    return {"parent": {"columns": PARENT | parent}, "child": {"columns": CHILD}}


def with_rows(site: Site) -> None:
    site.migrate(family())
    site.run(
        "INSERT INTO parent (id, name) VALUES (1, 'one'), (2, 'two')",
        "INSERT INTO child (parent_id) VALUES (1), (1), (2)",
    )


def test_child_rows_survive_the_rebuild_of_their_parent(site: Site) -> None:
    with_rows(site)
    report = site.migrate(family(name={"type": "string", "nullable": False, "unique": True}))
    assert rebuilds(report) == 1
    assert site.run("SELECT parent_id FROM child ORDER BY id") == [(1,), (1,), (2,)]
    assert site.run("SELECT * FROM parent") == [(1, "one"), (2, "two")]
    assert 'REFERENCES "parent"' in site.sql_of("child")
    assert site.run("PRAGMA foreign_keys") == [(1,)]


def test_many_changes_of_a_table_are_one_rebuild(site: Site) -> None:
    with_rows(site)
    declared = family(
        name={"type": "text", "nullable": False, "default": "none", "check": "name <> ''"},
        age={"type": "integer", "nullable": False, "default": {"expression": "1 + 1"}},
        boss={"type": "integer", "references": "parent.id"},
    )
    report = site.migrate(declared)
    assert rebuilds(report) == 1
    assert site.run("SELECT id, name, age, boss FROM parent") == [
        (1, "one", 2, None),
        (2, "two", 2, None),
    ]


@pytest.mark.parametrize(
    "column",
    [
        {"type": "text"},
        {"type": "text", "nullable": False, "default": "x"},
        {"type": "boolean", "nullable": False, "default": False},
        {"type": "enum", "values": ["a", "b"], "default": "a"},
        {"type": "integer", "references": "parent.id"},
        {"type": "integer", "check": "extra > 0"},
        {"type": "integer", "generated": "id + 1"},
        {"type": "text", "unique": True},
        {"type": "text", "collation": "NOCASE"},
    ],
)
def test_columns_that_are_added_in_place(site: Site, column: dict[str, Any]) -> None:
    with_rows(site)
    assert rebuilds(site.migrate(family(extra=column))) == 0
    assert site.table("parent").column("extra") is not None


@pytest.mark.parametrize(
    "column",
    [
        {"type": "timestamp", "nullable": False, "default": "now()"},
        {"type": "integer", "default": {"expression": "abs(-3)"}},
        {"type": "integer", "generated": {"expression": "id * 2", "stored": True}},
        {"type": "integer", "references": "parent.id", "default": 1},
    ],
)
def test_columns_that_only_an_empty_table_takes_are_rebuilt(
    site: Site, column: dict[str, Any]
) -> None:
    with_rows(site)
    assert rebuilds(site.migrate(family(extra=column))) == 1
    ((count,),) = site.run("SELECT count(extra) FROM parent")
    assert count == 2


def test_columns_are_dropped_in_place_unless_something_uses_them(site: Site) -> None:
    with_rows(site)
    site.migrate(family(plain={"type": "text"}, kept={"type": "text", "check": "kept <> ''"}))
    assert rebuilds(site.migrate(family(kept={"type": "text", "check": "kept <> ''"}))) == 0
    assert rebuilds(site.migrate(family())) == 1


def test_a_broken_view_stops_neither_a_drop_nor_a_rebuild(site: Site) -> None:
    with_rows(site)
    site.migrate(family(extra={"type": "text"}))
    site.run("CREATE VIEW broken AS SELECT x FROM nowhere")
    site.migrate(family())
    site.migrate(family(name={"type": "text", "nullable": False}))
    assert site.run("SELECT count(*) FROM child") == [(3,)]


def test_views_triggers_and_indexes_survive(site: Site) -> None:
    with_rows(site)
    indexed = family()
    indexed["parent"]["indexes"] = [
        {"columns": ["name desc"], "name": "by_name", "where": "name IS NOT NULL"}
    ]
    site.migrate(indexed)
    site.run(
        "CREATE VIEW names AS SELECT name FROM parent",
        "CREATE TABLE log (what TEXT)",
        "CREATE TRIGGER noted AFTER INSERT ON parent BEGIN INSERT INTO log VALUES (new.name); END",
        "CREATE TRIGGER beside AFTER INSERT ON child BEGIN UPDATE parent SET name = 'x'; END",
    )
    indexed["parent"]["columns"] = PARENT | {"name": {"type": "text", "nullable": False}}
    assert rebuilds(site.migrate(indexed)) == 1
    site.run("INSERT INTO parent (name) VALUES ('three')")
    assert site.run("SELECT what FROM log") == [("three",)]
    assert site.run("SELECT name FROM names") == [("one",), ("two",), ("three",)]
    (index,) = site.table("parent").indexes
    assert (index.name, index.where, index.parts[0].descending) == (
        "by_name",
        "name IS NOT NULL",
        True,
    )
    site.run("INSERT INTO child (parent_id) VALUES (1)")
    assert site.run("SELECT DISTINCT name FROM parent") == [("x",)]


def test_triggers_follow_renames_that_come_with_a_rebuild(site: Site) -> None:
    with_rows(site)
    site.run(
        "CREATE TABLE log (what TEXT)",
        "CREATE TRIGGER noted AFTER INSERT ON parent BEGIN INSERT INTO log VALUES (new.name); END",
    )
    declared = {
        "elder": {
            "columns": {
                "id": {"type": "increments"},
                "title": {"type": "text", "nullable": False, "renamed_from": "name"},
            },
            "renamed_from": "parent",
        },
        "child": {
            "columns": CHILD | {"parent_id": CHILD["parent_id"] | {"references": "elder.id"}}
        },
    }
    assert rebuilds(site.migrate(declared)) == 1
    site.run("INSERT INTO elder (title) VALUES ('three')")
    assert site.run("SELECT what FROM log") == [("three",)]
    assert [key.ref_table for key in site.table("child").foreign_keys] == ["elder"]
    assert site.run("SELECT count(*) FROM child") == [(3,)]


def test_a_renamed_column_keeps_its_expressions(site: Site) -> None:
    table: dict[str, Any] = {
        "columns": {"id": {"type": "increments"}, "cost": {"type": "integer"}},
        "checks": [{"expression": "cost >= 0 AND cost <> 7"}],
        "indexes": [{"columns": [{"expression": "cost + 1"}], "where": "cost > 1"}],
    }
    site.migrate({"goods": table})
    site.run("INSERT INTO goods (cost) VALUES (3)")
    renamed = {
        "columns": {
            "id": {"type": "increments"},
            "price": {"type": "integer", "renamed_from": "cost"},
        },
        "checks": [{"expression": "price >= 0 AND price <> 7"}],
        "indexes": [{"columns": [{"expression": "price + 1"}], "where": "price > 1"}],
    }
    report = site.migrate({"goods": renamed})
    assert statements(report) == ['ALTER TABLE "goods" RENAME COLUMN "cost" TO price']
    assert site.run("SELECT price FROM goods") == [(3,)]


def test_the_counter_goes_on_after_a_rebuild(site: Site) -> None:
    with_rows(site)
    site.run(
        "INSERT INTO parent (id, name) VALUES (99, 'last')", "DELETE FROM parent WHERE id = 99"
    )
    site.migrate(family(name={"type": "text", "nullable": False}))
    site.run("INSERT INTO parent (name) VALUES ('next')")
    assert site.run("SELECT max(id) FROM parent") == [(100,)]
    assert site.run(
        "SELECT count(*) FROM sqlite_sequence WHERE name LIKE '\\_odac%' ESCAPE '\\'"
    ) == [(0,)]


def test_rowids_are_kept(site: Site) -> None:
    site.migrate({"t": {"columns": {"a": {"type": "text"}}}})
    site.run("INSERT INTO t (rowid, a) VALUES (7, 'x'), (3, 'y')")
    site.migrate({"t": {"columns": {"a": {"type": "text", "nullable": False}}}})
    assert site.run("SELECT rowid, a FROM t ORDER BY rowid") == [(3, "y"), (7, "x")]


def test_a_column_may_be_called_rowid(site: Site) -> None:
    columns = {"rowid": {"type": "text"}, "oid": {"type": "text"}}
    site.migrate({"t": {"columns": columns}})
    site.run("INSERT INTO t (_rowid_, rowid, oid) VALUES (7, 'x', 'y')")
    site.migrate({"t": {"columns": columns | {"oid": {"type": "text", "nullable": False}}}})
    assert site.run("SELECT _rowid_, rowid, oid FROM t") == [(7, "x", "y")]


def test_generated_columns_are_computed_again_and_not_copied(site: Site) -> None:
    columns: Columns = {
        "a": {"type": "integer"},
        "stored": {"type": "integer", "generated": {"expression": "a * 2", "stored": True}},
        "virtual": {"type": "integer", "generated": "a * 3"},
    }
    site.migrate({"t": {"columns": columns}})
    site.run("INSERT INTO t (a) VALUES (5)")
    columns["a"] = {"type": "integer", "nullable": False}
    site.migrate({"t": {"columns": columns}})
    assert site.run("SELECT * FROM t") == [(5, 10, 15)]
    columns["stored"] = {"type": "integer"}
    site.migrate({"t": {"columns": columns}})
    assert site.run("SELECT a, stored FROM t") == [(5, 10)]


def test_nulls_block_a_column_that_becomes_not_null(site: Site) -> None:
    column = {"type": "text"}
    site.migrate({"t": {"columns": {"a": column}}})
    site.run("INSERT INTO t VALUES (NULL), ('x')")
    report = site.migrate({"t": {"columns": {"a": column | {"nullable": False}}}})
    assert [operation.status for operation in report.remaining] == ["blocked"]
    assert site.run("SELECT a FROM t ORDER BY a") == [(None,), ("x",)]


def test_a_lossy_type_waits_for_leave_and_then_really_casts(site: Site) -> None:
    site.migrate({"t": {"columns": {"a": {"type": "text"}}}})
    site.run("INSERT INTO t VALUES ('12'), (NULL)")
    (held,) = site.plan({"t": {"columns": {"a": {"type": "integer"}}}}, allow="").operations
    assert held.status == "held_back"
    site.migrate({"t": {"columns": {"a": {"type": "integer"}}}})
    assert site.run("SELECT typeof(a) FROM t ORDER BY a") == [("null",), ("integer",)]


def test_b4_conflict_clauses_survive_and_drop_no_rows(site: Site) -> None:
    site.run(
        "CREATE TABLE t (a TEXT NOT NULL ON CONFLICT IGNORE, b INT, "
        "UNIQUE (b) ON CONFLICT REPLACE)",
        "INSERT INTO t VALUES ('x', 1), ('y', 2)",
    )
    declared = {
        "t": {
            "columns": {"a": {"type": "text", "nullable": False}, "b": {"type": "big_integer"}},
            "indexes": [{"columns": ["b"], "unique": True, "constraint": True}],
        }
    }
    assert rebuilds(site.migrate(declared)) == 1
    site.run("INSERT INTO t VALUES ('z', 1)", "INSERT INTO t VALUES (NULL, 5)")
    assert site.run("SELECT a, b FROM t ORDER BY b") == [("z", 1), ("y", 2)]


def test_odd_names(site: Site) -> None:
    def odd(**more: Any) -> dict[str, Any]:
        columns = {
            'se"lect': {"type": "increments"},
            "it's 100%": {"type": "integer", "references": 'o\'brien "x".se"lect'},
            "größe :x": {"type": "text"} | more,
        }
        return {'o\'brien "x"': {"columns": columns}}

    site.migrate(odd())
    site.run('INSERT INTO "o\'brien ""x""" ("it\'s 100%", "größe :x") VALUES (1, \'v\')')
    report = site.migrate(odd(nullable=False, unique=True, default="50% of ?"))
    assert rebuilds(report) == 1
    assert site.run('SELECT * FROM "o\'brien ""x"""') == [(1, 1, "v")]


def test_an_index_name_may_move_to_another_table(site: Site) -> None:
    def tables(first: list[Any], second: list[Any]) -> dict[str, Any]:
        columns = {"a": {"type": "text"}}
        return {
            "t1": {"columns": columns, "indexes": first},
            "t2": {"columns": columns, "indexes": second},
        }

    named = [{"columns": ["a"], "name": "shared"}]
    site.migrate(tables([], named))
    site.migrate(tables(named, []))
    assert [index.name for index in site.table("t1").indexes] == ["shared"]
    assert site.table("t2").indexes == ()


def test_a_failed_rebuild_leaves_everything_as_it_was(site: Site) -> None:
    with_rows(site)
    before = site.run("SELECT type, name, sql FROM sqlite_master ORDER BY name")
    with pytest.raises(MigrationFailed) as failure:
        site.migrate(family(name={"type": "text", "check": "rowid > 1"}))  # rows tell no rowid
    assert failure.value.undone
    assert site.run("SELECT type, name, sql FROM sqlite_master ORDER BY name") == before
    assert site.run("PRAGMA foreign_keys") == [(1,)]
    assert site.run("PRAGMA legacy_alter_table") == [(0,)]


def test_a_view_that_a_plan_would_break_stops_it(site: Site) -> None:
    with_rows(site)
    site.run("CREATE VIEW names AS SELECT name FROM parent")
    declared = family()
    declared["parent"]["columns"] = {"id": PARENT["id"]}
    with pytest.raises(MigrationFailed, match="no such column"):
        site.migrate(declared)
    assert site.run("SELECT name FROM names") == [("one",), ("two",)]


def test_a_trigger_that_a_plan_would_break_stops_it(site: Site) -> None:
    with_rows(site)
    site.run("CREATE TRIGGER noted AFTER INSERT ON child BEGIN UPDATE parent SET name = 'x'; END")
    declared = family()
    declared["parent"]["columns"] = {"id": PARENT["id"]}
    with pytest.raises(MigrationFailed, match="no such column"):
        site.migrate(declared)
