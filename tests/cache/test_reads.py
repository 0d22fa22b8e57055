"""What a cached read gives, counts and refuses."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import (
    JSON,
    Column,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    bindparam,
    event,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.exc import OperationalError

from odac_db import Cache, CacheStats, CacheUnavailable, Database, OdacDbError, UnknownName
from odac_db.cache import leases
from odac_db.prometheus import CacheCollector
from tests.fixtures.databases import LiveDatabase

METADATA = MetaData()
POSTS = Table(
    "posts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("title", String(50)),
    Column("price", Numeric(10, 2)),
    Column("meta", JSON),
)
ALL = select(POSTS).order_by(POSTS.c.id)
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Callable[..., Database]]:
    """Opens the database with a cache; the first to do so fills it."""
    made: list[Database] = []

    def open_it(store: str = "memory", **options: Any) -> Database:
        directory = {"directory": tmp_path} if store == "memory" else {}
        cache = Cache(store=store, **{"commit_within": 60, **directory, **options})
        db = Database.open(database.url, cache=cache)
        made.append(db)
        if len(made) == 1:
            METADATA.create_all(db.engine)
            rows = [
                {"id": n, "title": f"post {n}", "price": Decimal("1.10"), "meta": {"tags": [n]}}
                for n in (1, 2, 3)
            ]
            db.execute(insert(POSTS), rows)
        return db

    yield open_it
    for db in made:
        db.close()


@pytest.fixture
def db(opened: Callable[..., Database]) -> Database:
    return opened()


def asked(db: Database) -> list[str]:
    """The statements that reach the database from here on.

    Without what each connection is asked once: see ``test_a_connection_is_asked_once``.
    """
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
        if "posts" in sql:
            statements.append(sql)

    event.listen(db.engine, "before_cursor_execute", note)
    return statements


def test_b54_a_hit_does_not_touch_the_database(db: Database) -> None:
    statements = asked(db)
    first = db.execute(ALL, cache=60).all()
    assert len(statements) == 1
    assert db.execute(ALL, cache=60).all() == first
    assert len(statements) == 1
    stats = db.cache.stats()
    assert (stats.hits, stats.misses, stats.fills, stats.entries) == (1, 1, 1, 1)


def test_a_cached_result_is_used_like_any_other(db: Database) -> None:
    for _ in range(2):
        row: Any = db.execute(ALL, cache=60).first()
        assert (row.id, row[1], row._mapping["price"]) == (1, "post 1", Decimal("1.10"))
        assert row._mapping[POSTS.c.title] == "post 1"
        assert db.execute(ALL, cache=60).scalars().all() == [1, 2, 3]
        assert next(one["title"] for one in db.execute(ALL, cache=60).mappings()) == "post 1"
        assert db.execute(select(func.count()).select_from(POSTS), cache=60).scalar_one() == 3
        assert db.execute(ALL.where(POSTS.c.id == 9), cache=60).all() == []


def test_a29_what_is_done_to_a_result_never_shows_in_the_next(db: Database) -> None:
    for _ in range(3):
        row = db.execute(ALL, cache=60).first()
        assert row is not None
        assert row.meta == {"tags": [1]}
        row.meta["tags"].append("changed")
        with pytest.raises((AttributeError, TypeError)):
            row.title = "changed"


def same_shape() -> list[Any]:
    """Reads that differ in little: SQL, parameters, their classes, the shape of rows."""
    return [
        select(POSTS.c.id),
        select(POSTS.c.title),
        select(POSTS.c.id.label("title")),
        select(POSTS.c.id).where(POSTS.c.id == 1),
        select(POSTS.c.id).where(POSTS.c.id == 2),
        select(POSTS.c.id).where(POSTS.c.id.in_([1])),
        select(POSTS.c.id).where(POSTS.c.id.in_([1, 2])),
        select(POSTS.c.id).limit(1),
        select(POSTS.c.id).limit(2),
        select(literal(1)),
        select(literal("1")),
        select(literal(Decimal(1))),
        select(literal(1.5)),
        select(literal(True)),
    ]


def test_a22_reads_that_differ_have_entries_of_their_own(db: Database) -> None:
    direct = [db.execute(one).all() for one in same_shape()]
    for _ in range(3):
        for one, expected in zip(same_shape(), direct, strict=True):
            found = db.execute(one, cache=60).all()
            assert [tuple(row) for row in found] == [tuple(row) for row in expected]
            assert [list(map(type, row)) for row in found] == [
                list(map(type, row)) for row in expected
            ]
    assert db.cache.stats().misses == len(direct)


def test_text_with_parameters(db: Database) -> None:
    question = text("SELECT title FROM posts WHERE id = :id")
    for _ in range(2):
        titles = [db.execute(question, {"id": n}, cache=60).scalar_one() for n in (1, 2)]
        assert titles == ["post 1", "post 2"]
    named = select(POSTS.c.title).where(POSTS.c.id == bindparam("wanted"))
    assert db.execute(named, {"wanted": 2}, cache=60).scalar_one() == "post 2"
    assert db.execute(named, {"wanted": 3}, cache=60).scalar_one() == "post 3"
    db.execute(update(POSTS).where(POSTS.c.id == 2).values(title="changed"))
    assert db.execute(question, {"id": 2}, cache=60).scalar_one() == "changed"
    assert db.execute(named, {"wanted": 2}, cache=60).scalar_one() == "changed"


def test_what_cannot_be_cached_is_executed_and_counted(db: Database) -> None:
    for _ in range(2):
        db.execute(select(func.current_timestamp()), cache=60)
        db.execute(text("SELECT id FROM posts WHERE title = 'NOW'"), cache=60)
        db.execute(select(POSTS.c.id).where(POSTS.c.title == "today"), cache=60)
    stats = db.cache.stats()
    assert (stats.hits, stats.fills) == (0, 0)
    assert sum(stats.uncached.values()) == 6
    assert any("CURRENT_TIMESTAMP" in reason for reason in stats.uncached)


def test_a_write_given_to_a_cached_read_is_a_write(db: Database) -> None:
    db.execute(ALL, cache=60)
    db.execute(update(POSTS).values(title="written"), cache=60)
    assert {row.title for row in db.execute(ALL, cache=60)} == {"written"}


def test_a26_declared_tables_make_unknown_functions_cachable(db: Database) -> None:
    sql = text("SELECT title, CURRENT_TIMESTAMP AS moment FROM posts WHERE id = 1")
    statements = asked(db)
    first: Any = db.execute(sql, cache=60, depends_on=["posts"]).one()
    assert db.execute(sql, cache=60, depends_on=["posts"]).one() == first
    assert len(statements) == 1
    db.execute(update(POSTS).values(title="changed"))
    assert db.execute(sql, cache=60, depends_on=["posts"]).one().title == "changed"


def test_c8_seconds_are_more_than_none(db: Database) -> None:
    for wrong in (0, -1, 0.0):
        with pytest.raises(OdacDbError, match="more than 0"):
            db.execute(ALL, cache=wrong)
    assert len(db.execute(ALL, cache=True).all()) == 3
    assert len(db.execute(ALL, cache=False).all()) == 3
    assert db.cache.stats().misses == 1


def test_b68_b79_clear_and_touch(db: Database, database: LiveDatabase) -> None:
    for forgotten in ([], ["posts"]):
        db.execute(ALL, cache=60)
        db.cache.clear(*forgotten)
        misses = db.cache.stats().misses
        db.execute(ALL, cache=60)
        assert db.cache.stats().misses == misses + 1
    database.execute("UPDATE posts SET title = 'outside' WHERE id = 1")
    assert db.execute(ALL, cache=60).first().title == "post 1"  # type: ignore[union-attr]
    db.cache.touch("Posts")
    assert db.execute(ALL, cache=60).first().title == "outside"  # type: ignore[union-attr]


def test_a_name_stands_for_its_table_whatever_this_process_has_read(
    db: Database, opened: Callable[..., Database], database: LiveDatabase
) -> None:
    """A view is followed, a schema may be named, and DDL past the engine is looked up."""
    with db.engine.begin() as conn:
        conn.execute(text("CREATE VIEW titles AS SELECT title FROM posts"))
    space = {"postgresql": "public", "sqlite": "main"}.get(database.family)
    space = space or str(db.engine.url.database)
    names = ["titles", "later", f"{space}.posts", f"{space}.Titles".upper()]
    for number, name in enumerate(names):
        db.execute(ALL, cache=60)
        database.execute(f"UPDATE posts SET title = 'outside {number}' WHERE id = 1")
        assert db.execute(ALL, cache=60).first().title != f"outside {number}"  # type: ignore[union-attr]
        if name == "later":
            database.execute("CREATE VIEW later AS SELECT title FROM posts")
        opened().cache.touch(name)
        assert db.execute(ALL, cache=60).first().title == f"outside {number}"  # type: ignore[union-attr]
    for name in ("post", "nowhere.posts"):
        with pytest.raises(UnknownName):
            db.cache.touch(name)
    db.execute(ALL, cache=60, depends_on=["pots"])
    assert "depends_on: the catalog has no table pots" in db.cache.stats().uncached


def test_a_catalog_that_cannot_be_read_stops_nobody(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as for a role that has no connection left."""
    db.execute(ALL, cache=60)
    with db.engine.begin() as conn:
        conn.execute(text("CREATE TABLE others (id integer)"))  # nobody knows what it changed
    caching: Any = db._caching
    tried: list[int] = []

    def refused() -> None:
        tried.append(len(tried))
        raise OperationalError("connect", {}, Exception("too many connections"))

    with monkeypatch.context() as patch:
        patch.setattr(caching._catalog, "_read", refused)
        for _ in range(3):
            assert len(db.execute(ALL, cache=60).all()) == 3
        db.execute(update(POSTS).where(POSTS.c.id == 1).values(title="new"))
        db.cache.touch("posts")
    assert tried == [0]  # the others were spared
    assert db.cache.stats().uncached == {"the catalog cannot be read at the moment": 3}
    monkeypatch.setattr("odac_db.cache.catalog._PAUSE", 0.0)
    caching._catalog._unread_until = 0.0
    assert db.execute(ALL, cache=60).first().title == "new"  # type: ignore[union-attr]


def test_a_table_that_somebody_changes_holds_up_reads_of_no_other(
    db: Database, database: LiveDatabase
) -> None:
    """A server that looks at the table to show a view over it would wait for it."""
    with db.engine.begin() as conn:
        conn.execute(text("CREATE VIEW titles AS SELECT title FROM posts"))
        conn.execute(text("CREATE TABLE others (id integer)"))
    others = text("SELECT count(*) FROM others")
    answers: list[Any] = []
    lock = {"postgresql": "LOCK TABLE posts", "mysql": "LOCK TABLES posts WRITE"}
    with database.engine().connect() as somebody:
        somebody.exec_driver_sql(lock.get(database.family, "BEGIN IMMEDIATE"))
        reading = threading.Thread(
            target=lambda: answers.append(db.execute(others, cache=60).scalar_one()), daemon=True
        )
        reading.start()
        reading.join(20)
        assert answers == [0]


def test_without_a_cache_everything_is_read(database: LiveDatabase) -> None:
    with Database.open(database.url) as db:
        METADATA.create_all(db.engine)
        statements = asked(db)
        for _ in range(2):
            assert db.execute(ALL, cache=60).all() == []
        assert len(statements) == 2
        db.cache.clear()
        db.cache.touch("posts")
        assert db.cache.stats() == CacheStats()


def test_a24_many_who_miss_at_once_ask_once(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """All but the leader wait for it, whose query waits for all of them."""
    callers = 50
    monkeypatch.setattr("odac_db.cache.flights.PATIENCE", 300.0)  # on a busy machine, too
    db.execute(select(func.max(POSTS.c.id)), cache=60)  # the catalog is known
    arrived, first = threading.Semaphore(0), threading.Lock()
    statements: list[str] = []

    def hold(_conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
        statements.append(sql)
        if first.acquire(blocking=False):
            for _caller in range(callers):
                arrived.acquire(timeout=300)

    event.listen(db.engine, "before_cursor_execute", hold)
    caching: Any = db._caching
    load = caching._flights.load

    def arriving(*given: Any) -> Any:
        arrived.release()
        return load(*given)

    caching._flights.load = arriving
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(db.execute(ALL, cache=60).all()))
        for _ in range(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(statements) == 1
    assert len(found) == callers
    assert all(rows == found[0] for rows in found)
    stats = db.cache.stats()
    assert stats.shared == callers - 1


def test_two_that_are_open_share_what_was_written(opened: Callable[..., Database]) -> None:
    one, other = opened(), opened()
    for each in (one, other):
        each.execute(ALL, cache=60)
    one.execute(update(POSTS).values(title="by one"))
    assert {row.title for row in other.execute(ALL, cache=60)} == {"by one"}
    other.execute(update(POSTS).values(title="by the other"))
    assert {row.title for row in one.execute(ALL, cache=60)} == {"by the other"}


def test_inside_a_transaction_at_read_committed(opened: Callable[..., Database]) -> None:
    db = opened()
    level = "READ COMMITTED"
    if db.engine.dialect.name == "sqlite":
        level = "SERIALIZABLE"
    db.execute(ALL, cache=60)
    with db.transaction(isolation=level) as tx:  # type: ignore[arg-type]
        statements = asked(db)
        assert len(db.execute(ALL, cache=60).all()) == 3
        assert len(statements) == (level == "SERIALIZABLE")
        tx.execute(update(POSTS).where(POSTS.c.id == 1).values(title="mine"))
        assert db.execute(ALL, cache=60).first().title == "mine"  # type: ignore[union-attr]


def test_stricter_transactions_read_the_database(opened: Callable[..., Database]) -> None:
    db = opened()
    db.execute(ALL, cache=60)
    with db.transaction(isolation="SERIALIZABLE"):
        statements = asked(db)
        db.execute(ALL, cache=60)
        assert len(statements) == 1


def test_rows_of_a_session_that_was_changed_are_not_kept_and_counted(db: Database) -> None:
    change = {"sqlite": "PRAGMA case_sensitive_like = 1", "postgresql": "SET work_mem = '1MB'"}
    db.execute(text(change.get(db.engine.dialect.name, "SET @mine = 1")))
    for _ in range(2):
        db.execute(ALL, cache=60)
    stats = db.cache.stats()
    assert (stats.hits, stats.fills) == (0, 0)
    assert stats.uncached == {"the session of the connection was changed": 2}


def test_sampled_hits_are_compared(opened: Callable[..., Database], database: LiveDatabase) -> None:
    db = opened(sample=1)
    for _ in range(3):
        db.execute(ALL, cache=60)
    stats = db.cache.stats()
    assert (stats.hits, stats.sampled, stats.mismatches) == (2, 2, 0)
    database.execute("UPDATE posts SET title = 'outside' WHERE id = 1")
    db.execute(ALL, cache=60)
    assert db.cache.stats().mismatches == 1


def test_a28_a_store_that_is_away_stops_nobody(opened: Callable[..., Database]) -> None:
    db = opened(NOWHERE, timeout=0.2)
    db.execute(update(POSTS).values(title="written"))
    for _ in range(2):
        assert {row.title for row in db.execute(ALL, cache=60)} == {"written"}
    stats = db.cache.stats()
    assert stats.degraded >= 2
    assert (stats.hits, stats.away) == (0, 2)
    with pytest.raises(CacheUnavailable, match="away"):
        db.cache.touch("posts")


def test_a_commit_is_refused_while_the_store_is_away(
    opened: Callable[..., Database], database: LiveDatabase
) -> None:
    opened()
    db = opened(NOWHERE, timeout=0.2, when_away="refuse")
    with pytest.raises(CacheUnavailable):
        db.execute(update(POSTS).values(title="refused"))
    with pytest.raises(CacheUnavailable), db.transaction() as tx:
        tx.execute(update(POSTS).values(title="refused"))
    assert database.execute("SELECT count(*) FROM posts WHERE title = 'refused'") == [(0,)]
    assert len(db.execute(ALL, cache=60).all()) == 3


def test_relaxed_is_told_after_the_commit(opened: Callable[..., Database]) -> None:
    db = opened(mode="relaxed")
    db.execute(ALL, cache=60)
    db.execute(update(POSTS).values(title="relaxed"))
    assert {row.title for row in db.execute(ALL, cache=60)} == {"relaxed"}


@pytest.mark.parametrize(
    "wrong", ["postgresql://x:secret@y/z", "memry", 5, Path("x")], ids=["url", "word", "5", "path"]
)
def test_what_is_no_cache_is_told_so(wrong: Any) -> None:
    with pytest.raises(OdacDbError, match="cache:") as caught:
        Database.open("sqlite://", cache=wrong)
    assert "secret" not in str(caught.value)
    with pytest.raises(OdacDbError, match="more than 0"):
        Cache(ttl=0)


def test_b76_b77_b78_the_table_api(db: Database) -> None:
    statements = asked(db)

    def titles() -> list[str]:
        early = db.posts.cache(60).where(id__lt=10).order_by("id").select("title").all()
        late = db.posts.where(id__lt=10).order_by("id").select("title").cache().all()
        assert early == late
        return [row.title for row in late]

    assert titles() == titles() == ["post 1", "post 2", "post 3"]
    for _ in range(2):
        assert db.posts.cache(60).where(id=1).first().title == "post 1"  # type: ignore[union-attr]
        assert db.posts.cache(60).where(id=2).first().title == "post 2"  # type: ignore[union-attr]
        assert db.posts.cache(60).get(99) is None
        assert db.posts.cache(60).count() == 3
        assert db.posts.cache(60).where(id=99).exists() is False
        assert db.posts.cache(60).pluck("id") == [1, 2, 3]
        assert db.table("posts").cache(60).max("id") == 3
    wanted = ("SELECT", "posts")
    assert len([sql for sql in statements if all(word in sql for word in wanted)]) <= 11


def test_b69_to_b72_writes_of_the_table_api(db: Database) -> None:
    def count() -> tuple[int, Any]:
        cached = db.posts.cache(60)
        return cached.count(), cached.sum("id")

    for write in (
        lambda: db.posts.insert({"id": 10, "title": "ten"}),
        lambda: db.posts.insert([{"id": 11}, {"id": 12}]),
        lambda: db.posts.where(id=11).update(id=21),
        lambda: db.posts.where(id=12).increment("id", 10),
        lambda: db.posts.upsert({"id": 30, "title": "thirty"}),
        lambda: db.posts.where(id=30).delete(),
    ):
        before = count()
        write()
        assert count() != before
        assert count() == (db.posts.count(), db.posts.sum("id"))


def test_b68_clear_of_a_table(db: Database) -> None:
    db.posts.cache(60).count()
    db.posts.cache.clear()
    statements = asked(db)
    db.posts.cache(60).count()
    assert len(statements) == 1


def test_values_that_look_alike_are_other_reads(db: Database) -> None:
    """The same SQL and the same text make other patterns."""
    for _ in range(2):
        assert db.posts.cache(60).where(title__starts_with="post").count() == 3
        assert db.posts.cache(60).where(title__ends_with="post").count() == 0
        assert db.posts.cache(60).where(title__contains="ost").count() == 3
        assert db.posts.cache(60).where(title__contains="%").count() == 0


def test_several_databases_are_one_collectors(
    db: Database, opened: Callable[..., Database]
) -> None:
    registry = CollectorRegistry(auto_describe=True)
    registry.register(CacheCollector({"shop": db, "users": opened()}))
    for _ in range(2):
        db.execute(ALL, cache=60)
    told = {"shop": 1.0, "users": 0.0}
    for name, hits in told.items():
        labels = {"database": name, "outcome": "hits"}
        assert registry.get_sample_value("odac_db_cache_reads_total", labels) == hits


def test_a_transaction_of_the_table_api_reads_the_database(db: Database) -> None:
    db.posts.cache(60).count()
    with db.transaction() as tx:
        tx.posts.insert({"id": 50})
        assert tx.posts.cache(60).count() == 4
        assert db.posts.cache(60).count() == 4
        assert [row.id for row in tx.posts.cache(60).where(id=50).iterate()] == [50]


def test_seconds_of_the_table_api(db: Database) -> None:
    for wrong in (0, -5):
        with pytest.raises(OdacDbError, match="more than 0"):
            db.posts.cache(wrong)


def test_what_one_keeps_in_redis_the_other_is_given(
    sqlite_database: LiveDatabase, redis_url: str
) -> None:
    """Two that know nothing of each other, as processes do not."""
    cache = Cache(store=redis_url, mode="relaxed")
    question = select(POSTS.c.id).where(POSTS.c.id.in_([1, 2]), POSTS.c.title == "one")
    with Database.open(sqlite_database.url, cache=cache) as one:
        METADATA.create_all(one.engine)
        one.execute(question, cache=60)
        heads = [made.head for made in one._caching.statements._prepared.values()]  # type: ignore[union-attr]
        with Database.open(sqlite_database.url, cache=cache) as other:
            same = select(POSTS.c.id).where(POSTS.c.id.in_([1, 2]), POSTS.c.title == "one")
            other.execute(same, cache=60)
            assert other.cache.stats().hits == 1
    assert all(b"%(" not in head for head in heads)


def test_a_hit_in_redis_is_one_look_and_a_miss_no_more(
    opened: Callable[..., Database], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a read that was a hit before, and is none any more: what was seen is used.

    Of queries that are quick: who fetches the rows of a slow one for others looks once more.
    """
    monkeypatch.setattr(leases, "_WORTH", 60.0)
    db = opened(redis_url, mode="relaxed")
    store: Any = db._caching.store  # type: ignore[union-attr]
    looks: list[Any] = []
    look = store.look

    def counted(*given: Any) -> Any:
        looks.append(given)
        return look(*given)

    monkeypatch.setattr(store, "look", counted)
    for read in (
        lambda: db.posts.cache(60).where(id=1).select("title").all(),
        lambda: db.execute(ALL, cache=60).all(),
    ):
        read()
        looks.clear()
        before = db.cache.stats()
        assert read() == read()
        assert len(looks) == 2
        db.posts.where(id=1).update(title="changed")
        assert read()[0].title == "changed"
        assert read()[0].title == "changed"
        assert len(looks) == 4
        after = db.cache.stats()
        assert (after.hits - before.hits, after.misses - before.misses) == (3, 1)


def test_rows_of_the_table_api_are_made_once_and_lists_are_the_callers(db: Database) -> None:
    read = db.posts.cache(60).order_by("id").select("id", "title").all
    read()
    one, other = read(), read()
    assert one == other == [(1, "post 1"), (2, "post 2"), (3, "post 3")]
    assert one[0] is other[0]
    assert one[0]._asdict() == {"id": 1, "title": "post 1"}
    one.clear()
    assert read() == other
    assert db.posts.cache(60).count() == db.posts.cache(60).count() == 3
    assert db.posts.cache(60).sum("id") == db.posts.cache(60).sum("id") == 6


def test_what_prometheus_is_told(db: Database) -> None:
    registry = CollectorRegistry()
    registry.register(CacheCollector(db, database="shop"))
    for _ in range(3):
        db.execute(ALL, cache=60)
    db.execute(select(func.random()), cache=60)

    def told(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"odac_db_cache_{name}", {"database": "shop", **labels})

    stats = db.cache.stats()
    assert (stats.hits, stats.misses) == (2, 1)
    assert told("reads_total", outcome="hits") == 2
    assert told("reads_total", outcome="misses") == 1
    assert told("reads_total", outcome="uncached") == sum(stats.uncached.values()) == 1
    assert told("fills_total") == 1
    assert told("entries") == 1
    assert told("bytes") == stats.bytes > 0
