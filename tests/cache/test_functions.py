"""Functions that write, called in every way; and what is asked beside them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import delete, func, insert, select, text

from odac_db import Cache, Database
from tests.cache.test_hooks import LOG, POSTS, USERS, Base, Log, User, Watched, watched
from tests.fixtures.databases import LiveDatabase

__all__ = ["watched"]

WRITER = {
    "postgresql": "CREATE FUNCTION log_it(n int) RETURNS int LANGUAGE sql "
    "AS 'INSERT INTO log VALUES (n) RETURNING id'",
    "mysql": "CREATE FUNCTION log_it(n int) RETURNS int DETERMINISTIC MODIFIES SQL DATA "
    "BEGIN INSERT INTO log VALUES (n); RETURN n; END",
}


def made(db: Database, *statements: str) -> None:
    """On a connection that is not used again: DDL may have changed its session."""
    with db.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            conn.exec_driver_sql(statement)
    db.engine.dispose()


def in_a_transaction(db: Database) -> None:
    db.execute(select(func.log_it(1)))


def in_autocommit(db: Database) -> None:
    with db.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        conn.execute(select(func.log_it(2)))
        assert (2,) in [tuple(row) for row in db.execute(LOG, cache=60)]


def by_a_commit_of_text(db: Database) -> None:
    with db.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        for sql in ("BEGIN", "SELECT log_it(3)", "COMMIT"):
            conn.exec_driver_sql(sql)


def by_a_begin_of_text(db: Database) -> None:
    """Which commits what was done before, on MySQL and MariaDB."""
    with db.engine.connect() as conn:
        conn.exec_driver_sql("SELECT log_it(4)")
        conn.exec_driver_sql("BEGIN")
        conn.commit()


def by_a_view(db: Database) -> None:
    made(db, "CREATE VIEW logging AS SELECT log_it(5) AS n")
    db.execute(text("SELECT n FROM logging"))


def beside_a_setting(db: Database) -> None:
    is_mysql = db.engine.dialect.name != "postgresql"
    setting = "@x" if is_mysql else "set_config('a.b', 'c', true)"
    db.execute(text(f"SELECT {setting}, log_it(6)"))


def in_a_setting(db: Database) -> None:
    """SET evaluates what it is given, on MySQL and MariaDB."""
    if db.engine.dialect.name == "postgresql":
        db.execute(text("SELECT log_it(7)"))
    else:
        db.execute(text("SET @x = log_it(7)"))
    db.engine.dispose()


def by_a_cursor(db: Database) -> None:
    with db.engine.begin() as conn:
        if db.engine.dialect.name == "postgresql":
            conn.exec_driver_sql("DECLARE c CURSOR FOR SELECT log_it(8)")
            conn.exec_driver_sql("FETCH ALL FROM c")
            conn.exec_driver_sql("CLOSE c")
        else:
            conn.exec_driver_sql("EXPLAIN SELECT log_it(8)")
            conn.exec_driver_sql("SELECT log_it(8)")


CALLS = [
    in_a_transaction,
    in_autocommit,
    by_a_commit_of_text,
    by_a_begin_of_text,
    by_a_view,
    beside_a_setting,
    in_a_setting,
    by_a_cursor,
]


def called_in_every_way(database: LiveDatabase, directory: Path) -> None:
    with Database.open(database.url, cache=Cache(directory=directory)) as db:
        Base.metadata.create_all(db.engine)
        made(db, WRITER[database.family])
        watched = Watched(db)
        for call in CALLS:
            watched.warm()
            call(db)
            assert watched.rows(LOG) == watched.direct(LOG) != [], call.__name__
            db.execute(delete(Log))


def test_a_function_that_writes_is_seen_however_it_is_called(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    called_in_every_way(postgresql_database, tmp_path)


def test_so_is_one_of_mysql(mysql_database: LiveDatabase, tmp_path: Path) -> None:
    called_in_every_way(mysql_database, tmp_path)


def configured(db: Database, *sql: str) -> None:
    with db.engine.begin() as conn:
        for one in sql:
            conn.exec_driver_sql(one)


def test_a_write_that_names_a_setting_is_a_write(watched: Watched) -> None:
    """By a common table expression, wherever that may stand before a write."""
    way = "WITH x AS (SELECT 'set_config(1)' AS v) "
    if getattr(watched.db.engine.dialect, "is_mariadb", False):
        way = ""
    watched.warm()
    configured(watched.db, f"{way}UPDATE users SET name = 'how to set_config'")
    assert {name for _, name in watched.rows(USERS)} == {"how to set_config"}
    watched.db.engine.dispose()
    watched.warm()
    configured(watched.db, f"{way}DELETE FROM posts WHERE title <> 'set_config'")
    assert watched.rows(POSTS) == []


def test_a_function_that_another_process_made_is_known_when_it_is_called(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    cache = Cache(directory=tmp_path)
    url = postgresql_database.url
    with Database.open(url, cache=cache) as db, Database.open(url, cache=cache) as other:
        Base.metadata.create_all(db.engine)
        watched = Watched(db)
        watched.warm()
        made(other, WRITER["postgresql"])
        Watched(other).warm()  # by the new catalog, which db has not read yet
        db.execute(text("SELECT log_it(5)"))
        assert Watched(other).rows(LOG) == [(5,)]


ASKED = {
    "postgresql": [
        "SHOW search_path",
        "EXPLAIN DELETE FROM users",
        "LOCK TABLE users IN SHARE MODE",
        "LISTEN changed",
        "NOTIFY changed, 'log'",
        "UNLISTEN changed",
        "DECLARE c CURSOR FOR SELECT id FROM users",
        "FETCH 1 FROM c",
        "CLOSE c",
        "SELECT steady(1), version()",
    ],
    "mysql": ["SHOW TABLES", "EXPLAIN SELECT id FROM users", "DESCRIBE users", "SELECT version()"],
    "sqlite": ["EXPLAIN QUERY PLAN SELECT id FROM users", "PRAGMA table_info(users)"],
}


def test_what_only_asks_invalidates_nothing(watched: Watched, database: LiveDatabase) -> None:
    """Also where functions may write, in a transaction and in autocommit."""
    if database.family in WRITER:
        made(watched.db, WRITER[database.family])
    if database.family == "postgresql":
        steady = "CREATE FUNCTION steady(n int) RETURNS int STABLE LANGUAGE sql AS 'SELECT n'"
        made(watched.db, steady)
    watched.warm()
    with watched.db.engine.connect() as conn:
        for sql in ASKED[database.family]:
            conn.exec_driver_sql(sql)
        conn.commit()
    with watched.db.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        for sql in ASKED[database.family]:
            if not sql.startswith(("LOCK", "DECLARE", "FETCH", "CLOSE")):
                conn.exec_driver_sql(sql)
    assert watched.is_hit(USERS)
    assert watched.is_hit(POSTS)
    assert watched.db.cache.stats().uncached == {}


def counted(db: Database, table: str) -> int:
    number: int = db.execute(text(f"SELECT count(*) FROM {table}"), cache=60).scalar_one()
    return number


def test_a_table_that_inherits_from_several_is_seen_in_each(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    with Database.open(postgresql_database.url, cache=Cache(directory=tmp_path)) as db:
        made(
            db,
            "CREATE TABLE mother (id int)",
            "CREATE TABLE father (id int)",
            "CREATE TABLE child () INHERITS (mother, father)",
        )
        for number in range(3):
            assert [counted(db, one) for one in ("mother", "father", "child")] == [number] * 3
            db.execute(text("INSERT INTO child VALUES (1)"))


LOGGED = (
    "CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO log VALUES (new.id); RETURN new; END $$"
)


def logging(db: Database, table: str) -> Watched:
    """Events in a partition; what is inserted into ``table`` is logged by a trigger."""
    Base.metadata.create_all(db.engine)
    made(
        db,
        "CREATE TABLE events (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (100)",
        LOGGED,
        f"CREATE TRIGGER logs AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION logged()",
    )
    watched = Watched(db)
    watched.warm()
    return watched


def test_a_trigger_of_one_partition_is_run_by_a_write_of_the_whole(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    cache = Cache(directory=tmp_path)
    with Database.open(postgresql_database.url, cache=cache) as db:
        watched = logging(db, "events_1")
        db.execute(text("INSERT INTO events VALUES (7)"))
        assert watched.rows(LOG) == [(7,)]


def test_effects_declared_for_a_table_are_those_of_its_partitions(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    cache = Cache(directory=tmp_path, triggers={"events": ["log"]})
    with Database.open(postgresql_database.url, cache=cache) as db:
        watched = logging(db, "events")
        db.execute(text("INSERT INTO events_1 VALUES (7)"))
        assert watched.rows(LOG) == [(7,)]
        assert watched.is_hit(USERS)


def test_what_a_default_writes_is_seen(postgresql_database: LiveDatabase, tmp_path: Path) -> None:
    """Numbers without gaps: a default that counts in a table of its own."""
    with Database.open(postgresql_database.url, cache=Cache(directory=tmp_path)) as db:
        Base.metadata.create_all(db.engine)
        made(
            db,
            WRITER["postgresql"],
            "CREATE TABLE bills (id int, number int DEFAULT log_it(9))",
        )
        watched = Watched(db)
        watched.warm()
        db.execute(text("INSERT INTO bills (id) VALUES (1)"))
        assert watched.rows(LOG) == [(9,)]
        db.execute(insert(User).values(id=70, name="x"))
        assert watched.is_hit(LOG)


def test_sqlite_reads_a_table_behind_in(sqlite_database: LiveDatabase, tmp_path: Path) -> None:
    with Database.open(sqlite_database.url, cache=Cache(directory=tmp_path)) as db:
        Base.metadata.create_all(db.engine)
        db.execute(insert(User), [{"id": n, "name": "x"} for n in (1, 2)])
        question = text("SELECT count(*) FROM users WHERE id IN log")
        for number in range(3):
            assert db.execute(question, cache=60).scalar_one() == number
            db.execute(insert(Log).values(id=number + 1))
