"""Verbs against a database that answers what a test gives it: exit codes, JSON, errors."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from odac_db.errors import DeclarationError, MigrationFailed, Problem
from odac_db.schema import changes as c
from odac_db.schema.model import Column
from odac_db.schema.online import Online
from odac_db.schema.plan import Plan, Report, Statement
from tests.unit.conftest import Answer
from tests.unit.fake_database import FakeDatabase, install, operation

ADD = operation(
    c.AddColumn(table="t", column=Column(name="x", type="text")),
    name="x",
    summary="t.x text",
    statements=(Statement('ALTER TABLE "t" ADD "x" text'),),
)
HELD = operation(
    c.DropColumn(table="t", column=Column(name="y", type="text")), name="y", status="held_back"
)
ON = ("--url", "sqlite://", "--schema", "tables")


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeDatabase:
    for variable in [name for name in os.environ if name.startswith("ODAC_DB_")]:
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    found = FakeDatabase()
    found.opened = install(monkeypatch, found)
    return found


def test_plan_always_exits_0(database: FakeDatabase, odac_db: Callable[..., Answer]) -> None:
    database.answer_plan = Plan(operations=(ADD, HELD))
    answer = odac_db("plan", *ON)
    assert answer.code == 0
    assert "+ add column x" in answer.out
    assert answer.err == ""
    assert database.closed


def test_leave_reaches_the_database(database: FakeDatabase, odac_db: Callable[..., Answer]) -> None:
    big = ("--big-table", "5")
    odac_db("plan", *ON, "--allow", "drop_column", "--allow", "drop_table:old", "--prune", *big)
    assert database.asked == {
        "allow": {"drop_column", "drop_table:old"},
        "prune": True,
        "online": Online(big_table=5),
    }
    locks = ("--table-lock-timeout", "0.5", "--table-lock-patience", "7")
    odac_db("migrate", *ON, "--allow-destructive", "--lock-timeout", "2.5", *locks)
    assert database.asked.pop("progress")
    assert database.asked == {
        "allow": {"destructive"},
        "prune": False,
        "plan": None,
        "lock_timeout": 2.5,
        "online": Online(table_lock_timeout=0.5, table_lock_patience=7),
    }
    assert database.opened == {"url": "sqlite://", "schema": Path("tables"), "cache": None}


def test_plan_json_is_the_plan(database: FakeDatabase, odac_db: Callable[..., Answer]) -> None:
    database.answer_plan = Plan(operations=(ADD, HELD))
    answer = odac_db("plan", *ON, "--json")
    assert json.loads(answer.out) == database.answer_plan.to_json()


def test_plan_sql_is_only_sql(database: FakeDatabase, odac_db: Callable[..., Answer]) -> None:
    database.answer_plan = Plan(operations=(ADD,))
    assert (
        odac_db("plan", *ON, "--sql").out
        == '-- add column t.x text\nALTER TABLE "t" ADD "x" text;\n'
    )


@pytest.mark.parametrize(("operations", "code"), [((), 0), ((ADD,), 3), ((HELD,), 3)])
def test_check_exits_3_for_anything_left(
    database: FakeDatabase, odac_db: Callable[..., Answer], operations: Any, code: int
) -> None:
    database.answer_plan = Plan(operations=operations)
    assert odac_db("check", *ON).code == code
    answer = odac_db("check", *ON, "--json")
    assert answer.code == code
    assert json.loads(answer.out)["in_sync"] is (code == 0)


@pytest.mark.parametrize(("remaining", "code"), [((), 0), ((HELD,), 3)])
def test_migrate_exits_3_if_something_declared_is_left(
    database: FakeDatabase, odac_db: Callable[..., Answer], remaining: Any, code: int
) -> None:
    database.answer_report = Report(remaining=remaining)
    assert odac_db("migrate", *ON).code == code
    answer = odac_db("migrate", *ON, "--json")
    assert (answer.code, json.loads(answer.out)) == (code, database.answer_report.to_json())


def test_several_connections_are_told_apart(
    database: FakeDatabase, odac_db: Callable[..., Answer]
) -> None:
    logs = FakeDatabase("logs")
    logs.answer_plan = Plan(operations=(ADD,))
    database.connections = {"default": database, "logs": logs}
    answer = json.loads(odac_db("check", *ON, "--json").out)
    assert answer["in_sync"] is False
    assert answer["connections"]["default"]["in_sync"] is True
    assert answer["connections"]["logs"]["operations"][0]["kind"] == "add_column"
    assert "default\nIn sync" in odac_db("plan", *ON).out


def test_a_failure_on_one_of_several_connections_names_it_and_what_was_done(
    database: FakeDatabase, odac_db: Callable[..., Answer]
) -> None:
    logs = FakeDatabase("logs")
    logs.failure = MigrationFailed("add column x", "ALTER ...", "no", undone=True)
    database.connections = {"default": database, "logs": logs}
    answer = odac_db("migrate", *ON)
    assert answer.code == 1
    assert "on connection logs" in answer.err
    assert "migrated before it: default" in answer.err


def test_missing_url_and_schema_are_usage_errors(
    database: FakeDatabase, odac_db: Callable[..., Answer]
) -> None:
    assert odac_db("plan").code == 2
    answer = odac_db("plan", "--url", "sqlite://")
    assert answer.code == 2
    assert "--schema" in answer.err
    assert "url" not in database.opened
    assert odac_db("plan", "--bogus").code == 2
    answer = odac_db("plan", "--url", "sqlite://", "--schema", ".", "--allow", "drop_colum")
    assert answer.code == 2
    assert "did you mean 'drop_column'?" in answer.err
    assert odac_db("no-such-verb").code == 2


def test_a_declaration_error_lists_every_problem(
    database: FakeDatabase, odac_db: Callable[..., Answer]
) -> None:
    database.failure = DeclarationError(
        [Problem("t.yaml", 3, 5, "no type"), Problem("u.yaml", 1, 1, "b")]
    )
    answer = odac_db("plan", *ON, "--json")
    assert answer.code == 1
    assert "t.yaml:3:5: no type" in answer.err
    error = json.loads(answer.out)["error"]
    assert error["type"] == "DeclarationError"
    assert error["problems"][0] == {"file": "t.yaml", "line": 3, "column": 5, "message": "no type"}


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (
            sa.exc.OperationalError("SELECT", {}, OSError("refused mysql://a:s3c@h/x")),
            "refused mysql://a:***@h/x",
        ),
        (FileNotFoundError(2, "No such file or directory", "tables"), "tables: No such file"),
        (RuntimeError("boom"), "ODAC_DB_DEBUG=1"),
    ],
)
def test_errors_are_messages_and_exit_1(
    database: FakeDatabase, odac_db: Callable[..., Answer], failure: Exception, message: str
) -> None:
    database.failure = failure
    answer = odac_db("migrate", *ON)
    assert answer.code == 1
    assert answer.out == ""
    assert message in answer.err
    assert "Traceback" not in answer.err


def test_the_traceback_is_shown_on_request_and_masked(
    database: FakeDatabase, odac_db: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ODAC_DB_DEBUG", "1")
    database.failure = RuntimeError("mysql://a:s3cret@h/x")
    answer = odac_db("migrate", *ON)
    assert "Traceback" in answer.err
    assert "s3cret" not in answer.err


def test_ctrl_c_exits_130(database: FakeDatabase, odac_db: Callable[..., Answer]) -> None:
    database.failure = KeyboardInterrupt()
    answer = odac_db("migrate", *ON)
    assert (answer.code, answer.out, answer.err) == (130, "", "interrupted\n")


def test_status_sums_up(database: FakeDatabase, odac_db: Callable[..., Answer]) -> None:
    database.answer_plan = Plan(operations=(ADD, HELD), undeclared=("old",))
    answer = odac_db("status", *ON)
    assert answer.code == 0
    assert "1 pending, 1 held back" in answer.out
    found = json.loads(odac_db("status", *ON, "--json").out)
    assert (found["pending"], found["held_back"], found["blocked"]) == (1, 1, 0)
    assert found["last_run"] is None
