"""Acceptance A4, A20, B1, B2, C11, C14 and D4: what a live database can count on.

The others are with what they are about; ``git grep test_a07`` finds each by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, Engine, event

from odac_db import (
    ConnectionFailed,
    ConstraintSetupError,
    Database,
    MigrationFailed,
    OdacDbError,
)
from odac_db.cli import main
from odac_db.cli.labels import label_of
from odac_db.migrate import apply
from tests.behaviours.steps import Application, table, waiting
from tests.cases.ground import Ground
from tests.crash.site import everything
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase
from tests.laws.kinds import kit_of

ID: dict[str, Any] = {"type": "integer", "primary": True}
NAME: dict[str, Any] = {"type": "string", "length": 20}
Columns = dict[str, str | dict[str, Any]]


AFTER: Columns = {
    "id": ID,
    "name": "integer",
    "code": NAME | {"unique": True},
    "size": {"type": "integer", "nullable": False},
    "fresh": "text",
}
REFUSED = {"add_index items(code)": "blocked", "alter_column items.size": "blocked"}
LOSING = {
    "drop_column items.gone": "held_back",
    "drop_table old": "held_back",
    "alter_column items.name": "held_back",
}


@pytest.fixture
def filled(app: Application) -> Application:
    """Rows that are lost, or refuse something, by way of the new files."""
    items: Columns = {"id": ID, "gone": "integer", "name": NAME, "code": NAME, "size": "integer"}
    app.boot_with(items=table(items), old=table({"id": ID}))
    values = "(1, 1, 'abcdef', 'a', NULL), (2, 2, 'b', 'a', 7), (3, NULL, 'c', 'b', NULL)"
    app.execute(f"INSERT INTO items VALUES {values}", "INSERT INTO old VALUES (1), (2)")
    app.declare(items=table(AFTER))
    return app


def test_a04_what_loses_or_is_refused_waits_and_the_rest_is_planned(filled: Application) -> None:
    plan = filled.plan(prune=True)
    assert waiting(plan) == LOSING | REFUSED
    (pending,) = [one.summary for one in plan.operations if one.status == "pending"]
    assert "fresh" in pending
    allowed = filled.plan(allow=("drop_column", "drop_table"), prune=True)
    counts = {(one.kind, one.name): one.rows for one in allowed.operations if one.destructive}
    assert (counts["drop_column", "gone"], counts["drop_table", "old"]) == (2, 2)


def test_a04_a_boot_refuses_with_counts_and_samples_and_loses_nothing(filled: Application) -> None:
    """``strict`` makes it refuse; without it the same is reported."""
    before = filled.database.dump(), filled.database.rows("items"), filled.database.rows("old")
    with pytest.raises(ConstraintSetupError) as refused:
        filled.boot(strict=True, prune=True)
    assert "code=a, rows=2" in str(refused.value)
    assert "2 rows of items hold NULL in size: (id=1, size=NULL); (id=3" in str(refused.value)
    filled.execute("ALTER TABLE items DROP COLUMN fresh")
    after = filled.database.dump(), filled.database.rows("items"), filled.database.rows("old")
    assert after == before
    report = filled.boot(allow=("drop_column:items.gone", "drop_table:old"), prune=True)
    assert waiting(report) == {"alter_column items.name": "held_back"} | REFUSED
    assert filled.tables() == {"items"}


def answered(capsys: pytest.CaptureFixture[str], verb: str, *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main.run([verb, *arguments])
    return int(ended.value.code or 0), capsys.readouterr().out


def test_a20_every_kind_of_operation_has_its_words(
    database: LiveDatabase, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = everything(kit_of(database.server))
    ground = Ground(database.server, tmp_path)
    try:
        ground.declare(case.before)
        assert ground.migrate(case).in_sync
        ground.declare(case.after)
        labels = [label_of(one).doing for one in ground.plan(case).operations]
        place = ("--url", ground.database.url, "--schema", str(ground.folder))
        leave = ("--prune", "--allow-destructive")
        code, told = answered(capsys, "plan", *place, *leave)
        assert code == 0
        assert [words for words in labels if words not in told] == []
        assert "Would apply" in told
        assert answered(capsys, "check", *place)[0] == 3
        code, told = answered(capsys, "migrate", *place, *leave)
        assert (code, "Would" in told) == (0, False)
        assert answered(capsys, "check", *place)[0] == 0
    finally:
        databases.drop(ground.database)


@contextmanager
def heard() -> Iterator[list[str]]:
    """What is said to any database meanwhile, commits included."""
    said: list[str] = []

    def statement(*facts: Any) -> None:
        said.append(facts[2])

    def commit(_: Connection) -> None:
        said.append("COMMIT")

    event.listen(Engine, "before_cursor_execute", statement)
    event.listen(Engine, "commit", commit)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", statement)
        event.remove(Engine, "commit", commit)


def test_b1_the_same_change_of_many_tables_takes_three_statements_each_and_one_transaction(
    app: Application,
) -> None:
    def cost(tables: int) -> tuple[int, int]:
        names = [f"t{number}" for number in range(tables)]
        app.boot_with((), **{name: table({"id": ID}) for name in names})
        app.declare(**{name: table({"id": ID, "note": "text"}) for name in names})
        with heard() as said:
            assert len(app.boot().applied) == tables
        alters = [text for text in said if re.match(r"\s*ALTER TABLE", text)]
        assert len(alters) == tables
        return len(said), said.count("COMMIT")

    few, commits = cost(3)
    app.database.execute(*(f"DROP TABLE t{number}" for number in range(3)))
    many, commits_of_many = cost(20)
    assert commits_of_many == commits <= 1  # MySQL's own statements commit
    assert many - few <= 3 * 17  # each ALTER, for how long it waits, and a note that it is done


def test_b2_a_change_of_many_tables_meets_only_those_that_need_it(app: Application) -> None:
    app.boot_with(**{name: table({"id": ID, "note": NAME}) for name in ("a", "b", "c")})
    wider = table({"id": ID, "note": NAME | {"length": 60}})
    app.boot_with(a=table({"id": ID, "note": NAME}), b=wider, c=table({"id": ID, "note": NAME}))
    report = app.boot_with(a=wider, b=wider, c=wider)
    assert [one.table for one in report.applied] == ["a", "c"]
    app.assert_settled()


def test_c11_what_is_declared_and_what_there_is_can_be_looked_at(app: Application) -> None:
    app.boot_with(items=table({"id": ID, "name": NAME}))
    app.execute("CREATE TABLE other (a integer)")
    app.declare(items=table({"id": ID, "name": NAME, "size": "integer"}))
    with Database.open(app.database.url, schema=app.folder) as db:
        declared, live = db.schema.declared, db.schema.live
        assert list(declared.tables) == ["items"]
        assert [each.name for each in declared.tables["items"].columns] == ["id", "name", "size"]
        assert sorted(live.tables) == ["items", "other"]
        assert [each.name for each in live.tables["items"].columns] == ["id", "name"]
        assert live.tables["items"].columns == declared.tables["items"].columns[:2]
        with pytest.raises(AttributeError):
            live.tables["items"].columns[0].name = "x"  # type: ignore[misc]
    with (
        Database.open(app.database.url) as db,
        pytest.raises(OdacDbError, match="no schema is given"),
    ):
        print(db.schema.declared)


def test_c14_many_who_want_the_row_of_a_natural_key_get_one_row(app: Application) -> None:
    app.boot_with(
        tags=table({"id": {"type": "nanoid", "primary": True}, "name": NAME | {"unique": True}})
    )
    with Database.open(app.database.url, schema=app.folder) as db:

        def get(_: Any) -> str:
            row = db.tags.returning("id").upsert({"name": "red"}, key="name", update=[])
            return str(row.id)

        with ThreadPoolExecutor(8) as pool:  # MySQL has deadlocks for those who insert at once
            found = pool.map(lambda _: db.run_in_transaction(get, retries=20), range(24))
            assert len(set(found)) == 1
        assert db.tags.count() == 1


LOSE = {
    "postgresql": "SELECT pg_terminate_backend({id})",
    "mysql": "KILL {id}",
}
WHO = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT CONNECTION_ID()"}


def lost_after(count: int, app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """The leader's session ends behind that many statements, and another process leads."""
    execute, done = apply.Execution.execute, 0
    family = app.database.family

    def interrupted(self: apply.Execution, operation: Any, statement: Any) -> None:
        nonlocal done
        execute(self, operation, statement)
        done += 1
        if done == count:
            session = self.conn.exec_driver_sql(WHO[family]).scalar_one()
            app.database.execute(LOSE[family].format(id=session))
            assert app.boot().in_sync

    monkeypatch.setattr(apply.Execution, "execute", interrupted)


def test_d4_a_leader_that_lost_its_lock_writes_nothing_more(
    database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is the session's own: who has lost one has lost the other.

    On SQLite it is the transaction, which nobody else can end.
    """
    app = Application(database, tmp_path / "schema")
    app.boot_with(items=table({"id": ID}))
    app.declare(items=table({"id": ID, "a": "integer"}), others=table({"id": ID}))
    if database.family == "sqlite":
        assert app.boot().in_sync
        return
    with monkeypatch.context() as patched:
        lost_after(1, app, patched)
        with pytest.raises((MigrationFailed, ConnectionFailed)):
            app.boot()
    assert app.tables() == {"items", "others"}
    assert msgspec.to_builtins([one.status for one in history(app)]).count("applied") == 2
    app.assert_settled()


def history(app: Application) -> Any:
    with Database.open(app.database.url) as db:
        return db.history()
