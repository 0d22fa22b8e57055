"""What is in Redis and cannot be used here: rows come from the database, without an error."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import redis

from odac_db.cache import compression, redis_store
from odac_db.cache.key import Key
from odac_db.cache.near_store import NearStore
from odac_db.cache.protocol import Away, Entry
from odac_db.cache.redis_store import RedisStore
from odac_db.cache.rows import Rows

TABLES = ("*", "t")
KEY = Key(b"head", b"place", b"params")
ROWS = Rows(("n",), ((1,),))


def rows_of(signature: str, *values: Any, version: int = 1) -> bytes:
    encode = msgspec.msgpack.encode
    head = encode((version, signature, ["n"]))
    return len(head).to_bytes(4, "big") + head + encode([[value] for value in values])


BOMB = compression.zstd.compress(bytes(2**27), level=1)  # type: ignore[attr-defined] # what it imported, not what it exports


@pytest.mark.parametrize("near", [False, True])
@pytest.mark.parametrize(
    "packed",
    [
        rows_of("*", ["datetime", "2020-01-01T00:00:00", "Mars/Base", 0]),
        rows_of("*", ["of a later version", 1]),
        rows_of("*", ["timedelta", 1]),
        rows_of("*", ["Decimal", "many"]),
        rows_of("of a later version", 1),
        rows_of("i", 1, version=99),
        rows_of("i", "no number"),
        rows_of("i", 1)[:-1],
        b"",
        BOMB,
        BOMB[:50],
    ],
    ids=range(11),
)
def test_an_entry_that_cannot_be_decoded_is_a_miss(
    packed: bytes, near: bool, redis_url: str
) -> None:
    store = RedisStore(redis_url, "damaged", token_seconds=60.0, quarantine_seconds=0.0)
    looking = NearStore(store, entries=10, size=10_000) if near else store
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    with redis.Redis.from_url(redis_url) as server:
        (name,) = server.scan_iter(f"{store.prefix}q:*")
        kept: Any = server.get(name)
        frame = redis_store._frames.decode(kept)
        server.set(name, msgspec.msgpack.encode([frame.material, frame.stamps, packed]), px=60_000)
    seen = looking.look(KEY, TABLES)
    assert (seen.entry, seen.stamps) == (None, stamps)
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    assert looking.look(KEY, TABLES).entry is not None
    store.close()


def test_rows_of_any_size_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "_MOST", 10_000)
    for size in (9_999, 10_000, 10_001):
        data = bytes(size)
        assert compression.whole(compression.smaller(data)) == data


def test_a_server_that_tells_no_run_is_away(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "_told", lambda _: {"redis_version": "7.2"})
    store = RedisStore(redis_url, "damaged", token_seconds=60.0, quarantine_seconds=0.0)
    with pytest.raises(Away, match="run_id"):
        store.settle(TABLES)
    store.close()
