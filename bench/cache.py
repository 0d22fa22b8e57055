"""What the cache costs and saves, each beside something bare, in one run.

    python bench/cache.py [--redis redis://127.0.0.1:6379/0] [--url postgresql://localhost/empty]

20 rows are read: from the memory store by a fluent call, and by ``execute``; uncached, by plain
SQLAlchemy; a value of dogpile.cache's memory backend is taken, for a measure of this machine.
From Redis: a hit beside a bare GET of the same bytes over one connection of redis-py; processes
that all miss the same slow question at once. ``--redis`` is emptied. And what a
commit costs more, and an entry's memory. Best of several rounds, taken in turn.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from dogpile.cache import make_region
from sqlalchemy import create_engine, select, text

from odac_db import Cache, Database

SCHEMA = """
columns:
  id: {type: integer, primary: true}
  title: {type: string, nullable: false}
  status: {type: string, length: 10, nullable: false}
  views: {type: big_integer, nullable: false, default: 0}
"""
ROUNDS = 7
HERD = 8
SLOW = (
    "SELECT count(*) FROM posts a, posts b, posts c, posts d WHERE a.id < b.id * c.id AND d.id < 9"
)


def best(*works: tuple[Callable[[], Any], int]) -> list[float]:
    """Microseconds a call of each work, the best of all rounds."""
    found = [float("inf")] * len(works)
    gc.disable()
    for _ in range(ROUNDS):
        for place, (work, times) in enumerate(works):
            begun = time.perf_counter()
            for _ in range(times):
                work()
            found[place] = min(found[place], (time.perf_counter() - begun) / times * 1e6)
    gc.enable()
    return found


def opened(folder: Path, store: str, at: str | None = None, **options: Any) -> Database:
    cache = Cache(store=store, commit_within=1, namespace=str(folder), **options)
    url = at or f"sqlite:///{folder / 'bench.db'}"
    return Database.open(url, schema=folder / "schema", migrate=True, cache=cache)


def filled(db: Database) -> None:
    rows = [{"id": n, "title": f"post {n}", "status": "live", "views": n} for n in range(1, 101)]
    db.posts.upsert(rows)


def fluent(db: Database) -> Callable[[], Any]:
    def read() -> Any:
        posts = db.posts.cache(600).where(status="live").order_by("-views").limit(20)
        return posts.select("id", "title").all()

    return read


def memory_hits(folder: Path, url: str | None = None) -> None:
    """On SQLite, or on that server, which is the dearer to ask without a cache."""
    with opened(folder, "memory", url) as db:
        filled(db)
        posts = db.posts.c
        question = (
            select(posts.id, posts.title)
            .where(posts.status == "live")
            .order_by(posts.views.desc())
            .limit(20)
        )
        region = make_region().configure("dogpile.cache.memory")
        region.set("key", "value")
        engine = create_engine(db.engine.url)

        def plain() -> Any:
            with engine.connect() as conn:
                return conn.execute(question).all()

        read = fluent(db)
        assert len(read()) == len(plain()) == 20
        figures = best(
            (read, 5000),
            (lambda: db.execute(question, cache=600).all(), 1000),
            (plain, 200),
            (lambda: region.get("key"), 5000),
        )
        hit, executed, uncached, bare = figures
    print(f"memory store over {db.engine.dialect.name}")
    print(f"memory hit, 20 rows, fluent call {hit:6.1f} us   uncached / hit {uncached / hit:6.1f}")
    print(f"memory hit, execute(...)         {executed:6.1f} us")
    print(f"uncached through SQLAlchemy      {uncached:6.1f} us")
    print(f"dogpile memory get               {bare:6.1f} us   hit / get {hit / bare:6.2f}")


def redis_hits(folder: Path, url: str) -> None:
    with opened(folder, url) as db:
        filled(db)
        read = fluent(db)
        until = time.monotonic() + 5
        while db.cache.stats().hits < 3 and time.monotonic() < until:
            read()
            time.sleep(0.05)
        client: Any = redis.Redis.from_url(url, protocol=3)
        store: Any = db._caching.store  # type: ignore[union-attr]
        (key,) = list(client.scan_iter(f"{store.prefix}q:*"))
        client.set("bench", client.get(key))
        hit, bare = best((read, 500), (lambda: client.get("bench"), 500))
        client.delete("bench")
    with opened(folder, url, near=True) as db:
        read = fluent(db)
        read()
        read()
        (near,) = best((read, 500))
    print(f"Redis hit, fluent call           {hit:6.1f} us")
    print(f"near hit, stamps from Redis      {near:6.1f} us   near / GET {near / bare:5.2f}")
    print(f"bare GET of the same bytes       {bare:6.1f} us   hit / GET {hit / bare:6.2f}")


def commits(folder: Path, url: str | None) -> None:
    update = text("UPDATE posts SET views = views + 1 WHERE id = 1")
    plain = Database.open(f"sqlite:///{folder / 'bench.db'}")
    databases = {"none": plain}
    for store in ("memory", url):
        for mode in ("strict", "relaxed"):
            if store is not None:
                label = f"{store.partition(':')[0]}, {mode}"
                databases[label] = opened(folder, store, mode=mode)
    works = [(lambda db=db: db.execute(update), 200) for db in databases.values()]
    figures = best(*works)
    for label, figure in zip(databases, figures, strict=True):
        print(f"commit, cache {label:18} {figure:6.1f} us   more {figure - figures[0]:6.1f}")
    for db in databases.values():
        db.close()


def entries(folder: Path) -> None:
    number = 1000
    with opened(folder, "memory") as db:
        filled(db)
        db.posts.cache(600).where(views__gt=-1).limit(20).select("id", "title").all()
        tracemalloc.start()
        for each in range(number):
            db.posts.cache(600).where(views__gt=-each).limit(20).select("id", "title").all()
        taken = tracemalloc.get_traced_memory()[0] / number
        tracemalloc.stop()
        said = db.cache.stats().bytes / db.cache.stats().entries
    print(f"memory of an entry of 20 rows    {taken:6.0f} bytes   counted {said:6.0f}")


def asked_at_once(folder: Path, url: str, ready: Any, answers: Any, *, leases: bool) -> None:
    """One process of a herd: a slow question, at the same moment as all others."""
    with opened(folder, url) as db:
        caching: Any = db._caching
        if not leases:
            caching._leases = None
        pairs = db.posts.cache(600)
        while not db.cache.stats().hits:  # the store may be new, and waits for writers of before
            pairs.where(id=1).all()
            time.sleep(0.05)  # nobody tells when that is over
        before = db.cache.stats().fills
        slow = text(SLOW)
        ready.wait()
        begun = time.perf_counter()
        db.execute(slow, cache=600).all()
        answers.put((db.cache.stats().fills - before, time.perf_counter() - begun))


def herd(folder: Path, url: str) -> None:
    """Processes that miss the same rows: how many ask the database, with leases and without."""
    context = multiprocessing.get_context("spawn")
    for leases in (False, True):
        with redis.Redis.from_url(url) as server:
            server.flushdb()
        ready, answers = context.Barrier(HERD), context.Queue()
        given = (folder, url, ready, answers)
        options = {"leases": leases}
        started = [
            context.Process(target=asked_at_once, args=given, kwargs=options) for _ in range(HERD)
        ]
        for process in started:
            process.start()
        found = [answers.get() for _ in started]
        for process in started:
            process.join()
        queries, longest = sum(asked for asked, _ in found), max(took for _, took in found)
        how = "with leases" if leases else "without them"
        print(f"{HERD} processes miss at once, {how:12} {queries} queries, {longest:.2f} s")


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--redis", help="URL of a Redis that may be written to")
    options.add_argument("--url", help="an empty database on a server; its table posts is dropped")
    given = options.parse_args()
    print(f"Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "schema").mkdir()
        (folder / "schema" / "posts.yaml").write_text(SCHEMA)
        memory_hits(folder)
        if given.url:
            memory_hits(folder, given.url)
            with create_engine(given.url).begin() as conn:
                conn.execute(text("DROP TABLE posts"))
        if given.redis:
            redis_hits(folder, given.redis)
            herd(folder, given.redis)
        commits(folder, given.redis)
        entries(folder)


if __name__ == "__main__":
    main()
