"""Looking changes nothing: no ledger, no table, no file, not a byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from odac_db import Database
from odac_db.cli.main import run
from tests.fixtures.databases import LiveDatabase
from tests.laws.folder import migrated, written
from tests.laws.kinds import kit_of
from tests.laws.rich import rich
from tests.laws.test_boots import fingerprint


def traces(database: LiveDatabase) -> list[str]:
    """Every table there is, odac-db's own too; of SQLite every byte of every file."""
    if database.family == "sqlite":
        files = sorted(database.path.parent.glob(f"{database.path.name}*"))
        return [f"{file.name} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files]
    tables = "SELECT table_schema, table_name FROM information_schema.tables ORDER BY 1, 2"
    where = "table_schema = database()" if database.family == "mysql" else "true"
    found = database.execute(tables.replace("ORDER", f"WHERE {where} ORDER"))
    return [database.dump(), *map(repr, found)]


def look(database: LiveDatabase, files: Path) -> None:
    """Everything that only looks, in process and from the command line."""
    with Database.open(database.url, schema=files) as db:
        db.plan()
        db.plan(allow={"destructive"}, prune=True)
        db.history()
        db.orphan_runs()
    for verb in ("plan", "check", "status", "history"):
        with pytest.raises(SystemExit):
            run([verb, "--url", database.url, *schema(verb, files)])


def schema(verb: str, files: Path) -> list[str]:
    return [] if verb == "history" else ["--schema", str(files)]


def test_a15_an_empty_database_stays_empty(database: LiveDatabase, tmp_path: Path) -> None:
    files = written(rich(kit_of(database.server)), tmp_path / "schema")
    before = traces(database)
    look(database, files)
    assert traces(database) == before
    if database.family == "sqlite":
        assert not before
        assert not database.path.exists()


def test_a15_a_database_in_use_stays_as_it_is(database: LiveDatabase, tmp_path: Path) -> None:
    kit = kit_of(database.server)
    folder = rich(kit)
    files = written(folder, tmp_path / "schema")
    migrated(database, files)
    del folder["posts"]["columns"]["price"]
    folder["posts"]["indexes"] = folder["posts"]["indexes"][:1]
    folder["people"]["columns"]["age"]["type"] = "small_integer"
    written(folder, files)
    before = [*traces(database), *fingerprint(database)]
    look(database, files)
    assert [*traces(database), *fingerprint(database)] == before
