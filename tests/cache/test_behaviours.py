"""Behaviours 53-79 of cached reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from sqlalchemy import text

from odac_db import Database, QueryRefused, UnknownName
from tests.cache.conftest import Open, Watched


def test_b53_b54_a_miss_asks_and_keeps_and_a_hit_does_not_ask(stored: Open) -> None:
    seen = stored()
    posts = seen.db.posts.cache(60).order_by("id")
    assert seen.reached(posts.all) == 1
    assert seen.reached(posts.all) == 0
    assert [row.title for row in posts.all()] == ["post 1", "post 2", "post 3"]
    stats = seen.db.cache.stats()
    assert (stats.misses, stats.hits, stats.fills) == (1, 2, 1)


def test_b55_b67_without_seconds_they_are_the_caches_own(stored: Open, redis_url: str) -> None:
    seen = stored(ttl=500.0)
    assert seen.reached(seen.db.posts.cache().all) == 1
    assert seen.reached(seen.db.posts.cache(None).all) == 0
    with pytest.raises(QueryRefused, match="more than 0"):
        seen.db.posts.cache(0)
    with redis.Redis.from_url(redis_url) as server:
        for name in server.scan_iter("*:q:*"):
            assert 440_000 < server.pttl(name) <= 500_000


def test_b56_a30_what_is_full_makes_room_and_never_stops_to_keep(
    seen: Watched, opens: Open
) -> None:
    seen = opens(entries=10)
    for number in range(40):
        seen.db.posts.cache(60).where(id=number).all()
    assert seen.db.cache.stats().entries <= 10
    assert seen.db.cache.stats().evicted >= 30
    newest = seen.db.posts.cache(60).where(id=1000)
    assert (seen.reached(newest.all), seen.reached(newest.all)) == (1, 0)


def test_b57_b77_a22_c2_reads_that_differ_never_meet(seen: Watched) -> None:
    posts = seen.db.posts.cache(60)
    reads: list[Callable[[], Any]] = [
        lambda: posts.where(id=1).select("title").all(),
        lambda: posts.where(id=1).pluck("title"),
        lambda: posts.where(id=1).first(),
        lambda: posts.where(id=1).limit(1).all(),
        lambda: posts.where(id=2).first(),
        lambda: posts.where(title="1").all(),
        lambda: posts.where(id=1).count(),
        lambda: posts.where(id=1).exists(),
        lambda: posts.get(1),
    ]
    first = [read() for read in reads]
    again = [read() for read in reads]
    assert first == again
    assert list(map(type, first)) == list(map(type, again))
    assert first[1] == ["post 1"]
    assert first[5] == []


def test_b58_b59_a_write_ends_all_of_its_table_and_nothing_else(seen: Watched) -> None:
    posts = [seen.db.posts.cache(60).where(id=n) for n in (1, 2, 3, 99)]
    others = seen.db.others.cache(60)
    for _ in range(2):
        for each in (*posts, others):
            each.all()
    seen.db.posts.where(id=1).update(title="new")
    assert [seen.reached(each.all) for each in posts] == [1, 1, 1, 1]
    assert seen.reached(others.all) == 0


def test_b60_to_forget_an_unknown_table_does_nothing(seen: Watched) -> None:
    seen.db.posts.cache(60).all()
    seen.db.cache.clear("nothing_of_that_name")
    with pytest.raises(UnknownName, match="'post'; did you mean 'posts'"):
        seen.db.cache.touch("users", "post")
    assert seen.reached(seen.db.posts.cache(60).all) == 0


def test_b61_b62_b63_a_join_ends_with_either_table(seen: Watched) -> None:
    titles = seen.db.posts.cache(60).join("users").where(id=1).select("posts.title", "users.name")
    assert seen.reached(titles.all) == 1
    seen.db.users.where(id=2).update(name="eve")
    assert [tuple(row) for row in titles.all()] == [("post 1", "eve")]
    seen.db.posts.where(id=1).update(title="new")
    assert [tuple(row) for row in titles.all()] == [("new", "eve")]
    assert seen.reached(titles.all) == 0


def test_b64_b65_three_tables_inner_left_and_under_other_names(seen: Watched) -> None:
    query = (
        seen.db.comments.cache(60)
        .join("posts")
        .left_join("users", on={"posts.user_id": "author.id"}, as_="author")
        .where(id=1)
        .select("comments.body", "posts.title", "author.name")
    )
    assert [tuple(row) for row in query.all()] == [("says 1", "post 1", "bob")]
    changes: list[Callable[[], Any]] = [
        lambda: seen.db.users.where(id=2).update(name="b"),
        lambda: seen.db.posts.where(id=1).update(title="t"),
        lambda: seen.db.comments.where(id=1).update(body="s"),
    ]
    for change in changes:
        assert seen.reached(query.all) == 0
        change()
        assert seen.reached(query.all) == 1
    assert [tuple(row) for row in query.all()] == [("s", "t", "b")]


def test_b66_rows_stay_for_their_seconds_whatever_others_do(seen: Watched) -> None:
    titles = seen.db.posts.cache(60).where(id=1)
    assert titles.pluck("title") == ["post 1"]
    with Database.open(seen.db.engine.url) as other:  # without this cache
        other.execute(text("UPDATE posts SET title = 'outside' WHERE id = 1"))
    assert titles.pluck("title") == ["post 1"]
    seen.db.cache.touch("posts")
    assert titles.pluck("title") == ["outside"]


def test_b68_b79_a_table_and_everything_are_forgotten(stored: Open) -> None:
    seen = stored()
    posts, others = seen.db.posts.cache(60), seen.db.others.cache(60)
    forgets: list[tuple[Callable[[], Any], int]] = [
        (seen.db.posts.cache.clear, 0),
        (lambda: seen.db.cache.clear("posts"), 0),
        (seen.db.cache.clear, 1),
    ]
    for forget, too in forgets:
        posts.all()
        others.all()
        forget()
        assert seen.reached(posts.all) == 1
        assert seen.reached(others.all) == too


WRITES: dict[str, Callable[[Any], Any]] = {
    "insert": lambda posts: posts.insert({"id": 10}),
    "insert many": lambda posts: posts.insert([{"id": 11}, {"id": 12}]),
    "insert or ignore": lambda posts: posts.insert({"id": 13}, on_conflict="ignore"),
    "update": lambda posts: posts.where(id=1).update(views=5),
    "increment": lambda posts: posts.where(id=1).increment("views", 7),
    "upsert": lambda posts: posts.upsert({"id": 3, "views": 9}),
    "returning": lambda posts: posts.where(id=3).returning("id").update(views=11),
    "delete": lambda posts: posts.where(id=3).delete(),
    "delete all": lambda posts: posts.where(id__gt=2).delete(),
}


def test_b69_to_b75_a27_c5_every_write_is_seen_at_once(stored: Open) -> None:
    seen = stored()
    for posts in (seen.db.posts, seen.db.table("posts")):
        for name, write in WRITES.items():
            before = posts.cache(60).count(), posts.cache(60).sum("views")
            write(posts)
            after = posts.cache(60).count(), posts.cache(60).sum("views")
            assert after != before, name
            assert after == (posts.count(), posts.sum("views")), name
        posts.where(id__gt=2).delete()
        posts.insert({"id": 3})
        posts.all_rows().update(views=0)


def test_b73_table_by_name_is_the_same_and_shares_what_is_kept(seen: Watched) -> None:
    assert seen.reached(seen.db.posts.cache(60).where(id=1).first) == 1
    assert seen.reached(seen.db.table("posts").cache(60).where(id=1).first) == 0


def test_b76_what_is_said_before_cache_counts(seen: Watched) -> None:
    early, late = seen.db.posts.where(id=1).cache(60), seen.db.posts.cache(60).where(id=1)
    assert early.pluck("title") == late.pluck("title") == ["post 1"]
    assert seen.db.posts.where(id=2).cache(60).pluck("title") == ["post 2"]


def test_b78_a_count_is_a_number_when_it_was_kept_too(stored: Open) -> None:
    seen = stored()
    for _ in range(2):
        number = seen.db.posts.cache(60).count()
        assert (number, type(number)) == (3, int)
    assert len(seen.asked) == 1
