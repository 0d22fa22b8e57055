"""Behaviours 30-32, M24, A17 and A18: data migrations, and what takes them back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from odac_db import (
    Database,
    DeclarationError,
    MigrationFileFailed,
    MigrationFilesChanged,
    OnCommitFailed,
    Plan,
    Report,
    RollbackRefused,
)
from tests.behaviours.steps import ALL, Application, Body, table, waiting
from tests.fixtures.databases import LiveDatabase
from tests.laws.test_race import PROCESSES, ROOT, lines, racing

ID: dict[str, Any] = {"type": "integer", "primary": True}
NAME = {"type": "string", "length": 80}


class Project(Application):
    """An application with data migrations: ``files`` are those of the folder, and no others."""

    def declare(self, **tables: Body) -> None:
        self.folder.mkdir(exist_ok=True)
        for old in self.folder.glob("*.json"):
            old.unlink()
        for name, body in tables.items():
            (self.folder / f"{name}.json").write_text(json.dumps(body), "utf-8")

    def files(self, **texts: str) -> None:
        """``a_py=...`` is the first file, ``b_sql`` the second, whatever they are called."""
        place = self.folder / "migrations"
        place.mkdir(parents=True, exist_ok=True)
        for old in place.iterdir():
            if old.is_file():
                old.unlink()
        for name, text in texts.items():
            (place / named(name)).write_text(dedent(text), "utf-8")

    def rollback(self) -> tuple[str, ...]:
        with Database.open(self.database.url, schema=self.folder) as db:
            return db.rollback().files

    def applied(self) -> list[tuple[str, int]]:
        """Name and batch of each applied file."""
        rows = self.database.rows("_odac_files")
        return [(row["name"], row["batch"]) for row in sorted(rows, key=lambda r: r["position"])]


def named(name: str) -> str:
    """``a_py`` is 20260101_001_a.py, ``b_sql`` is 20260101_002_b.sql."""
    letter, _, kind = name.partition("_")
    return f"20260101_{ord(letter) - 96:03}_{letter}.{kind}"


@pytest.fixture
def app(database: LiveDatabase, tmp_path: Path) -> Project:
    return Project(database, tmp_path / "schema")


def users(**columns: Any) -> Body:
    return table({"id": ID, **columns})


def item(number: int) -> str:
    return f"""
        from sqlalchemy import text

        def up(db):
            db.execute(text("INSERT INTO users (id) VALUES ({number})"))

        def down(db):
            db.execute(text("DELETE FROM users WHERE id = :id"), {{"id": {number}}})
        """


def ids(app: Project) -> list[int]:
    return sorted(row["id"] for row in app.database.rows("users"))


def test_b30_pending_files_run_in_the_order_of_their_names(app: Project) -> None:
    app.declare(users=users())
    app.files(
        c_sql="INSERT INTO users (id) SELECT max(id) + 10 FROM users",
        a_py=item(1),
        b_sql="INSERT INTO users (id) VALUES (2)",
    )
    plan = app.plan()
    names = (named("a_py"), named("b_sql"), named("c_sql"))
    assert plan.files == names
    assert not plan.in_sync
    report = app.boot()
    assert report.files == names
    assert report.in_sync
    assert ids(app) == [1, 2, 12]
    assert app.applied() == [(name, 1) for name in names]


def test_b31_applied_files_do_not_run_again(app: Project) -> None:
    app.declare(users=users())
    app.files(a_py=item(1))
    app.boot()
    assert app.plan().in_sync
    again = app.boot()
    assert (again.files, again.in_sync) == ((), True)
    app.files(a_py=item(1), b_py=item(2))
    assert app.boot().files == (named("b_py"),)
    assert app.applied() == [(named("a_py"), 1), (named("b_py"), 2)]
    assert ids(app) == [1, 2]


def test_b32_a_rollback_takes_the_last_batch_back_and_names_its_files(app: Project) -> None:
    app.declare(users=users())
    app.files(a_py=item(1))
    app.boot()
    app.files(
        a_py=item(1),
        b_py=item(2),
        c_sql="INSERT INTO users (id) VALUES (3);\n-- down\nDELETE FROM users WHERE id = 3;",
    )
    app.boot()
    assert ids(app) == [1, 2, 3]
    assert app.rollback() == (named("c_sql"), named("b_py"))
    assert ids(app) == [1]
    assert app.plan().files == (named("b_py"), named("c_sql"))
    assert app.rollback() == (named("a_py"),)
    assert app.rollback() == ()
    assert ids(app) == []
    assert app.boot().in_sync
    assert ids(app) == [1, 2, 3]


SPLIT = """
    from sqlalchemy import text

    def up(db):
        for user in db.execute(text("SELECT id, name FROM users")).all():
            first, _, last = user.name.partition(" ")
            db.execute(
                text("UPDATE users SET first_name = :first, last_name = :last WHERE id = :id"),
                {"first": first, "last": last, "id": user.id},
            )
    """


def with_names(app: Project) -> Body:
    """Two users; the name is to be split, and neither part may be missing then."""
    app.boot_with(users=users(name=NAME))
    app.execute("INSERT INTO users VALUES (1, 'Ada Lovelace'), (2, 'Alan Turing')")
    part = {**NAME, "nullable": False}
    body = users(first_name={**part, "renamed_from": []}, last_name={**part, "renamed_from": []})
    body["indexes"] = [{"columns": ["last_name"], "unique": True}]
    return body


NAMES = [
    {"id": 1, "first_name": "Ada", "last_name": "Lovelace"},
    {"id": 2, "first_name": "Alan", "last_name": "Turing"},
]


def test_a17_m24_a_file_finds_the_new_columns_and_still_the_old(app: Project) -> None:
    """odac's own example: the column is gone before its file runs."""
    body = with_names(app)
    app.files(a_py=SPLIT)
    report = app.boot_with(ALL, users=body)
    assert report.files == (named("a_py"),)
    assert waiting(report) == {}
    assert app.database.rows("users") == NAMES
    assert not app.columns("users")["last_name"]["nullable"]
    assert app.indexes("users") == {("last_name",): True}
    app.assert_settled()


def test_a17_what_the_files_leave_undone_is_told_as_ever(app: Project) -> None:
    body = with_names(app)
    app.files(a_sql="UPDATE users SET first_name = 'x', last_name = 'Lovelace' WHERE id = 1")
    left = waiting(app.boot_with(ALL, users=body))
    assert left["alter_column users.first_name"] == "blocked"
    app.files(
        a_sql="UPDATE users SET first_name = 'x', last_name = 'Lovelace' WHERE id = 1",
        b_sql="UPDATE users SET first_name = 'y', last_name = 'Turing' WHERE id = 2",
    )
    assert waiting(app.boot(allow=ALL)) == {}
    assert [row["first_name"] for row in app.database.rows("users")] == ["x", "y"]
    app.assert_settled()


def test_a17_a_drop_without_leave_is_still_held_back_after_the_files(app: Project) -> None:
    body = with_names(app)
    app.files(a_py=SPLIT)
    report = app.boot_with(users=body)
    assert waiting(report) == {"drop_column users.name": "held_back"}
    rows = [{key: row[key] for key in NAMES[0]} for row in app.database.rows("users")]
    assert rows == NAMES


def test_a17_an_enum_value_is_there_for_the_file_and_goes_after_it(app: Project) -> None:
    def states(*values: str) -> Body:
        return users(state={"type": "enum", "values": list(values)})

    app.boot_with(users=states("new", "old"))
    app.execute("INSERT INTO users VALUES (1, 'old'), (2, 'new')")
    app.files(a_sql="UPDATE users SET state = 'gone' WHERE state = 'old'")
    report = app.boot_with(ALL, users=states("new", "old", "gone"))
    assert report.files == (named("a_sql"),)
    assert [row["state"] for row in app.database.rows("users")] == ["gone", "new"]
    app.assert_settled()


def test_a17_a_new_table_is_filled_and_its_key_guards_that(app: Project) -> None:
    app.boot_with(users=users(city=NAME))
    app.execute("INSERT INTO users VALUES (1, 'Rome'), (2, 'Rome')")
    cities = table({"id": ID, "name": {**NAME, "unique": True}})
    body = users(city=NAME, city_id={"type": "integer", "references": "cities.id"})
    app.files(
        a_sql="""
            INSERT INTO cities (id, name) SELECT min(id), city FROM users GROUP BY city;
            UPDATE users SET city_id = (SELECT id FROM cities WHERE name = users.city);
            """
    )
    assert waiting(app.boot_with(cities=cities, users=body)) == {}
    assert [row["city_id"] for row in app.database.rows("users")] == [1, 1]
    assert app.keys("users") == [(["city_id"], "cities", ["id"], app.keys("users")[0][3])]
    app.assert_settled()


def test_without_pending_files_nothing_is_different(app: Project) -> None:
    """In particular it is one transaction where the server can."""
    app.boot_with(users=users(name=NAME))
    app.execute("INSERT INTO users VALUES (1, 'x')")
    dump = app.database.dump()
    bad = users(name=NAME, more="integer")
    bad["checks"] = [{"name": "short", "expression": "more IS NOT NULL"}]
    with pytest.raises(Exception, match="short"):
        app.boot_with(users=bad)
    assert app.database.family == "mysql" or app.database.dump() == dump


@pytest.mark.parametrize("change", ["edited", "missing", "too early"])
def test_a18_files_that_do_not_go_with_the_applied_ones(app: Project, change: str) -> None:
    app.declare(users=users())
    app.files(b_py=item(1), d_py=item(2))
    app.boot()
    before = app.database.dump(), app.database.rows("users")
    app.declare(users=users(), others=users())
    match change:
        case "edited":
            app.files(b_py=item(7), d_py=item(2))
            words = "was edited after it was applied"
        case "missing":
            app.files(b_py=item(1))
            words = "DELETE FROM _odac_files"
        case _:
            app.files(b_py=item(1), c_py=item(3), d_py=item(2))
            words = "rename it to come after"
    look: Callable[[], Plan | Report]
    for look in (app.boot, app.plan):
        with pytest.raises(MigrationFilesChanged, match=words):
            look()
    assert (app.database.dump(), app.database.rows("users")) == before
    app.files(b_py=item(1), d_py=item(2))
    assert app.boot().in_sync


def test_a18_a_file_that_fails_is_undone_and_stays_pending(app: Project) -> None:
    app.declare(users=users())
    app.files(
        a_py=item(1),
        b_sql="INSERT INTO users (id) VALUES (2); INSERT INTO users (id) VALUES (1)",
        c_py=item(3),
    )
    with pytest.raises(MigrationFileFailed) as failed:
        app.boot()
    assert failed.value.file.endswith(named("b_sql"))
    assert "primary key" in failed.value.reason
    assert failed.value.sql == "INSERT INTO users (id) VALUES (1)"
    assert ids(app) == [1]
    assert app.applied() == [(named("a_py"), 1)]
    app.files(a_py=item(1), b_sql="INSERT INTO users (id) VALUES (2)", c_py=item(3))
    assert app.boot().files == (named("b_sql"), named("c_py"))
    assert ids(app) == [1, 2, 3]


def test_a18_an_error_that_is_caught_does_not_make_half_a_file_applied(app: Project) -> None:
    """What PostgreSQL undid is never written down as done."""
    app.declare(users=users())
    app.files(
        a_py="""
            from sqlalchemy import text

            def up(db):
                db.execute(text("INSERT INTO users (id) VALUES (1)"))
                try:
                    db.execute(text("INSERT INTO users (id) VALUES (1)"))
                except Exception:
                    pass
            """
    )
    if app.database.family == "postgresql":
        with pytest.raises(MigrationFileFailed, match="ended the transaction"):
            app.boot()
        assert (ids(app), app.applied()) == ([], [])
    else:
        app.boot()
        assert (ids(app), len(app.applied())) == ([1], 1)


def test_a18_a_file_without_down_refuses_before_anything_is_undone(app: Project) -> None:
    app.declare(users=users())
    app.files(
        a_sql="INSERT INTO users (id) VALUES (1)",
        b_py=item(2),
    )
    app.boot()
    with pytest.raises(RollbackRefused, match=r"002|a\.sql has no down"):
        app.rollback()
    assert ids(app) == [1, 2]
    assert len(app.applied()) == 2


def test_a18_a_down_that_fails_leaves_its_file_applied(app: Project) -> None:
    app.declare(users=users())
    app.files(
        a_sql="INSERT INTO users (id) VALUES (1);\n-- down\nDELETE FROM nothing_there;",
        b_py=item(2),
    )
    app.boot()
    with pytest.raises(MigrationFileFailed, match="nothing_there"):
        app.rollback()
    assert (ids(app), app.applied()) == ([1], [(named("a_sql"), 1)])


def test_what_waits_for_a_files_commit_is_called_after_it(app: Project, tmp_path: Path) -> None:
    app.declare(users=users())
    told = tmp_path / "told"
    app.files(
        a_py=f"""
            from pathlib import Path
            from sqlalchemy import text

            def up(db):
                with db.transaction() as inner:
                    inner.execute(text("INSERT INTO users (id) VALUES (1)"))
                db.on_commit(lambda: Path({str(told)!r}).write_text("committed"))
                db.on_commit(lambda: 1 / 0)
            """
    )
    with pytest.raises(OnCommitFailed):
        app.boot()
    assert told.read_text() == "committed"
    assert ids(app) == [1]
    assert app.boot().in_sync


def test_foreign_keys_are_enforced_and_cascade_in_files(app: Project) -> None:
    parents = users()
    children = users(parent={"type": "integer", "references": "users.id", "on_delete": "cascade"})
    app.boot_with(users=parents, children=children)
    app.execute("INSERT INTO users VALUES (1), (2)", "INSERT INTO children VALUES (1, 1), (2, 2)")
    app.files(a_sql="DELETE FROM users WHERE id = 1")
    app.boot()
    assert app.database.rows("children") == [{"id": 2, "parent": 2}]
    app.files(a_sql="DELETE FROM users WHERE id = 1", b_sql="INSERT INTO children VALUES (3, 9)")
    with pytest.raises(MigrationFileFailed, match="foreign key"):
        app.boot()
    assert len(app.database.rows("children")) == 1


FAULTY = {
    "20260101_001_a.py": "x = 1\n",
    "20260101_002_b.py": "def up(db:\n",
    "20260101_003_c.sql": "DELIMITER //\nSELECT 1//\n",
    "20260101_004_d.sql": "SELECT 1;\n\nBEGIN;\nSELECT 2;",
    "20260101_005_e.sql": "SELECT 'open;\n",
    "20260101_006_f.py": "async def up(db): ...\n",
}


def test_faults_of_all_files_are_told_before_anything_is_done(app: Project) -> None:
    app.declare(users=users())
    app.files()
    for name, text in FAULTY.items():
        (app.folder / "migrations" / name).write_text(text, "utf-8")
    with pytest.raises(DeclarationError) as raised:
        app.boot()
    problems = raised.value.problems
    assert {Path(one.file).name[:12]: one.line for one in problems} == {
        "20260101_001": 1,
        "20260101_002": 1,
        "20260101_003": 1,
        "20260101_004": 3,
        "20260101_005": 1,
        "20260101_006": 1,
    }
    assert "DELIMITER" in problems[2].message
    assert app.tables() == set()


@pytest.mark.parametrize(
    "name", ["split.py", "1_split.sql", "20260101-001-split.py", "users.yaml", "Users.JSON"]
)
def test_files_of_other_names_are_faults(app: Project, name: str) -> None:
    app.declare(users=users())
    app.files(a_py=item(1))
    (app.folder / "migrations" / name).write_text("")
    with pytest.raises(DeclarationError):
        app.boot()
    assert app.tables() == set()


def test_other_things_in_the_folder_are_left_alone(app: Project) -> None:
    app.declare(users=users())
    app.files(a_py=item(1))
    for name in ("README.md", "_shared.py", ".hidden.py"):
        (app.folder / "migrations" / name).write_text("(")
    (app.folder / "migrations" / "__pycache__").mkdir()
    assert app.boot().files == (named("a_py"),)


def test_looking_executes_no_file(app: Project, tmp_path: Path) -> None:
    app.declare(users=users())
    made = tmp_path / "made"
    app.files(a_py=f"from pathlib import Path\n\nPath({str(made)!r}).touch()\n\ndef up(db): ...\n")
    assert app.plan().files == (named("a_py"),)
    assert not made.exists()
    app.boot()
    assert made.exists()


def test_each_connection_has_files_of_its_own(
    app: Project, new_database: Callable[[], LiveDatabase]
) -> None:
    app.declare(users=users())
    app.files(a_py=item(1))
    other = Project(new_database(), app.folder / "logs")
    other.declare(users=users())
    other.files(a_py=item(2))
    urls = {"default": app.database.url, "logs": other.database.url}
    with Database.open(urls, schema=app.folder, migrate=True) as db:
        assert [each.report and each.report.files for each in db.connections.values()] == [
            (named("a_py"),),
            (named("a_py"),),
        ]
        assert (ids(app), ids(other)) == ([1], [2])
        assert db["logs"].rollback().files == (named("a_py"),)
    assert (ids(app), ids(other)) == ([1], [])


def test_sixteen_that_boot_apply_each_file_once(app: Project) -> None:
    """Processes, not threads: whoever leads, the others find nothing left to do."""
    body = with_names(app)
    app.declare(users=body)
    another = "INSERT INTO users (id, first_name, last_name) VALUES (3, 'x', 'y')"
    app.files(a_py=SPLIT, b_sql=another)
    with racing(app.database, app.folder, processes=PROCESSES) as race:
        outcomes = lines(race, "done", PROCESSES)
    assert [facts["error"] for facts in outcomes] == [""] * PROCESSES
    applied = sorted(name for facts in outcomes for name in facts["files"])
    assert applied == [named("a_py"), named("b_sql")]
    found = [{key: row[key] for key in NAMES[0]} for row in app.database.rows("users")]
    assert found == [*NAMES, {"id": 3, "first_name": "x", "last_name": "y"}]
    assert waiting(app.boot()) == {"drop_column users.name": "held_back"}


def with_files_and_a_column_to_fill(app: Project) -> Project:
    """A file counts all rows up, another adds one; every other row has no age."""
    app.boot_with(users=users(visits="integer", age="integer"))
    rows = ", ".join(f"({n}, {n}, {'NULL' if n % 2 else n})" for n in range(1, 21))
    app.execute(f"INSERT INTO users (id, visits, age) VALUES {rows}")
    filled = {"type": "integer", "nullable": False}
    columns = {"age": filled | {"default": 7}, "new": filled | {"default": 1}}
    app.declare(users=users(visits="integer", **columns))
    app.files(a_sql="UPDATE users SET visits = visits + 100", b_py=item(50))
    return app


def test_sixteen_that_boot_apply_the_files_and_fill_the_columns_once(
    two_databases: tuple[LiveDatabase, LiveDatabase], tmp_path: Path
) -> None:
    first, second = (Project(each, tmp_path / each.name) for each in two_databases)
    alone = with_files_and_a_column_to_fill(second).boot()
    app = with_files_and_a_column_to_fill(first)
    with racing(app.database, app.folder, processes=PROCESSES) as race:
        outcomes = lines(race, "done", PROCESSES)
    assert [facts["error"] for facts in outcomes] == [""] * PROCESSES
    assert all(facts["in_sync"] for facts in outcomes)
    # On SQLite who leads may change behind a commit; nothing is done by both.
    assert sum(facts["applied"] for facts in outcomes) == len(alone.applied)
    assert [name for facts in outcomes for name in facts["files"]] == list(alone.files)
    wanted = {n: (n + 100, 7 if n % 2 else n, 1) for n in range(1, 21)} | {50: (None, 7, 1)}
    for each in (first, second):
        rows = {row["id"]: row for row in each.database.rows("users")}
        assert {n: (row["visits"], row["age"], row["new"]) for n, row in rows.items()} == wanted
    assert app.applied() == [(named("a_sql"), 1), (named("b_py"), 1)]
    if app.database.family == "mysql":
        assert sum(note["filled"] for note in app.database.rows("_odac_backfills")) == 10
    app.assert_settled()


KILLED = """
    import os, signal
    from sqlalchemy import text

    def up(db):
        db.execute(text("INSERT INTO users (id) VALUES (2)"))
        if os.environ.get("DIES_IN_FILE"):
            os.kill(os.getpid(), signal.SIGKILL)
        db.execute(text("INSERT INTO users (id) VALUES (3)"))
    """


def test_a_file_killed_in_the_middle_is_run_again(app: Project) -> None:
    app.boot_with(users=users(old=NAME))
    app.files(a_py=item(1), b_py=KILLED)
    app.declare(users=users(new={**NAME, "nullable": False, "default": "x", "renamed_from": []}))
    settings = json.dumps({"url": app.database.url, "schema": str(app.folder)})
    program = "import json, sys; from tests.laws.boot import boot; boot(**json.loads(sys.argv[1]))"
    dead = subprocess.run(
        [sys.executable, "-c", program, json.dumps(json.loads(settings) | {"lock_timeout": 60})],
        cwd=ROOT,
        env=os.environ | {"DIES_IN_FILE": "yes"},
        check=False,
    )
    assert dead.returncode == -signal.SIGKILL
    assert (ids(app), app.applied()) == ([1], [(named("a_py"), 1)])
    assert set(app.columns("users")) == {"id", "old", "new"}
    report = app.boot(allow=ALL)
    assert (report.files, report.in_sync) == ((named("b_py"),), True)
    assert ids(app) == [1, 2, 3]
    app.assert_settled()
