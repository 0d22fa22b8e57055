"""The verbs on every server: what they do, their exit codes, what they print where."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import inspect

from odac_db.cli import main
from tests.faces.command import Answer, environment
from tests.fixtures.databases import LiveDatabase

Run = Callable[..., Answer]

AUTHORS = """
columns:
  id:   {type: big_increments}
  name: {type: string, length: 40, nullable: false}
"""
POSTS = """
columns:
  id:        {type: big_increments}
  author_id: {type: big_integer}
  title:     {type: string, length: 40}
  slug:      {type: string, length: 40}
"""
POSTS_WITH_KEY = """
columns:
  id:        {type: big_increments}
  author_id: {type: big_integer, references: authors.id, orphans: nullify}
  title:     {type: string, length: 80}
"""


@pytest.fixture
def schema(tmp_path: Path) -> Path:
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "authors.yaml").write_text(AUTHORS)
    (folder / "posts.yaml").write_text(POSTS)
    return folder


@pytest.fixture
def run(
    database: LiveDatabase,
    schema: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    """The command in this process, which saves half a second a time."""
    monkeypatch.chdir(schema.parent)
    for name in environment().keys() ^ os.environ.keys():
        monkeypatch.delenv(name, raising=False)

    def command(verb: str, *arguments: str) -> Answer:
        folder = () if "--schema" in arguments else ("--schema", "schema")
        with pytest.raises(SystemExit) as ended:
            main.run([*verb.split(), *arguments, "--url", database.url, *folder])
        return Answer(int(ended.value.code or 0), *capsys.readouterr())

    return command


def tables(database: LiveDatabase) -> set[str]:
    return set(inspect(database.engine()).get_table_names())


def test_the_way_from_nothing_to_in_sync(run: Run, database: LiveDatabase) -> None:
    plan = run("plan")
    assert (plan.code, plan.err) == (0, "")
    assert "+ create table" in plan.out
    assert "Would apply" in plan.out
    assert run("check").code == 3
    assert run("status").code == 0
    assert tables(database) == set()

    migrated = run("migrate")
    assert (migrated.code, migrated.err) == (0, "")
    assert "✓ create table" in migrated.out
    assert migrated.out.endswith("In sync.\n")
    assert {"authors", "posts"} <= tables(database)

    again = run("migrate", "--json")
    assert again.code == 0
    assert again.json["in_sync"] is True
    assert again.json["applied"] == []
    assert run("check").code == 0
    assert run("plan", "--json").json["operations"] == []
    assert run("plan", "--sql").out.strip() == ""
    assert "in sync" in run("status").out


def test_what_would_lose_data_waits_and_exits_3(
    run: Run, database: LiveDatabase, schema: Path
) -> None:
    run("migrate")
    database.execute(
        "INSERT INTO authors (name) VALUES ('Ada')",
        "INSERT INTO posts (author_id, title, slug) VALUES (1, 'one', 's'), (77, 'two', 's')",
    )
    (schema / "posts.yaml").write_text(POSTS_WITH_KEY)
    plan = run("plan")
    assert "⏸ drop column slug" in plan.out
    assert "--allow drop_column:posts.slug" in plan.out

    held = run("migrate", "--json")
    assert held.code == 3
    assert held.json["in_sync"] is False
    assert {each["kind"] for each in held.json["operations"] if each["status"] == "held_back"} == {
        "drop_column"
    }
    assert held.json["orphans"] == {"posts": 1}
    assert database.execute("SELECT title FROM posts WHERE author_id IS NULL") == [("two",)]

    listed = run("orphans list", "--json").json["orphans"]
    assert [(each["table"], each["rows"], each["restored"]) for each in listed] == [("posts", 1, 0)]
    refused = run(f"orphans restore {listed[0]['run']}")
    assert refused.code == 3
    assert "0 rows restored, 1 refused" in refused.out
    database.execute("INSERT INTO authors (id, name) VALUES (77, 'Bob')")
    assert run(f"orphans restore {listed[0]['run']}").code == 0
    assert database.execute("SELECT author_id FROM posts WHERE title = 'two'") == [(77,)]

    allowed = run("migrate", "--allow", "drop_column:posts.slug")
    assert allowed.code == 0
    assert run("check").code == 0

    history = run("history", "--json").json["runs"]
    assert len(history) == 3
    assert all(each["status"] == "applied" for each in history)
    assert "- drop column posts.slug" in run("history").out


def test_undeclared_tables_are_pruned_only_with_leave(run: Run, database: LiveDatabase) -> None:
    run("migrate")
    database.execute("CREATE TABLE old (id integer NOT NULL PRIMARY KEY)")
    assert "no file declares 1 table, left alone: old" in run("plan").out
    assert run("check").code == 0
    held = run("migrate", "--prune")
    assert held.code == 3
    assert "⏸ drop table" in held.out
    assert "left alone" not in held.out
    assert "old" in tables(database)
    assert run("migrate", "--prune", "--allow-destructive").code == 0
    assert "old" not in tables(database)


def test_a_folder_that_declares_nothing_does_not_prune_everything(
    run: Run, database: LiveDatabase, schema: Path
) -> None:
    run("migrate")
    stood = tables(database)
    for file in schema.iterdir():
        file.unlink()
    for leave in ("--allow-destructive", "--allow drop_table"):
        refused = run(f"migrate --prune {leave}")
        assert refused.code == 1
        assert "no table is declared: prune would drop all 2 tables" in refused.err
    assert run("migrate", "--prune").code == 3
    assert tables(database) == stood


def test_pulled_files_are_in_sync_and_never_overwritten_unasked(run: Run, tmp_path: Path) -> None:
    run("migrate")
    pulled = run("pull", "--schema", "pulled")
    assert (pulled.code, pulled.err) == (0, "")
    assert "2 files written, 0 unchanged." in pulled.out
    assert run("check", "--schema", "pulled").code == 0
    assert "0 files written, 2 unchanged." in run("pull", "--schema", "pulled").out

    file = tmp_path / "pulled" / "posts.yaml"
    file.write_text(AUTHORS)
    refused = run("pull", "--schema", "pulled")
    assert refused.code == 1
    assert "--force" in refused.err
    assert file.read_text() == AUTHORS
    assert run("pull", "--schema", "pulled", "--force").code == 0
    assert run("check", "--schema", "pulled").code == 0


def test_a_fault_in_a_file_fails_before_anything_is_touched(
    run: Run, database: LiveDatabase, schema: Path
) -> None:
    (schema / "posts.yaml").write_text("columns:\n  id: {type: integer, primry: true}\n")
    for verb in ("plan", "check", "migrate", "status"):
        answer = run(verb, "--json")
        assert answer.code == 1
        assert "posts.yaml:2:" in answer.err
        assert answer.json["error"]["type"] == "DeclarationError"
    assert tables(database) == set()
