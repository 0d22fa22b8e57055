"""Processes that miss the same rows in Redis at once: one asks the database, the others wait.

Two that are open in one process stand for two processes: they share nothing but Redis.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from odac_db.cache import leases
from odac_db.cache.protocol import Away
from odac_db.cache.tags import Unknown
from tests.cache.conftest import TABLES, Open, Watched, opener
from tests.fixtures.servers import Server
from tests.query.conftest import SiteOf


@pytest.fixture(params=[False, True], ids=["far", "near"])
def two(
    request: pytest.FixtureRequest,
    sqlite_server: Server,
    site_of: SiteOf,
    redis_url: str,
    tmp_path: Path,
) -> Iterator[tuple[Watched, Watched]]:
    """Who leads and who follows, neither of which knows how long the question takes."""
    with opener(site_of(sqlite_server, "leased", TABLES), tmp_path) as opened:
        yield _warm(opened, redis_url, request.param), _warm(opened, redis_url, request.param)


def _warm(opened: Open, url: str, near: bool) -> Watched:
    watched = opened(url, near=near)
    watched.db.others.cache(60).all()
    watched.asked.clear()
    return watched


def question(one: Watched) -> list[str]:
    return [row.title for row in one.db.posts.order_by("id").cache(60).all()]


def held(one: Watched, meanwhile: Callable[[], None]) -> None:
    """``meanwhile`` happens while the next query of this one is on its way."""
    first = threading.Lock()

    def hold(*_: Any) -> None:
        if first.acquire(blocking=False):
            meanwhile()

    event.listen(one.db.engine, "before_cursor_execute", hold)


def pausing(one: Watched, *steps: Callable[[], None]) -> list[float]:
    """Its pauses: each takes the next step, and as much time as it is told to."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        if len(pauses) < len(steps):
            steps[len(pauses)]()
        pauses.append(seconds)

    _leases(one)._waits = SimpleNamespace(pause=pause)
    return pauses


def _leases(one: Watched) -> Any:
    caching: Any = one.db._caching
    return caching._leases


def store_of(one: Watched) -> Any:
    caching: Any = one.db._caching
    return getattr(caching.store, "far", caching.store)


def forgotten(one: Watched) -> None:
    """How long its queries take is not known any more."""
    _leases(one)._took.clear()


def unable(*_: Any) -> bool:
    raise Unknown("a class")


def begun(leader: Watched, *, fails: bool = False) -> tuple[Callable[[], None], list[Any]]:
    """The leader asks, and is held up. Returns what lets it go on to its end, and its rows."""
    started, go = threading.Event(), threading.Event()
    found: list[Any] = []

    def stop() -> None:
        started.set()
        assert go.wait(60)
        if fails:
            raise ZeroDivisionError

    def ask() -> None:
        try:
            found.append(question(leader))
        except ZeroDivisionError as error:
            found.append(error)

    held(leader, stop)
    thread = threading.Thread(target=ask)
    thread.start()
    assert started.wait(60)

    def finish() -> None:
        go.set()
        thread.join()

    return finish, found


def test_who_comes_second_waits_for_what_the_first_stores(two: tuple[Watched, Watched]) -> None:
    """And does not take what was stored before."""
    leader, follower = two
    question(leader)
    leader.db.posts.where(id=1).update(title="new")
    forgotten(leader)
    finish, found = begun(leader)
    pauses = pausing(follower, lambda: None, finish)
    assert question(follower) == found[0] == ["new", "post 2", "post 3"]
    assert follower.asked == []
    assert pauses == [0.005, 0.01]
    assert follower.db.cache.stats().shared == 1


def test_what_was_stored_since_it_was_looked_for_is_not_asked_for(
    two: tuple[Watched, Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody waits for who found it so."""
    leader, follower = two
    finish, _ = begun(leader)
    claim = store_of(follower).claim

    def late(*given: Any) -> bytes:
        finish()
        holder: bytes = claim(*given)
        return holder

    monkeypatch.setattr(store_of(follower), "claim", late)
    assert question(follower) == ["post 1", "post 2", "post 3"]
    assert follower.asked == []
    leader.db.cache.clear()
    forgotten(leader)
    pauses = pausing(leader)
    question(leader)
    assert pauses == []


def test_what_is_not_stored_is_waited_for_once(
    two: tuple[Watched, Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited asks when the first is done, though there is another, and waits no more."""
    monkeypatch.setattr(leases, "_WORTH", 0.0)
    leader, follower = two
    for one in two:
        monkeypatch.setattr(one.db._caching.store, "fill", unable)  # type: ignore[union-attr]
    finish, _ = begun(leader)
    pauses = pausing(follower, finish)
    monkeypatch.setattr(store_of(follower), "holder", lambda *_: b"another")
    question(follower)
    assert (len(pauses), len(follower.asked)) == (1, 1)
    monkeypatch.setattr(store_of(follower), "claim", lambda *_: b"another")
    question(follower)
    assert (len(pauses), len(follower.asked)) == (1, 2)


def test_after_the_first_has_failed_the_second_asks_at_once(two: tuple[Watched, Watched]) -> None:
    leader, follower = two
    finish, found = begun(leader, fails=True)
    pauses = pausing(follower, finish)
    assert question(follower) == ["post 1", "post 2", "post 3"]
    assert [type(one) for one in found] == [ZeroDivisionError]
    assert (len(pauses), len(follower.asked)) == (1, 1)


def test_one_that_died_is_waited_for_as_long_as_its_lease(
    two: tuple[Watched, Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_FIRST", 0.05)
    leader, follower = two
    monkeypatch.setattr(leases.Lease, "end", lambda *_, **_options: None)
    monkeypatch.setattr(leader.db._caching.store, "fill", lambda *_: False)  # type: ignore[union-attr]
    question(leader)
    assert question(follower) == ["post 1", "post 2", "post 3"]
    assert len(follower.asked) == 1


def test_rows_of_other_stamps_are_not_waited_for(two: tuple[Watched, Watched]) -> None:
    leader, follower = two
    finish, _ = begun(leader)

    def write() -> None:
        follower.db.posts.where(id=1).update(title="new")

    pauses = pausing(follower, write)
    assert question(follower) == ["new", "post 2", "post 3"]
    assert len(pauses) == 1
    finish()
    assert question(leader) == question(follower) == ["new", "post 2", "post 3"]


def test_without_redis_there_is_nobody_to_wait_for(
    two: tuple[Watched, Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, follower = two

    def away(*_: Any) -> bool:
        raise Away("gone")

    monkeypatch.setattr(follower.db._caching.store, "claim", away)  # type: ignore[union-attr]
    assert question(follower) == ["post 1", "post 2", "post 3"]


def test_a_quick_query_is_not_waited_for(two: tuple[Watched, Watched]) -> None:
    leader, follower = two
    question(follower)
    _leases(follower)._took.update(dict.fromkeys(_leases(follower)._took, 0.004))
    leader.db.posts.where(id=1).update(title="new")
    finish, _ = begun(leader)
    pauses = pausing(follower)
    assert question(follower)[0] == "new"
    assert pauses == []
    finish()


def test_a_lease_does_not_outlive_its_rows(two: tuple[Watched, Watched]) -> None:
    """Or whoever finds them gone would wait for nobody."""
    leader, follower = two
    question(leader)
    leader.db.cache.clear()
    pauses = pausing(follower)
    question(follower)
    assert (pauses, len(follower.asked)) == ([], 1)


def test_a_claim_that_is_asked_for_twice_is_had_once(two: tuple[Watched, Watched]) -> None:
    """As after an answer that was lost: Connections asks again."""
    key, stamps = SimpleNamespace(material=b"key"), (b"1:1",)
    one, other = map(store_of, two)
    ask = one.connections.ask
    one.connections.ask = lambda asking: (ask(asking), ask(asking))[1]
    assert one.claim(key, stamps, b"mine", 60) == b"mine"
    assert other.claim(key, stamps, b"its", 60) == other.holder(key, stamps) == b"mine"
    other.release(key, stamps, b"its")
    assert other.holder(key, stamps) == b"mine"
    one.release(key, stamps, b"mine")
    assert other.holder(key, stamps) == b""
