"""Triggers, views and others that no file holds and that name what a plan takes away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odac_db import Plan, Report
from tests.behaviours.steps import Application, Body, done, table, waiting
from tests.fixtures import databases
from tests.fixtures.servers import Server

ID: Body = {"type": "integer", "primary": True}


@pytest.fixture
def on_mysql(mysql_server: Server, tmp_path: Path) -> Iterator[Application]:
    database = databases.create(mysql_server, tmp_path)
    yield Application(database, tmp_path / "schema")
    databases.drop(database)


def reasons(outcome: Plan | Report) -> str:
    left = outcome.remaining if isinstance(outcome, Report) else outcome.operations
    return "\n".join(one.reason for one in left)


def columns(app: Application, name: str) -> set[str]:
    return set(app.columns(name))


def renamed(old: str) -> dict[str, Any]:
    return {"type": "integer", "renamed_from": old}


TRIGGER = "CREATE TRIGGER keep BEFORE INSERT ON t FOR EACH ROW SET NEW.b = NEW.a + 1"
PLAIN: Body = table({"id": ID, "a": "integer", "b": "integer"})
OTHER: Body = table({"id": ID, "n": "integer"})


def test_a_rename_that_would_break_a_trigger_waits_until_it_is_allowed(
    on_mysql: Application,
) -> None:
    app = on_mysql
    app.boot_with(t=PLAIN, other=OTHER)
    app.execute(TRIGGER)
    indexed = {"indexes": [{"columns": ["c"]}], "checks": [{"expression": "c < 9"}]}
    app.declare(
        t=table({"id": ID, "c": renamed("a"), "b": "integer", "more": "integer"}, **indexed),
        other=table({"id": ID, "n": "integer", "more": "integer"}),
    )
    plan = app.plan()
    report = app.boot()
    assert done(report) == ["add_column other.more"]
    assert waiting(report) == waiting(plan)
    assert set(waiting(report).values()) == {"held_back"}
    assert "trigger keep" in reasons(report)
    assert "--allow breaks_dependants:t" in reasons(report)
    app.execute("INSERT INTO t (id, a) VALUES (1, 1)")
    assert app.boot().applied == ()
    assert app.boot(allow=("destructive",)).applied == ()  # leave for one thing is for no other
    assert app.boot(allow=("breaks_dependants:t",)).in_sync
    assert columns(app, "t") == {"id", "c", "b", "more"}
    app.assert_settled()


def test_without_the_trigger_the_rename_needs_no_leave(on_mysql: Application) -> None:
    app = on_mysql
    app.boot_with(t=PLAIN)
    app.execute(TRIGGER)
    app.declare(t=table({"id": ID, "c": renamed("a"), "b": "integer"}))
    assert not app.boot().in_sync
    app.execute("DROP TRIGGER keep")
    assert app.boot().in_sync
    app.assert_settled()


NAMING = [
    "CREATE TRIGGER other_ai AFTER INSERT ON other FOR EACH ROW UPDATE t SET a = NEW.n",
    "CREATE VIEW shown AS SELECT x.a FROM t x",
    "CREATE PROCEDURE read_t() SELECT a FROM t",
]
HARMLESS = [
    "CREATE TRIGGER other_ai AFTER INSERT ON other FOR EACH ROW UPDATE t SET b = NEW.n",
    "CREATE VIEW shown AS SELECT b AS a FROM t",
    "CREATE VIEW shown AS SELECT n AS a FROM other",
    "CREATE TRIGGER keep BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 1",
    "CREATE TRIGGER keep BEFORE INSERT ON t FOR EACH ROW INSERT INTO logged (a) VALUES (NEW.b)",
]


@pytest.mark.parametrize("naming", NAMING)
def test_who_names_a_column_that_goes_is_told(on_mysql: Application, naming: str) -> None:
    app = on_mysql
    app.boot_with(t=PLAIN, other=OTHER)
    app.execute(naming)
    app.declare(t=table({"id": ID, "b": "integer"}), other=OTHER)
    report = app.boot(allow=("drop_column",))
    assert waiting(report) == {"drop_column t.a": "held_back"}
    assert naming.split()[2].partition("(")[0] in reasons(report)
    app.declare(t=table({"id": ID, "c": renamed("a"), "b": "integer"}), other=OTHER)
    assert waiting(app.boot()) == {"rename_column t.c": "held_back"}


@pytest.mark.parametrize("harmless", HARMLESS)
def test_who_does_not_name_it_stops_nothing(on_mysql: Application, harmless: str) -> None:
    app = on_mysql
    app.boot_with(t=PLAIN, other=OTHER)
    app.execute(harmless)
    app.boot_with(t=table({"id": ID, "c": renamed("a"), "b": "integer"}), other=OTHER)
    app.assert_settled()
    assert columns(app, "t") == {"id", "c", "b"}


def test_a_table_that_a_view_names_is_renamed_or_dropped_with_leave_only(
    on_mysql: Application,
) -> None:
    app = on_mysql
    child = table({"id": ID, "t_id": {"type": "integer", "references": "t.id"}})
    app.boot_with(t=PLAIN, other=OTHER, child=child)
    app.execute("CREATE VIEW shown AS SELECT b FROM t", "CREATE VIEW all_n AS SELECT n FROM other")
    child = table({"id": ID, "t_id": {"type": "big_integer", "references": "u.id"}})
    wide = {"type": "big_integer", "primary": True}
    app.declare(
        u=table({"id": wide, "a": "integer", "b": "integer"}, renamed_from="t"), child=child
    )
    report = app.boot(allow=("drop_table",), prune=True)
    assert done(report) == []
    assert "view shown" in reasons(report)
    assert "view all_n" in reasons(report)
    assert waiting(report)["rename_table u"] == waiting(report)["drop_table other"] == "held_back"
    assert app.tables() == {"t", "other", "child"}
    report = app.boot(allow=("drop_table", "breaks_dependants"), prune=True)
    assert report.in_sync
    assert app.tables() == {"u", "child"}
    app.assert_settled()


def test_what_is_made_anew_under_its_name_needs_no_leave(on_mysql: Application) -> None:
    app = on_mysql
    twice = {"type": "integer", "generated": "a * 2"}
    app.boot_with(t=table({"id": ID, "a": "integer", "d": twice}))
    app.execute("CREATE VIEW shown AS SELECT d FROM t")
    thrice = {"type": "integer", "generated": "a * 3"}
    assert app.boot_with(t=table({"id": ID, "a": "integer", "d": thrice})).in_sync
    app.assert_settled()


def test_data_migrations_run_while_a_rename_waits(on_mysql: Application) -> None:
    app = on_mysql
    app.boot_with(t=PLAIN, other=OTHER)
    app.execute(TRIGGER)
    required = {"type": "integer", "nullable": False}
    app.declare(t=table({"id": ID, "c": renamed("a"), "b": "integer", "d": required}), other=OTHER)
    (app.folder / "migrations").mkdir()
    file = app.folder / "migrations" / "20260101_001_first.sql"
    file.write_text("INSERT INTO other (id, n) VALUES (1, 1)", "utf-8")
    report = app.boot()
    assert (done(report), report.files) == ([], (file.name,))
    assert waiting(report) == {"rename_column t.c": "held_back", "add_column t.d": "held_back"}


@pytest.fixture
def on_postgresql(postgresql_server: Server, tmp_path: Path) -> Iterator[Application]:
    database = databases.create(postgresql_server, tmp_path)
    yield Application(database, tmp_path / "schema")
    databases.drop(database)


MOOD: dict[str, Any] = {"type": "enum", "values": ["sad", "glad"], "enum_name": "mood"}
USES_MOOD = [
    "CREATE FUNCTION greet(mood) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TABLE parts (id int, m mood) PARTITION BY RANGE (id)",
    "CREATE TABLE parts (id int, m mood[]) PARTITION BY RANGE (id)",
    "CREATE DOMAIN feeling AS mood",
    "CREATE VIEW moods AS SELECT 'sad'::mood AS m",
]


@pytest.mark.parametrize("use", USES_MOOD)
def test_a_type_that_others_use_is_left_alone(on_postgresql: Application, use: str) -> None:
    app = on_postgresql
    app.boot_with(t=table({"id": ID, "m": MOOD}))
    app.execute(use)
    app.declare(t=table({"id": ID, "m": "text"}))
    report = app.boot(allow=("destructive",))
    assert (done(report), report.in_sync) == (["alter_column t.m"], True)
    app.declare(t=table({"id": ID}))
    assert app.boot(allow=("destructive",)).in_sync
    left = app.boot(allow=("destructive",), prune=True)  # asked for
    assert waiting(left) == {"drop_enum .mood": "blocked"}
    named = set(reasons(left).replace("(", " ").replace(",", " ").split())
    assert {"greet", "parts", "feeling", "moods"} & named


USES_A = [
    "CREATE VIEW shown AS SELECT a FROM t",
    "CREATE MATERIALIZED VIEW shown AS SELECT a FROM t",
    "CREATE POLICY shown ON t USING (a > 0)",
    "CREATE TRIGGER shown BEFORE UPDATE OF a ON t FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE shown AS ON UPDATE TO t WHERE OLD.a > 5 DO ALSO SELECT 1",
]
CHILD = {"type": "integer", "references": "t.a"}
UNIQUE_A: Body = table({"id": ID, "a": {"type": "integer", "unique": True}, "b": "integer"})


@pytest.mark.parametrize("use", USES_A)
def test_what_a_view_or_trigger_uses_is_blocked_and_stops_nothing_else(
    on_postgresql: Application, use: str
) -> None:
    app = on_postgresql
    app.boot_with(t=UNIQUE_A, child=table({"id": ID, "t_a": CHILD}))
    app.execute(use)
    big = {"type": "big_integer", "unique": True}
    child = {"type": "big_integer", "references": "t.a"}
    wider = table({"id": ID, "a": big, "b": "integer"})
    app.declare(t=wider, child=table({"id": ID, "t_a": child, "more": "integer"}))
    plan, report = app.plan(), app.boot()
    assert waiting(plan) == waiting(report)
    assert waiting(report)["alter_column t.a"] == "blocked"
    assert done(report) == ["add_column child.more"]
    assert "shown" in reasons(report)
    bare = table({"id": ID, "b": "integer", "more": "integer"})
    app.declare(t=bare, child=table({"id": ID, "more": "integer"}))
    report = app.boot(allow=("destructive",))
    assert waiting(report)["drop_column t.a"] == "blocked"
    assert "add_column t.more" in done(report)
    kind = "VIEW" if "VIEW" in use else use.split()[1]
    kind = "MATERIALIZED VIEW" if "MATERIALIZED" in use else kind
    app.execute(f"DROP {kind} shown" + ("" if "VIEW" in kind else " ON t"))
    assert app.boot(allow=("destructive",)).in_sync
    app.assert_settled()


@pytest.mark.parametrize("use", USES_A)
def test_a_rename_is_followed_and_a_table_goes_with_what_is_its_own(
    on_postgresql: Application, use: str
) -> None:
    app = on_postgresql
    app.boot_with(t=PLAIN)
    app.execute(use)
    body = table({"id": ID, "c": renamed("a"), "b": "integer"}, renamed_from="t")
    assert app.boot_with(u=body).in_sync
    app.declare(other=OTHER)
    report = app.boot(allow=("destructive",), prune=True)
    assert waiting(report) == ({"drop_table u": "blocked"} if "VIEW" in use else {})


def test_a_computed_column_that_a_view_shows_is_not_made_anew(on_postgresql: Application) -> None:
    app = on_postgresql
    twice = {"type": "integer", "generated": {"expression": "a * 2", "stored": True}}
    app.boot_with(t=table({"id": ID, "a": "integer", "d": twice}))
    app.execute("CREATE VIEW shown AS SELECT d FROM t")
    thrice = {"type": "integer", "generated": {"expression": "a * 3", "stored": True}}
    app.declare(t=table({"id": ID, "a": "integer", "d": thrice, "more": "integer"}))
    report = app.boot()
    assert done(report) == ["add_column t.more"]
    assert set(waiting(report).values()) == {"blocked"}
    assert "view shown" in reasons(report)


def test_an_enum_whose_column_a_view_shows_keeps_its_values(on_postgresql: Application) -> None:
    app = on_postgresql
    app.boot_with(t=table({"id": ID, "m": MOOD}))
    app.execute("CREATE VIEW shown AS SELECT m FROM t")
    app.declare(t=table({"id": ID, "m": MOOD | {"values": ["glad"]}, "more": "integer"}))
    report = app.boot(allow=("destructive",))
    assert (done(report), waiting(report)) == (
        ["add_column t.more"],
        {"replace_enum .mood": "blocked"},
    )


def test_a_key_of_a_partitioned_table_keeps_what_it_refers_to(on_postgresql: Application) -> None:
    app = on_postgresql
    app.boot_with(t=UNIQUE_A)
    app.execute("CREATE TABLE parts (n int REFERENCES t (a)) PARTITION BY RANGE (n)")
    app.declare(t=table({"id": ID, "a": "integer", "b": "integer", "more": "integer"}))
    report = app.boot()
    assert waiting(report) == {"drop_index t(a)": "blocked"}
    assert done(report) == ["add_column t.more"]
    assert "table parts" in reasons(report)


@pytest.fixture
def on_sqlite(sqlite_server: Server, tmp_path: Path) -> Iterator[Application]:
    database = databases.create(sqlite_server, tmp_path)
    yield Application(database, tmp_path / "schema")
    databases.drop(database)


BROKEN = [
    "CREATE VIEW stale AS SELECT x FROM missing",
    "CREATE TRIGGER stale AFTER INSERT ON other BEGIN INSERT INTO missing VALUES (1); END",
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_view_or_trigger_that_is_broken_already_blocks_renames_alone(
    on_sqlite: Application, broken: str
) -> None:
    app = on_sqlite
    app.boot_with(t=PLAIN, other=OTHER, more=OTHER)
    app.execute(broken)
    body = table({"id": ID, "c": renamed("a"), "b": "integer", "d": "integer"}, renamed_from="t")
    app.declare(u=body, other=table({"id": ID, "n": "integer", "m": "integer"}), more=OTHER)
    left = dict.fromkeys(("rename_table u", "rename_column u.c", "add_column u.d"), "blocked")
    plan, report = app.plan(), app.boot()
    assert (waiting(plan), waiting(report)) == (left, left)
    assert done(report) == ["add_column other.m"]
    assert f"{broken.split()[1].lower()} stale (" in reasons(report)
    assert app.boot().applied == ()
    app.execute(f"DROP {broken.split()[1]} stale")
    assert app.boot().in_sync
    app.assert_settled()


def test_a_sound_view_and_trigger_follow_a_rename(on_sqlite: Application) -> None:
    app = on_sqlite
    app.boot_with(t=PLAIN, other=OTHER)
    app.execute(
        "CREATE VIEW shown AS SELECT a FROM t",
        "CREATE TRIGGER copied AFTER INSERT ON t BEGIN INSERT INTO other (n) VALUES (NEW.a); END",
    )
    body = table({"id": ID, "c": renamed("a"), "b": "integer"}, renamed_from="t")
    assert app.boot_with(u=body, other=OTHER).in_sync
    app.execute("INSERT INTO u (id, c) VALUES (1, 7)")
    assert app.execute("SELECT n FROM other") == [(7,)]
