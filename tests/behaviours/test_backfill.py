"""NOT NULL with a default, over a column that holds NULLs: the rows are filled first."""

from __future__ import annotations

from typing import Any

import pytest

from odac_db import Database
from odac_db.migrate.backfill import ahead, batches
from tests.behaviours.steps import ALL, Application, done, table, waiting

ID = {"type": "integer", "primary": True}
FILLED = {"type": "string", "length": 20, "nullable": False, "default": "it's"}


def with_nulls(app: Application, *values: str | None, **columns: Any) -> None:
    """A table t of these values in a column that may be NULL."""
    before = {"id": ID, "a": {"type": "string", "length": 20}, **columns}
    app.boot_with(t=table(before))
    for number, value in enumerate(values):
        text = "NULL" if value is None else f"'{value}'"
        app.execute(f"INSERT INTO t (id, a) VALUES ({number}, {text})")


def values(app: Application, column: str = "a") -> list[Any]:
    return [row[column] for row in sorted(app.database.rows("t"), key=lambda row: row["id"])]


def test_rows_without_a_value_get_the_default_before_not_null(app: Application) -> None:
    with_nulls(app, None, "x", None)
    app.declare(t=table({"id": ID, "a": FILLED}))
    (fill,) = [op for op in app.plan().operations if op.kind == "backfill"]
    assert (fill.rows, fill.status) == (2, "pending")
    assert fill.summary.startswith("t.a with 'it''s'")
    report = app.boot()
    assert report.in_sync
    assert values(app) == ["it's", "x", "it's"]
    assert app.columns("t")["a"]["nullable"] is False
    app.assert_settled()


def test_without_a_default_the_nulls_are_told_and_stay(app: Application) -> None:
    with_nulls(app, None, "x")
    report = app.boot_with(
        t=table({"id": ID, "a": {"type": "string", "length": 20, "nullable": False}})
    )
    assert waiting(report) == {"alter_column t.a": "blocked"}
    assert values(app) == [None, "x"]


def test_a_column_is_retyped_renamed_and_filled_at_once(app: Application) -> None:
    with_nulls(app, None, "7", None)
    count = {"type": "integer", "nullable": False, "default": -1, "renamed_from": "a"}
    report = app.boot_with(ALL, u=table({"id": ID, "n": count}, renamed_from="t"))
    assert report.in_sync
    assert [row["n"] for row in sorted(app.database.rows("u"), key=lambda r: r["id"])] == [
        -1,
        7,
        -1,
    ]
    app.assert_settled()


def test_what_the_default_breaks_is_told_beforehand(app: Application) -> None:
    with_nulls(app, None, "x", None)
    report = app.boot_with(t=table({"id": ID, "a": {**FILLED, "unique": True}}))
    assert waiting(report) == {"add_index t(a)": "blocked"}
    assert values(app) == ["it's", "x", "it's"]


def test_an_expression_is_computed_as_the_rows_are_filled(app: Application) -> None:
    with_nulls(app, None, "x", at={"type": "timestamp"})
    at = {"type": "timestamp", "nullable": False, "default": "now()"}
    report = app.boot_with(t=table({"id": ID, "a": {"type": "string", "length": 20}, "at": at}))
    assert report.in_sync
    assert None not in values(app, "at")
    app.assert_settled()


@pytest.mark.parametrize("key", [["id"], ["b", "id"], []], ids=["one", "two", "none"])
def test_b3_it_goes_in_batches_by_any_key(
    app: Application, key: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SMALLEST", "FIRST", "LARGEST"):
        monkeypatch.setattr(batches, name, 3)
    monkeypatch.setattr(ahead, "MANY", 5)
    number = {"type": "integer", "nullable": False}
    before: dict[str, Any] = {"id": number, "b": number, "a": "integer"}
    app.boot_with(t=table(before, primary_key=key) if key else table(before))
    for n in range(20):
        app.execute(f"INSERT INTO t (id, b, a) VALUES ({n}, {n % 3}, {'NULL' if n % 4 else n})")
    after = {**before, "a": {"type": "integer", "nullable": False, "default": -5}}
    told: list[tuple[int, int | None]] = []
    app.declare(t=table(after, primary_key=key) if key else table(after))
    report = app.boot(progress=lambda p: told.append((p.rows_done, p.rows_total)))
    assert report.in_sync
    assert values(app) == [-5 if n % 4 else n for n in range(20)]
    by_batches = app.database.family == "mysql" or (app.database.family == "postgresql" and key)
    assert ((15, 15) in told) is bool(by_batches)
    assert ((6, 15) in told) is bool(by_batches and key)
    app.assert_settled()
    if by_batches:
        (note,) = app.database.rows("_odac_backfills")
        assert (note["filled"], note["finished_at"] is None) == (15, False)


def test_a_second_backfill_of_a_column_starts_afresh(app: Application) -> None:
    with_nulls(app, None, "x")
    nullable = {"type": "string", "length": 20, "default": "it's"}
    for declared in (FILLED, nullable):
        app.boot_with(t=table({"id": ID, "a": declared}))
    app.execute("UPDATE t SET a = NULL")
    report = app.boot_with(t=table({"id": ID, "a": FILLED}))
    assert "backfill t.a" in done(report)
    assert values(app) == ["it's", "it's"]


def test_a_default_that_a_unique_key_allows_once_is_told_beforehand(app: Application) -> None:
    with_nulls(app, None, "x", None)
    unique: dict[str, Any] = {"indexes": [{"columns": ["a"], "unique": True}]}
    app.boot_with(t=table({"id": ID, "a": {"type": "string", "length": 20}}, **unique))
    report = app.boot_with(t=table({"id": ID, "a": FILLED}, **unique))
    assert waiting(report) == {"alter_column t.a": "blocked"}
    assert [finding.kind for finding in report.remaining[0].findings] == ["duplicates"]
    assert values(app) == [None, "x", None]


def test_the_way_back_to_not_null_fills_too(app: Application) -> None:
    with_nulls(app, "x")
    app.boot_with(t=table({"id": ID, "a": FILLED}))
    run = app.boot_with(t=table({"id": ID, "a": {"type": "string", "length": 20}})).run
    app.execute("INSERT INTO t VALUES (1, NULL)")
    with Database.open(app.database.url, schema=app.folder) as db:
        assert "backfill" in {operation.kind for operation in db.plan_back(run).operations}
        assert db.migrate_back(run).in_sync
    assert values(app) == ["x", "it's"]


def test_what_a_data_migration_fills_is_not_given_the_default(app: Application) -> None:
    with_nulls(app, None, "x", None)
    app.declare(t=table({"id": ID, "a": FILLED}))
    (app.folder / "migrations").mkdir()
    file = app.folder / "migrations" / "20260101_001_fill.sql"
    file.write_text("UPDATE t SET a = 'own' WHERE id = 0", "utf-8")
    assert app.boot().in_sync
    assert values(app) == ["own", "x", "it's"]
