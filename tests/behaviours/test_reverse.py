"""``migrate_back``: the structural changes of a run are taken back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odac_db import Database, Report, ReverseRefused
from odac_db.schema.plan import Plan
from tests.behaviours.steps import ALL, Application, done, table, waiting
from tests.laws.folder import shapes

NAME = {"type": "string", "length": 40, "nullable": False}
MOOD = {"type": "enum", "values": ["sad", "glad"], "default": "glad"}
BEFORE = {
    "users": table({"id": "increments", "name": NAME, "old": "integer", "mood": MOOD}),
    "teams": table({"id": "increments", "label": NAME}, indexes=[{"columns": ["label"]}]),
}
AFTER = {
    "people": table(
        {
            "id": "increments",
            "full_name": {**NAME, "length": 80, "renamed_from": "name"},
            "mood": {**MOOD, "values": ["sad", "so so", "glad"], "default": "so so"},
            "team_id": {"type": "integer", "references": "teams.id", "on_delete": "cascade"},
        },
        renamed_from="users",
        checks=[{"name": "a name", "expression": "full_name <> ''"}],
    ),
    "teams": table({"id": "increments", "label": NAME}),
    "badges": table({"id": "increments", "person": {"type": "integer", "references": "people.id"}}),
}


@pytest.fixture
def opened(app: Application) -> Iterator[Database]:
    app.folder.mkdir(exist_ok=True)
    with Database.open(app.database.url, schema=app.folder) as db:
        yield db


def changed(app: Application) -> Report:
    """A database with rows and a run over it that changes everything."""
    app.boot_with(**BEFORE)
    app.execute("INSERT INTO users (name, old) VALUES ('Ada', 7)")
    report = app.boot_with(ALL, **AFTER)
    assert waiting(report) == {}
    return report


def not_restored(plan: Plan) -> list[str]:
    return [
        hazard.message
        for operation in plan.operations
        for hazard in operation.hazards
        if hazard.code == "not_restored"
    ]


def test_structure_comes_back_and_rows_stay(app: Application, opened: Database) -> None:
    app.boot_with(**BEFORE)
    before = shapes(app.database, BEFORE)
    run = changed(app).run
    app.execute("INSERT INTO people (full_name, mood) VALUES ('Bob', 'sad')")
    plan = opened.plan_back(run, allow=ALL)
    report = opened.migrate_back(run, allow=ALL)
    assert [op.summary for op in report.applied] == [op.summary for op in plan.operations]
    assert report.in_sync
    assert shapes(app.database, BEFORE) == before
    rows = [(row["name"], row["old"]) for row in app.database.rows("users")]
    assert rows == [("Ada", None), ("Bob", None)]
    with pytest.raises(ReverseRefused, match="it is taken back already"):
        opened.plan_back(run)
    with pytest.raises(ReverseRefused, match="it took another run back"):
        opened.plan_back(report.run)
    assert [entry.status for entry in opened.history()] == ["applied", "taken_back", "takes_back"]


def test_what_comes_back_empty_is_said(app: Application, opened: Database) -> None:
    run = changed(app).run
    plan = opened.plan_back(run, allow=ALL)
    assert "column users.old comes back without its values" in not_restored(plan)


def test_what_the_run_made_is_dropped_only_with_leave(app: Application, opened: Database) -> None:
    app.boot_with(teams=BEFORE["teams"])
    run = app.boot_with(teams=BEFORE["teams"], notes=table({"id": "increments"})).run
    report = opened.migrate_back(run)
    assert waiting(report) == {"drop_table notes": "held_back"}
    assert "notes" in app.tables()
    assert done(opened.migrate_back(run, allow=("drop_table:notes",))) == ["drop_table notes"]


def test_the_rows_are_asked_first(app: Application, opened: Database) -> None:
    app.boot_with(teams=table({"id": "increments", "label": {**NAME, "unique": True}}))
    run = app.boot_with(ALL, teams=table({"id": "increments", "label": NAME})).run
    app.execute("INSERT INTO teams (label) VALUES ('x')", "INSERT INTO teams (label) VALUES ('x')")
    report = opened.migrate_back(run, allow=ALL)
    assert waiting(report) == {"add_index teams(label)": "blocked"}


def test_the_next_boot_goes_forward_again(app: Application, opened: Database) -> None:
    run = changed(app).run
    opened.migrate_back(run, allow=ALL)
    app.boot(allow=ALL)
    app.assert_settled()
    assert "people" in app.tables()


def test_a_later_run_over_the_same_table_has_to_go_first(
    app: Application, opened: Database
) -> None:
    app.boot_with(teams=BEFORE["teams"])
    both = table({"id": "increments", "label": NAME, "age": "integer"})
    first = app.boot_with(teams=both).run
    app.boot_with(teams=both, notes=table({"id": "increments"}))
    with_size = table({"id": "increments", "label": NAME, "age": "integer", "size": "integer"})
    last = app.boot_with(teams=with_size, notes=table({"id": "increments"})).run
    with pytest.raises(ReverseRefused, match=f"run {last} changed teams later"):
        opened.plan_back(first)
    opened.migrate_back(last, allow=ALL)
    assert list(app.columns("teams")) == ["id", "label", "age"]
    opened.migrate_back(first, allow=ALL)
    assert list(app.columns("teams")) == ["id", "label"]


def test_what_is_left_keeps_earlier_runs_in_place(app: Application, opened: Database) -> None:
    app.boot_with(teams=table({"id": "increments"}))
    first = app.boot_with(teams=table({"id": "increments", "age": "integer"})).run
    last = app.boot_with(teams=table({"id": "increments", "age": "integer", "size": "integer"})).run
    assert waiting(opened.migrate_back(last)) == {"drop_column teams.size": "held_back"}
    with pytest.raises(ReverseRefused, match=f"run {last} changed teams later"):
        opened.plan_back(first)
    assert opened.migrate_back(last, allow=ALL).in_sync


def test_an_unknown_run_is_refused(app: Application, opened: Database) -> None:
    with pytest.raises(ReverseRefused, match="no run is recorded"):
        opened.plan_back("nothing")
    app.boot_with(teams=BEFORE["teams"])
    with pytest.raises(ReverseRefused, match="there is no such run"):
        opened.migrate_back("nothing")
