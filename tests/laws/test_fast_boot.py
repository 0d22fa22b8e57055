"""A boot that finds nothing to do asks three questions, and is never wrong about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import pytest
from sqlalchemy import event

from odac_db import Database, MigrationFailed, Plan, Report
from odac_db.dialects import dialect_of
from odac_db.schema.changes import Change
from odac_db.schema.drift import Drift
from odac_db.schema.files import read
from tests.behaviours.steps import wrong_column
from tests.fixtures.databases import LiveDatabase
from tests.laws import ddl
from tests.laws.folder import live, written
from tests.laws.kinds import kit_of
from tests.laws.rich import rich
from tests.laws.test_statement_counts import plain_tables

MOST = 3


@contextmanager
def counted(db: Database) -> Iterator[list[str]]:
    """Every statement that the database's connections execute."""
    statements: list[str] = []

    def note(*arguments: object) -> None:
        statements.append(str(arguments[2]))

    event.listen(db.engine, "before_cursor_execute", note)
    yield statements
    event.remove(db.engine, "before_cursor_execute", note)


def booted(database: LiveDatabase, files: Path) -> tuple[Report, int]:
    """What a boot did, and how many statements it took."""
    with Database.open(database.url, schema=files) as db, counted(db) as statements:
        return db.migrate(), len(statements)


def planned(database: LiveDatabase, files: Path) -> tuple[Plan, int]:
    with Database.open(database.url, schema=files) as db, counted(db) as statements:
        return db.plan(), len(statements)


def mark(database: LiveDatabase) -> str:
    with database.connect() as conn:
        return dialect_of(conn).fingerprint(conn).value


def test_an_unchanged_boot_asks_three_questions_and_reads_no_file(
    database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = written(plain_tables(12), tmp_path / "schema")
    assert booted(database, files)[0].applied
    monkeypatch.setattr(read, "read_folder", lambda _: pytest.fail("the files were parsed"))
    report, statements = booted(database, files)
    assert report.in_sync
    assert not report.applied
    assert statements <= MOST
    assert planned(database, files)[1] <= MOST
    print(f"BOOT server={database.server.label!r} statements={statements}")


def test_a_change_of_a_file_is_looked_into(database: LiveDatabase, tmp_path: Path) -> None:
    folder = plain_tables(3)
    files = written(folder, tmp_path / "schema")
    booted(database, files)
    del folder["table1"]["indexes"]
    plan, statements = planned(database, written(folder, files))
    assert statements > MOST
    assert {operation.kind for operation in plan.operations} == {"drop_index"}


def test_what_the_ledger_vouches_for_is_reported_as_it_was(
    database: LiveDatabase, tmp_path: Path
) -> None:
    files = written(plain_tables(3), tmp_path / "schema")
    booted(database, files)
    database.execute("CREATE VIEW seen AS SELECT 1 AS one", "CREATE TABLE own (id integer)")
    looked, statements = booted(database, files)
    assert statements > MOST
    again, statements = booted(database, files)
    assert statements <= MOST
    assert (again.unsupported, again.undeclared) == (looked.unsupported, looked.undeclared)
    assert again.undeclared == ("own",)
    assert [item.kind for item in again.unsupported] == ["view"]


NAMED = [("created", "tags"), ("dropped", "table2"), ("altered", "table1")]


def test_who_changed_what_is_named(database: LiveDatabase, tmp_path: Path) -> None:
    folder = plain_tables(3)
    files = written(folder, tmp_path / "schema")
    assert not booted(database, files)[0].drift
    database.execute(
        "CREATE TABLE tags (id integer)", "DROP TABLE table2", "ALTER TABLE table1 ADD own integer"
    )
    plan, _ = planned(database, files)
    assert not plan.drift.declared
    assert sorted((each.change, each.name) for each in plan.drift.actual) == sorted(NAMED)
    folder["table0"]["columns"]["new"] = {"type": "integer"}
    written(folder, files)
    report, _ = booted(database, files)
    assert report.drift.declared
    assert report.drift.actual == plan.drift.actual
    assert not booted(database, files)[0].drift
    assert planned(database, files)[0].drift == Drift()


def test_what_odac_db_did_itself_is_nobody_elses_doing(
    database: LiveDatabase, tmp_path: Path
) -> None:
    """Also not where its run failed half-way on a server that cannot roll back."""
    folder = plain_tables(2)
    files = written(folder, tmp_path / "schema")
    booted(database, files)
    folder["made"] = {"columns": {"n": {"type": "integer"}}}
    folder["wrong"] = {"columns": {"n": wrong_column(database.family)}}
    written(folder, files)
    with pytest.raises(MigrationFailed):
        booted(database, files)
    assert not planned(database, files)[0].drift.actual


def test_every_kind_of_change_by_hand_is_noticed(database: LiveDatabase) -> None:
    """The fingerprint is another after each statement, whatever it is."""
    here = mark(database)
    for kind, statements in ddl.steps(database.server):
        before = live(database)
        for statement in statements.split("; ") if "TRIGGER" not in statements else [statements]:
            database.execute(statement)
        assert live(database) != before or kind == "...", statements
        after = mark(database)
        assert after, statements
        assert after != here, statements
        here = after
    for statements in ddl.HARMLESS[database.family]:
        for statement in statements.split("; "):
            database.execute(statement)
        assert mark(database) == here, statements


def test_every_kind_of_change_is_among_them(database: LiveDatabase) -> None:
    kinds = {str(each.__struct_config__.tag) for each in get_args(Change)}
    done = {kind for kind, _ in ddl.steps(database.server)} - {"..."}
    assert kinds - done == ddl.NOT_HERE[database.family] | ddl.CLEANING


def test_a_rich_schema_boots_fast_or_says_that_it_cannot(
    database: LiveDatabase, tmp_path: Path
) -> None:
    """Where the catalog shows less than there is (MySQL, MariaDB), every boot reads it all."""
    files = written(rich(kit_of(database.server)), tmp_path / "schema")
    booted(database, files)
    report, statements = booted(database, files)
    assert not report.applied
    assert (statements <= MOST) is bool(mark(database))
    assert mark(database) or database.family == "mysql"
