"""A process that is forked while threads or tasks of it read and write has what it needs."""

from __future__ import annotations

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.util import greenlet_spawn

from odac_db import AsyncDatabase, Cache
from odac_db.cache import stamps
from tests.behaviours.steps import table
from tests.cache.conftest import Open, Watched
from tests.fixtures.databases import LiveDatabase
from tests.query.site import write

# Python warns of a fork beside threads, which is what is tried here.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
fork = multiprocessing.get_context("fork")


def in_child(work: Callable[[], None]) -> None:
    process = fork.Process(target=work)
    process.start()
    process.join(30)
    over = process.exitcode
    process.kill()
    process.join()
    assert over == 0  # None: it has waited for somebody who is not there


@pytest.fixture
def elsewhere() -> Iterator[Callable[[Callable[[ExitStack], None]], None]]:
    """Does something in a thread that is there, with what it has entered, until the end."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def begin(work: Callable[[ExitStack], None]) -> None:
        begun = threading.Event()

        def live() -> None:
            with ExitStack() as stack:
                work(stack)
                begun.set()
                over.wait(60)

        threads.append(threading.Thread(target=live))
        threads[-1].start()
        assert begun.wait(30)

    yield begin
    over.set()
    for thread in threads:
        thread.join()


def locks(seen: Watched) -> list[Any]:
    """All that threads of this cache may hold at any moment."""
    caching: Any = seen.db._caching
    store = caching.store
    owners = [caching, caching.statements, caching._catalog, caching._debts, caching._flights]
    owners += [getattr(store, name, None) for name in ("fifo", "book")]
    owners += [store if hasattr(store, "book") else None, stamps._books]
    return [owner._lock for owner in owners if owner is not None]


def test_a_child_needs_no_lock_that_a_thread_of_the_parent_holds(
    stored: Open, elsewhere: Callable[..., None]
) -> None:
    seen = stored()
    posts = seen.db.posts.cache(60).order_by("id")
    posts.all()
    elsewhere(lambda stack: [stack.enter_context(lock) for lock in locks(seen)])

    def work() -> None:
        assert posts.first() is not None
        seen.db.posts.where(id=1).update(title="by the child")
        assert [row.title for row in posts.limit(1).all()] == ["by the child"]
        hits = seen.db.cache.stats().hits
        posts.limit(1).all()
        assert seen.db.cache.stats().hits == hits + 1
        seen.db.close()

    in_child(work)
    assert seen.db.posts.where(id=1).pluck("title") == ["by the child"]


def test_a_child_waits_for_no_query_of_the_parent(stored: Open) -> None:
    seen = stored()
    posts = seen.db.posts.cache(60).where(id=1)
    seen.db.posts.cache(60).count()
    asking, answered = threading.Event(), threading.Event()

    def hold(_conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if "posts" in sql and threading.current_thread() is not threading.main_thread():
            asking.set()
            answered.wait(60)

    event.listen(seen.db.engine, "before_cursor_execute", hold)
    reading = threading.Thread(target=posts.all)
    reading.start()
    assert asking.wait(30)

    def work() -> None:
        before = time.monotonic()
        assert posts.pluck("title") == ["post 1"]
        assert posts.all()[0].title == "post 1"
        assert time.monotonic() - before < 5  # others wait up to 10 s for a query
        seen.db.close()

    in_child(work)
    answered.set()
    reading.join()


def test_a_child_needs_no_lock_that_a_task_of_the_parent_holds(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    folder = write(
        tmp_path / "schema", {"items": table({"id": {"type": "integer", "primary": True}})}
    )
    cache = Cache(directory=tmp_path, commit_within=60)

    async def begin() -> AsyncDatabase:
        db = await AsyncDatabase.open(sqlite_database.url, schema=folder, migrate=True, cache=cache)
        await db.items.cache(60).count()
        caching: Any = db._inner._caching
        for owner in (caching._catalog, caching._debts):
            await greenlet_spawn(owner._lock.__enter__)
        return db

    async def go_on(db: AsyncDatabase) -> None:
        caching: Any = db._inner._caching
        caching._debts.owed.add("items")
        await db.items.insert({"id": 1})
        assert await db.items.cache(60).count() == 1
        caching._catalog._found = None
        assert await db.items.cache(60).order_by("id").pluck("id") == [1]

    with asyncio.Runner() as runner:
        db = runner.run(begin())
        in_child(lambda: asyncio.run(go_on(db)))
        runner.run(db.close())
