"""Keys to tables that are not there: no file can hold them, and they are left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from odac_db import Database
from tests.fixtures.databases import LiveDatabase

GHOST = {
    "sqlite": ["CREATE TABLE t (id integer PRIMARY KEY, g int REFERENCES ghosts(id), x int)"],
    "mysql": [
        "SET foreign_key_checks = 0",
        "CREATE TABLE t (id int PRIMARY KEY, g int, x int, "
        "CONSTRAINT gone FOREIGN KEY (g) REFERENCES ghosts(id))",
        "SET foreign_key_checks = 1",
    ],
}


@pytest.fixture
def haunted(database: LiveDatabase) -> LiveDatabase:
    if database.family not in GHOST:  # the others take no such key: those to what no file holds
        database.execute(
            "CREATE TABLE ghosts (id int PRIMARY KEY) PARTITION BY RANGE (id)",
            "CREATE TABLE t (id int PRIMARY KEY, g int REFERENCES ghosts(id), x int)",
        )
    else:
        database.execute(*GHOST[database.family])
    return database


def test_a_key_to_a_missing_table_is_left_out_of_the_files_and_stays(
    haunted: LiveDatabase, tmp_path: Path
) -> None:
    folder = tmp_path / "schema"
    with Database.open(haunted.url) as db:
        assert [one.table for one in db.pull(folder).unsupported if "key" in one.kind] == ["t"]
    before = haunted.dump()
    with Database.open(haunted.url, schema=folder, migrate=True) as db:
        assert db.plan().operations == ()
    assert haunted.dump() == before
    (written,) = folder.glob("t.*")
    columns = {"id": {"type": "integer", "primary": True}, "g": {"type": "integer"}}
    changed = {"type": "string", "length": 20, "nullable": False, "default": "y"}
    written.unlink()
    (folder / "t.json").write_text(json.dumps({"columns": {**columns, "x": changed}}), "utf-8")
    with Database.open(haunted.url, schema=folder) as db:
        assert db.migrate(allow=["destructive"]).in_sync
        found = [key.ref_table for key in db.schema.live.tables["t"].foreign_keys]
    # PostgreSQL's stands in the dump only, for it is not read as a key of the table.
    assert found == (["ghosts"] if haunted.family in GHOST else [])
