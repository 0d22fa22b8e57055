"""Everything rows can refuse, on every server: told before the first write, by key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from odac_db import ConstraintSetupError, Operation
from tests.behaviours.steps import Application, Body, done, table, waiting
from tests.fixtures.databases import LiveDatabase
from tests.preflight.case import Refusal
from tests.preflight.constraints import CONSTRAINTS
from tests.preflight.types import TYPES

REFUSALS = [*CONSTRAINTS, *TYPES]


def prepared(case: Refusal, database: LiveDatabase, folder: Path) -> Application:
    """The application with its rows, and the files as they are to be."""
    app = Application(database, folder)
    app.declare(t=case.before, **(case.others or {}))
    assert app.boot().in_sync
    for row in case.rows:
        names = ", ".join(row)
        values = ", ".join(map(literal, row.values()))
        database.execute(f"INSERT INTO t ({names}) VALUES ({values})")
    app.declare(t=case.after, **(case.others or {}))
    return app


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return str(value).lower() if isinstance(value, bool) else str(value)


def blocked(operations: Sequence[Any], case: Refusal) -> Operation:
    found: Operation
    (found,) = [
        one
        for one in operations
        if one.kind == case.operation and case.finding in {each.kind for each in one.findings}
    ]
    assert found.status == "blocked"
    return found


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_c3_what_the_rows_refuse_is_told_and_nothing_is_changed(
    case: Refusal, database: LiveDatabase, tmp_path: Path
) -> None:
    """``conftest`` leaves out the servers that a case is not for."""
    app = prepared(case, database, tmp_path / "schema")
    before = database.dump(), database.rows("t")
    operation = blocked(app.plan(allow=case.allow).operations, case)
    (finding,) = [one for one in operation.findings if one.kind == case.finding]
    assert_told(finding.to_json(), case)
    assert_told(next(o for o in operation.to_json()["findings"] if o["kind"] == case.finding), case)
    assert finding.message in operation.reason
    with pytest.raises(ConstraintSetupError) as error:
        app.boot(allow=case.allow, strict=True)
    blocked(error.value.operations, case)
    assert finding.message in str(error.value)
    assert (database.dump(), database.rows("t")) == before
    assert {one.status for one in app.boot(allow=case.allow).remaining} == {"blocked"}
    assert (database.dump(), database.rows("t")) == before


def assert_told(finding: dict[str, Any], case: Refusal) -> None:
    assert (finding["count"], finding["refuses"]) == (case.count, True)
    assert case.count is None or str(case.count) in finding["message"]
    if case.count is not None and case.count > 5 and not case.samples:
        assert len(finding["samples"]) == 5
        return
    assert sorted(map(repr, finding["samples"])) == sorted(repr(dict(row)) for row in case.samples)
    for row in case.samples:
        for name, value in row.items():
            assert f"{name}={'NULL' if value is None else str(value)[:39]}" in finding["message"]


def test_everything_else_proceeds(database: LiveDatabase, tmp_path: Path) -> None:
    app = Application(database, tmp_path / "schema")
    app.declare(t=table({"id": {"type": "integer", "primary": True}, "n": "integer"}))
    app.boot()
    database.execute("INSERT INTO t (id, n) VALUES (1, 5), (2, 5)")
    columns = {"id": {"type": "integer", "primary": True}, "n": {"type": "integer", "unique": True}}
    app.declare(t=table({**columns, "more": "integer"}), u=table(columns))
    with pytest.raises(ConstraintSetupError, match="n=5, rows=2"):
        app.boot(strict=True)
    assert database.rows("u") == []
    assert [row["more"] for row in database.rows("t")] == [None, None]
    database.execute("UPDATE t SET n = 6 WHERE id = 2")
    assert app.boot(strict=True).in_sync
    app.assert_settled()


def test_what_mysql_refuses_whatever_the_rows_leaves_what_it_was_to_replace(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    app = Application(mysql_database, tmp_path / "schema")
    columns: Body = {"id": {"type": "integer", "primary": True}, "n": "integer"}

    def declare(first: str, second: str) -> None:
        app.declare(
            t=table(columns, checks=[{"name": "tc", "expression": first}]),
            u=table(columns, checks=[{"name": "uc", "expression": second}]),
        )

    declare("n > 0", "n > 0")
    app.boot()
    declare("no_such_function(n) > 0", "n > 1")
    left = {"drop_check t.tc": "blocked", "add_check t.tc": "blocked"}
    assert waiting(app.plan()) == left
    report = app.boot()
    assert (done(report), waiting(report)) == (["drop_check u.uc", "add_check u.uc"], left)
    refused = next(one for one in report.remaining if one.kind == "add_check")
    assert "the server refuses t as declared" in refused.reason
    assert "no_such_function" in refused.reason
    assert "_odac_" not in refused.reason
    for statement, check in (
        ("INSERT INTO t VALUES (1, -1)", "tc"),
        ("INSERT INTO u VALUES (1, 1)", "uc"),
    ):
        with pytest.raises(Exception, match=check):
            mysql_database.execute(statement)
    assert app.boot().applied == ()
    declare("n > 2", "n > 1")
    assert app.boot().in_sync
    app.assert_settled()


BAD = [
    ({}, {"checks": [{"expression": "no_such_function(n) > 0"}]}),
    ({"g": {"type": "integer", "generated": "no_such_function(n)"}}, {}),
    ({"g": {"type": "integer", "default": {"expression": "(no_such_function(5))"}}}, {}),
]


@pytest.mark.parametrize(("columns", "keys"), BAD)
def test_what_mysql_refuses_of_a_new_table_stops_nothing_else(
    columns: Body, keys: dict[str, Any], mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    app = Application(mysql_database, tmp_path / "schema")
    key: dict[str, Any] = {"type": "integer", "primary": True}
    plain: Body = {"id": key, "n": "integer"}
    app.boot_with(t=table(plain))
    child = table({"id": key, "bad_id": {"type": "integer", "references": "bad.id"}})
    bad = table(plain | columns, indexes=[{"columns": ["n"]}], **keys)
    app.declare(t=table(plain | {"more": "integer"}), bad=bad, child=child)
    left = {
        "create_table bad": "blocked",
        "add_index bad(n)": "blocked",
        "add_foreign_key child(bad_id)": "blocked",
    }
    assert {name: left[name] for name in waiting(app.plan())} == waiting(app.plan())
    report = app.boot()
    assert done(report) == ["create_table child", "add_column t.more"]
    (refused,) = [one.reason for one in report.remaining if one.kind == "create_table"]
    assert "the server refuses bad as declared" in refused
    assert "no_such_function" in refused
    app.declare(t=table(plain | {"more": "integer"}), bad=table(plain), child=child)
    assert app.boot().in_sync
    app.assert_settled()


def test_the_rest_of_an_alteration_proceeds(database: LiveDatabase, tmp_path: Path) -> None:
    app = Application(database, tmp_path / "schema")
    key = {"type": "integer", "primary": True}
    app.declare(t=table({"id": key, "n": {"type": "small_integer"}}))
    app.boot()
    database.execute("INSERT INTO t (id, n) VALUES (1, NULL), (2, 5)")
    wider = {"type": "big_integer", "nullable": False}
    app.declare(t=table({"id": key, "n": wider}))
    report = app.boot()
    assert [(one.kind, one.status) for one in report.applied] == [("alter_column", "applied")]
    (left,) = report.remaining
    assert (left.kind, left.status) == ("alter_column", "blocked")
    database.execute("INSERT INTO t (id, n) VALUES (3, 5000000000)")
    assert [row["n"] for row in database.rows("t")] == [None, 5, 5000000000]
    database.execute("UPDATE t SET n = 1 WHERE n IS NULL")
    assert app.boot().in_sync
    app.assert_settled()
