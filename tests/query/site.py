"""One database a server for all tests of the table API: made once, emptied before each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from odac_db import AsyncDatabase, Database
from tests.aio.face import Face, Loop
from tests.behaviours.steps import Body, table
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server

NANOID = {"type": "nanoid", "primary": True}

TABLES: Mapping[str, Body] = {
    "users": table(
        {
            "id": NANOID,
            "name": {"type": "string", "length": 40, "nullable": False, "unique": True},
            "age": "integer",
        }
    ),
    "posts": table(
        {
            "id": "increments",
            "author_id": {"type": "nanoid", "references": "users.id", "on_delete": "cascade"},
            "title": {"type": "string", "nullable": False},
            "views": {"type": "big_integer", "nullable": False, "default": 0},
            "status": {"type": "enum", "values": ["draft", "live"], "default": "draft"},
            "price": {"type": "decimal", "precision": 10, "scale": 2},
        },
        checks=[{"expression": "views >= 0", "code": "VIEWS_NEGATIVE"}],
    ),
    "messages": table(
        {
            "id": "increments",
            "sender_id": {"type": "nanoid", "references": "users.id"},
            "reader_id": {"type": "nanoid", "references": "users.id"},
            "parent_id": {"type": "integer", "references": "messages.id"},
            "text": "text",
        }
    ),
    "members": table(
        {
            "team": {"type": "integer", "nullable": False},
            "person": {"type": "string", "length": 20, "nullable": False},
            "role": "string",
        },
        primary_key=["team", "person"],
    ),
    "notes": table({"a": "integer", "b": {"type": "string", "length": 60}}),
    "slugs": table(
        {
            "id": "increments",
            "slug": {"type": "string", "length": 30, "unique": True},
            "hits": {"type": "integer", "default": 0},
        }
    ),
    "codes": table({"id": NANOID, "code": {"type": "nanoid", "length": 8}, "label": "string"}),
}
"""A blog, messages between its users, a composite key, a table without any key."""


class Site:
    """A server's database for these tables, and what is open on it."""

    def __init__(self, server: Server, directory: Path, tables: Mapping[str, Body]) -> None:
        self.tables = [name for name in tables if name[0] != "_" and "seed" not in tables[name]]
        self.database: LiveDatabase = databases.create(server, directory)
        if server.family == "mysql":  # whatever the server's default is
            self.database.execute(f"ALTER DATABASE `{self.database.name}` CHARACTER SET utf8mb4")
        self.folder = write(directory / "schema", tables)
        self.db = Database.open(self.database.url, schema=self.folder, migrate=True)
        self._loop: Loop | None = None
        self._face: Any = None

    def awaited(self) -> Any:
        """The same database as an ``AsyncDatabase``, used as if nothing was awaited."""
        if self._loop is None:
            self._loop = Loop()
            opened = AsyncDatabase.open(self.database.url, schema=self.folder)
            self._face = Face(self._loop, self._loop.run(opened))
        return self._face

    def clear(self) -> None:
        with self.db.transaction() as tx:
            for name in sorted(self.tables, key="users".__eq__):  # the others refer to it
                if "parent_id" in tx.table(name)._shape.catalog.definition(name).columns:
                    tx.table(name).all_rows().update(parent_id=None)
                tx.table(name).all_rows().delete()

    def close(self) -> None:
        if self._loop is not None:
            self._face.close()
            self._loop.close()
        self.db.close()
        databases.drop(self.database)


def write(folder: Path, tables: Mapping[str, Body]) -> Path:
    """The schema folder of these tables."""
    folder.mkdir(parents=True)
    for name, body in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(body, ensure_ascii=False), "utf-8")
    return folder


def values_of(rows: list[Any]) -> list[tuple[Any, ...]]:
    """Rows as plain tuples, for comparing."""
    return [tuple(row) for row in rows]
