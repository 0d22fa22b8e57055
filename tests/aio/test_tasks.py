"""Many tasks at once: each has its own transactions, and none holds up the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from odac_db import (
    AsyncDatabase,
    AsyncTransaction,
    ConnectionFailed,
    ConstraintViolation,
    OdacDbError,
    OnCommitFailed,
)
from tests.aio.cancelling import turn
from tests.aio.conftest import Place
from tests.behaviours.steps import table

SLOW = {
    "postgresql": "SELECT pg_sleep(0.3)",
    "mysql": "SELECT SLEEP(0.3)",
    "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000000) "
    "SELECT count(*) FROM c",
}


class Stop(Exception):
    pass


def only_five(db: AsyncDatabase) -> list[int]:
    """The pool has five connections and no more; how many were out, whenever one was taken."""
    pool: Any = db.engine.pool
    pool._max_overflow = 0
    out: list[int] = []
    event.listen(pool, "checkout", lambda *_: out.append(pool.checkedout()))
    return out


def test_a_hundred_tasks_share_five_connections(place: Place) -> None:
    async def visit(db: AsyncDatabase, number: int) -> int:
        async with db.transaction() as tx:
            await tx.items.where(id=1).increment("n")
            await db.items.insert({"id": number, "n": 0})
        return await db.items.cache(60).where(id=number).count()

    async def main() -> None:
        async with place.opened(cache=place.cache()) as db:
            out = only_five(db)
            await db.items.insert({"id": 1, "n": 0})
            found = await asyncio.gather(*(visit(db, number) for number in range(100, 200)))
            assert found == [1] * 100
            assert await db.items.get(1) == (1, 100)
            assert await db.items.cache(60).count() == await db.items.count() == 101
            assert max(out) <= 5

    asyncio.run(main())


async def undone(db: AsyncDatabase) -> None:
    async with db.transaction():
        await db.items.insert({"id": 2, "n": 2})
        assert await db.items.pluck("id") == [2]
        raise Stop


def test_transactions_of_two_tasks_do_not_mix(place: Place) -> None:
    async def main() -> None:
        async with place.opened() as db:
            written, seen = asyncio.Event(), asyncio.Event()

            async def first() -> None:
                async with db.transaction() as tx:
                    await tx.items.insert({"id": 1, "n": 1})
                    written.set()
                    await seen.wait()
                    assert await db.items.where(id=1).exists()

            async def second() -> None:
                await written.wait()
                assert await db.items.count() == 0
                if place.family != "sqlite":  # where one may write at a time
                    with pytest.raises(Stop):
                        await undone(db)
                seen.set()

            await asyncio.gather(first(), second())
            assert await db.items.pluck("id") == [1]

    asyncio.run(main())


def test_a_task_that_is_begun_in_a_transaction_is_not_inside(place: Place) -> None:
    async def main() -> None:
        async with place.opened() as db, db.transaction() as tx:
            await tx.items.insert({"id": 1, "n": 1})
            assert await asyncio.create_task(db.items.count()) == 0
            assert await db.items.count() == 1

    asyncio.run(main())


async def twice(tx: AsyncTransaction, told: list[Any]) -> None:
    async with tx.transaction() as inner:
        inner.on_commit(lambda: told.append("never"))
        await inner.items.insert({"id": 2, "n": 2})
        await inner.items.insert({"id": 1, "n": 2})


async def told_in_vain(db: AsyncDatabase) -> None:
    async def fail() -> None:
        raise Stop

    async with db.transaction() as tx:
        await tx.items.insert({"id": 3, "n": 3})
        tx.on_commit(fail)


def test_savepoints_and_what_waits_for_the_commit(place: Place) -> None:
    async def main() -> None:
        told: list[Any] = []
        async with place.opened() as db:

            async def tell() -> None:
                told.append(await db.items.count())

            async with db.transaction() as tx:
                tx.on_commit(tell)
                tx.on_commit(lambda: told.append("plain"))
                await tx.items.insert({"id": 1, "n": 1})
                with pytest.raises(ConstraintViolation):
                    await twice(tx, told)
                assert told == []
            assert told == [1, "plain"]
            assert await db.items.pluck("id") == [1]
            with pytest.raises(OnCommitFailed):
                await told_in_vain(db)
            assert await db.items.count() == 2

    asyncio.run(main())


def conflict(family: str) -> Any:
    """What a server says when another transaction got in the way."""
    if family == "sqlite":
        busy = sqlite3.OperationalError("database is locked")
        busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
        raise OperationalError("", {}, busy)
    if family == "mysql":
        return text("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213")
    return text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40001'; END $$")


def test_a_transaction_is_run_again_when_others_got_in_the_way(place: Place) -> None:
    async def main() -> None:
        tries: list[int] = []
        told: list[int] = []
        async with place.opened() as db:

            async def work(tx: AsyncTransaction) -> int:
                tries.append(len(tries))
                tx.on_commit(lambda: told.append(len(tries)))
                await tx.items.insert({"id": len(tries), "n": 0})
                if len(tries) < 3:
                    await tx.execute(conflict(place.family))
                return await db.items.count()

            assert await db.run_in_transaction(work) == 1
            assert (tries, told) == ([0, 1, 2], [3])
            assert await db.items.pluck("id") == [3]

    asyncio.run(main())


def ticking() -> list[float]:
    """The moments at which the event loop came round, every 5 ms if nothing holds it up."""
    loop = asyncio.get_running_loop()
    ticks: list[float] = []

    def tick() -> None:
        ticks.append(loop.time())
        loop.call_later(0.005, tick)

    tick()
    return ticks


def test_the_event_loop_goes_on_while_a_query_runs(place: Place) -> None:
    async def main() -> None:
        async with place.opened() as db:
            ticks = ticking()
            before = len(ticks)
            await db.execute(text(SLOW[place.family]))
            assert len(ticks) - before >= 10

    asyncio.run(main())


def test_the_event_loop_goes_on_while_redis_does_not_answer(place: Place) -> None:
    """Also, nobody but this very loop could answer: blocking would be for ever."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    async def main() -> None:
        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        cache = place.cache(f"redis://127.0.0.1:{port}/0", timeout=0.2)
        async with place.opened() as plain:
            await plain.items.insert({"id": 1, "n": 1})
        async with await AsyncDatabase.open(
            place.database.url, schema=place.folder, cache=cache
        ) as db:
            ticks = ticking()
            before = len(ticks)
            assert await db.items.cache(60).all() == [(1, 1)]
            assert len(ticks) - before >= 10
            assert db.cache.stats().away == 1
        server.close()

    asyncio.run(main())


def test_rows_one_by_one_and_a_loop_that_is_left(place: Place) -> None:
    async def main() -> None:
        async with place.opened() as db:
            await db.items.insert([{"id": n, "n": 0} for n in range(30)])
            seen = []
            async for row in db.items.order_by("id").iterate(7):
                seen.append(row.id)
                if row.id < 3:
                    await db.items.where(id=row.id).update(n=1)
            assert seen == list(range(30))
            assert await db.items.where(n=1).count() == 3
            async with aclosing(db.items.iterate(7)) as rows:
                async for _ in rows:
                    break
            async with db.transaction() as tx:
                assert [row.id async for row in tx.items.order_by("id").iterate(4)] == seen

    asyncio.run(main())


async def with_a_session(db: AsyncDatabase, add: Any) -> None:
    async with db.transaction() as tx:
        async with AsyncSession(bind=tx.connection) as session:
            await session.execute(add, {"id": 2})
            await session.commit()
        assert await tx.items.count() == 2
        raise Stop


def test_an_orm_session_on_the_engine_and_in_a_transaction(place: Place) -> None:
    async def main() -> None:
        add = text("INSERT INTO items (id, n) VALUES (:id, 0)")
        async with place.opened(cache=place.cache()) as db:
            assert await db.items.cache(60).count() == 0
            async with AsyncSession(db.engine) as session:
                await session.execute(add, {"id": 1})
                await session.commit()
            assert await db.items.cache(60).count() == 1
            with pytest.raises(Stop):
                await with_a_session(db, add)
            assert await db.items.cache(60).count() == 1

    asyncio.run(main())


def test_names_are_known_without_a_schema_and_without_waiting(place: Place) -> None:
    async def main() -> None:
        async with place.opened() as db:
            await db.items.insert({"id": 1, "n": 5})
        async with await AsyncDatabase.open(place.database.url) as db:
            assert await db.items.where(db.items.c.n + 1 == 6).pluck("id") == [1]
            assert await db["default"].table("items").count() == 1

    asyncio.run(main())


def test_what_is_done_to_the_structure_is_done_in_a_thread(place: Place) -> None:
    async def main() -> None:
        async with place.opened(cache=place.cache()) as db:
            assert await db.items.cache(60).count() == 0
            place.declare("more", table({"id": {"type": "integer", "primary": True}}))
            again = await AsyncDatabase.open(place.database.url, schema=place.folder)
            plan = await again.plan()
            assert [one.kind for one in plan.operations] == ["create_table"]
            report = await again.migrate()
            assert (await again.plan()).in_sync
            assert await again.schema.declared is not None
            assert "more" in (await again.schema.live).tables
            assert [one.kind for one in report.applied] == ["create_table"]
            history = await db.history()
            assert len(history) == 2
            back = await again.migrate_back(history[-1].run, allow=["destructive"])
            assert [one.kind for one in back.applied] == ["drop_table"]
            await again.close()

    asyncio.run(main())


def test_a_server_that_is_not_there_is_told_by_open(place: Place) -> None:
    if place.family == "sqlite":
        url = "sqlite:////nowhere/at/all.db"
    else:
        url = place.database.url.rpartition("@")[0] + "@127.0.0.1:1/app"
    with pytest.raises(ConnectionFailed):
        asyncio.run(AsyncDatabase.open(url, schema=place.folder))


def test_tasks_take_turns_on_a_database_in_memory(tmp_path: Any) -> None:
    place = Place.__new__(Place)
    place.folder = tmp_path / "schema"
    place.folder.mkdir()
    place.declare("items", table({"id": {"type": "integer", "primary": True}, "n": "integer"}))

    async def main() -> None:
        async with await AsyncDatabase.open(
            "sqlite://", schema=place.folder, migrate=True, cache="memory"
        ) as db:
            begun, done = asyncio.Event(), asyncio.Event()

            async def undone() -> None:
                async with db.transaction() as tx:
                    await tx.items.insert({"id": 1, "n": 1})
                    begun.set()
                    await turn(5)
                    assert not done.is_set()
                    raise Stop

            async def other() -> None:
                await begun.wait()
                await db.items.insert({"id": 2, "n": 2})
                done.set()

            found = await asyncio.gather(undone(), other(), return_exceptions=True)
            assert [type(one) for one in found] == [Stop, type(None)]
            assert await db.items.cache(60).pluck("id") == [2]
        with pytest.raises(OdacDbError, match="in memory"):
            await AsyncDatabase.open("sqlite://", schema=place.folder, buffer=tmp_path / "journal")

    asyncio.run(main())
