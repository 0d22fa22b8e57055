"""Buffered writes of an ``AsyncDatabase``."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from operator import itemgetter

import pytest

from odac_db import BufferOptions, BufferRefused, QueryRefused, RowRefused
from odac_db.buffer.running import Running
from tests.aio.conftest import Place


def test_operations_are_taken_read_and_flushed(place: Place) -> None:
    async def main() -> None:
        folder = BufferOptions(folder=place.stamps / "journal", interval=3600)
        async with place.opened(cache=place.cache(), buffer=folder) as db:
            await db.items.insert({"id": 1, "n": 1})
            assert await db.items.cache(60).count() == 1
            assert await db.items.buffer.insert({"id": 2, "n": 0}) == {"id": 2}
            assert len(await db.buffer["items"].insert([{"id": 3, "n": 0}, {"id": 4}])) == 2
            await asyncio.gather(
                *(db.items.buffer.where(1).increment("n") for _ in range(50)),
                *(db.items.buffer.where(id=2).increment(n=2) for _ in range(50)),
            )
            await db.items.buffer.where(3).update(n=7, acknowledge="disk")
            assert await db.items.buffer.where(1).get("n") == 51
            assert (await db.buffer.status()).pending > 0
            assert await db.items.cache(60).count() == 1
            flushed = await db.buffer.flush(wait=30)
            assert flushed.pending == flushed.dead == 0
            assert await db.items.cache(60).order_by("id").all() == [
                (1, 51),
                (2, 100),
                (3, 7),
                (4, None),
            ]
            assert await db.items.buffer.insert({"id": 5}, acknowledge="db") == {"id": 5}
            assert await db.items.cache(60).count() == 5
            assert (await db.buffer.dead_letters(), len(await db.buffer.journals())) == ((), 1)

    asyncio.run(main())


def test_what_is_refused_is_refused_when_it_is_awaited(place: Place) -> None:
    async def main() -> None:
        async with place.opened() as db:
            with pytest.raises(BufferRefused, match="not buffered"):
                _ = db.buffer
        async with place.opened(buffer=place.stamps / "journal") as db:
            with pytest.raises(KeyError, match="no table is declared"):
                await db.buffer["item"].insert({"id": 1})
            with pytest.raises(RowRefused):
                await db.items.buffer.where().increment("n")
            async with db.transaction() as tx:
                with pytest.raises(QueryRefused, match="no part of a transaction"):
                    _ = tx.items.buffer

    asyncio.run(main())


def test_a_full_disk_is_waited_for_in_a_thread(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was on the event loop, which stood still for ``full_timeout``."""
    waited: list[int] = []
    disk = {"full": False}
    whole, reserved = Running.wait_for_room, os.posix_fallocate

    def reserve(*given: int) -> None:
        if disk["full"]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        reserved(*given)

    def emptied(self: Running, seconds: float) -> None:
        waited.append(threading.get_ident())
        disk["full"] = False
        whole(self, min(seconds, 0.0))

    async def main() -> None:
        small = BufferOptions(folder=place.stamps / "j", interval=3600, segment_bytes=1 << 12)
        async with place.opened(buffer=small) as db:
            await db.items.buffer.insert({"id": 0})
            for number in range(1, 600, 3):
                disk["full"] = number % 30 == 1 or disk["full"]
                keys = [{"id": number}, {"id": number + 1}, {"id": number + 2}]
                rows = [keys[0], {**keys[1], "n": 1}, keys[2]]  # of two shapes
                found = await db.items.buffer.insert(rows)
                assert sorted(found, key=itemgetter("id")) == keys
                await db.items.buffer.where(0).increment("n")
            disk["full"] = False
            assert (await db.buffer.flush(wait=30)).dead == 0
            assert await db.items.count() == 601
            assert [row.n for row in await db.items.where(id=0).all()] == [200]

    monkeypatch.setattr(Running, "wait_for_room", emptied)
    monkeypatch.setattr(os, "posix_fallocate", reserve)
    asyncio.run(main())
    assert waited
    assert threading.get_ident() not in waited


def test_closing_flushes(place: Place) -> None:
    async def main() -> None:
        folder = BufferOptions(folder=place.stamps / "journal", interval=3600)
        async with place.opened(buffer=folder) as db:
            await db.items.buffer.insert({"id": 1, "n": 1})
        async with place.opened() as db:
            assert await db.items.all() == [(1, 1)]

    asyncio.run(main())
