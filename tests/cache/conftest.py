"""``opens``, ``seen`` and ``stored``: a small filled database with a cache.

``opens(store, **options)`` on every server, several times if need be; ``seen`` is it opened
once, in memory; ``stored(**options)`` is it on SQLite in memory, in Redis, and with a near cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from odac_db import Cache, Database
from tests.behaviours.steps import table
from tests.fixtures.servers import Server
from tests.query.conftest import SiteOf, site_of, sites
from tests.query.site import Site

__all__ = ["site_of", "sites"]

TABLES = {
    "users": table({"id": {"type": "integer", "primary": True}, "name": "string"}),
    "comments": table(
        {
            "id": {"type": "integer", "primary": True},
            "post_id": {"type": "integer", "references": "posts.id"},
            "body": "string",
        }
    ),
    "posts": table(
        {
            "id": {"type": "integer", "primary": True},
            "user_id": {"type": "integer", "references": "users.id"},
            "title": "string",
            "views": {"type": "integer", "nullable": False, "default": 0},
        }
    ),
    "others": table({"id": {"type": "integer", "primary": True}, "name": "string"}),
}
Open = Callable[..., "Watched"]


class Watched:
    """A database with a cache, and the SELECTs that reach it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.asked: list[str] = []
        event.listen(db.engine, "before_cursor_execute", self._note)

    def _note(self, _conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
        own = ("posts", "users", "comments", "others")
        if sql.startswith(("SELECT", "WITH")) and any(name in sql for name in own):
            self.asked.append(sql)

    def reached(self, read: Callable[[], Any]) -> int:
        """How many statements a read needs of the database."""
        before = len(self.asked)
        read()
        return len(self.asked) - before


def filled(db: Database) -> None:
    db.users.insert([{"id": 1, "name": "ada"}, {"id": 2, "name": "bob"}])
    rows = [{"id": n, "user_id": 1 + n % 2, "title": f"post {n}"} for n in (1, 2, 3)]
    db.posts.insert(rows)
    db.comments.insert([{"id": n, "post_id": n, "body": f"says {n}"} for n in (1, 2)])
    db.others.insert({"id": 1, "name": "other"})


@pytest.fixture
def opens(server: Server, site_of: SiteOf, tmp_path: Path) -> Iterator[Open]:
    """Opens the same filled database, with caches of one namespace."""
    with opener(site_of(server, "cached", TABLES), tmp_path) as opened:
        yield opened


@contextmanager
def opener(site: Site, directory: Path) -> Iterator[Open]:
    filled(site.db)
    made: list[Database] = []

    def opened(store: str = "memory", **options: Any) -> Watched:
        given = {"directory": directory} if store == "memory" else {"mode": "relaxed"}
        cache = Cache(store=store, **{"commit_within": 60, **given, **options})
        made.append(Database.open(site.database.url, schema=site.folder, cache=cache))
        return Watched(made[-1])

    yield opened
    for db in made:
        db.close()


@pytest.fixture
def seen(opens: Open) -> Watched:
    return opens()


@pytest.fixture(params=["memory", "redis", "near"])
def stored(
    request: pytest.FixtureRequest,
    sqlite_server: Server,
    site_of: SiteOf,
    redis_url: str,
    tmp_path: Path,
) -> Iterator[Open]:
    """Opens SQLite with each of the stores."""
    store = "memory" if request.param == "memory" else redis_url
    with opener(site_of(sqlite_server, "cached", TABLES), tmp_path) as opened:
        near = {"near": True} if request.param == "near" else {}
        yield lambda **options: opened(store, **near, **options)
