"""Acceptance C13: a plan is saved, reviewed and carried out, or refused when anything moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odac_db import Database, OdacDbError, PlanRefused
from odac_db.cli import main
from odac_db.migrate.apply import Execution
from tests.behaviours.steps import Application, table
from tests.fixtures.databases import LiveDatabase

ID: dict[str, Any] = {"type": "integer", "primary": True}
ITEMS = table({"id": ID, "name": "string"})
MORE = table({"id": ID, "name": "string", "price": {"type": "integer", "default": 0}})
OLD = table({"id": ID})
ALLOWED = ("drop_table",)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


@pytest.fixture
def changed(app: Application, file: Path) -> Application:
    """A database with two tables, files with one of them changed, and the plan between."""
    app.declare(items=ITEMS, old=OLD)
    app.boot()
    app.execute("INSERT INTO old VALUES (1)", "INSERT INTO items VALUES (1, 'a')")
    app.declare(items=MORE)
    with opened(app) as db:
        db.plan(allow=ALLOWED, prune=True).save(file)
    return app


def opened(app: Application, database: LiveDatabase | None = None) -> Database:
    return Database.open((database or app.database).url, schema=app.folder)


def refused(app: Application, file: Path, database: LiveDatabase | None = None) -> tuple[str, ...]:
    """Why the plan is not carried out; nothing is changed then."""
    target = database or app.database
    before = target.dump()
    with opened(app, target) as db, pytest.raises(PlanRefused) as error:
        db.migrate(plan=file)
    assert target.dump() == before
    return error.value.reasons


def test_c13_a_saved_plan_is_carried_out_as_it_is(changed: Application, file: Path) -> None:
    with opened(changed) as db:
        planned = db.plan(allow=ALLOWED, prune=True)
        report = db.migrate(plan=file)
        assert [op.kind for op in report.applied] == [op.kind for op in planned.operations]
        assert {op.kind for op in report.applied} == {"add_column", "drop_table"}
        assert report.in_sync
        assert changed.database.rows("items") == [{"id": 1, "name": "a", "price": 0}]


def test_c13_a_plan_is_used_once(changed: Application, file: Path) -> None:
    with opened(changed) as db:
        db.migrate(plan=file)
    (reason,) = refused(changed, file)
    assert reason == "the database has changed: table items altered, table old dropped"


def test_c13_the_file_says_what_would_be_done(changed: Application, file: Path) -> None:
    saved = json.loads(file.read_text("utf-8"))["connections"]["default"]
    with opened(changed) as db:
        plan = db.plan(allow=ALLOWED, prune=True)
    assert saved["operations"] == json.loads(json.dumps(plan.to_json()["operations"]))
    assert saved["basis"]["allow"] == ["drop_table"]
    assert saved["basis"]["prune"] is True
    rows = {op["kind"]: op["rows"] for op in saved["operations"]}
    assert rows == {"add_column": None, "drop_table": 1}


def test_c13_a_plan_need_not_go_by_way_of_a_file(changed: Application) -> None:
    with opened(changed) as db:
        plan = db.plan(allow=ALLOWED, prune=True)
        assert db.migrate(plan=plan).in_sync


def edited(file: Path, change: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(file.read_text("utf-8"))
    change(content)
    file.write_text(json.dumps(content), "utf-8")


def test_c13_an_edited_file_is_refused(changed: Application, file: Path) -> None:
    def edit(content: dict[str, Any]) -> None:
        content["connections"]["default"]["operations"][0]["sql"] = ["DROP TABLE items"]

    edited(file, edit)
    (reason,) = refused(changed, file)
    assert reason == f"{file} was edited: its hash does not fit what it says"
    file.write_text("{", "utf-8")
    assert "is no plan file" in refused(changed, file)[0]
    file.write_text("[]", "utf-8")
    assert "is no plan file" in refused(changed, file)[0]


def test_c13_a_file_of_a_newer_format_is_refused(changed: Application, file: Path) -> None:
    edited(file, lambda content: content.update(plan_format=2))
    (reason,) = refused(changed, file)
    assert reason == f"{file} has format 2, this odac-db knows 1"


def test_c13_another_database_is_refused(
    changed: Application, file: Path, new_database: Callable[[], LiveDatabase]
) -> None:
    """Though it holds the same tables."""
    other = new_database()
    beside = Application(other, changed.folder)
    beside.declare(items=ITEMS, old=OLD)
    beside.boot()
    beside.execute("INSERT INTO old VALUES (1)")
    beside.declare(items=MORE)
    (reason,) = refused(changed, file, other)
    assert reason.startswith("the plan is for ")


def test_c13_other_schema_files_are_refused(changed: Application, file: Path) -> None:
    changed.declare(items=MORE, others=OLD)
    assert refused(changed, file) == ("the schema files have changed",)


def test_c13_a_database_that_has_drifted_is_refused(changed: Application, file: Path) -> None:
    changed.execute("ALTER TABLE items ADD own integer", "CREATE TABLE tags (id integer)")
    (reason,) = refused(changed, file)
    assert reason == "the database has changed: table items altered, table tags created"


def test_c13_rows_that_appeared_where_a_table_goes_are_counted_again(
    changed: Application, file: Path
) -> None:
    changed.execute("INSERT INTO old VALUES (2)", "INSERT INTO old VALUES (3)")
    (reason,) = refused(changed, file)
    assert reason == "drop_table old: 1 rows when it was planned, 3 now"
    assert len(changed.database.rows("old")) == 3


def test_c13_rows_are_counted_once_more_when_their_table_is_locked(
    changed: Application, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row comes after the plan was made again and before its first statement."""
    claim = Execution._claim

    def late(self: Execution) -> None:
        if not self.features.transactional_ddl or self.features.enum_types:
            changed.execute("INSERT INTO old VALUES (2)")
        else:  # SQLite: the lock is held, nobody else can write
            self.conn.exec_driver_sql("INSERT INTO old VALUES (2)")
        claim(self)

    monkeypatch.setattr(Execution, "_claim", late)
    with opened(changed) as db, pytest.raises(PlanRefused) as error:
        db.migrate(plan=file)
    (reason,) = error.value.reasons
    assert reason == "drop_table old: 1 rows when it was planned, 2 now"
    assert len(changed.database.rows("old")) >= 1
    assert "price" not in changed.database.rows("items")[0]


def test_c13_rows_that_would_be_altered_are_counted_again(app: Application, file: Path) -> None:
    app.declare(items=table({"id": ID, "code": {"type": "string", "length": 10}}))
    app.boot()
    app.execute("INSERT INTO items VALUES (1, '01'), (2, '2')")
    app.declare(items=table({"id": ID, "code": "integer"}))
    with opened(app) as db:
        plan = db.plan(allow=("alter_column",))
        plan.save(file)
    rows = plan.operations[0].rows
    app.execute("INSERT INTO items VALUES (3, '03')")
    (reason,) = refused(app, file)
    assert f"{rows} rows when it was planned" in reason


def test_c13_what_goes_is_counted_where_it_stands(app: Application, file: Path) -> None:
    """Beside a column that is computed from what it will be: no server takes a time's lower()."""
    app.declare(items=table({"id": ID, "at": "timestamp"}))
    app.boot()
    app.execute("INSERT INTO items (id, at) VALUES (1, '2026-01-01 00:00:00'), (2, NULL)")
    text = {"type": "string", "length": 30}
    app.declare(items=table({"id": ID, "at": text, "low": {**text, "generated": "lower(at)"}}))
    with opened(app) as db:
        plan = db.plan(allow=("destructive",))
        plan.save(file)
        assert {op.rows for op in plan.operations if op.destructive} <= {1}
        assert db.migrate(plan=file).in_sync
    assert [row["low"] is None for row in app.database.rows("items")] == [False, True]


def test_c13_a_row_that_refuses_what_was_planned_refuses_the_plan(
    changed: Application, file: Path
) -> None:
    unique = table({"id": ID, "name": {"type": "string", "unique": True}})
    changed.declare(items=unique, old=OLD)
    with opened(changed) as db:
        db.plan().save(file)
    changed.execute("INSERT INTO items VALUES (2, 'a')")
    (reason,) = refused(changed, file)
    words = "add_index items items_name_key: pending when it was planned, blocked now: 1 value"
    assert reason.startswith(words)


def test_c13_how_many_rows_are_filled_does_not_matter(changed: Application, file: Path) -> None:
    changed.execute("INSERT INTO items VALUES (2, NULL)")
    name = {"type": "string", "nullable": False, "default": "x"}
    changed.declare(items=table({"id": ID, "name": name}), old=OLD)
    with opened(changed) as db:
        db.plan().save(file)
        changed.execute("INSERT INTO items VALUES (3, NULL)")
        assert db.migrate(plan=file).in_sync
    assert [row["name"] for row in changed.database.rows("items")] == ["a", "x", "x"]


def test_c13_leave_is_the_plans_own(changed: Application, file: Path) -> None:
    with opened(changed) as db, pytest.raises(OdacDbError, match="says itself what is allowed"):
        db.migrate(plan=file, allow=("destructive",))
    with opened(changed) as db:
        db.plan().save(file)
        report = db.migrate(plan=file)
    assert [op.kind for op in report.applied] == ["add_column"]
    assert changed.database.rows("old") == [{"id": 1}]


def test_c13_before_the_first_migrate(app: Application, file: Path) -> None:
    app.declare(items=ITEMS)
    with opened(app) as db:
        db.plan().save(file)
        assert db.migrate(plan=file).in_sync
    assert app.boot().applied == ()


def test_c13_on_the_command_line(
    changed: Application, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--url", changed.database.url, "--schema", str(changed.folder)]
    leave = ["--allow", "drop_table", "--prune"]
    assert command("plan", *place, *leave, "--out", str(file)) == 0
    assert command("migrate", *place, "--plan", str(file)) == 0
    assert "Applied 2 operations" in capsys.readouterr().out
    assert command("migrate", *place, "--plan", str(file)) == 1
    assert "the database has changed" in capsys.readouterr().err


def command(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main.run(list(words))
    return int(ended.value.code or 0)
