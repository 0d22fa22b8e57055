"""``odac-db cache``: what operators see of the store, and how they clear it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from odac_db import Cache, Database
from tests.behaviours.steps import table
from tests.docs.examples import called
from tests.fixtures.databases import LiveDatabase
from tests.query.site import write

ID = {"type": "integer", "primary": True}
SCHEMA = {"posts": table({"id": ID, "title": "string"}), "users": table({"id": ID})}


@pytest.fixture(params=["memory", "redis"])
def store(request: pytest.FixtureRequest, redis_url: str) -> str:
    return "memory" if request.param == "memory" else redis_url


@pytest.fixture
def running(sqlite_database: LiveDatabase, store: str, tmp_path: Path) -> Iterator[Database]:
    """An application with a cache of the namespace "shop"."""
    cache = Cache(store=store, namespace=str(tmp_path), mode="relaxed", commit_within=60)
    folder = write(tmp_path / "schema", SCHEMA)
    with Database.open(sqlite_database.url, schema=folder, migrate=True, cache=cache) as db:
        db.posts.insert({"id": 1, "title": "one"})
        yield db


@pytest.fixture
def run(sqlite_database: LiveDatabase, store: str, tmp_path: Path) -> Callable[..., Any]:
    def run_it(verb: str, *options: str) -> Any:
        place = ["--url", sqlite_database.url, "--cache", store, "--namespace", str(tmp_path)]
        code, text = called(["cache", verb, *place, *options, "--json"])
        assert code == 0, text
        return json.loads(text)

    return run_it


def missed(db: Database, read: Callable[[], Any]) -> bool:
    before = db.cache.stats().misses
    read()
    return db.cache.stats().misses > before


def test_it_shows_what_is_kept_and_written(
    running: Database, run: Callable[..., Any], store: str
) -> None:
    for number in range(3):
        running.posts.cache(60).where(id=number).all()
    shown = run("stats")
    assert shown["stamps"] >= 2
    if store != "memory":
        assert shown["entries"] == 3
        assert 100 < shown["bytes"] < 10_000
    assert shown["writing"] == []
    caching: Any = running._caching
    caching.store.announce(("posts",), 7)
    (name,) = run("stats")["writing"]
    assert store == "memory" or name == "posts"
    caching.store.confirm(("posts",), 7)
    assert run("stats")["writing"] == []


def test_it_clears_in_processes_that_run(running: Database, run: Callable[..., Any]) -> None:
    def posts() -> Any:
        return running.posts.cache(60).all()

    def users() -> Any:
        return running.users.cache(60).all()

    for read in (posts, users):
        read()
        assert not missed(running, read)
    assert run("clear", "--table", "posts") == {"cleared": ["posts"]}
    assert missed(running, posts)
    assert not missed(running, users)
    assert run("clear") == {"cleared": "everything"}
    assert missed(running, posts)
    assert missed(running, users)
    assert run("stats")["entries"] in {None, 2}


def test_it_says_what_is_missing_or_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    code, text = called(["cache", "stats", "--url", url])
    assert code == 2
    assert "ODAC_DB_CACHE" in text
    away = "redis://:secret@127.0.0.1:1/0"
    monkeypatch.setenv("ODAC_DB_CACHE", away)
    for verb in ("stats", "clear"):
        code, text = called(["cache", verb, "--url", url])
        assert code == 1
        assert "secret" not in text
    (tmp_path / "pyproject.toml").write_text('[tool.odac-db]\ncache = "memory"\n')
    monkeypatch.delenv("ODAC_DB_CACHE")
    code, text = called(["cache", "stats", "--url", url])
    assert code == 0, text
    assert "entries in each process" in text


def test_memory_needs_no_redis(tmp_path: Path) -> None:
    """``redis`` is an extra: without it the memory store works."""
    program = f"""
import sys
sys.modules["redis"] = None
from sqlalchemy import text
from odac_db import Cache, Database
db = Database.open("sqlite:///{tmp_path / "a.db"}", cache=Cache(directory="{tmp_path}"))
db.execute(text("CREATE TABLE t (a INTEGER)"))
for _ in range(2):
    db.execute(text("SELECT a FROM t"), cache=60)
print(db.cache.stats().hits)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "1", done.stderr
