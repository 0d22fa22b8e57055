"""Holes M23 and M25-M28 of odac: looking, booting together, pulling, cost, files.
Acceptance A14, A16, A20, B6 and D3.

M24 is about data-migration files and is tested with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from odac_db import (
    ConnectionFailed,
    Database,
    DeclarationError,
    LedgerIsNewer,
    MigrationFailed,
    UnsupportedServer,
)
from odac_db.cli import main
from tests.behaviours.steps import Application, Body, done, table, waiting, wrong_column
from tests.fixtures.databases import LiveDatabase

ID: dict[str, Any] = {"type": "integer", "primary": True}
SEEDED = table({"id": ID, "name": "string"}, seed_key="id", seed=[{"id": 1, "name": "a"}])


def command(app: Application, verb: str) -> int:
    """The exit code of a verb of the command line."""
    with pytest.raises(SystemExit) as ended:
        main.run([verb, "--url", app.database.url, "--schema", str(app.folder)])
    return int(ended.value.code or 0)


def test_m23_looking_at_an_empty_database_with_seeds_declared_changes_nothing(
    app: Application, capsys: pytest.CaptureFixture[str]
) -> None:
    """Acceptance A20: a dry run says "would", and exit codes tell a script."""
    app.declare(items=SEEDED)
    codes = {verb: command(app, verb) for verb in ("plan", "status", "check")}
    assert codes == {"plan": 0, "status": 0, "check": 3}
    assert "Would apply 1 operation" in capsys.readouterr().out
    assert app.inspect().get_table_names() == []
    assert command(app, "migrate") == 0
    assert "Applied 1 operation" in capsys.readouterr().out
    assert command(app, "check") == 0


def test_m25_processes_that_boot_together_do_it_once(app: Application) -> None:
    """Threads here; processes, and one that is killed, are in ``laws/test_race``."""
    app.declare(items=SEEDED, others=table({"id": ID, "item": "integer"}))
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda _: app.boot(), range(4)))
    assert sorted(len(report.applied) for report in reports) == [0, 0, 0, 2]
    assert all(report.in_sync for report in reports)
    assert app.database.rows("items") == [{"id": 1, "name": "a"}]


SHOP = {
    "users": table({"id": "increments", "email": {"type": "string", "length": 80}}),
    "orders": table(
        {
            "id": "big_increments",
            "user_id": {"type": "integer", "references": "users.id", "on_delete": "cascade"},
            "total": {"type": "decimal", "precision": 12, "scale": 4, "default": 0},
            "note": {"type": "string", "length": 40, "default": "it's 'x'::text"},
            "state": {"type": "enum", "values": ["new", "paid"], "default": "new"},
            "stamps": "timestamps",
        },
        indexes=[{"columns": ["user_id", "total desc"]}, {"columns": ["note"], "unique": True}],
    ),
}


def test_m26_a02_what_is_pulled_is_in_sync_and_drops_nothing(
    app: Application, tmp_path: Path
) -> None:
    """Acceptance A2."""
    app.boot_with(**SHOP)
    dump = app.database.dump()
    with Database.open(app.database.url) as db:
        assert db.pull(tmp_path / "pulled").unsupported == ()
    app.folder = tmp_path / "pulled"
    assert app.plan().operations == ()
    app.assert_settled()
    assert app.database.dump() == dump
    assert app.keys("orders") == [(["user_id"], "users", ["id"], "CASCADE")]


def test_m26_pulled_files_make_the_same_database(
    app: Application, new_database: Callable[[], LiveDatabase], tmp_path: Path
) -> None:
    app.boot_with(**SHOP)
    with Database.open(app.database.url) as db:
        db.pull(tmp_path / "pulled")
        assert db.pull(tmp_path / "pulled").written == ()
    copy = Application(new_database(), tmp_path / "pulled")
    assert copy.boot().in_sync
    assert copy.database.dump() == app.database.dump()


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(*facts: Any) -> None:
        statements.append(facts[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_m27_a16_looking_costs_the_same_for_two_tables_and_for_thirty(app: Application) -> None:
    """Acceptance A16."""

    def cost(tables: int) -> int:
        body = table({"id": ID, "name": {"type": "string", "length": 20}})
        app.boot_with(**{f"t{number}": body for number in range(tables)})
        with (
            Database.open(app.database.url, schema=app.folder) as db,
            counted(db.engine) as statements,
        ):
            assert db.plan(prune=True).in_sync
            return len(statements)

    few = cost(2)
    assert 0 < few < 20
    assert cost(30) == few


def test_m28_schema_files_are_never_executed(app: Application, tmp_path: Path) -> None:
    app.declare(items=SEEDED)
    made = tmp_path / "made"
    (app.folder / "evil.py").write_text(f"open({str(made)!r}, 'w')")
    (app.folder / "evil.js").write_text("module.exports = {columns: {id: {type: 'increments'}}}")
    (app.folder / "other.yaml").write_text("columns: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(DeclarationError):
        app.boot()
    (app.folder / "other.yaml").unlink()
    app.boot()
    assert app.tables() == {"items"}
    assert not made.exists()


def test_m28_a_table_may_be_named_like_anything(app: Application) -> None:
    """Acceptance B6: names are quoted, not forbidden."""
    column = {"type": "integer", "primary": True}
    names = ["default", "select", "Order Items", 'wei"rd', "tick`s", "100%", "a:b", "größe", "x.y"]
    tables = {
        f"t{number}": table(
            {name: column, "group by": {"type": "integer", "unique": True}}, table=name
        )
        for number, name in enumerate(names)
    }
    app.boot_with(**tables)
    assert {name.lower() for name in app.tables()} == {name.lower() for name in names}
    app.assert_settled()
    for body in tables.values():
        body["columns"]["to?"] = {"type": "string", "length": 9, "default": "50% :x ?"}
    assert len(app.boot_with(**tables).applied) == len(names)
    app.assert_settled()


def test_b6_the_prefix_of_our_own_tables_is_refused(app: Application) -> None:
    with pytest.raises(DeclarationError, match="_odac_"):
        app.boot_with(_odac_mine=table({"id": ID}))
    assert app.inspect().get_table_names() == []


@pytest.mark.parametrize("url", ["redis://127.0.0.1:6379/0", "clickhouse://127.0.0.1/x"])
def test_m28_a_url_of_something_else_is_refused(url: str) -> None:
    """odac makes a MySQL connection of it."""
    with pytest.raises(UnsupportedServer):
        Database.open(url)


def test_m28_a_connection_that_fails_fails_the_boot(tmp_path: Path) -> None:
    for url in ("postgresql://ada:s3cret@127.0.0.1:1/x", "mysql://ada:s3cret@127.0.0.1:1/x"):
        with pytest.raises(ConnectionFailed) as failed:
            Database.open(url, schema=tmp_path, migrate=True)
        assert "s3cret" not in str(failed.value)


def priced(**keys: Any) -> Body:
    return table({"id": ID, "price": "integer"}, **keys)


def test_a14_a_failed_boot_leaves_all_or_what_the_next_one_goes_on_from(app: Application) -> None:
    app.boot_with(items=priced())
    dump = app.database.dump()
    checked = priced(checks=[{"name": "sound", "expression": "price >= 0"}])
    wrong = table({"id": ID, "price": wrong_column(app.database.family)})
    with pytest.raises(MigrationFailed, match="wrong"):
        app.boot_with(items=checked, others=priced(), wrong=wrong)
    if app.database.family != "mysql":
        assert app.database.dump() == dump
    report = app.boot_with(items=checked, others=priced(), wrong=priced())
    assert waiting(report) == {}
    assert "add_check items.sound" in done(report)
    assert app.tables() == {"items", "others", "wrong"}
    app.assert_settled()


def test_d3_a_ledger_of_a_newer_library_is_refused_and_nothing_is_touched(
    app: Application,
) -> None:
    app.boot_with(items=priced())
    app.execute("UPDATE _odac_state SET value = '99' WHERE name = 'format'")
    dump = app.database.dump()
    app.declare(items=priced(), others=priced())
    for look in (app.boot, app.plan):
        with pytest.raises(LedgerIsNewer) as refused:
            look()
        assert (refused.value.found, refused.value.supported) == (99, 1)
    assert app.database.dump() == dump
