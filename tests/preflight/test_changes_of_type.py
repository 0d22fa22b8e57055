"""Changes of type: what is told without leave, what is done with it, and to which rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from odac_db import Operation
from tests.behaviours.steps import ALL, Application
from tests.docs.examples import called
from tests.fixtures.databases import LiveDatabase
from tests.preflight.constraints import t, unique
from tests.preflight.types import TEXT, decimal, string


@pytest.fixture
def app(database: LiveDatabase, tmp_path: Path) -> Application:
    return Application(database, tmp_path / "schema")


def grown(app: Application, before: Any, after: Any, values: Sequence[Any]) -> None:
    """The application with a row of each value, and the files as they are to be."""
    app.boot_with(t=t(a=before))
    for number, value in enumerate(values, 1):
        text = f"'{value}'" if isinstance(value, str) else value
        app.execute(f"INSERT INTO t (id, a) VALUES ({number}, {text})")
    app.declare(t=t(a=after))


def only(operations: Sequence[Operation]) -> Operation:
    (found,) = operations
    return found


def told(operation: Operation) -> list[tuple[str, int | None, list[Any]]]:
    """Kind, count and ids of what was found."""
    return [
        (one.kind, one.count, sorted(row["id"] for row in one.samples))
        for one in operation.findings
    ]


def values(app: Application) -> list[str]:
    return [str(row["a"]) for row in sorted(app.database.rows("t"), key=lambda row: row["id"])]


def altered(app: Application) -> tuple[Operation, list[str]]:
    """What was planned with leave, once it is done as planned; and the values then."""
    planned = only(app.plan(allow=ALL).operations)
    assert (planned.status, planned.destructive) == ("pending", True)
    done = only(app.boot(allow=ALL, strict=True).applied)
    assert (done.findings, done.rows) == (planned.findings, planned.rows)
    app.assert_settled()
    return done, values(app)


@pytest.fixture
def rounding(database: LiveDatabase) -> tuple[Any, Any, Sequence[Any], list[Any], list[str]]:
    """Types, values, what is told and what becomes of the values."""
    if database.family == "sqlite":
        read = [("not_castable", 1, [2]), ("changed", 1, [3])]
        return TEXT, "integer", ["007", "x", "1.5"], read, ["7", "0", "1"]
    rounded = [("changed", 2, [1, 3])]
    given = [1.2345, 1.5, 9.999]
    return decimal(10, 4), decimal(10, 2), given, rounded, ["1.23", "1.50", "10.00"]


def test_what_leave_alters_is_counted_and_done(app: Application, rounding: Any) -> None:
    before, after, given, expected, become = rounding
    grown(app, before, after, given)
    operation, now = altered(app)
    assert (told(operation), now) == (expected, become)
    assert operation.rows == sum(count for _, count, _ in expected)


def test_without_leave_the_same_is_told_and_nothing_is_done(
    app: Application, rounding: Any
) -> None:
    before, after, given, expected, _ = rounding
    grown(app, before, after, given)
    kept = app.database.dump(), values(app)
    operation = only(app.boot().remaining)
    assert (operation.status, told(operation)) == ("held_back", expected)
    assert (app.database.dump(), values(app)) == kept


def test_strings_are_cut_where_leave_says_so(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    app = Application(postgresql_database, tmp_path / "schema")
    grown(app, string(20), string(3), ["abc", "abcd", "x    "])
    operation, now = altered(app)
    assert (told(operation), now) == ([("too_long", 2, [2, 3])], ["abc", "abc", "x  "])
    assert "of more than 3 characters, which is cut" in operation.findings[0].message


def assert_told_before_leave(app: Application) -> None:
    grown(app, "integer", "small_integer", [5, 40000])
    held = only(app.boot().remaining)
    assert (held.status, told(held)) == ("held_back", [("out_of_range", 1, [2])])
    assert "--allow alter_column:t.a" in held.reason
    assert held.findings[0].message in held.reason
    assert only(app.plan(allow=ALL).operations).status == "blocked"
    app.execute("UPDATE t SET a = 6 WHERE id = 2")
    assert told(only(app.boot().remaining)) == []
    _, now = altered(app)
    assert now == ["5", "6"]


def test_postgresql_tells_what_it_would_refuse_before_there_is_leave(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    assert_told_before_leave(Application(postgresql_database, tmp_path / "schema"))


def test_mysql_tells_what_it_would_refuse_before_there_is_leave(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    assert_told_before_leave(Application(mysql_database, tmp_path / "schema"))


def test_an_enum_value_that_no_row_holds_goes_without_leave(app: Application) -> None:
    grown(
        app,
        {"type": "enum", "values": ["a", "b", "c"], "nullable": False},
        {"type": "enum", "values": ["c", "a"], "default": "a", "nullable": False},
        ["a", "c"],
    )
    assert {one.status for one in app.plan().operations} == {"pending"}
    assert app.boot().in_sync
    assert values(app) == ["a", "c"]
    app.assert_settled()


def test_an_enum_value_in_use_stays_without_leave(app: Application) -> None:
    values_of = {"type": "enum", "values": ["a", "b"]}
    grown(app, values_of, {"type": "enum", "values": ["a"]}, ["a", "b"])
    kept = app.database.dump(), values(app)
    report = app.boot()
    assert report.applied == ()
    assert {one.status for one in report.remaining} <= {"held_back", "blocked"}
    assert [each.count for one in report.remaining for each in one.findings] == [1]
    assert (app.database.dump(), values(app)) == kept


def test_keys_and_checks_are_asked_of_the_new_values(app: Application) -> None:
    """``'7'`` and ``'07'`` are two texts and one number."""
    grown(app, TEXT, "integer", ["7", "07", "-1"])
    positive = {"checks": [{"name": "positive", "expression": "a > 0"}]}
    app.declare(t=t(a="integer", keys={**unique("a"), **positive}))
    plan = {one.kind: one for one in app.plan(allow=ALL).operations}
    assert [one.count for one in plan["add_index"].findings] == [1]
    assert told(plan["add_check"]) == [("check", 1, [3])]
    assert plan["alter_column"].status == "pending"
    app.boot(allow=ALL)
    assert values(app) == ["7", "7", "-1"]
    app.execute("UPDATE t SET a = id")
    assert app.boot(strict=True).in_sync
    app.assert_settled()


def test_the_command_line_shows_findings(app: Application, rounding: Any) -> None:
    before, after, given, _, _ = rounding
    grown(app, before, after, given)
    place = ["--url", app.database.url, "--schema", str(app.folder), "--allow-destructive"]
    findings = only(app.plan(allow=ALL).operations).findings
    code, text = called(["plan", *place])
    assert code == 0
    assert all(finding.message in text for finding in findings)
    (shown,) = json.loads(called(["plan", *place, "--json"])[1])["operations"]
    assert shown["findings"] == [finding.to_json() for finding in findings]


def test_a_change_that_loses_nothing_must_not_lose_a_foreign_key(app: Application) -> None:
    """All values fit, so that it needs no leave; but what an undeclared table refers to stays."""
    app.boot_with(t={"columns": {"code": {**string(20), "primary": True}}})
    app.execute(
        "INSERT INTO t VALUES ('1'), ('2')",
        "CREATE TABLE kept (code varchar(20), FOREIGN KEY (code) REFERENCES t (code))",
    )
    before = app.database.dump()
    app.declare(t={"columns": {"code": {"type": "integer", "primary": True}}})
    if app.database.family == "sqlite":  # a key may be of any type there
        assert app.boot(allow=ALL).in_sync
        return
    operation = only(app.boot().remaining)
    assert operation.status in {"held_back", "blocked"}
    assert only(app.boot(allow=ALL).remaining).status == "blocked"
    assert app.database.dump() == before


def referring(type_: Any) -> Any:
    """Table ``t``, whose column ``a`` refers to its column ``k``."""
    key = {"columns": ["a"], "references": {"table": "t", "columns": ["k"]}}
    return t(k=type_, a=type_, keys={**unique("k"), "foreign_keys": [key]})


def test_both_ends_of_a_foreign_key_change_their_type_together(app: Application) -> None:
    app.boot_with(t=referring(decimal(5, 1)))
    app.execute("INSERT INTO t (id, k, a) VALUES (1, 1.1, 1.1), (2, 2.1, NULL), (3, 3.1, 2.1)")
    assert app.boot_with(ALL, t=referring("integer")).in_sync
    rows = [(row["k"], row["a"]) for row in app.database.rows("t")]
    assert rows == [(1, 1), (2, None), (3, 2)]
    assert app.keys("t") == [(["a"], "t", ["k"], None)]
    app.assert_settled()


def test_where_the_rows_keep_one_end_of_a_foreign_key_the_other_stays_as_well(
    app: Application,
) -> None:
    """``1.1`` and ``1.2`` become one number: the column that is referred to cannot change."""
    app.boot_with(t=referring(decimal(5, 1)))
    app.execute("INSERT INTO t (id, k, a) VALUES (1, 1.1, 1.1), (2, 1.2, 1.2)")
    before = app.database.dump(), app.database.rows("t")
    report = app.boot_with(ALL, t=referring("integer"))
    assert report.applied == ()
    assert {one.status for one in report.remaining} == {"blocked"}
    assert (app.database.dump(), app.database.rows("t")) == before
