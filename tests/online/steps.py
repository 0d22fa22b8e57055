"""An application whose tables are in use: its database, its files, the sessions of others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from odac_db import Database, Online, Plan, Report
from tests.fixtures.databases import LiveDatabase

Body = Mapping[str, Any]
HASTY = Online(table_lock_timeout=0.05, table_lock_patience=30)


class Site:
    """``declare`` writes the files, ``migrate`` brings the database to them."""

    def __init__(self, database: LiveDatabase, folder: Path) -> None:
        self.database = database
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def declare(self, **tables: Body) -> None:
        for old in self.folder.iterdir():
            old.unlink()
        for name, body in tables.items():
            (self.folder / f"{name}.json").write_text(json.dumps(body))

    def migrate(self, **options: Any) -> Report:
        with Database.open(self.database.url, schema=self.folder) as db:
            return db.migrate(**{"online": HASTY, **options})

    def plan(self, **options: Any) -> Plan:
        with Database.open(self.database.url, schema=self.folder) as db:
            return db.plan(**options)

    def columns(self, table: str) -> list[str]:
        from sqlalchemy import inspect  # noqa: PLC0415

        return [column["name"] for column in inspect(self.database.engine()).get_columns(table)]

    @contextmanager
    def session(self, *statements: str) -> Iterator[Connection]:
        """Another session, in a transaction that has run these; rolled back at the end."""
        with self.database.engine().connect() as other:
            for statement in statements:
                other.exec_driver_sql(statement)
            yield other
            other.rollback()
