"""Whatever is written through the engine is seen by the next cached read, on every server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Connection,
    Executable,
    ForeignKey,
    String,
    delete,
    event,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from odac_db import Cache, Database, Transaction
from tests.fixtures.databases import LiveDatabase


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(50))


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[int] = mapped_column(ForeignKey(User.id, ondelete="CASCADE"))
    title: Mapped[str] = mapped_column(String(50))


class Log(Base):
    __tablename__ = "log"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


USERS = select(User.id, User.name).order_by(User.id)
POSTS = select(Post.id, Post.title).order_by(Post.id)
LOG = select(Log.id).order_by(Log.id)


class Watched:
    """A database with a cache, and the statements that reach it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.asked: list[str] = []
        event.listen(db.engine, "before_cursor_execute", self._note)

    def _note(self, _conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
        self.asked.append(sql)

    def rows(self, question: Executable) -> list[Any]:
        return [tuple(row) for row in self.db.execute(question, cache=60)]

    def is_hit(self, question: Executable) -> bool:
        before = len(self.asked)
        self.rows(question)
        return len(self.asked) == before

    def direct(self, question: Executable) -> list[Any]:
        return [tuple(row) for row in self.db.execute(question)]

    def warm(self) -> None:
        for question in (USERS, POSTS, LOG):
            self.rows(question)
            assert self.is_hit(question)

    def right(self) -> None:
        for question in (USERS, POSTS, LOG):
            assert self.rows(question) == self.direct(question)


@pytest.fixture
def watched(database: LiveDatabase, tmp_path: Path) -> Iterator[Watched]:
    cache = Cache(directory=tmp_path, commit_within=60)
    with Database.open(database.url, cache=cache) as db:
        Base.metadata.create_all(db.engine)
        with Session(db.engine) as session:
            session.add_all([User(id=n, name=f"user {n}") for n in (1, 2, 3)])
            session.flush()
            session.add_all([Post(id=n, user_id=1 + n % 2, title=f"post {n}") for n in (1, 2, 3)])
            session.commit()
        yield Watched(db)


def core(db: Database) -> None:
    with db.engine.begin() as conn:
        conn.execute(update(User).where(User.id == 1).values(name="core"))


def execute(db: Database) -> None:
    db.execute(insert(User).values(id=10, name="executed"))


def many(db: Database) -> None:
    db.execute(insert(User), [{"id": n, "name": "many"} for n in range(20, 30)])


def driver_sql(db: Database) -> None:
    with db.engine.begin() as conn:
        conn.exec_driver_sql("UPDATE users SET name = 'driver' WHERE id = 2")


def by_text(db: Database) -> None:
    db.execute(text("UPDATE users SET name = :name WHERE id = 1"), {"name": "text"})


def unit_of_work(db: Database) -> None:
    with Session(db.engine) as session:
        session.get_one(User, 1).name = "unit of work"
        session.delete(session.get_one(User, 3))
        session.add(User(id=40, name="added"))
        session.commit()


def orm_bulk(db: Database) -> None:
    with Session(db.engine) as session:
        session.execute(insert(User), [{"id": 50, "name": "a"}, {"id": 51, "name": "b"}])
        session.execute(update(User).where(User.id == 50).values(name="c"))
        session.commit()


def from_select(db: Database) -> None:
    rows = select(User.id + 100, User.name)
    db.execute(insert(User).from_select(["id", "name"], rows))


def autocommit(db: Database) -> None:
    with db.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        conn.execute(update(User).values(name="autocommit"))
        seen = db.execute(USERS, cache=60).all()
        assert {row.name for row in seen} == {"autocommit"}


def raw_begin(db: Database) -> None:
    with db.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        conn.exec_driver_sql("BEGIN")
        conn.exec_driver_sql("UPDATE users SET name = 'raw'")
        conn.exec_driver_sql("COMMIT")


def nested(db: Database) -> None:
    with db.transaction() as tx:
        with tx.transaction() as inner:
            inner.execute(update(User).where(User.id == 1).values(name="inner"))
        savepoint = tx.connection.begin_nested()
        tx.execute(delete(Post))
        savepoint.rollback()


def cascade(db: Database) -> None:
    db.execute(delete(User).where(User.id == 1))


def ddl(db: Database) -> None:
    with db.engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE users ADD COLUMN extra int")
        conn.exec_driver_sql("UPDATE users SET name = 'ddl'")


def ran_again(db: Database) -> None:
    db.run_in_transaction(lambda tx: tx.execute(delete(Log)))
    db.run_in_transaction(lambda tx: tx.execute(insert(Log).values(id=7)))


WAYS = [
    core,
    execute,
    many,
    driver_sql,
    by_text,
    unit_of_work,
    orm_bulk,
    from_select,
    autocommit,
    raw_begin,
    nested,
    cascade,
    ddl,
    ran_again,
]


def test_every_way_to_write_is_seen(watched: Watched) -> None:
    for way in WAYS:
        watched.warm()
        before = watched.direct(USERS), watched.direct(POSTS), watched.direct(LOG)
        way(watched.db)
        after = watched.direct(USERS), watched.direct(POSTS), watched.direct(LOG)
        assert before != after, way.__name__
        watched.right()


def undone(db: Database, work: Callable[[Transaction], Any]) -> None:
    """A transaction that does this and is rolled back."""

    def undoing(tx: Transaction) -> None:
        work(tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        db.run_in_transaction(undoing)


def test_nothing_is_invalidated_before_the_commit_or_by_a_rollback(watched: Watched) -> None:
    watched.warm()
    with watched.db.engine.connect() as conn:
        conn.execute(update(User).values(name="undone"))
        assert watched.is_hit(USERS) or watched.db.engine.dialect.name == "sqlite"
        conn.rollback()
    assert watched.is_hit(USERS)
    undone(watched.db, lambda tx: tx.execute(update(User).values(name="undone")))
    assert watched.is_hit(USERS)
    watched.right()


def test_a_transaction_sees_its_own_writes_and_nobody_else_does(watched: Watched) -> None:
    def look(tx: Transaction) -> None:
        tx.execute(update(User).values(name="mine"))
        assert {name for _, name in watched.rows(USERS)} == {"mine"}

    watched.warm()
    undone(watched.db, look)
    assert "mine" not in {name for _, name in watched.rows(USERS)}
    watched.right()


def test_tables_that_are_not_touched_stay(watched: Watched) -> None:
    watched.warm()
    watched.db.execute(insert(Log).values(id=1))
    assert watched.is_hit(USERS)
    assert watched.is_hit(POSTS)
    assert not watched.is_hit(LOG)
    watched.db.execute(insert(User).values(id=9, name="nine"))
    assert watched.is_hit(POSTS)  # an insert cascades to nobody


def test_views_follow_their_tables(watched: Watched) -> None:
    db = watched.db
    with db.engine.begin() as conn:
        conn.exec_driver_sql("CREATE VIEW named AS SELECT id, name FROM users WHERE id < 100")
        conn.exec_driver_sql("CREATE VIEW renamed AS SELECT id FROM named")
    question = text("SELECT count(*) FROM renamed")
    assert db.execute(question, cache=60).scalar_one() == 3
    db.execute(insert(User).values(id=4, name="four"))
    assert db.execute(question, cache=60).scalar_one() == 4
    hits = db.cache.stats().hits
    assert db.execute(question, cache=60).scalar_one() == 4
    assert db.cache.stats().hits == hits + 1


TRIGGERS = {
    "postgresql": [
        "CREATE FUNCTION logged() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO log VALUES (new.id); RETURN new; END $$",
        "CREATE TRIGGER logs AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION logged()",
    ],
    "mysql": [
        "CREATE TRIGGER logs AFTER INSERT ON users FOR EACH ROW INSERT INTO log VALUES (new.id)"
    ],
    "sqlite": [
        "CREATE TRIGGER logs AFTER INSERT ON users BEGIN INSERT INTO log VALUES (new.id); END"
    ],
}


def test_what_a_trigger_writes_is_seen(watched: Watched, database: LiveDatabase) -> None:
    with watched.db.engine.connect() as conn:
        conn.execution_options(isolation_level="AUTOCOMMIT")
        for statement in TRIGGERS[database.family]:
            conn.exec_driver_sql(statement)
    watched.db.engine.dispose()  # that session may have been changed by any of them
    watched.warm()
    watched.db.execute(insert(User).values(id=77, name="logged"))
    assert watched.rows(LOG) == [(77,)]
    watched.right()


def test_declared_effects_spare_other_tables(database: LiveDatabase, tmp_path: Path) -> None:
    cache = Cache(directory=tmp_path, triggers={"users": ["log"]})
    with Database.open(database.url, cache=cache) as db:
        Base.metadata.create_all(db.engine)
        with db.engine.connect() as conn:
            conn.execution_options(isolation_level="AUTOCOMMIT")
            for statement in TRIGGERS[database.family]:
                conn.exec_driver_sql(statement)
        db.engine.dispose()
        watched = Watched(db)
        watched.warm()
        db.execute(insert(User).values(id=1, name="logged"))
        assert watched.rows(LOG) == [(1,)]
        assert watched.is_hit(POSTS)


def two_phase(db: Database, ends: Callable[[Any], None]) -> None:
    with db.engine.connect() as conn:
        transaction = conn.begin_twophase()
        conn.execute(update(User).values(name="two phases"))
        transaction.prepare()
        ends(transaction)


def test_two_phases(watched: Watched, database: LiveDatabase) -> None:
    if database.family == "sqlite":
        with pytest.raises(NotImplementedError):
            two_phase(watched.db, lambda transaction: transaction.commit())
        return
    if database.family == "postgresql":
        enabled = database.execute("SHOW max_prepared_transactions")[0][0]
        if enabled == "0":
            return
    watched.warm()
    two_phase(watched.db, lambda transaction: transaction.rollback())
    watched.right()
    two_phase(watched.db, lambda transaction: transaction.commit())
    watched.right()
    assert {name for _, name in watched.rows(USERS)} == {"two phases"}


def test_a_function_that_writes(postgresql_database: LiveDatabase, tmp_path: Path) -> None:
    with Database.open(postgresql_database.url, cache=Cache(directory=tmp_path)) as db:
        Base.metadata.create_all(db.engine)
        with db.engine.begin() as conn:
            conn.exec_driver_sql(
                "CREATE FUNCTION log_it(n int) RETURNS int LANGUAGE sql "
                "AS 'INSERT INTO log VALUES (n) RETURNING id'"
            )
        watched = Watched(db)
        watched.warm()
        db.execute(select(func.log_it(5)))
        assert watched.rows(LOG) == [(5,)]


def test_a_truncated_table_and_one_that_follows(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    with Database.open(postgresql_database.url, cache=Cache(directory=tmp_path)) as db:
        Base.metadata.create_all(db.engine)
        db.execute(insert(User).values(id=1, name="one"))
        db.execute(insert(Post).values(id=1, user_id=1, title="one"))
        watched = Watched(db)
        watched.warm()
        db.execute(text("TRUNCATE users CASCADE"))
        assert (watched.rows(USERS), watched.rows(POSTS)) == ([], [])


def test_a_foreign_key_added_elsewhere_is_known_before_the_next_commit(
    watched: Watched, database: LiveDatabase, tmp_path: Path
) -> None:
    """Another process changes the catalog; this one's next DELETE cascades by it."""
    watched.warm()
    with Database.open(database.url, cache=Cache(directory=tmp_path)) as other:
        other.execute(
            text(
                "CREATE TABLE notes (id int PRIMARY KEY, user_id int, "
                "FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)"
            )
        )
        other.execute(text("INSERT INTO notes VALUES (1, 3)"))
    count = text("SELECT count(*) FROM notes")
    assert watched.db.execute(count, cache=60).scalar_one() == 1
    watched.db.execute(delete(User).where(User.id == 3))
    assert watched.db.execute(count, cache=60).scalar_one() == 0


def lost(conn: Connection) -> None:
    conn.invalidate()


def test_a_lost_connection_leaves_nothing_behind(watched: Watched) -> None:
    watched.warm()
    with watched.db.engine.connect() as conn:
        conn.execute(update(User).values(name="lost"))
        lost(conn)
        conn.rollback()
    assert watched.is_hit(USERS)
    watched.right()


def test_a_session_that_was_changed_fills_nothing(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """The same text would mean another table there."""
    with Database.open(postgresql_database.url, cache=Cache(directory=tmp_path)) as db:
        with db.engine.begin() as conn:
            conn.exec_driver_sql("CREATE SCHEMA other")
            conn.exec_driver_sql("CREATE TABLE public.things AS SELECT 1 AS n")
            conn.exec_driver_sql("CREATE TABLE other.things AS SELECT 2 AS n")
        question = text("SELECT n FROM things")
        with db.transaction() as tx:
            tx.execute(text("SET search_path TO other"))
            assert db.execute(question, cache=60).scalar_one() == 2
        for _ in range(3):  # the pool gives the same connection again
            db.execute(question, cache=60)
        assert db.cache.stats().fills == 0
        db.engine.dispose()
        assert db.execute(question, cache=60).scalar_one() == 1
        assert db.cache.stats().fills == 1


HIDING = {
    "select into": "SELECT 99 AS n INTO TEMP things",
    "qualified": "CREATE TABLE pg_temp.things AS SELECT 99 AS n",
    "settings": (
        "SELECT set_config('app.u', '1', true), set_config('search_path', lower('OTHER'), false)"
    ),
}


@pytest.mark.parametrize("how", HIDING)
def test_a_table_that_one_session_sees_fills_nothing(
    postgresql_database: LiveDatabase, tmp_path: Path, how: str
) -> None:
    """Temporary ones hide others of their name, and so does another search_path."""
    postgresql_database.execute(
        "CREATE TABLE things AS SELECT 1 AS n",
        "CREATE SCHEMA other",
        "CREATE TABLE other.things AS SELECT 99 AS n",
    )
    with Database.open(postgresql_database.url, cache=Cache(directory=tmp_path)) as db:
        question = text("SELECT n FROM things")
        db.execute(text(HIDING[how]))
        assert db.execute(question, cache=60).scalar_one() == 99  # the pool gives the same one
        with db.engine.connect():
            assert db.execute(question, cache=60).scalar_one() == 1
