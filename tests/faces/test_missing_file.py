"""A SQLite file that is not there is made by a migrate that has something to do, no sooner."""

from __future__ import annotations

from pathlib import Path

import pytest

from odac_db import Database
from odac_db.errors import (
    DeclarationError,
    MigrationFileFailed,
    OdacDbError,
    PlanRefused,
    ReverseRefused,
)
from tests.faces.command import odac_db

GOOD = "columns:\n  id: {type: big_increments}\n"
BAD = "columns:\n  id: {type: big_incremets}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "schema"
    made.mkdir()
    (made / "t.yaml").write_text(GOOD)
    return made


def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'a.db'}"


def test_a_broken_schema_makes_no_file(tmp_path: Path, folder: Path) -> None:
    (folder / "t.yaml").write_text(BAD)
    answer = odac_db("migrate", "--url", "sqlite:///a.db", "--schema", "schema", cwd=tmp_path)
    assert answer.code == 1
    assert "t.yaml:2:8: unknown type" in answer.err
    with pytest.raises(DeclarationError):
        Database.open(url(tmp_path), schema=folder, migrate=True)
    assert not (tmp_path / "a.db").exists()
    (folder / "t.yaml").write_text(GOOD)
    Database.open(url(tmp_path), schema=folder, migrate=True).close()
    assert (tmp_path / "a.db").stat().st_size > 0


@pytest.mark.parametrize(
    ("text", "error"),
    [("def up(db:\n", DeclarationError), ("raise ValueError('no')\n", MigrationFileFailed)],
)
def test_a_broken_data_migration_makes_no_file(
    tmp_path: Path, folder: Path, text: str, error: type[OdacDbError]
) -> None:
    migrations = folder / "migrations"
    migrations.mkdir()
    (migrations / "20260101_001_a.py").write_text(text)
    with pytest.raises(error):
        Database.open(url(tmp_path), schema=folder, migrate=True)
    assert not (tmp_path / "a.db").exists()


def test_a_plan_of_something_else_makes_no_file(tmp_path: Path, folder: Path) -> None:
    with Database.open(url(tmp_path), schema=folder) as db:
        plan = db.plan()
    (folder / "t.yaml").write_text(f"{GOOD}  name: {{type: string}}\n")
    with Database.open(url(tmp_path), schema=folder) as db, pytest.raises(PlanRefused):
        db.migrate(plan=plan)
    assert not (tmp_path / "a.db").exists()


def test_taking_back_makes_no_file(tmp_path: Path, folder: Path) -> None:
    with Database.open(url(tmp_path), schema=folder) as db:
        assert not db.rollback().files
        assert db.restore_orphans("none").restored == 0
        with pytest.raises(ReverseRefused):
            db.migrate_back("none")
    assert not (tmp_path / "a.db").exists()
