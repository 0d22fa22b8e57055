"""Names that are taken: by what no file holds, or by another file."""

from __future__ import annotations

from pathlib import Path

import pytest

from odac_db import DeclarationError
from tests.behaviours.steps import Application, Body, done, table, waiting
from tests.fixtures.databases import LiveDatabase

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
