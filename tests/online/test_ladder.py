"""Big tables on MySQL and MariaDB: asked for what holds up nobody, never copied in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from pymysql.err import IntegrityError

from odac_db import MigrationFailed, Online
from odac_db.migrate import big_tables
from tests.fixtures.databases import LiveDatabase
from tests.online.steps import Body, Site

BIG = Online(table_lock_timeout=1, table_lock_patience=10, big_table=1000)
ID: Body = {"type": "integer", "primary": True}
COLUMNS: Body = {"id": ID, "parent": {"type": "integer"}, "name": {"type": "string", "length": 20}}
PARENTS: Body = {"columns": {"id": ID}}


def filled(database: LiveDatabase, folder: Path) -> Site:
    site = Site(database, folder)
    site.declare(parents=PARENTS, items={"columns": COLUMNS})
    site.migrate()
    numbers = "WITH RECURSIVE g (i) AS (SELECT {} UNION ALL SELECT i + 1 FROM g WHERE i < {})"
    database.execute(
        "INSERT INTO parents VALUES (1)",
        *(
            f"INSERT INTO items {numbers.format(low, low + 899)} SELECT i, 1, 'x' FROM g"
            for low in (1, 1001, 2001)
        ),
        "ANALYZE TABLE items",
    )
    return site


def test_a_big_table_is_never_copied_in_silence(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(mysql_database, tmp_path / "schema")
    columns = {
        **COLUMNS,
        "id": {"type": "big_integer", "primary": True},
        "parent": {"type": "integer", "references": "parents.id"},
        "name": {"type": "string", "length": 40},
        "more": {"type": "integer", "nullable": False, "default": 7},
    }
    site.declare(parents=PARENTS, items={"columns": columns, "indexes": [{"columns": ["name"]}]})
    plan = site.plan(online=BIG)
    asked = [s for one in plan.of_status("pending") for s in one.statements if "`items`" in s.sql]
    assert asked
    assert all(one.sql.endswith(", ALGORITHM=INSTANT") for one in asked)
    assert all(one.otherwise[-1].endswith("ALGORITHM=INPLACE, LOCK=NONE") for one in asked)
    report = site.migrate(online=BIG)
    assert {one.kind for one in report.applied} >= {"add_column", "add_index", "alter_column"}
    held = {one.kind: one for one in report.remaining}
    assert set(held) == {"alter_column", "add_foreign_key"}
    assert {one.status for one in held.values()} == {"held_back"}
    assert "--allow table_copy:items" in held["add_foreign_key"].reason
    assert site.migrate(online=BIG, allow=["table_copy:items"]).in_sync


def test_what_is_done_at_once_does_not_wait_for_an_index(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    """In one ALTER the column had every row written again, and writes waited for the end of it."""
    site = filled(mysql_database, tmp_path / "schema")
    columns = {
        **COLUMNS,
        "name": {"type": "string", "length": 40},
        "more": {"type": "integer", "nullable": False, "default": 7},
    }
    declared = {"columns": columns, "indexes": [{"columns": ["name"]}, {"columns": ["parent"]}]}
    site.declare(parents=PARENTS, items=declared)
    plan = site.plan(online=BIG).of_status("pending")
    redefined, at_once, built = [s for one in plan for s in one.statements]
    assert "varchar(40)" in redefined.sql
    assert "ADD COLUMN" in at_once.sql
    assert built.sql.count("ADD KEY") == 2
    site.database.execute(at_once.sql)  # ALGORITHM=INSTANT
    report = site.migrate(online=BIG)
    assert {one.kind for one in report.applied} == {"alter_column", "add_index"}
    assert report.in_sync


def test_of_a_small_table_all_is_one_statement(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(mysql_database, tmp_path / "schema")
    columns = {**COLUMNS, "more": {"type": "integer"}}
    site.declare(parents=PARENTS, items={"columns": columns, "indexes": [{"columns": ["name"]}]})
    (altered,) = [s for one in site.plan().of_status("pending") for s in one.statements]
    assert "ADD COLUMN" in altered.sql
    assert "ADD KEY" in altered.sql


def test_a_unique_stays_while_the_primary_key_in_its_place_is_held_back(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(mysql_database, tmp_path / "schema")
    number: Body = {"type": "integer", "nullable": False, "unique": True}
    site.declare(codes={"columns": {"id": ID, "code": number}})
    site.migrate()
    site.database.execute("INSERT INTO codes SELECT id, id FROM items", "ANALYZE TABLE codes")
    site.declare(codes={"columns": {"id": number, "code": ID}})
    held = {one.kind: one for one in site.migrate(online=BIG).remaining}
    assert set(held) == {"drop_primary_key", "add_primary_key", "drop_index"}
    assert held["drop_index"].status == "held_back"
    assert "waits for" in held["drop_index"].reason
    with pytest.raises(IntegrityError):
        site.database.execute("INSERT INTO codes VALUES (9999, 1)")


def test_the_server_refuses_what_was_not_foreseen(
    mysql_database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the plan is blind to the cost, and the server is not."""
    site = filled(mysql_database, tmp_path / "schema")
    site.declare(parents=PARENTS, items={"columns": {**COLUMNS, "parent": {"type": "big_integer"}}})
    monkeypatch.setattr(big_tables, "_is_allowed", lambda *_: True)
    with pytest.raises(MigrationFailed, match="ALGORITHM=INPLACE") as failed:
        site.migrate(online=BIG)
    assert "184" in failed.value.reason
    assert "bigint" not in str(site.columns("items"))
    assert len(site.database.rows("items")) == 2700


def test_small_tables_are_just_altered(mysql_database: LiveDatabase, tmp_path: Path) -> None:
    site = filled(mysql_database, tmp_path / "schema")
    site.declare(parents=PARENTS, items={"columns": {**COLUMNS, "parent": {"type": "big_integer"}}})
    assert site.migrate().in_sync
