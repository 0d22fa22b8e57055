"""Statements A21-A30 and the holes C1-C10 of a read cache: none of them is here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
import redis
from sqlalchemy import JSON, select, text, union_all

from odac_db import ConstraintViolation, Database
from odac_db.cache.protocol import Away
from tests.cache.conftest import Open, Watched


def test_c4_a30_what_has_expired_leaves_for_what_comes(opens: Open) -> None:
    seen = opens(entries=10)
    for number in range(10):
        seen.db.posts.cache(0.001).where(id=number).all()
    threading.Event().wait(0.01)
    for _ in range(2):
        for number in range(100, 105):
            seen.db.posts.cache(60).where(id=number).all()
    assert seen.db.cache.stats().hits == 5


def test_a27_an_emptied_table_is_seen_at_once(seen: Watched) -> None:
    word = "DELETE FROM" if seen.db.engine.dialect.name == "sqlite" else "TRUNCATE TABLE"
    assert seen.db.comments.cache(60).count() == 2
    seen.db.execute(text(f"{word} comments"))
    assert seen.db.comments.cache(60).count() == 0


def test_c1_a21_seconds_reach_redis(stored: Open, redis_url: str) -> None:
    """Entries have theirs; of what stays there is one value a table, and the counter."""
    seen = stored()
    for number in range(20):
        seen.db.posts.cache(60).where(id=number).all()
    with redis.Redis.from_url(redis_url) as server:
        left = {name: server.pttl(name) for name in server.scan_iter("*")}
    entries = [life for name, life in left.items() if b":q:" in name]
    assert all(50_000 < life <= 60_000 for life in entries)
    assert len(entries) in {0, 20}  # none: the memory store
    assert len(left) - len(entries) < 10


def test_c3_a23_a_slow_reader_never_leaves_old_rows_behind(stored: Open) -> None:
    """A write commits between a reader's query and the moment it stores its rows."""
    seen = stored()
    caching: Any = seen.db._caching
    fill = caching.store.fill
    written: list[int] = []

    def slow(*arguments: Any) -> Any:
        if not written:
            written.append(seen.db.posts.where(id=1).update(title="written meanwhile"))
        return fill(*arguments)

    seen.db.posts.cache(60).where(id=3).all()  # the catalog is known, stamps are there
    caching.store.fill = slow
    title = seen.db.posts.cache(60).where(id=1).select("title")
    assert title.pluck("title") == ["post 1"]
    assert written == [1]
    assert title.pluck("title") == ["written meanwhile"]
    assert title.pluck("title") == ["written meanwhile"]


def undone(db: Database) -> None:
    with db.transaction() as tx:
        tx.posts.insert({"id": 11})
        assert tx.posts.cache(60).count() == 5
        raise ZeroDivisionError


def test_a25_nothing_ends_before_the_commit_and_nothing_by_a_rollback(stored: Open) -> None:
    seen = stored()
    posts = seen.db.posts.cache(60)
    assert posts.count() == 3
    with seen.db.transaction() as tx:
        tx.posts.insert({"id": 10})
        elsewhere: list[Any] = []
        other = threading.Thread(target=lambda: elsewhere.append(seen.reached(posts.count)))
        other.start()
        other.join()
        assert elsewhere == [0]  # a hit: others do not see the row yet
        assert tx.posts.cache(60).count() == posts.count() == 4  # its own does
    assert posts.count() == 4
    with seen.db.transaction() as tx, tx.connection.begin_nested() as savepoint:
        tx.posts.insert({"id": 11})
        assert tx.posts.cache(60).count() == 5
        savepoint.rollback()
    assert posts.count() == 4
    with pytest.raises(ZeroDivisionError):
        undone(seen.db)
    assert seen.reached(posts.count) == 0
    assert posts.count() == 4


def statements_of(db: Database) -> dict[str, Any]:
    """Reads that depend on ``users`` in one way each, and on nothing said."""
    users, posts = db.users.c, db.posts.c
    wanted = select(users.id).where(users.name == "ada")
    named = select(users.id, users.name).cte("named")
    space = {"postgresql": "public.", "sqlite": "main."}.get(db.engine.dialect.name, "")
    if not space:
        space = f"{db.engine.url.database}."
    return {
        "join": select(posts.title, users.name).join_from(
            posts.id.table, users.id.table, posts.user_id == users.id
        ),
        "subquery": select(posts.id).where(posts.user_id.in_(wanted)),
        "scalar": select(posts.id, wanted.limit(1).scalar_subquery()),
        "exists": select(posts.id).where(wanted.exists()),
        "cte": select(named.c.name),
        "union": union_all(select(posts.title), select(users.name)),
        "text": text("SELECT count(*) FROM posts, users"),
        "fragment": select(posts.id).where(text("user_id IN (SELECT id FROM users)")),
        "qualified": text(f"SELECT name FROM {space}users"),
    }


def test_c6_a26_every_way_to_read_a_table_ends_with_it(seen: Watched) -> None:
    def reading(statement: Any) -> Callable[[], Any]:
        return lambda: seen.db.execute(statement, cache=60).all()

    reads = {name: reading(statement) for name, statement in statements_of(seen.db).items()}
    for name, read in reads.items():
        assert (seen.reached(read), seen.reached(read)) == (1, 0), name
    seen.db.others.where(id=1).update(name="x")
    assert [name for name, read in reads.items() if seen.reached(read)] == []
    seen.db.users.where(id=1).update(name="eve")
    assert [name for name, read in reads.items() if not seen.reached(read)] == []
    direct = {name: seen.db.execute(one).all() for name, one in statements_of(seen.db).items()}
    assert {name: read() for name, read in reads.items()} == direct


def test_a26_what_is_not_known_is_not_kept_unless_tables_are_named(seen: Watched) -> None:
    clock = "date('now')" if seen.db.engine.dialect.name == "sqlite" else "now()"
    unknown = text(f"SELECT {clock}, title FROM posts")
    for _ in range(2):
        assert seen.reached(lambda: seen.db.execute(unknown, cache=60)) == 1
    assert sum(seen.db.cache.stats().uncached.values()) == 2

    def declared() -> Any:
        return seen.db.execute(unknown, cache=60, depends_on=["posts"]).all()

    assert (seen.reached(declared), seen.reached(declared)) == (1, 0)
    seen.db.posts.where(id=1).update(title="new")
    assert seen.reached(declared) == 1


def test_c7_a29_documents_are_each_readers_own(stored: Open) -> None:
    seen = stored()
    document = text("SELECT '[1, [2]]' AS document FROM posts WHERE id = 1").columns(document=JSON)
    for _ in range(3):
        found = seen.db.execute(document, cache=60).scalar_one()
        assert found == [1, [2]]
        found[1].append("changed")
        found.clear()
    assert seen.db.cache.stats().hits == 2


def test_c8_a28_a_store_that_fails_fails_neither_read_nor_write(
    stored: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """From one moment on nothing that is asked of the store is answered."""
    seen = stored()
    store: Any = seen.db._caching.store  # type: ignore[union-attr]
    posts = seen.db.posts.cache(60)
    assert (posts.count(), posts.count()) == (3, 3)

    def away(*_: Any) -> Any:
        raise Away("it is not there")

    steps = ("look", "stamps", "settle", "fill", "announce", "confirm")
    with pytest.MonkeyPatch.context() as patch:
        for step in steps:
            patch.setattr(store, step, away, raising=True)
        seen.db.posts.insert({"id": 20})
        assert (posts.count(), posts.count()) == (4, 4)
        assert "no hits until it is back" in caplog.text
    assert (posts.count(), posts.count()) == (4, 4)
    stats = seen.db.cache.stats()
    assert (stats.degraded, stats.away) == (1, 2)
    assert seen.reached(posts.count) == 0


def test_rows_are_kept_after_a_first_write_too(opens: Open) -> None:
    """What the first use of a table asks of the server is no change of the session."""
    seen = opens()
    seen.db.posts.insert({"id": 10})
    with seen.db.transaction() as tx:
        tx.users.insert({"id": 10})
    for read in (seen.db.posts.cache(60).all, seen.db.users.cache(60).all):
        assert (seen.reached(read), seen.reached(read)) == (1, 0)


def test_c9_what_a_write_gives_is_whole(stored: Open) -> None:
    posts = stored().db.posts
    assert posts.where(id=1).returning("id", "title").update(title="new")[0].title == "new"
    assert [row.id for row in posts.where(id=3).returning("id").delete()] == [3]
    with pytest.raises(ConstraintViolation):
        posts.insert({"id": 1})


def test_c10_one_bound_holds_for_all_tables(opens: Open) -> None:
    seen = opens(entries=20, size=40_000)
    for number in range(30):
        seen.db.posts.cache(60).join("users").where(id=number).all()
        seen.db.others.cache(60).where(id=number).all()
    stats = seen.db.cache.stats()
    assert stats.entries <= 20
    assert stats.bytes <= 40_000
    assert stats.evicted >= 40
