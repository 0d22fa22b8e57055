"""The page of guarantees: its tests exist, and those that stand nowhere else are here."""

from __future__ import annotations

import ast
import json
from collections import Counter
from pathlib import Path

import pytest

from odac_db import Database, MigrationFailed
from tests.behaviours.steps import wrong_column
from tests.cases.case import cases
from tests.docs.pages import DOCS, ROOT, rows, sections, words
from tests.fixtures.databases import LiveDatabase


def test_every_named_test_exists() -> None:
    there = Counter(
        node.name
        for file in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    )
    there.update(case.name for case in cases(ROOT / "tests" / "cases"))
    named = [
        name
        for section in sections((DOCS / "guarantees.md").read_text("utf-8")).values()
        for row in rows(section)
        for name in words(row[-1])
    ]
    assert len(named) > 40
    assert [name for name in named if there[name] == 0] == []


def test_every_guarantee_has_a_test() -> None:
    text = (DOCS / "guarantees.md").read_text("utf-8")
    bare = [row[0] for section in sections(text).values() for row in rows(section) if not row[1]]
    assert bare == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "schema"
    made.mkdir()
    return made


def declare(folder: Path, **tables: str) -> None:
    for name, columns in tables.items():
        (folder / f"{name}.yaml").write_text(columns, "utf-8")


ITEMS = """
columns:
  id: {type: integer, primary: true}
  price: {type: integer}
"""
GROWN = """
columns:
  id: {type: integer, primary: true}
  price: {type: integer}
  title: {type: string, length: 20}
"""
OTHERS = "columns: {id: {type: integer, primary: true}}\n"


def test_a_failed_step_undoes_all_or_is_gone_on_from(database: LiveDatabase, folder: Path) -> None:
    declare(folder, items=ITEMS)
    with Database.open(database.url, schema=folder, migrate=True) as db:
        database.execute("INSERT INTO items VALUES (1, 1)")
        before = database.dump()
        zeros = json.dumps({"columns": {"n": wrong_column(database.family)}})
        declare(folder, items=GROWN, others=OTHERS, zeros=zeros)
        with pytest.raises(MigrationFailed) as failed:
            Database.open(database.url, schema=folder).migrate()
        assert failed.value.undone is (database.family != "mysql")
        assert (database.dump() == before) is failed.value.undone
        declare(folder, zeros=OTHERS)
        with Database.open(database.url, schema=folder, migrate=True) as again:
            assert again.report is not None
            assert again.report.in_sync
            assert again.plan().in_sync
        assert [row["price"] for row in database.rows("items")] == [1]
        assert {entry.status for entry in db.history()} <= {"applied", "failed"}


RENAMED = """
renamed_from: items
columns:
  id: {type: integer, primary: true}
  cost: {type: integer, renamed_from: price}
"""


def test_declared_renames_keep_rows_and_are_done_once(database: LiveDatabase, folder: Path) -> None:
    declare(folder, items=ITEMS)
    Database.open(database.url, schema=folder, migrate=True).close()
    database.execute("INSERT INTO items VALUES (1, 7)")
    (folder / "items.yaml").unlink()
    declare(folder, goods=RENAMED)
    with Database.open(database.url, schema=folder, migrate=True) as db:
        assert db.report is not None
        assert sorted(op.kind for op in db.report.applied) == ["rename_column", "rename_table"]
        assert database.rows("goods") == [{"id": 1, "cost": 7}]
        assert db.plan().in_sync
        assert db.migrate().applied == ()


CHILDREN = """
columns:
  id: {type: integer, primary: true}
  item_id: {type: integer, nullable: false%s}
"""


def test_a_blocked_key_stays_pending_and_stops_nothing_else(
    database: LiveDatabase, folder: Path
) -> None:
    declare(folder, items=ITEMS, children=CHILDREN % "")
    Database.open(database.url, schema=folder, migrate=True).close()
    database.execute("INSERT INTO children VALUES (1, 9)")
    declare(folder, others=OTHERS, children=CHILDREN % ", references: items.id")
    with Database.open(database.url, schema=folder, migrate=True) as db:
        assert db.report is not None
        (left,) = db.report.remaining
        assert (left.kind, left.status) == ("add_foreign_key", "blocked")
        assert "1 row of children" in left.reason
        assert "others" not in {op.table for op in db.plan().operations}
        database.execute("INSERT INTO items VALUES (9, 0)")
        assert db.migrate().in_sync
