"""C6-C9, B11, D2: transactions, when they are run again, and what comes after them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from odac_db import (
    ConnectionFailed,
    ConstraintViolation,
    Database,
    OdacDbError,
    OnCommitFailed,
    OutcomeUnknown,
    RetryExhausted,
    Transaction,
    violations,
)
from tests.fixtures.databases import LiveDatabase

ADD = text("INSERT INTO items (id, price) VALUES (:id, 0)")
RAISE = text("UPDATE items SET price = price + :by WHERE id = :id")


@pytest.fixture
def db(database: LiveDatabase) -> Iterator[Database]:
    engine = " ENGINE=InnoDB" if database.family == "mysql" else ""
    database.execute(
        f"CREATE TABLE items (id integer PRIMARY KEY, price integer NOT NULL){engine}",
        "INSERT INTO items VALUES (1, 0), (2, 0)",
    )
    with Database.open(database.url) as opened:
        event.listen(opened.engine, "connect", impatient)
        yield opened


def impatient(connection: Any, _: object) -> None:
    """Whoever waits for a lock gives up soon."""
    settings = {
        "psycopg": "SET lock_timeout = '50ms'",
        "pymysql": "SET innodb_lock_wait_timeout = 1",
        "sqlite3": "PRAGMA busy_timeout = 20",
    }
    cursor = connection.cursor()
    cursor.execute(settings[type(connection).__module__.partition(".")[0]])
    cursor.close()
    connection.commit()


def prices(database: LiveDatabase) -> list[int]:
    return [row["price"] for row in database.rows("items")]


def ids(database: LiveDatabase) -> list[int]:
    return [row["id"] for row in database.rows("items")]


@contextmanager
def undone(owner: Database | Transaction) -> Iterator[Transaction]:
    """A transaction of the owner that an error ends."""
    with pytest.raises(ZeroDivisionError), owner.transaction() as tx:  # noqa: PT012
        yield tx
        1 / 0  # noqa: B018


def test_a_transaction_is_all_or_nothing(db: Database, database: LiveDatabase) -> None:
    with db.transaction() as tx:
        tx.execute(ADD, {"id": 3})
        tx.execute(ADD, [{"id": 4}, {"id": 5}])
        assert ids(database) == [1, 2]
    assert ids(database) == [1, 2, 3, 4, 5]
    with undone(db) as tx:
        tx.execute(ADD, {"id": 6})
    assert ids(database) == [1, 2, 3, 4, 5]


def test_one_statement_is_committed_and_its_rows_are_read(
    db: Database, database: LiveDatabase
) -> None:
    assert db.execute(ADD, {"id": 3}).rowcount == 1  # type: ignore[attr-defined]
    found = db.execute(
        text("SELECT id, price FROM items WHERE id > :least ORDER BY id"), {"least": 1}
    )
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert [(row.id, row.price) for row in found] == [(2, 0), (3, 0)]
    assert ids(database) == [1, 2, 3]


def test_a_text_is_no_statement(db: Database) -> None:
    with pytest.raises(TypeError, match="text"):
        db.execute("SELECT 1")  # type: ignore[arg-type]


def test_c8_what_is_inside_joins_with_a_savepoint(db: Database, database: LiveDatabase) -> None:
    with db.transaction() as tx:
        tx.execute(ADD, {"id": 3})
        with undone(db) as inner:
            inner.execute(ADD, {"id": 4})
            db.execute(ADD, {"id": 5})
        with tx.transaction() as inner:
            inner.execute(ADD, {"id": 6})
        with pytest.raises(ConstraintViolation), tx.transaction() as inner:
            inner.execute(ADD, {"id": 1})
        assert db.run_in_transaction(lambda inner: inner.execute(ADD, {"id": 7}).rowcount) == 1
        db.execute(ADD, {"id": 8})
        assert ids(database) == [1, 2]
    assert ids(database) == [1, 2, 3, 6, 7, 8]


def test_other_threads_have_transactions_of_their_own(db: Database) -> None:
    with ThreadPoolExecutor(1) as other, db.transaction() as tx:
        mine = id(tx.connection)
        read = text("SELECT count(*) FROM items")
        assert other.submit(lambda: db.execute(read).scalar_one()).result() == 2
        assert mine == id(tx.connection)


def test_a_failed_transaction_is_never_taken_for_a_committed_one(
    db: Database, database: LiveDatabase
) -> None:
    """PostgreSQL answers COMMIT of a failed transaction with a ROLLBACK that looks like success."""
    told: list[str] = []

    def caught() -> None:
        with db.transaction() as tx:
            tx.on_commit(lambda: told.append("committed"))
            tx.execute(ADD, {"id": 3})
            with pytest.raises(ConstraintViolation):
                tx.execute(ADD, {"id": 1})

    if database.family == "postgresql":
        with pytest.raises(OdacDbError, match="nothing is committed"):
            caught()
        assert (ids(database), told) == ([1, 2], [])
    else:
        caught()
        assert (ids(database), told) == ([1, 2, 3], ["committed"])


def test_threads_that_come_first_are_in_transactions_of_one_database(
    sqlite_database: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever did not know that one is open would write outside of it."""
    both = threading.Barrier(2)

    def slowly(read: Any) -> violations.Violations:
        with suppress(threading.BrokenBarrierError):
            both.wait(0.3)  # for another that makes one, too
        return made(read)

    made = violations.Violations
    monkeypatch.setattr(violations, "Violations", slowly)
    with Database.open(sqlite_database.url) as db, ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: db._transactions, range(2))
    assert first is second


def test_an_orm_session_can_work_in_it(db: Database, database: LiveDatabase) -> None:
    with db.transaction() as tx, Session(bind=tx.connection) as session:
        session.execute(ADD, {"id": 3})
        session.commit()
        assert ids(database) == [1, 2]
    assert ids(database) == [1, 2, 3]


def test_c9_callbacks_run_once_in_order_after_the_commit(
    db: Database, database: LiveDatabase
) -> None:
    seen: list[tuple[str, list[int]]] = []
    with db.transaction() as tx:
        tx.on_commit(lambda: seen.append(("first", ids(database))))
        with tx.transaction() as inner:
            inner.on_commit(lambda: seen.append(("second", ids(database))))
            inner.execute(ADD, {"id": 3})
        with undone(tx) as inner:
            inner.on_commit(lambda: seen.append(("never", [])))
        assert seen == []
    assert seen == [("first", [1, 2, 3]), ("second", [1, 2, 3])]
    with undone(db) as tx:
        tx.on_commit(lambda: seen.append(("never", [])))
    assert len(seen) == 2


def test_c9_what_a_callback_raises_undoes_nothing(db: Database, database: LiveDatabase) -> None:
    ran: list[str] = []

    def work(tx: Transaction) -> str:
        tx.execute(ADD, {"id": 3})
        tx.on_commit(lambda: 1 / 0)
        tx.on_commit(lambda: ran.append("the next"))
        return "the value"

    with pytest.raises(OnCommitFailed) as raised:
        db.run_in_transaction(work)
    assert [type(error) for error in raised.value.errors] == [ZeroDivisionError]
    assert raised.value.value == "the value"
    assert ran == ["the next"]
    assert ids(database) == [1, 2, 3]


class Blocker:
    """Another client that holds row 1 until ``release``."""

    def __init__(self, database: LiveDatabase) -> None:
        self.released = 0
        self._engine = database.engine()
        self._connection = self._engine.connect()
        self._connection.execute(RAISE, {"id": 1, "by": 10})

    def release(self, _: float = 0) -> None:
        self.released += 1
        self._connection.commit()
        self._connection.close()


def waiting_with(db: Database, wait: Callable[[float], None]) -> None:
    """Between attempts ``wait`` is called in place of sleeping."""
    db._transactions.pause = wait


def test_c6_who_waited_for_a_lock_in_vain_runs_again(db: Database, database: LiveDatabase) -> None:
    blocker = Blocker(database)
    attempts: list[str] = []
    told: list[int] = []
    waiting_with(db, blocker.release)

    def work(tx: Transaction) -> int:
        attempts.append("attempt")
        number = len(attempts)
        tx.on_commit(lambda: told.append(number))
        tx.execute(ADD, {"id": 3})
        tx.execute(RAISE, {"id": 1, "by": 1})
        return number

    # SQLite is busy before the work begins.
    expected = 1 if database.family == "sqlite" else 2
    assert db.run_in_transaction(work) == expected
    assert (len(attempts), told, blocker.released) == (expected, [expected], 1)
    assert prices(database) == [11, 0, 0]


def test_c6_after_the_last_attempt_it_says_how_many(db: Database, database: LiveDatabase) -> None:
    blocker = Blocker(database)
    waits: list[float] = []
    waiting_with(db, waits.append)
    with pytest.raises(RetryExhausted) as raised:
        db.run_in_transaction(lambda tx: tx.execute(RAISE, {"id": 1, "by": 1}), retries=2)
    assert raised.value.attempts == 3
    assert len(waits) == 2
    assert all(0 < wait <= 2 for wait in waits)
    assert isinstance(raised.value.__cause__, OperationalError)
    blocker.release()
    assert prices(database) == [10, 0]


def test_c6_other_errors_are_raised_at_once(db: Database) -> None:
    calls: list[str] = []

    def work(tx: Transaction) -> None:
        calls.append("call")
        tx.execute(ADD, {"id": 1})

    with pytest.raises(ConstraintViolation):
        db.run_in_transaction(work)
    with pytest.raises(ZeroDivisionError):
        db.run_in_transaction(lambda _: 1 / 0)
    assert calls == ["call"]


def test_c6_a_serialization_failure_runs_again(postgresql_database: LiveDatabase) -> None:
    database = postgresql_database
    database.execute("CREATE TABLE items (id integer PRIMARY KEY, price integer NOT NULL)")
    database.execute("INSERT INTO items VALUES (1, 0)")
    attempts: list[int] = []

    def work(tx: Transaction) -> None:
        price = tx.execute(text("SELECT price FROM items")).scalar_one()
        if not attempts:
            database.execute("UPDATE items SET price = 5")
        attempts.append(price)
        tx.execute(text("UPDATE items SET price = :price"), {"price": price + 1})

    with Database.open(database.url) as db:
        db.run_in_transaction(work, isolation="REPEATABLE READ")
    assert attempts == [0, 5]
    assert prices(database) == [6]


def test_c6_two_that_deadlock_both_end_well(db: Database, database: LiveDatabase) -> None:
    """Each holds a row before either wants the other's. SQLite lets them in one by one."""
    both_hold = threading.Barrier(2)
    free = database.family == "sqlite"

    def work(first: int, second: int) -> None:
        attempts: list[str] = []

        def swap(tx: Transaction) -> None:
            attempts.append("attempt")
            tx.execute(RAISE, {"id": first, "by": 1})
            if len(attempts) == 1 and not free:
                both_hold.wait(timeout=60)
            tx.execute(RAISE, {"id": second, "by": 1})

        db.run_in_transaction(swap, retries=20)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(work, 1, 2), pool.submit(work, 2, 1)]:
            done.result()
    assert prices(database) == [2, 2]


def test_c6_a_deadlock_that_is_caught_commits_nothing(mysql_database: LiveDatabase) -> None:
    """MySQL undoes the whole transaction; what follows would be one of its own."""
    database = mysql_database
    database.execute("CREATE TABLE items (id integer PRIMARY KEY, price integer) ENGINE=InnoDB")
    database.execute("INSERT INTO items VALUES (1, 0), (2, 0), (3, 0)")
    both_hold = threading.Barrier(2)
    fell: list[str] = []

    def work(db: Database, first: int, second: int) -> None:
        with db.transaction() as tx:
            tx.execute(RAISE, {"id": first, "by": 1})
            both_hold.wait(timeout=60)
            try:
                tx.execute(RAISE, {"id": second, "by": 1})
            except DBAPIError:
                fell.append("deadlock")
                tx.execute(RAISE, {"id": 3, "by": 100})

    with Database.open(database.url) as db, ThreadPoolExecutor(2) as pool:
        ends = [pool.submit(work, db, 1, 2), pool.submit(work, db, 2, 1)]
        errors = [end.exception() for end in ends]
    assert fell == ["deadlock"]
    (refused,) = [error for error in errors if error is not None]
    assert isinstance(refused, OdacDbError)
    assert "nothing is committed" in str(refused)
    assert prices(database) == [1, 1, 0]


def test_c7_what_needs_serializable_begins_the_outermost_again(
    db: Database, database: LiveDatabase
) -> None:
    levels: list[str] = []

    def inner(tx: Transaction) -> None:
        tx.execute(RAISE, {"id": 1, "by": 1})

    def outer(tx: Transaction) -> None:
        levels.append(tx.connection.get_isolation_level())
        tx.execute(ADD, {"id": 3})
        db.run_in_transaction(inner, isolation="SERIALIZABLE")

    db.run_in_transaction(outer, isolation="READ COMMITTED")
    above = [] if database.family == "sqlite" else ["READ COMMITTED"]
    assert levels == [*above, "SERIALIZABLE"]
    assert prices(database) == [1, 0, 0]
    if database.family != "sqlite":
        with (
            pytest.raises(OdacDbError, match="SERIALIZABLE"),
            db.transaction(isolation="READ COMMITTED"),
            db.transaction(isolation="SERIALIZABLE"),
        ):
            pass
    with db.transaction() as tx:  # the pool has its own level back
        assert database.family == "sqlite" or tx.connection.get_isolation_level() != "SERIALIZABLE"


class Killer:
    """Ends the session of a transaction from outside."""

    def __init__(self, database: LiveDatabase) -> None:
        self._database = database
        kill = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}
        own = {"postgresql": "SELECT pg_backend_pid()", "mysql": "SELECT connection_id()"}
        self._kill, self._own = kill[database.family], own[database.family]

    def kill(self, tx: Transaction) -> None:
        session = tx.execute(text(self._own)).scalar_one()
        self._database.execute(self._kill.format(session))


def killed_before_commit(database: LiveDatabase) -> None:
    killer = Killer(database)
    attempts: list[str] = []

    def work(tx: Transaction) -> None:
        attempts.append("attempt")
        tx.execute(ADD, {"id": 3})
        if len(attempts) == 1:
            killer.kill(tx)
        tx.execute(ADD, {"id": 4})

    with Database.open(database.url) as db:
        db.run_in_transaction(work)
    assert len(attempts) == 2
    assert ids(database) == [3, 4]


def killed_at_commit(database: LiveDatabase) -> None:
    killer = Killer(database)
    told: list[str] = []

    def work(tx: Transaction) -> None:
        tx.on_commit(lambda: told.append("committed"))
        tx.execute(ADD, {"id": 3})
        killer.kill(tx)

    with Database.open(database.url) as db, pytest.raises(OutcomeUnknown, match="during COMMIT"):
        db.run_in_transaction(work)
    assert (ids(database), told) == ([], [])


MADE = "CREATE TABLE items (id integer PRIMARY KEY, price integer NOT NULL)"


def test_c6_a_connection_lost_before_commit_on_postgresql(
    postgresql_database: LiveDatabase,
) -> None:
    postgresql_database.execute(MADE)
    killed_before_commit(postgresql_database)


def test_c6_a_connection_lost_before_commit_on_mysql(mysql_database: LiveDatabase) -> None:
    mysql_database.execute(MADE)
    killed_before_commit(mysql_database)


def test_a_connection_lost_at_commit_is_not_tried_again_on_postgresql(
    postgresql_database: LiveDatabase,
) -> None:
    postgresql_database.execute(MADE)
    killed_at_commit(postgresql_database)


def test_a_connection_lost_at_commit_is_not_tried_again_on_mysql(
    mysql_database: LiveDatabase,
) -> None:
    mysql_database.execute(MADE)
    killed_at_commit(mysql_database)


def test_a_server_that_is_away_is_an_error_at_once() -> None:
    url = "postgresql://ada:s3cret@127.0.0.1:1/x"
    with Database.open(url) as db, pytest.raises(ConnectionFailed) as raised:
        db.run_in_transaction(lambda _: None)
    assert "s3cret" not in str(raised.value)


def test_b11_transactions_of_one_connection_queue() -> None:
    """A database in memory has one connection for all threads."""
    entered = threading.Event()
    order: list[str] = []
    with Database.open("sqlite://") as db, ThreadPoolExecutor(1) as other:
        db.execute(text("CREATE TABLE items (id integer PRIMARY KEY, price integer)"))

        def add() -> None:
            entered.set()
            with db.transaction() as tx:
                order.append("other")
                tx.execute(ADD, {"id": 2})

        with db.transaction() as tx:
            waiting = other.submit(add)
            entered.wait(60)
            tx.execute(ADD, {"id": 1})
            order.append("mine")
        waiting.result(60)
        assert order == ["mine", "other"]
        assert db.execute(text("SELECT count(*) FROM items")).scalar_one() == 2


def test_d2_sqlite_enforces_foreign_keys(sqlite_database: LiveDatabase) -> None:
    sqlite_database.execute(
        "CREATE TABLE a (id integer PRIMARY KEY)", "CREATE TABLE b (a integer REFERENCES a)"
    )
    with Database.open(sqlite_database.url) as db, pytest.raises(ConstraintViolation) as raised:
        db.execute(text("INSERT INTO b VALUES (1)"))
    assert raised.value.kind == "foreign_key"


def test_d2_who_reads_first_on_sqlite_may_write_later(sqlite_database: LiveDatabase) -> None:
    """Without the right to write from the beginning SQLite refuses such a writer at once."""
    database = sqlite_database
    database.execute(MADE, "INSERT INTO items VALUES (1, 0)")

    with Database.open(database.url) as db, ThreadPoolExecutor(8) as pool:

        def add(_: int) -> None:
            with db.transaction() as tx:
                price = tx.execute(text("SELECT price FROM items")).scalar_one()
                tx.execute(text("UPDATE items SET price = :price"), {"price": price + 1})

        list(pool.map(add, range(40)))
    assert prices(database) == [40]
