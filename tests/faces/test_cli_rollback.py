"""``odac-db rollback --plan RUN`` on every server: shown, held back, done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect

from odac_db.cli import main
from tests.faces.command import Answer
from tests.fixtures.databases import LiveDatabase

NOTES = "columns:\n  id: {type: big_increments}\n  text: {type: text}\n"


@pytest.fixture
def run(
    database: LiveDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    (tmp_path / "notes.yaml").write_text(NOTES)

    def command(verb: str, *arguments: str) -> Answer:
        given = ("--url", database.url, "--schema", str(tmp_path))
        with pytest.raises(SystemExit) as ended:
            main.run([verb, *arguments, *given])
        return Answer(int(ended.value.code or 0), *capsys.readouterr())

    return command


def columns(database: LiveDatabase) -> set[str]:
    return {column["name"] for column in inspect(database.engine()).get_columns("notes")}


def added(run: Callable[..., Answer], folder: Path) -> str:
    """The run that added a column, after the one that made its table."""
    run("migrate")
    (folder / "notes.yaml").write_text(NOTES + "  more: {type: integer}\n")
    return str(run("migrate", "--json").json["run"])


def test_the_plan_back_is_shown_and_changes_nothing(
    run: Callable[..., Answer], database: LiveDatabase, tmp_path: Path
) -> None:
    last = added(run, tmp_path)
    shown = run("rollback", "--plan", last)
    assert (shown.code, shown.err) == (0, "")
    assert "⏸ drop column more" in shown.out
    assert "Would apply nothing; 1 held back." in shown.out
    plan = run("rollback", "--plan", last, "--json").json
    assert [(each["kind"], each["status"]) for each in plan["operations"]] == [
        ("drop_column", "held_back")
    ]
    sql = run("rollback", "--plan", last, "--allow-destructive", "--sql")
    assert sql.out.startswith("-- drop column notes.more")
    assert "\nALTER TABLE " in sql.out
    assert "more" in columns(database)


def test_it_is_done_with_leave_and_exits_3_without(
    run: Callable[..., Answer], database: LiveDatabase, tmp_path: Path
) -> None:
    last = added(run, tmp_path)
    held = run("rollback", "--plan", last, "--apply")
    assert held.code == 3
    assert "more" in columns(database)
    done = run("rollback", "--plan", last, "--apply", "--allow", "drop_column:notes.more", "--json")
    assert (done.code, done.json["in_sync"]) == (0, True)
    assert columns(database) == {"id", "text"}
    listed = run("history", "--json").json["runs"]
    assert [each["status"] for each in listed] == ["applied", "taken_back", "takes_back"]
    assert "takes back" in run("history").out
    again = run("rollback", "--plan", last)
    assert again.code == 1
    assert "taken back already" in again.err


@pytest.mark.parametrize("option", ["--apply", "--sql", "--allow-destructive"])
def test_what_is_about_a_plan_needs_a_run(run: Callable[..., Answer], option: str) -> None:
    answer = run("rollback", option)
    assert answer.code == 2
    assert "--plan RUN" in answer.err


def test_a_run_that_is_not_known_is_an_error(run: Callable[..., Answer]) -> None:
    run("migrate")
    answer = run("rollback", "--plan", "nothing", "--json")
    assert answer.code == 1
    assert answer.json["error"]["type"] == "ReverseRefused"
