"""Names that are taken: by what no file holds, or by another file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odac_db import DeclarationError
from tests.behaviours.steps import Application, Body, done, table, waiting
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server

ID: Body = {"type": "integer", "primary": True}


@pytest.fixture
def app(database: LiveDatabase, tmp_path: Path) -> Application:
    return Application(database, tmp_path / "schema")


def test_a_table_whose_name_a_view_has_waits_and_stops_nothing_else(app: Application) -> None:
    app.declare(goods=table({"id": ID}))
    app.boot()
    app.execute("CREATE VIEW zeros AS SELECT 0 AS id")
    child = {"type": "integer", "references": "zeros.id"}
    app.declare(
        goods=table({"id": ID, "more": "integer"}),
        zeros=table({"id": ID, "n": "integer"}, indexes=[{"columns": ["n"]}]),
        items=table({"id": ID, "zero": child}),
    )
    left = {
        "create_table zeros": "blocked",
        "add_index zeros(n)": "blocked",
        "add_foreign_key items(zero)": "blocked",
    }
    plan = app.plan()
    assert {name: left[name] for name in waiting(plan)} == waiting(plan)
    reasons = [one.reason for one in plan.operations if one.kind == "create_table"]
    assert any("zeros is the name of a view here" in reason for reason in reasons)
    report = app.boot()
    assert done(report) == ["create_table items", "add_column goods.more"]
    assert waiting(report) == waiting(plan)
    assert app.boot().applied == ()
    app.execute("DROP VIEW zeros")
    assert app.boot().in_sync
    app.assert_settled()


def test_a_generated_name_gives_way_to_a_view(app: Application) -> None:
    app.declare(t=table({"id": ID, "n": "integer"}))
    app.boot()
    app.execute("CREATE VIEW t_n_idx AS SELECT 0 AS n")
    app.declare(t=table({"id": ID, "n": "integer"}, indexes=[{"columns": ["n"]}]))
    assert app.boot().in_sync
    app.assert_settled()


SHARED = {
    "postgresql": ["index name 'by_n' is that of index 'by_n' in"],
    "sqlite": ["index name 'by_n' is that of index 'by_n' in"],
    "mysql": ["foreign key name 'fk' is that of foreign key 'fk' in"],
}


def test_a_name_given_in_two_files_is_refused_where_the_server_takes_it_once(
    app: Application,
) -> None:
    keys = [{"name": "fk", "columns": ["n"], "references": "p.id"}]
    indexes = [{"name": "by_n", "columns": ["n"]}]
    body = table({"id": ID, "n": "integer"}, indexes=indexes, foreign_keys=keys)
    app.declare(p=table({"id": ID}), a=body, b=body)
    with pytest.raises(DeclarationError) as refused:
        app.boot()
    told = [one.message for one in refused.value.problems]
    for message in SHARED[app.database.family]:
        assert [message in each for each in told] == [True]
    assert [Path(one.file).stem for one in refused.value.problems] == ["b"]
    assert app.tables() == set()
    other = table(
        {"id": ID, "n": "integer"},
        indexes=[indexes[0] | {"name": "other"}],
        foreign_keys=[keys[0] | {"name": "another"}],
    )
    app.declare(p=table({"id": ID}), a=body, b=other)
    assert app.boot().in_sync
    app.assert_settled()


def test_a_rename_to_the_name_of_a_view_waits_and_stops_nothing_else(app: Application) -> None:
    app.boot_with(goods=table({"id": ID}), t=table({"id": ID, "n": "integer"}))
    app.execute("CREATE VIEW zeros AS SELECT 0 AS id")
    zeros = table({"id": ID, "n": "integer", "more": "integer"}, renamed_from="t")
    app.declare(goods=table({"id": ID, "more": "integer"}), zeros=zeros)
    left = {"rename_table zeros": "blocked", "add_column zeros.more": "blocked"}
    assert waiting(app.plan()) == left
    report = app.boot()
    assert (done(report), waiting(report)) == (["add_column goods.more"], left)
    app.execute("DROP VIEW zeros")
    assert app.boot().in_sync
    app.assert_settled()


HOLDERS = [
    ("CREATE TABLE parts (id int) PARTITION BY RANGE (id)", "CREATE INDEX taken ON parts (id)"),
    ("CREATE MATERIALIZED VIEW shown AS SELECT 1 AS n", "CREATE INDEX taken ON shown (n)"),
    ("CREATE SEQUENCE taken",),
    ("CREATE TABLE numbered (id int)", "CREATE SEQUENCE taken OWNED BY numbered.id"),
]


@pytest.fixture
def on_postgresql(postgresql_server: Server, tmp_path: Path) -> Iterator[Application]:
    database = databases.create(postgresql_server, tmp_path)
    yield Application(database, tmp_path / "schema")
    databases.drop(database)


@pytest.mark.parametrize("holder", HOLDERS, ids=[one[-1] for one in HOLDERS])
def test_what_would_be_an_index_under_a_name_that_is_taken_waits(
    on_postgresql: Application, holder: tuple[str, ...]
) -> None:
    app = on_postgresql
    columns: Body = {"id": {"type": "integer", "nullable": False}, "n": "integer"}
    app.boot_with(t=table(columns))
    app.execute(*holder)
    more = columns | {"more": "integer"}
    index, unique = {"columns": ["n"], "name": "taken"}, {"constraint": True, "unique": True}
    for keys, what in (
        ({"indexes": [index]}, "add_index t(n)"),
        ({"indexes": [index | unique]}, "add_index t(n)"),
        ({"primary_key": {"columns": ["id"], "name": "taken"}}, "add_primary_key t(id)"),
    ):
        app.declare(t=table(more, **keys))
        plan = app.plan()
        assert waiting(plan)[what] == "blocked"
        assert any("taken is the name of a" in one.reason for one in plan.operations)
        report = app.boot()
        assert waiting(report) == waiting(plan)
        assert report.applied == () or done(report) == ["add_column t.more"]
    app.declare(t=table(more), u=table(columns, primary_key={"columns": ["id"], "name": "taken"}))
    assert waiting(app.boot()) == {"create_table u": "blocked"}


def test_a_generated_name_gives_way_to_an_index_of_others(on_postgresql: Application) -> None:
    app = on_postgresql
    app.boot_with(t=table({"id": ID, "n": "integer"}))
    app.execute(
        "CREATE TABLE parts (id int) PARTITION BY RANGE (id)",
        "CREATE INDEX t_n_idx ON parts (id)",
    )
    app.declare(t=table({"id": ID, "n": "integer"}, indexes=[{"columns": ["n"]}]))
    assert app.boot().in_sync
    app.assert_settled()
