"""What happens to Redis: reads are right, commits go on, and hits come back by themselves."""

from __future__ import annotations

import os
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.crc import key_slot
from redis.exceptions import TimeoutError as RedisTimeout
from xxhash import xxh3_64_hexdigest

from odac_db import AsyncDatabase, Cache, Database, OdacDbError
from odac_db.cache import commits
from odac_db.cache.protocol import Away
from tests.aio.face import Face, Loop
from tests.behaviours.steps import table
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.redis_servers import OwnCluster, OwnRedis, OwnSentinel, until
from tests.query.site import write

SCHEMA = {
    "posts": table({"id": {"type": "integer", "primary": True}, "title": "text"}),
    "others": table({"id": {"type": "integer", "primary": True}}),
}
Own = Callable[..., OwnRedis]


class App:
    """A database whose reads are compared with what was written last."""

    def __init__(self, db: Any) -> None:
        self.db = db
        self.title = "first"

    def write(self, title: str) -> None:
        self.db.posts.where(id=1).update(title=title)
        self.title = title

    @property
    def store(self) -> Any:
        db = self.db._target._inner if isinstance(self.db, Face) else self.db
        return db._caching.store

    def reads(self) -> bool:
        """Whether a read was a hit; it is right in any case."""
        hits = self.db.cache.stats().hits
        row = self.db.posts.cache(300).get(1)
        assert row is not None
        assert row.title == self.title
        return bool(self.db.cache.stats().hits > hits)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    """Makes Redis servers that are this test's alone."""
    made: list[OwnRedis] = []

    def make(*options: str) -> OwnRedis:
        made.append(OwnRedis(tmp_path, *options))
        return made[-1]

    yield make
    for server in made:
        server.kill()


@pytest.fixture
def app(sqlite_database: LiveDatabase, tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Opens the database; for ``tasks`` with what is awaited by an event loop of its own."""
    folder = write(tmp_path / "schema", SCHEMA)
    opened: list[Any] = []
    loops: list[Loop] = []

    def open_it(url: str, *, tasks: bool = False, **options: Any) -> App:
        cache = Cache(store=url, **{"commit_within": 0.3, "timeout": 0.3, **options})
        given: Any = {"schema": folder, "migrate": True, "cache": cache}
        if tasks:
            loops.append(Loop())
            found = loops[-1].run(AsyncDatabase.open(sqlite_database.url, **given))
            opened.append(Face(loops[-1], found))
        else:
            opened.append(Database.open(sqlite_database.url, **given))
        opened[-1].posts.upsert({"id": 1, "title": "first"})
        return App(opened[-1])

    yield open_it
    for db in opened:
        db.close()
    for loop in loops:
        loop.close()


@pytest.fixture(params=[False, True], ids=["far", "near"])
def near(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


@pytest.fixture(params=[False, True], ids=["threads", "tasks"])
def tasks(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


def test_down_at_the_start_and_up_later(own: Own, app: Callable[..., App]) -> None:
    server = own()
    one = app(server.url)
    assert not one.reads()
    one.write("while it was down")
    assert not one.reads()
    stats = one.db.cache.stats()
    assert stats.away >= 2
    assert stats.degraded >= 1
    server.start()
    until(one.reads)
    one.write("now it is up")
    assert one.db.cache.stats().degraded == stats.degraded
    until(one.reads)


def test_killed_and_started_again_with_old_data(
    own: Own, app: Callable[..., App], near: bool
) -> None:
    server = own().start()
    one = app(server.url, near=near)
    until(one.reads)
    with server.client() as client:
        client.save()
    one.write("after what was saved")
    until(one.reads)
    server.kill()
    assert not one.reads()
    server.start()  # with the entry, and the stamps, of before the write
    until(one.reads)
    assert one.title == "after what was saved"


def test_slow(own: Own, app: Callable[..., App], monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for the timeout does so for all who come within a second."""
    server = own().start()
    one = app(server.url)
    until(one.reads)
    store = one.db._caching.store
    asked: list[float] = []
    ask = store.connections._asked

    def counted(*given: Any) -> Any:
        asked.append(time.monotonic())
        return ask(*given)

    monkeypatch.setattr(store.connections, "_asked", counted)
    with server.stopped():
        began = time.monotonic()
        for number in range(20):
            assert not one.reads()
            one.write(f"slow {number}")
        taken = time.monotonic() - began
    assert one.db.cache.stats().degraded == 20
    assert 1 <= len(asked) <= taken + 2  # of 40 or more steps few have waited
    until(one.reads)


def degraded_once(reader: App, writer: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer commits and cannot tell Redis; what the reader has cached is old then."""
    until(reader.reads)

    def cut_off(*_: Any, **__: Any) -> None:
        raise Away("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(writer.store.connections, "ask", cut_off)
        writer.write("while it was cut off")
    assert writer.db.cache.stats().degraded == 1
    assert reader.reads()
    reader.title = writer.title


def test_who_only_commits_tells_what_it_owes(
    own: Own, app: Callable[..., App], tasks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of anything brings the others' reads up to date."""
    monkeypatch.setattr(commits, "_AGAIN", 3600.0)
    server = own().start()
    reader, writer = app(server.url), app(server.url, tasks=tasks)
    degraded_once(reader, writer, monkeypatch)
    writer.db.others.insert({"id": 1})
    assert writer.db.cache.stats().degraded == 1
    until(reader.reads)


def test_who_does_nothing_more_tells_what_it_owes(
    own: Own, app: Callable[..., App], tasks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = own().start()
    reader, writer = app(server.url), app(server.url, tasks=tasks)
    degraded_once(reader, writer, monkeypatch)
    with server.client() as client:
        name = f"{reader.store.prefix}s:posts"
        stamp = client.get(name)
        # Reads that have nothing to do with the cache let the writer's event loop go on.
        until(lambda: writer.db.others.count() == 0 and client.get(name) != stamp)
    until(reader.reads)
    until(lambda: "odac-db aside" not in {thread.name for thread in threading.enumerate()})


def test_who_closes_tells_what_it_owes(
    own: Own, app: Callable[..., App], tasks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "_AGAIN", 3600.0)
    server = own().start()
    reader, writer = app(server.url), app(server.url, tasks=tasks)
    degraded_once(reader, writer, monkeypatch)
    writer.db.close()
    until(reader.reads)


def test_a_read_that_failed_degrades_no_commit(own: Own, app: Callable[..., App]) -> None:
    server = own().start()
    reader, writer = app(server.url), app(server.url)
    until(reader.reads)

    def fails(_: Any) -> None:
        raise RedisTimeout

    with pytest.raises(Away):
        writer.store.connections.ask(fails)
    writer.write("a moment later")
    assert writer.db.cache.stats().degraded == 0
    reader.title = writer.title
    until(reader.reads)


def test_full(own: Own, app: Callable[..., App]) -> None:
    """No row is kept any more; commits are told all the same, and hits stay hits."""
    server = own("--maxmemory", "4mb", "--maxmemory-policy", "noeviction").start()
    one, other = app(server.url), app(server.url)
    until(one.reads)
    with server.client() as client:
        client.set("room", "x" * 500_000)
        for size in (10_000, 10):
            with suppress(redis.OutOfMemoryError):
                for number in count():
                    client.set(f"filling {size} {number}", "x" * size)
        assert one.reads()
        other.write("while it was full")
        one.title = other.title
        assert not one.reads()
        assert other.db.cache.stats().degraded == 0
        client.delete("room")
    until(one.reads)


def test_flushed(own: Own, app: Callable[..., App], near: bool) -> None:
    server = own().start()
    one, other = app(server.url, near=near), app(server.url, near=near)
    with server.client() as client:
        for number in range(5):
            until(one.reads)
            other.write(f"flush {number}")
            client.flushall()
            one.title = other.title
            assert not one.reads()


def test_evicting(own: Own, app: Callable[..., App], near: bool) -> None:
    """Entries go, and stamps, in any order."""
    server = own("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-random").start()
    one = app(server.url, near=near, commit_within=0.05, entries=50)
    hits = 0
    with server.client() as client:
        for number in range(500):
            if number % 10 == 0:
                one.write(f"{number} {b64encode(os.urandom(20_000)).decode()}")  # not to be packed
            read = one.db.posts.cache(300).where(id=1, title__ne=f"no {number % 100}")
            before = one.db.cache.stats().hits
            assert read.pluck("title") == [one.title]
            hits += one.db.cache.stats().hits - before
            hits += one.reads()
        assert client.info("stats")["evicted_keys"] > 30
    assert hits > 30
    assert one.db.cache.stats().degraded == 0


def test_failed_over_with_what_the_replica_never_got(
    own: Own, app: Callable[..., App], tasks: bool, tmp_path: Path
) -> None:
    """The new master has entries and stamps of before the last commit."""
    first = own().start()
    second = own("--replicaof", "127.0.0.1", str(first.port)).start()
    with second.client() as client:
        until(lambda: client.info("replication")["master_link_status"] == "up")
    sentinel = OwnSentinel(tmp_path, first).start()
    try:
        one = app(sentinel.url, tasks=tasks, near=True)
        until(one.reads)
        with first.client() as client:
            before = {key: client.dump(key) for key in client.scan_iter()}
        one.write("after what the replica got")
        until(one.reads)
        with sentinel.client() as client:
            until(lambda: client.execute_command("SENTINEL", "REPLICAS", "cache"))
        first.kill()
        assert not one.reads()
        with second.client() as client:
            until(lambda: client.role()[0] == b"master")
            for key, value in before.items():
                client.restore(key, 0, value, replace=True)
        until(one.reads)
        one.write("to the new master")
        until(one.reads)
    finally:
        sentinel.kill()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[OwnCluster]:
    name = xxh3_64_hexdigest(b"clustered")
    made = OwnCluster(tmp_path, key_slot(f"odac:{{{name}}}:".encode()))
    try:
        yield made.start()
    finally:
        made.kill()


def test_a_cluster_whose_slot_moves_and_whose_master_dies(
    cluster: OwnCluster, app: Callable[..., App], tasks: bool
) -> None:
    """What another node has of before is not believed; reads are right all the time."""
    one = app(cluster.url, tasks=tasks, namespace="clustered")
    until(one.reads)
    assert cluster.owner.ask("DBSIZE") > 2
    assert cluster.nodes[1].ask("DBSIZE") == 0
    cluster.owner.kill()
    for number in range(5):
        one.write(f"without a master {number}")
        one.reads()
    replica = cluster.nodes[3]
    until(lambda: replica.ask("ROLE")[0] == b"master" and cluster.is_up(replica))
    until(one.reads)
    one.write("to the replica")
    until(one.reads)
    degraded = one.db.cache.stats().degraded
    cluster.nodes[0] = replica
    cluster.moves_to(cluster.nodes[1])
    one.write("after the slot has moved")
    until(one.reads)
    assert cluster.nodes[1].ask("DBSIZE") > 2
    assert one.db.cache.stats().degraded == degraded


@pytest.mark.parametrize(
    "wrong", ["redis+sentinel://one,two", "redis+cluster://", "redis+sentinel:///mymaster"]
)
def test_a_url_that_lacks_a_part(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(OdacDbError, match="is expected"):
        Database.open(f"sqlite:///{tmp_path / 'a.db'}", cache=wrong)
