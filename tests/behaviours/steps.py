"""One application in steps: its schema files as they are today, its database, its boots."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Inspector, inspect

from odac_db import Database, Plan, Report
from odac_db.schema.changes import (
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    CleanOrphans,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
)
from odac_db.schema.plan import Operation
from tests.fixtures.databases import LiveDatabase

ALL = ("destructive",)
"""Leave for whatever loses something."""

Body = dict[str, Any]


def table(columns: Mapping[str, str | dict[str, Any]], **keys: Any) -> Body:
    """The content of a schema file; a column that has nothing but a type is that type."""
    spelt = {name: {"type": c} if isinstance(c, str) else c for name, c in columns.items()}
    return {"columns": spelt, **keys}


def wrong_column(family: str) -> dict[str, Any]:
    """What a server refuses when its table is made, and nobody can know before."""
    if family == "sqlite":  # takes any type
        return {"type": "integer", "check": "no_such_function(1) > 0"}
    return {"type": "no_such_type"}


class Application:
    """``declare`` writes the files, ``boot`` opens the database as an application does."""

    def __init__(self, database: LiveDatabase, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.execute = database.execute

    def declare(self, **tables: Body) -> None:
        """The schema folder holds these files and no others."""
        self.folder.mkdir(exist_ok=True)
        for old in self.folder.iterdir():
            old.unlink()
        for name, body in tables.items():
            text = json.dumps(body, ensure_ascii=False)
            (self.folder / f"{name}.json").write_text(text, "utf-8")

    def boot(self, **options: Any) -> Report:
        """What one start of the application did to its database."""
        url = self.database.url
        with Database.open(url, schema=self.folder, migrate=True, **options) as db:
            assert db.report is not None
            return db.report

    def boot_with(self, allow: tuple[str, ...] = (), /, **tables: Body) -> Report:
        """A boot after the files were changed."""
        self.declare(**tables)
        return self.boot(allow=allow)

    def plan(self, **options: Any) -> Plan:
        """What the next boot would do."""
        with Database.open(self.database.url, schema=self.folder) as db:
            return db.plan(**options)

    def assert_settled(self) -> None:
        """The next boot finds nothing to do, and not by remembering: it looks at everything."""
        left = [op for op in self.plan(prune=True).operations if op.kind != "drop_table"]
        assert [(op.kind, op.summary, op.status) for op in left] == []
        report = self.boot()
        assert (done(report), report.seeds) == ([], ())

    def inspect(self) -> Inspector:
        """The database as SQLAlchemy sees it."""
        return inspect(self.database.engine())

    def tables(self) -> set[str]:
        """The application's tables, without the bookkeeping."""
        found = self.inspect().get_table_names()
        return {name for name in found if not name.startswith("_odac_")}

    def columns(self, table: str) -> dict[str, Any]:
        """Each column as SQLAlchemy sees it, by name and in order."""
        return {column["name"]: column for column in self.inspect().get_columns(table)}

    def keys(self, table: str) -> list[tuple[list[str], str, list[str], str | None]]:
        """Foreign keys as columns, parent, its columns, and what a deletion does."""
        found = [
            (key["constrained_columns"], key["referred_table"], key["referred_columns"], on_delete)
            for key in self.inspect().get_foreign_keys(table)
            for on_delete in [key["options"].get("ondelete")]
        ]
        return sorted(found, key=repr)

    def indexes(self, table: str) -> dict[tuple[str | None, ...], bool]:
        """Columns of each index and UNIQUE constraint, in key order; whether it is unique."""
        inspector = self.inspect()
        found = {
            tuple(index["column_names"]): bool(index["unique"])
            for index in inspector.get_indexes(table)
        }
        uniques = inspector.get_unique_constraints(table)
        return found | {tuple(each["column_names"]): True for each in uniques}


def done(report: Report) -> list[str]:
    """What a boot did, such as "add_column posts.slug" or "add_index posts(title, slug)"."""
    return [_said(operation) for operation in report.applied]


def waiting(outcome: Report | Plan) -> dict[str, str]:
    """What is not done, in the words of ``done``, and its status."""
    operations = outcome.remaining if isinstance(outcome, Report) else outcome.operations
    return {_said(op): op.status for op in operations if op.status != "pending"}


def _said(operation: Operation) -> str:
    """By columns where names differ from server to server."""
    match operation.change:
        case AddForeignKey() | DropForeignKey() | CleanOrphans():
            what = f"({', '.join(operation.change.foreign_key.columns)})"
        case AddIndex() | DropIndex():
            what = f"({', '.join(operation.change.index.columns)})"
        case AddPrimaryKey() | DropPrimaryKey():
            what = f"({', '.join(operation.change.primary_key.columns)})"
        case _:
            what = "" if operation.name == operation.table else f".{operation.name}"
    return f"{operation.kind} {operation.table}{what}"
