"""Tasks and threads over one store: what either writes, the other reads."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import event, text

from odac_db import AsyncDatabase, Database
from tests.aio.cancelling import turn
from tests.aio.conftest import Place
from tests.aio.test_cancelled import forget_the_quarantine


def test_what_either_face_writes_the_other_reads(place: Place, store: str) -> None:
    async def main() -> None:
        cache = place.cache(store)
        async with place.opened(cache=cache) as db:
            with Database.open(place.database.url, schema=place.folder, cache=cache) as other:
                forget_the_quarantine(db, other)
                for number in range(3):
                    await db.items.insert({"id": 10 + number, "n": 0})
                    assert other.items.cache(60).count() == 2 * number + 1
                    assert await db.items.cache(60).count() == 2 * number + 1
                    await asyncio.to_thread(other.items.insert, {"id": 20 + number, "n": 0})
                    assert await db.items.cache(60).count() == 2 * number + 2
                    assert other.items.cache(60).count() == 2 * number + 2
                await db.execute(text("DELETE FROM items WHERE id = 10"))
                assert other.items.cache(60).count() == await db.items.cache(60).count() == 5
                assert db.cache.stats().fills > 0
                assert other.cache.stats().fills + other.cache.stats().hits > 0

    asyncio.run(main())


def test_entries_in_redis_are_of_both_faces(place: Place, redis_store: str) -> None:
    async def main() -> None:
        cache = place.cache(redis_store)
        async with place.opened(cache=cache) as db:
            await db.items.insert({"id": 1, "n": 1})
            with Database.open(place.database.url, schema=place.folder, cache=cache) as other:
                forget_the_quarantine(db, other)
                assert await db.items.cache(60).all() == other.items.cache(60).all() == [(1, 1)]
                assert other.cache.stats().hits == 1

    asyncio.run(main())


def test_no_read_is_older_than_what_was_committed_before_it(place: Place, store: str) -> None:
    """Tasks and a thread write and read one number that only grows."""

    async def main() -> None:
        committed, rounds = 0, 40
        cache = place.cache(store)
        async with place.opened(cache=cache) as db:
            other = Database.open(place.database.url, schema=place.folder, cache=cache)
            forget_the_quarantine(db, other)
            await db.items.insert({"id": 1, "n": 0})

            async def write() -> None:
                nonlocal committed
                for _ in range(rounds):
                    await db.items.where(id=1).increment("n")
                    committed += 1

            def write_in_thread() -> None:
                nonlocal committed
                for _ in range(rounds):
                    other.items.where(id=1).increment("n")
                    committed += 1

            async def read() -> None:
                while committed < 2 * rounds:
                    before = committed
                    row = await db.items.cache(60).get(1)
                    assert row is not None
                    assert row.n >= before
                    await turn(random.randrange(3))

            with ThreadPoolExecutor() as threads:
                loop = asyncio.get_running_loop()
                thread = loop.run_in_executor(threads, write_in_thread)
                await asyncio.gather(write(), thread, *(read() for _ in range(8)))
            assert (await db.items.cache(60).get(1), committed) == ((1, 80), 80)
            other.close()

    asyncio.run(main())


def asked(db: AsyncDatabase) -> list[str]:
    statements: list[str] = []

    def note(_conn: object, _cursor: object, sql: str, *_: object) -> None:
        statements.append(sql)

    event.listen(db.engine.sync_engine, "before_cursor_execute", note)
    return statements


def test_tasks_that_miss_at_once_ask_once(place: Place, store: str) -> None:
    async def main() -> None:
        async with place.opened(cache=place.cache(store)) as db:
            forget_the_quarantine(db)
            await db.items.insert({"id": 1, "n": 1})
            await db.items.cache(60).count()
            statements = asked(db)
            query = db.items.cache(60).where(id=1)
            found = await asyncio.gather(*(query.all() for _ in range(20)))
            assert found == [[(1, 1)]] * 20
            if store == "memory":  # where nobody waits on the way to the query
                assert len(statements) == 1
                assert db.cache.stats().shared == 19
            assert len(statements) <= 5
            assert await query.all() == [(1, 1)]
            assert await query.first() == (1, 1)

    asyncio.run(main())


def test_a_hit_in_memory_needs_no_greenlet_and_asks_nobody(place: Place) -> None:
    async def main() -> None:
        async with place.opened(cache=place.cache()) as db:
            await db.items.insert([{"id": n, "n": n} for n in range(5)])
            query = db.items.cache(60).order_by("id")
            groups = db.items.cache(60).group_by("n")
            for _ in range(2):
                assert [row.id for row in await query.all()] == list(range(5))
                assert await query.pluck("n") == list(range(5))
                assert (await query.count(), await query.exists()) == (5, True)
                assert (await query.sum("n"), await query.max("n")) == (10, 4)
                assert len(await groups.count()) == 5
            statements = asked(db)
            with pytest.raises(StopIteration) as ended:  # without ever having waited
                query.all().send(None)
            assert [row.id for row in ended.value.value] == list(range(5))
            assert statements == []

    asyncio.run(main())
