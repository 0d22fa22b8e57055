"""Behaviours 1-4, 33 and 34: tables, and looking at them.

Behaviours 30-32 are those of data-migration files and are tested with them.
"""

from __future__ import annotations

from pathlib import Path

from odac_db import Database
from tests.behaviours.steps import Application, done, table

POSTS = table(
    {
        "id": "increments",
        "title": {"type": "string", "length": 200, "nullable": False},
        "slug": {"type": "string", "length": 80, "unique": True},
        "stamps": "timestamps",
    },
    indexes=[{"columns": ["title", "slug"]}, {"columns": ["title"], "unique": True}],
)


def test_b01_a_declared_table_is_created_with_its_columns(app: Application) -> None:
    report = app.boot_with(posts=POSTS)
    assert done(report)[0] == "create_table posts"
    assert list(app.columns("posts")) == ["id", "title", "slug", "created_at", "updated_at"]
    assert app.columns("posts")["title"]["nullable"] is False
    assert app.inspect().get_pk_constraint("posts")["constrained_columns"] == ["id"]


def test_b02_timestamps_are_two_columns_that_fill_themselves(app: Application) -> None:
    app.boot_with(posts=POSTS)
    app.execute("INSERT INTO posts (title) VALUES ('one')")
    (row,) = app.database.rows("posts")
    assert row["created_at"] is not None
    assert row["updated_at"] is not None
    columns = app.columns("posts")
    assert [columns[name]["nullable"] for name in ("created_at", "updated_at")] == [False, False]


def test_b03_indexes_are_made_with_the_table(app: Application) -> None:
    app.boot_with(posts=POSTS)
    wanted = {("title", "slug"): False, ("title",): True, ("slug",): True}
    assert app.indexes("posts") == wanted


def test_b04_a_second_run_creates_nothing(app: Application) -> None:
    app.boot_with(posts=POSTS)
    dump = app.database.dump()
    assert app.boot().applied == ()
    app.assert_settled()
    assert app.database.dump() == dump


def test_b33_a_plan_reports_the_table_and_creates_nothing(app: Application) -> None:
    app.declare(posts=POSTS)
    plan = app.plan()
    assert "create_table posts" in [f"{op.kind} {op.name}" for op in plan.operations]
    assert {op.status for op in plan.operations} == {"pending"}
    assert app.inspect().get_table_names() == []


def test_b34_a_pull_writes_a_file_for_each_table(app: Application, tmp_path: Path) -> None:
    app.boot_with(posts=POSTS, users=table({"id": "nanoid", "name": "string"}))
    with Database.open(app.database.url) as db:
        db.pull(tmp_path / "pulled")
    files = sorted(path.name for path in (tmp_path / "pulled").iterdir())
    assert files == ["posts.yaml", "users.yaml"]
