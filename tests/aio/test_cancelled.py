"""A task is cancelled wherever it waits: all or nothing, no connection kept, no mark left."""

from __future__ import annotations

import asyncio

import pytest
import redis
from sqlalchemy import text

from odac_db import AsyncDatabase, Cache, CacheUnavailable, Database
from odac_db.cache.redis_store import RedisStore
from tests.aio.cancelling import cancelled_at, turn
from tests.aio.conftest import Place
from tests.aio.test_tasks import SLOW

BEFORE = [(1, 0)]
AFTER = [(1, 1), (2, 0), (3, 0)]


async def changed(db: AsyncDatabase) -> None:
    """A transaction with all that one may wait for."""
    async with db.transaction() as tx:
        await tx.items.where(id=1).increment("n")
        assert await tx.items.cache(60).count() == 1
        async with tx.transaction() as inner:
            await inner.items.insert({"id": 2, "n": 0})
        await turn()
        await db.items.insert({"id": 3, "n": 0})


async def put_back(db: AsyncDatabase) -> None:
    async with db.transaction() as tx:
        await tx.items.all_rows().delete()
        await tx.items.insert({"id": 1, "n": 0})


async def assert_clean(db: AsyncDatabase) -> list[tuple[int, ...]]:
    """Nothing is checked out, what is cached is right, and it is cached at all: no mark stands."""
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    rows = [tuple(row) for row in await db.items.order_by("id").all()]
    assert rows in (BEFORE, AFTER)
    cached = db.items.order_by("id").cache(60)
    assert await cached.all() == rows
    hits = db.cache.stats().hits
    assert await cached.all() == rows
    assert db.cache.stats().hits == hits + 1
    return rows


def test_cancelled_wherever_a_transaction_waits(place: Place, store: str) -> None:
    async def main() -> None:
        async with place.opened(cache=place.cache(store)) as db:
            forget_the_quarantine(db)
            await put_back(db)
            found, at = [], 0
            while True:
                at += 1
                reached = await cancelled_at(changed(db), at)
                found.append(await assert_clean(db))
                if not reached:
                    break
                if found[-1] == AFTER:
                    await put_back(db)
            assert at > 8
            assert found[-1] == AFTER
            assert found[0] == found[at // 2] == BEFORE

    asyncio.run(main())


def forget_the_quarantine(db: AsyncDatabase, *others: Database) -> None:
    """An empty Redis may have lost marks, so stamps wait at first; here none was ever there."""
    for database in (db._inner, db._behind, *others):
        assert database._caching is not None
        store = database._caching.store
        if isinstance(store, RedisStore):
            store._quarantine_ms = 0
            with redis.Redis.from_url(database._caching.settings.store) as client:
                client.flushdb()


def test_cancelled_wherever_a_read_waits(place: Place, store: str) -> None:
    """Also while it fills the cache, and while it is the one whom others wait for."""

    async def main() -> None:
        async with place.opened(cache=place.cache(store)) as db:
            forget_the_quarantine(db)
            await put_back(db)
            at, reached = 0, True
            while reached:
                at += 1
                await db.items.cache.clear()
                reached = await cancelled_at(db.items.cache(60).order_by("id").all(), at)
                assert await assert_clean(db) == BEFORE
            assert at > 2

    asyncio.run(main())


def test_a_leader_that_is_cancelled_leaves_the_others_their_rows(place: Place) -> None:
    async def main() -> None:
        async with place.opened(cache=place.cache()) as db:
            await put_back(db)
            await db.items.cache(60).count()  # the catalog is read
            asks = db.items.cache(60).all
            leader = asyncio.create_task(asks())
            await turn()
            others = [asyncio.create_task(asks()) for _ in range(5)]
            await turn()
            leader.cancel()
            assert await asyncio.gather(*others) == [BEFORE] * 5
            with pytest.raises(asyncio.CancelledError):
                await leader
            assert await assert_clean(db) == BEFORE

    asyncio.run(main())


def test_a_timeout_ends_a_query_and_its_transaction(place: Place) -> None:
    async def main() -> None:
        async with place.opened() as db:
            await put_back(db)

            async def slow() -> None:
                async with asyncio.timeout(0.1), db.transaction() as tx:
                    await tx.items.insert({"id": 9, "n": 9})
                    for _ in range(100):
                        await tx.execute(text(SLOW[place.family]))

            with pytest.raises(TimeoutError):
                await slow()
            assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
            assert await db.items.all() == BEFORE

    asyncio.run(main())


def test_those_who_wait_for_a_connection_are_cancelled_cleanly(place: Place) -> None:
    async def main() -> None:
        async with place.opened() as db:
            pool = db.engine.pool
            pool._max_overflow = 0  # type: ignore[attr-defined]
            held = [db.items.iterate(1) for _ in range(5)]
            await put_back(db)
            for rows in held:
                await anext(rows)
            waiting = [asyncio.create_task(db.items.count()) for _ in range(5)]
            await turn(3)
            for task in waiting[:4]:
                task.cancel()
            await asyncio.gather(*waiting[:4], return_exceptions=True)
            for rows in held:
                await rows.aclose()
            assert await waiting[4] == 1

    asyncio.run(main())


def test_a_cache_that_refuses_is_refused_for_tasks_too(place: Place) -> None:
    """COMMIT without the store: nothing is written, the connection is back."""

    async def main() -> None:
        nowhere = Cache(store="redis://127.0.0.1:1/0", when_away="refuse")
        async with await AsyncDatabase.open(place.database.url, schema=place.folder) as plain:
            await plain.migrate()
        async with await AsyncDatabase.open(
            place.database.url, schema=place.folder, cache=nowhere
        ) as db:
            with pytest.raises(CacheUnavailable):
                await db.items.insert({"id": 1, "n": 1})
            assert await db.items.count() == 0
            assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]

    asyncio.run(main())
