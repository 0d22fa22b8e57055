"""Memory and Redis do, step by step, what the store does that the protocol was tried with."""

from __future__ import annotations

import errno
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from odac_db.cache.fifo import Fifo
from odac_db.cache.key import Key
from odac_db.cache.memory import MemoryStore, rows_of
from odac_db.cache.near_store import NearStore
from odac_db.cache.performing import Store
from odac_db.cache.protocol import Away, Entry
from odac_db.cache.redis_store import RedisStore
from odac_db.cache.rows import Rows
from tests.cache.reference import Store as Reference

TABLES = ("*", "t", "u")
KEY = Key(b"head", b"place", b"params")
ROWS = Rows(("n",), ((1,), (2,)))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("announce"), st.integers(0, 2), st.sampled_from(TABLES)),
        st.tuples(st.just("confirm"), st.integers(0, 2), st.sampled_from(TABLES)),
        st.tuples(st.just("settle"), st.just(0), st.sampled_from(TABLES)),
        st.tuples(st.just("fill"), st.integers(1, 9), st.just("")),
    ),
    max_size=25,
)


def memory(directory: Path, **options: Any) -> MemoryStore:
    given_: dict[str, Any] = {"entries": 100, "size": 2**20, "token_seconds": 60.0}
    return MemoryStore("test", directory=directory, **given_ | options)


def in_redis(url: str, **options: Any) -> RedisStore:
    given_: dict[str, Any] = {"token_seconds": 60.0, "quarantine_seconds": 0.0, "timeout": 5.0}
    return RedisStore(url, "test", **given_ | options)


def near_redis(url: str, **options: Any) -> NearStore:
    return NearStore(in_redis(url, **options), entries=100, size=2**20)


def compared(store: Store, steps: list[tuple[str, int, str]]) -> None:
    """After each step both have the same stamps pending and the same entry for a hit."""
    reference = Reference(quarantines=False).settled(TABLES, frozenset(), ran_out=False)
    assert store.settle(TABLES) is not None
    for step, number, table in steps:
        before = store.stamps(TABLES)
        match step:
            case "announce":
                store.announce((table,), number + 1)
                reference = reference.announced((table,), number, frozenset())
            case "confirm":
                store.confirm((table,), number + 1)
                reference = reference.confirmed((table,), number, frozenset())
            case "settle":
                store.settle((table,))
            case "fill":
                stamps, known = store.stamps(TABLES), reference.current(TABLES)
                if stamps is not None and known is not None:
                    rows = Rows(("n",), ((number,),))
                    store.fill(KEY, TABLES, Entry(stamps, rows), 60)
                    reference = reference.filled("q", Entry(known, number))
        after = store.stamps(TABLES)
        assert (after is None) == (reference.current(TABLES) is None)
        if step in {"announce", "confirm"}:
            assert after is None or after != before
        else:
            assert after == before
        assert hit(store) == hit_of(reference)


def hit(store: Store) -> int | None:
    seen = store.look(KEY, TABLES)
    if seen.entry is None or seen.stamps is None or seen.entry.stamps != seen.stamps:
        return None
    number: int = rows_of(seen.entry.rows).rows[0][0]
    return number


def hit_of(reference: Reference) -> int | None:
    entry = reference.entry("q")
    if entry is None or entry.stamps != reference.current(TABLES):
        return None
    number: int = entry.rows
    return number


@given(steps=STEPS)
def test_memory_is_the_store_of_the_model(steps: Any, tmp_path_factory: Any) -> None:
    compared(memory(tmp_path_factory.mktemp("stamps")), steps)


@given(steps=STEPS, near=st.booleans())
def test_redis_is_the_store_of_the_model(steps: Any, near: bool, redis_url: str) -> None:
    """Also with copies in the process, which are the same to who looks."""
    with redis.Redis.from_url(redis_url) as server:
        server.flushdb()
    store = (near_redis if near else in_redis)(redis_url)
    compared(store, steps)
    store.close()


@pytest.fixture(params=["memory", "redis", "near"])
def make(
    request: pytest.FixtureRequest, redis_url: str, tmp_path: Path
) -> Iterator[Callable[..., Store]]:
    """Makes stores that share their stamps."""
    with ExitStack() as stack:

        def made(**options: Any) -> Store:
            if request.param == "memory":
                return memory(tmp_path, **options)
            store = (near_redis if request.param == "near" else in_redis)(redis_url, **options)
            stack.callback(store.close)
            return store

        yield made


def settled(store: Store, seconds: float = 10.0) -> Any:
    """The stamps, as soon as no token stands."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        stamps = store.settle(TABLES)
        if stamps is not None:
            return stamps
        threading.Event().wait(0.01)
    raise AssertionError("a token does not run out")


def test_the_token_of_a_dead_writer_runs_out_into_a_new_stamp(make: Callable[..., Store]) -> None:
    store = make(token_seconds=0.2)
    before = store.settle(TABLES)
    store.announce(("t",), 7)
    assert store.settle(TABLES) is None
    store.announce(("t",), 8)
    store.confirm(("t",), 8)
    assert store.settle(TABLES) is None  # the dead one's still stands
    after = settled(store)
    assert before is not None
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] != before[1]


def test_what_one_store_announces_the_other_sees(make: Callable[..., Store]) -> None:
    one, other = make(), make()
    assert one.settle(TABLES) == other.settle(TABLES)
    one.announce(("u",), 1)
    assert other.stamps(TABLES) is None
    assert other.stamps(("t",)) is not None
    one.confirm(("u",), 1)
    assert one.stamps(TABLES) == other.stamps(TABLES)


def test_many_writers_at_once(make: Callable[..., Store]) -> None:
    """More than a slot of the memory store has cells for."""
    store = make(token_seconds=0.3)
    for token in range(1, 41):
        store.announce(("t",), token)
    for token in range(1, 40):
        store.confirm(("t",), token)
    assert store.stamps(("t",)) is None
    assert settled(store) is not None


def test_entries_are_cleared_and_stamps_stay(make: Callable[..., Store]) -> None:
    store = make()
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    assert store.look(KEY, TABLES).entry is not None
    store.clear()
    seen = store.look(KEY, TABLES)
    assert (seen.entry, seen.stamps) == (None, stamps)


def test_an_entry_lives_as_long_as_it_is_told_to(make: Callable[..., Store]) -> None:
    store = make()
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 0.15)
    gone = time.monotonic() + 5
    while store.look(KEY, TABLES).entry is not None:
        assert time.monotonic() < gone
        threading.Event().wait(0.01)


# Redis alone


def test_a_collision_of_hashes_is_a_miss(redis_url: str) -> None:
    store = in_redis(redis_url, digest=lambda _: "same")
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    assert store.look(KEY, TABLES).entry is not None
    for other in (Key(b"head", b"", b"others"), Key(b"headp", b"", b"arams")):
        assert store.look(other, TABLES).entry is None
    store.close()


def test_a_stamp_that_was_lost_waits_for_the_longest_commit(redis_url: str) -> None:
    store = in_redis(redis_url, quarantine_seconds=0.3)
    with redis.Redis.from_url(redis_url) as server:
        for empty in (lambda: None, server.flushdb, lambda: server.delete("odac:{test}:s:t")):
            settled(store)
            empty()
        assert store.settle(TABLES) is None
        before = settled(store)
        server.flushdb()
        store.announce(("t",), 5)
        store.confirm(("t",), 5)  # a writer that makes the stamp makes it wait, too
        assert store.stamps(("t",)) is None
        assert not set(settled(store)) & set(before)  # no stamp comes twice
    store.close()


def test_entries_that_survive_a_loss_of_stamps_are_no_hits(redis_url: str) -> None:
    store = in_redis(redis_url)
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    with redis.Redis.from_url(redis_url) as server:
        for name in server.scan_iter("odac:{test}:[Gs]*"):
            server.delete(name)
    store.settle(TABLES)
    assert hit(store) is None
    store.close()


def test_a_server_put_back_as_it_was_begins_a_new_epoch(redis_url: str) -> None:
    """Another run id, no connection left, and everything as of an earlier moment."""
    user = f"odac-test-{os.getpid()}"
    scheme, _, rest = redis_url.partition("://")
    with redis.Redis.from_url(redis_url) as server:
        server.execute_command("ACL", "SETUSER", user, "on", "nopass", "~*", "&*", "+@all")
    store = in_redis(f"{scheme}://{user}:x@{rest}")
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    with redis.Redis.from_url(redis_url) as server, server.pipeline() as pipe:
        pipe.hset("odac:{test}:G", "r", "the run id of before")
        pipe.execute_command("CLIENT", "KILL", "USER", user)
        assert pipe.execute()[-1] > 0
    other = in_redis(redis_url)
    for each in (other, store):
        with_retry(lambda each=each: each.settle(TABLES))  # type: ignore[misc]
        assert hit(each) is None
    assert other.stamps(TABLES) == store.stamps(TABLES) != stamps
    store.close()
    other.close()
    with redis.Redis.from_url(redis_url) as server:
        server.execute_command("ACL", "DELUSER", user)


def test_connections_that_broke_while_idle_are_made_again_at_once(redis_url: str) -> None:
    """Nobody is told that the store was away: it is not."""
    user = f"odac-test-idle-{os.getpid()}"
    scheme, _, rest = redis_url.partition("://")
    with redis.Redis.from_url(redis_url) as server:
        server.execute_command("ACL", "SETUSER", user, "on", "nopass", "~*", "&*", "+@all")
        store = in_redis(f"{scheme}://{user}:x@{rest}")
        stamps = store.settle(TABLES)
        together = threading.Barrier(3)

        def at_once() -> None:
            store.connections.ask(lambda _: together.wait(10))

        threads = [threading.Thread(target=at_once) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.execute_command("CLIENT", "KILL", "USER", user) == 3
        assert store.stamps(TABLES) == stamps
        assert hit(store) is None
        store.close()
        assert server.execute_command("CLIENT", "KILL", "USER", user) == 0
        server.execute_command("ACL", "DELUSER", user)


def with_retry(step: Callable[[], Any]) -> Any:
    """A store that was away tries again after a pause."""
    deadline = time.monotonic() + 10
    while True:
        try:
            return step()
        except Away:
            assert time.monotonic() < deadline
            threading.Event().wait(0.05)


def test_nobody_there_is_away_and_asked_again_after_a_pause() -> None:
    store = in_redis("redis://127.0.0.1:1/0", timeout=0.2)
    for step in (lambda: store.settle(TABLES), lambda: store.announce(("t",), 1)):
        with pytest.raises(Away):
            step()
    began = time.monotonic()
    for _ in range(1000):
        with pytest.raises(Away):
            store.stamps(TABLES)
    assert time.monotonic() - began < 1


# Redis with a near cache


def test_a_near_hit_asks_for_stamps_alone(redis_url: str) -> None:
    store, other = near_redis(redis_url), near_redis(redis_url)
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    assert hit(other) == 1  # by way of Redis
    with redis.Redis.from_url(redis_url) as server:
        for name in server.scan_iter("odac:{test}:q:*"):
            server.delete(name)
    for each in (store, other):
        assert hit(each) == 1  # its copy is the only one
    other.announce(("u",), 1)
    other.confirm(("u",), 1)
    assert hit(store) is None
    assert hit(other) is None
    store.close()
    other.close()


def test_large_rows_take_little_room_in_redis_and_come_back_whole(redis_url: str) -> None:
    store = in_redis(redis_url)
    stamps = store.settle(TABLES)
    assert stamps is not None
    alike = Rows(("n", "text"), tuple((n, f"this is number {n}") for n in range(1000)))
    noise = Rows(("data",), ((os.urandom(5000),),))
    with redis.Redis.from_url(redis_url) as server:
        for rows, fits in ((alike, range(1, 10_000)), (noise, range(5000, 5300))):
            store.fill(KEY, TABLES, Entry(stamps, rows), 60)
            seen = store.look(KEY, TABLES)
            assert seen.entry == Entry(stamps, rows)
            (name,) = server.scan_iter("odac:{test}:q:*")
            assert server.strlen(name) in fits
        store.fill(KEY, TABLES, Entry(stamps, alike), 60)
        server.set(name, server.getrange(name, 0, -20))
    assert store.look(KEY, TABLES).entry is None
    store.close()


def test_a_copy_lives_no_longer_than_the_entry(redis_url: str) -> None:
    store, other = near_redis(redis_url), near_redis(redis_url)
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 100)
    with redis.Redis.from_url(redis_url) as server:
        (name,) = server.scan_iter("odac:{test}:q:*")
        server.pexpire(name, 50_000)
    assert hit(other) == 1
    assert other.fifo.held[KEY.local].value.expires < time.monotonic() + 50
    assert store.fifo.held[KEY.local].value.expires > time.monotonic() + 50
    store.close()
    other.close()


def test_copies_mean_nothing_when_redis_was_emptied(redis_url: str) -> None:
    store = near_redis(redis_url)
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    with redis.Redis.from_url(redis_url) as server:
        server.flushdb()
    assert hit(store) is None
    assert store.settle(TABLES) != stamps
    assert hit(store) is None
    store.close()


def test_the_near_cache_is_bounded(redis_url: str) -> None:
    store = NearStore(in_redis(redis_url), entries=10, size=2**20)
    stamps = store.settle(TABLES)
    assert stamps is not None
    for number in range(50):
        key = Key(b"head", str(number).encode(), str(number).encode())
        store.fill(key, TABLES, Entry(stamps, ROWS), 60)
    assert store.figures()["entries"] <= 10
    assert store.figures()["evicted"] >= 40
    store.clear()
    assert store.figures() == {"entries": 0, "bytes": 0, "evicted": store.fifo.evicted}
    store.close()


# Memory alone


def announces(directory: Path, token: int) -> None:
    memory(directory, token_seconds=0.5).announce(("t",), token)


def writes_often(directory: Path) -> None:
    store = memory(directory)
    for token in range(1, 300):
        store.announce(("t", "u"), token)
        store.confirm(("t", "u"), token)


def test_processes_share_stamps(tmp_path: Path) -> None:
    store = memory(tmp_path, token_seconds=0.5)
    before = store.settle(TABLES)
    fork = multiprocessing.get_context("fork")
    process = fork.Process(target=announces, args=(tmp_path, 1))
    process.start()
    process.join()
    assert store.stamps(("t",)) is None  # it died without confirming
    assert store.stamps(("u",)) is not None
    assert before is not None
    assert settled(store)[1] != before[1]


def test_no_number_is_given_twice_by_processes_at_once(tmp_path: Path) -> None:
    store = memory(tmp_path)
    assert store.settle(TABLES) is not None
    first = store.book.words[0]
    fork = multiprocessing.get_context("fork")
    processes = [fork.Process(target=writes_often, args=(tmp_path,)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert store.book.words[0] - first == 3 * 299 * 2 * 2
    assert store.stamps(TABLES) is not None


def test_a_stamps_file_that_was_deleted_is_noticed_by_the_next_writer(tmp_path: Path) -> None:
    store = memory(tmp_path)
    stamps = store.settle(TABLES)
    assert stamps is not None
    store.fill(KEY, TABLES, Entry(stamps, ROWS), 60)
    store.book.path.unlink()
    store.announce(("u",), 1)
    assert store.book.path.exists()
    assert store.look(KEY, TABLES).entry is None
    store.confirm(("u",), 1)


def test_a_commit_that_nobody_confirms_is_not_kept_for_ever(tmp_path: Path) -> None:
    store = memory(tmp_path, token_seconds=0.05)
    for token in range(20):
        store.announce(("t",), token)
    store.confirm(("t",), 3)
    settled(store)
    store.announce(("u",), 100)
    assert set(store._announced) == {100}
    store.confirm(("u",), 100)
    assert store._announced == {}
    assert settled(store) is not None


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_the_last_who_closes_gives_the_file_back(tmp_path: Path) -> None:
    before = descriptors()
    one, other = (memory(tmp_path, token_seconds=0.2) for _ in range(2))
    stamps = one.settle(TABLES)
    one.announce(("t",), 1)
    for _ in range(2):
        other.close()
    assert one.stamps(("u",)) == (stamps or ())[2:]
    one.close()
    assert descriptors() == before
    one.confirm(("t",), 1)  # which opens it again: nothing that was written is lost
    again = memory(tmp_path)
    assert again.stamps(("t",)) is None  # its token runs out
    assert settled(again)[1] != (stamps or ())[1]
    assert one.settle(TABLES) == again.stamps(TABLES)
    for store in (one, again):
        store.close()
    assert descriptors() == before


def test_a_file_that_is_replaced_is_given_back_by_all(tmp_path: Path) -> None:
    before = descriptors()
    stores = [memory(tmp_path) for _ in range(3)]
    for store in stores:
        store.announce(("t",), 1)
    stores[0].book.path.unlink()
    for store in stores:
        store.announce(("t",), 2)
        store.confirm(("t",), 2)
        store.confirm(("t",), 1)
    assert len({store.book for store in stores}) == 1
    for store in stores:
        store.close()
    assert descriptors() == before


def test_room_that_is_wanting_is_told_by_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not by SIGBUS, to whoever looks at a page that the disk has no room for."""
    store = memory(tmp_path)
    for number in range(40):
        store.settle((f"table {number}",))
    pages = {place * 8 // 4096 for places in store._places.values() for place in places}
    assert store.book.path.stat().st_blocks * 512 >= 4096 * len(pages)

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(Away, match="No space left"):
        store.settle(("another",))
    assert store.stamps(("table 1",)) is not None
    with pytest.raises(Away, match="No space left"):
        memory(tmp_path / "..")
    store.close()


def test_the_file_is_the_users_alone(tmp_path: Path) -> None:
    store = memory(tmp_path)
    assert store.book.path.stat().st_mode & 0o777 == 0o600


def test_bounds_hold_and_what_is_asked_for_again_stays() -> None:
    fifo = Fifo(entries=100, size=100_000)
    for number in range(10):
        fifo.put(number, number, 100)
    for number in range(10, 5000):
        for often in range(10):
            held = fifo.held.get(often)
            if held is not None:
                held.asked = min(3, held.asked + 1)
        fifo.put(number, number, 100)
    assert len(fifo.held) <= 100
    assert fifo.size == 100 * len(fifo.held)
    assert set(range(10)) <= set(fifo.held)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 300), st.booleans()), max_size=300))
def test_any_use_leaves_the_bounds_and_the_sum_right(uses: list[tuple[int, int, bool]]) -> None:
    fifo = Fifo(entries=10, size=1000)
    for key, size, drops in uses:
        if drops:
            fifo.drop(key)
        else:
            assert fifo.put(key, key, size) == (size <= 100)
        assert len(fifo.held) <= 10
        assert fifo.size == sum(held.size for held in fifo.held.values()) <= 1000
