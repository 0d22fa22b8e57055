"""``place``: a database on each server, to be opened for asyncio; ``opened`` sees that it is clean.

``store`` is where its cache is: memory, and Redis.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import make_url

from odac_db import AsyncDatabase, Cache
from tests.behaviours.steps import table
from tests.conftest import _servers
from tests.fixtures.databases import LiveDatabase

ITEMS = table({"id": {"type": "integer", "primary": True}, "n": "integer"})


class Place:
    """A database with a table ``items``, and the schema folder of it."""

    def __init__(self, database: LiveDatabase, folder: Path) -> None:
        self.database = database
        self.family = database.family
        self.folder = folder / "schema"
        self.stamps = folder
        self.folder.mkdir()
        self.declare("items", ITEMS)

    def declare(self, name: str, body: Any) -> None:
        (self.folder / f"{name}.json").write_text(json.dumps(body), "utf-8")

    def cache(self, store: str = "memory", **options: Any) -> Cache:
        """Its cache; the stamps of the memory store are this test's own."""
        own = {"directory": self.stamps} if store == "memory" else {}
        return Cache(store=store, **{"commit_within": 60, **own, **options})

    @asynccontextmanager
    async def opened(self, **options: Any) -> AsyncIterator[AsyncDatabase]:
        """The database for asyncio, migrated. In the end nobody has a connection of it."""
        url = self.database.url
        async with await AsyncDatabase.open(url, schema=self.folder, migrate=True, **options) as db:
            yield db
            assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.fixture
def place(database: LiveDatabase, tmp_path: Path) -> Place:
    return Place(database, tmp_path)


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest) -> str:
    """``memory``, or the URL of ``redis_store``."""
    if request.param == "memory":
        return "memory"
    url: str = request.getfixturevalue("redis_store")
    return url


@pytest.fixture
def redis_store(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database of the first Redis of the run, empty."""
    first = next(one for one in _servers(request.config) if one.family == "redis")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = make_url(first.url).set(database=str(int(worker) % 16))
    text = url.render_as_string(hide_password=False)
    with redis.Redis.from_url(text, protocol=3) as client:
        client.flushdb()
        yield text
        client.flushdb()
