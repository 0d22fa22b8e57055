"""What a server refuses: put aside with its reason, and never in the way of the others."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from decimal import Decimal, localcontext
from fractions import Fraction
from pathlib import Path
from typing import Any

import psycopg
import pymysql
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from odac_db import BufferedRowRefused, BufferOptions, Database, RowRefused
from odac_db.buffer import faults, letters, once
from odac_db.dialects.mysql import buffering
from tests.fixtures.buffers import Opened, openings
from tests.fixtures.databases import LiveDatabase

SCHEMA = {
    "parents": "columns:\n  id: {type: integer, primary: true}\n",
    "kids": """
columns:
  id:  {type: integer, primary: true}
  pid: {type: integer}
foreign_keys:
  - columns: [pid]
    references: {table: parents, columns: [id]}
""",
    "events": """
columns:
  id: {type: integer, primary: true}
  n:  {type: integer, nullable: false}
  text: {type: text}
checks:
  - {name: n_is_small, expression: n < 1000}
""",
}
LOCKED = sqlite3.OperationalError("database is locked")
LOCKED.sqlite_errorcode = sqlite3.SQLITE_BUSY
AWAY = {
    "sqlite": LOCKED,
    "postgresql": psycopg.OperationalError("the connection is lost"),
    **dict.fromkeys(("mysql", "mariadb"), pymysql.err.OperationalError(2013, "Lost connection")),
}
DEFERRED = SCHEMA | {"kids": SCHEMA["kids"] + "    deferrable: deferred\n"}


@pytest.fixture
def opened(database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(database.url, SCHEMA, tmp_path) as opened:
        yield opened


def brought_in(db: Database) -> tuple[int, int, int]:
    answer = db.buffer.flush(wait=20)
    assert not answer.paused
    return answer.rows, answer.dead, answer.pending


def ids(db: Database, table: str) -> list[int]:
    return [row.id for row in db.table(table).order_by("id").all()]


@pytest.mark.parametrize("keyed", [False, True])
def test_w5_a_deferred_key_that_only_commit_checks_stops_nothing_else(
    sqlite_database: LiveDatabase, tmp_path: Path, keyed: bool
) -> None:
    """SQLite says at COMMIT that some row is an orphan, and not which."""
    with openings(sqlite_database.url, DEFERRED, tmp_path) as opened:
        db = opened()
        db.buffer["parents"].insert({"id": 1})
        db.buffer["kids"].insert([{"id": n, "pid": 1} for n in range(1, 20)])
        if keyed:
            db.buffer["kids"].insert([{"id": 90, "pid": 1}], idempotency_key="good")
            db.buffer["kids"].insert([{"id": 91, "pid": 9}], idempotency_key="bad")
        db.buffer["kids"].insert([{"id": 20, "pid": 9}, {"id": 21, "pid": 1}])
        db.buffer["kids"].where(3).update(pid=8)
        assert brought_in(db) == (21 + keyed, 2 + keyed, 0)
        assert ids(db, "kids") == [*range(1, 20), 21, *([90] if keyed else [])]
        assert all("FOREIGN KEY" in one.error for one in db.buffer.dead_letters())
        db.table("parents").insert([{"id": 8}, {"id": 9}])
        assert db.buffer.retry_dead_letters().refused == 0
        assert db.table("kids").where(pid=9).count() == 1 + keyed


def test_w5_many_orphans_at_commit_stop_the_lane_as_any_others_do(
    sqlite_database: LiveDatabase, tmp_path: Path
) -> None:
    with openings(sqlite_database.url, DEFERRED, tmp_path) as opened:
        db = opened()
        db.buffer["kids"].insert([{"id": n, "pid": 1} for n in range(300)])
        answer = db.buffer.flush()
        assert "of 300 operations are refused" in answer.paused["kids"]
        assert answer.pending > 0


def test_w5_a_row_too_large_for_its_index_is_put_aside(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """PostgreSQL's 54000, which is no fault of the structure."""
    schema = {"words": "columns:\n  id: {type: text, primary: true}\n"}
    with openings(postgresql_database.url, schema, tmp_path) as opened:
        db = opened()
        long = random.Random(1).randbytes(20_000).hex()  # does not compress
        db.buffer["words"].insert([{"id": "a"}, {"id": long}, {"id": "b"}])
        assert brought_in(db) == (2, 1, 0)
        assert "index row" in db.buffer.dead_letters()[0].error


def test_w5_a_row_too_large_for_its_page_is_put_aside(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    """1118: a table may be made whose longest rows find no place in a page."""
    schema = {"wide": "columns:\n  id: {type: integer, primary: true}\n"}
    with openings(mysql_database.url, schema, tmp_path) as opened:
        db = opened()
        columns = ", ".join(f"c{n} varchar(700) CHARACTER SET latin1" for n in range(20))
        mysql_database.execute(
            "DROP TABLE wide",
            "SET innodb_strict_mode = 0",
            f"CREATE TABLE wide (id int PRIMARY KEY, {columns}) ROW_FORMAT=COMPACT",
        )
        db.close()
        other = Database.open(mysql_database.url, buffer=str(tmp_path / "other"))
        try:
            full = {f"c{n}": "x" * 700 for n in range(20)}
            other.buffer["wide"].insert([{"id": 1, "c0": "x"}, {"id": 2, **full}, {"id": 3}])
            assert brought_in(other) == (2, 1, 0)
            assert "too large" in other.buffer.dead_letters()[0].error
        finally:
            other.close()


def test_a39_w10_what_a_packet_does_not_hold_is_parted_or_put_aside(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    """A server whose packet is small hangs up on what is longer, and says nothing of use."""
    schema = {
        "notes": """
columns:
  id:   {type: integer, primary: true}
  text: {type: text, text_type: mediumtext}
  raw:  {type: longblob}
"""
    }
    with openings(mysql_database.url, schema, tmp_path) as opened:
        db = opened()
        notes = db.buffer["notes"]
        running = db.buffer._start()
        conn = running.flusher.session.connection()
        conn.info[buffering._PACKET] = 100_000
        notes.insert([{"id": n, "text": "x" * 30_000} for n in range(10)])
        assert brought_in(db) == (10, 0, 0)
        for n in range(10):
            notes.where(n).update(text="y" * 30_000)
        assert brought_in(db) == (10, 0, 0)
        assert {row.text[0] for row in db.table("notes").all()} == {"y"}
        notes.insert([{"id": 20, "raw": b"\xff" * 60_000}, {"id": 21, "text": "z"}])
        assert brought_in(db) == (1, 1, 0)
        assert "max_allowed_packet" in db.buffer.dead_letters()[0].error
        assert db.buffer.retry_dead_letters().refused == 1
        assert db.buffer.retry_dead_letters().applied == 1


def test_w5_what_could_never_get_in_is_not_taken(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    """Neither it nor its dead letter fits into a packet of this server."""
    schema = {"notes": "columns:\n  id: {type: integer, primary: true}\n  raw: {type: longblob}\n"}
    with openings(mysql_database.url, schema, tmp_path) as opened:
        db = opened()
        longest = db.buffer._table("notes").longest
        assert longest is not None
        raw = b"x" * longest
        notes = db.buffer["notes"]
        with pytest.raises(RowRefused, match="max_allowed_packet") as caught:
            notes.insert([{"id": 1, "raw": b"y"}, {"id": 2, "raw": raw}])
        assert caught.value.position == 1
        with pytest.raises(RowRefused, match="max_allowed_packet"):
            notes.insert({"id": 2, "raw": raw})
        with pytest.raises(RowRefused, match="max_allowed_packet"):
            notes.where(1).update(raw=raw)
        notes.insert({"id": 3, "raw": raw[: longest // 5]})
        assert brought_in(db) == (1, 0, 0)


def test_a_key_that_ends_in_a_blank_is_refused(opened: Opened) -> None:
    """MySQL takes it for the one without, and the lane would wait for ever."""
    db = opened()
    with pytest.raises(RowRefused, match="blank"):
        db.buffer["parents"].insert({"id": 1}, idempotency_key="a ")
    assert brought_in(db) == (0, 0, 0)


def test_a_lane_that_waits_for_a_key_says_so_and_goes_on(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = opened()
    real = once._write_down

    def contended(*_: Any) -> None:
        raise once.Contended("an idempotency key is being written by another flusher")

    monkeypatch.setattr(once, "_write_down", contended)
    db.buffer["parents"].insert({"id": 1}, idempotency_key="a")
    answer = db.buffer.flush()
    assert answer.pending == 1
    assert "idempotency key" in answer.paused["kids"]
    monkeypatch.setattr(once, "_write_down", real)
    assert brought_in(db) == (1, 0, 0)


def test_acknowledged_by_the_database_what_it_refused_is_an_error(opened: Opened) -> None:
    db = opened()
    events = db.buffer["events"]
    events.insert({"id": 1, "n": 1}, acknowledge="db")
    rows = [{"id": 2, "n": 2}, {"id": 3, "n": 3000}, {"id": 1, "n": 4}]
    with pytest.raises(BufferedRowRefused) as caught:
        events.insert(rows, acknowledge="db")
    assert (caught.value.table, caught.value.position) == ("events", 1)
    assert caught.value.letters == tuple(one.seq for one in db.buffer.dead_letters()) == (3, 4)
    assert len(caught.value.problems) == 2
    assert ids(db, "events") == [1, 2]
    events.insert({"id": 5, "n": 5}, acknowledge="db")
    with pytest.raises(BufferedRowRefused, match="no row with this key"):
        events.where(99).increment("n", acknowledge="db", idempotency_key="k")
    with pytest.raises(BufferedRowRefused, match="retry_dead_letters"):
        events.where(5).update(n=5000, acknowledge="db")


def test_w11_a_dead_letter_that_lands_invalidates_what_was_cached(opened: Opened) -> None:
    db = opened(cache="memory")
    db.buffer["events"].where(7).increment("n", 5)
    assert brought_in(db) == (0, 1, 0)
    db.table("events").insert({"id": 7, "n": 1})
    cached = db.table("events").cache(60)
    assert [row.n for row in cached.all()] == [1]
    assert [row.n for row in cached.all()] == [1]
    assert db.cache.stats().hits == 1
    assert db.buffer.retry_dead_letters().applied == 1
    assert [row.n for row in cached.all()] == [6]


def test_a_database_that_is_away_refuses_no_dead_letter(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = opened()
    db.buffer["kids"].insert({"id": 1, "pid": 1})
    assert brought_in(db) == (0, 1, 0)

    def gone(*_: Any) -> None:
        raise OperationalError("INSERT", {}, AWAY[db.engine.dialect.name])

    monkeypatch.setattr(letters, "apply", gone)
    with pytest.raises(OperationalError):
        db.buffer.retry_dead_letters()
    assert len(db.buffer.dead_letters()) == 1


LANGUAGES = {
    "tsquery": ("a & (", "'a' & 'b'"),
    "tsvector": ("'a", "'a' 'b'"),
    "jsonpath": ("$.[", '$."a"'),
    "regclass": ("nosuch", "pg_class"),
}


@pytest.mark.parametrize("type_", LANGUAGES)
def test_a_value_that_only_its_type_can_read_is_put_aside(
    postgresql_database: LiveDatabase, tmp_path: Path, type_: str
) -> None:
    """PostgreSQL's 42601 and 42P01, which else say that a statement or table is wrong."""
    bad, good = LANGUAGES[type_]
    column = f"{{type: {{postgresql: {type_}}}}}"
    schema = {"odd": f"columns:\n  id: {{type: integer, primary: true}}\n  q: {column}\n"}
    with openings(postgresql_database.url, schema, tmp_path) as opened:
        db = opened()
        db.buffer["odd"].insert({"id": 1, "q": bad})  # by itself: no other tells whose fault it is
        assert brought_in(db) == (0, 1, 0)
        db.buffer["odd"].insert([{"id": n, "q": good} for n in range(2, 9)])
        for number in range(2, 9):
            db.buffer["odd"].where(number).update(q=bad if number == 5 else None)
        assert brought_in(db) == (13, 1, 0)
        assert postgresql_database.execute("SELECT id FROM odd WHERE q IS NOT NULL") == [(5,)]
        assert len(db.buffer.dead_letters()) == 2


def test_what_an_index_on_an_expression_refuses_is_put_aside(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    """MySQL's 3751; MariaDB has computed columns for it."""
    schema = {"docs": "columns:\n  id: {type: integer, primary: true}\n  j: {type: json}\n"}
    with openings(mysql_database.url, schema, tmp_path) as opened:
        db = opened()
        _ = db.buffer["docs"]
        value = "CAST(json_unquote(json_extract(j, '$.n')) AS UNSIGNED)"
        column = f"ADD COLUMN c BIGINT AS ({value}) STORED, ADD INDEX ix (c)"
        change = column if mysql_database.server.is_mariadb else f"ADD INDEX ix (({value}))"
        mysql_database.execute(f"ALTER TABLE docs {change}")
        db.buffer["docs"].insert([{"id": 1, "j": {"n": "abc"}}, {"id": 2, "j": {"n": "1"}}])
        assert brought_in(db) == (1, 1, 0)
        assert ids(db, "docs") == [2]


@pytest.mark.parametrize("others", [0, 3])
def test_a_fault_of_one_row_that_looks_like_one_of_the_table_stops_nothing(
    mysql_database: LiveDatabase, tmp_path: Path, others: int
) -> None:
    """A trigger that meets a missing table: where others of the kind get by, it is the row's."""
    with openings(mysql_database.url, SCHEMA, tmp_path) as opened:
        db = opened()
        _ = db.buffer["events"]
        mysql_database.execute(
            "CREATE TRIGGER t BEFORE INSERT ON events FOR EACH ROW "
            "IF new.n = 7 THEN INSERT INTO nosuch VALUES (1); END IF"
        )
        rows = [{"id": n, "n": 1} for n in range(others)]
        db.buffer["events"].insert([{"id": 98, "n": 7}, *rows, {"id": 99, "n": 7}])
        answer = db.buffer.flush()
        found = (answer.rows, answer.dead, answer.pending)
        assert found == ((others, 2, 0) if others else (0, 0, 2))


def test_so_it_is_after_batches_that_were_too_slow(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    """Alone in its batch the row cannot be told from the table: it would wait for ever."""
    with openings(mysql_database.url, SCHEMA, tmp_path) as opened:
        db = opened()
        running = db.buffer._start()
        mysql_database.execute(
            "CREATE TRIGGER t BEFORE INSERT ON events FOR EACH ROW "
            "IF new.n = 7 THEN INSERT INTO nosuch VALUES (1); END IF"
        )
        own = running.flusher.own
        assert own is not None
        own.lane("events").most = 1
        db.buffer["events"].insert([{"id": n, "n": 7 if n == 0 else 1} for n in range(4)])
        assert db.buffer.flush().pending == 4
        assert brought_in(db) == (3, 1, 0)


def test_where_all_of_a_kind_fail_alike_the_table_is_at_fault(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    with openings(mysql_database.url, SCHEMA, tmp_path) as opened:
        db = opened()
        _ = db.buffer["events"]
        mysql_database.execute(
            "CREATE TRIGGER t BEFORE INSERT ON events FOR EACH ROW INSERT INTO nosuch VALUES (1)"
        )
        db.buffer["events"].insert([{"id": n, "n": 1} for n in range(500)])
        answer = db.buffer.flush()
        assert (answer.rows, answer.dead, answer.pending) == (0, 0, 500)
        assert "nosuch" in answer.paused["events"]
        mysql_database.execute("DROP TRIGGER t")
        assert db.buffer.flush().rows == 500


def test_rows_without_what_a_table_has_come_to_need_are_put_aside(
    mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    """MySQL's 1364; the other servers say that it must not be NULL."""
    with openings(mysql_database.url, SCHEMA, tmp_path) as opened:
        db = opened()
        db.buffer["parents"].insert({"id": 1})
        assert brought_in(db) == (1, 0, 0)
        mysql_database.execute("ALTER TABLE parents ADD COLUMN must INT NOT NULL")
        db.buffer["parents"].insert({"id": 2})
        assert brought_in(db) == (0, 1, 0)
        assert "must" in db.buffer.dead_letters()[0].error


def test_rows_land_in_a_table_with_policies(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """COPY is refused there, and the lane stood still."""
    url = sa.make_url(postgresql_database.url)
    role = f"{url.database}_u"
    with openings(postgresql_database.url, SCHEMA, tmp_path) as opened:
        opened().buffer["events"].insert({"id": 1, "n": 1}, acknowledge="db")
        for statement in (
            f"CREATE ROLE {role} LOGIN",
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}",
            "ALTER TABLE events ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY p ON events USING (true) WITH CHECK (n < 10)",
        ):
            postgresql_database.execute(statement)
        guarded = url.set(username=role).render_as_string(hide_password=False)
        options = BufferOptions(folder=tmp_path / "another", interval=3600.0)
        try:
            with Database.open(guarded, schema=tmp_path / "schema", buffer=options) as db:
                odd = {"id": 2, "n": 2, "text": "a\t\\N%s\n"}
                db.buffer["events"].insert([odd, {"id": 3, "n": 50}, {"id": 4, "n": 4}])
                db.buffer["events"].where(2).increment(n=1)
                assert brought_in(db) == (3, 1, 0)
                rows = postgresql_database.execute("SELECT id, n, text FROM events ORDER BY id")
                assert rows == [(1, 1, None), (2, 3, odd["text"]), (4, 4, None)]
                assert "row-level security" in db.buffer.dead_letters()[0].error
        finally:
            postgresql_database.execute(f"DROP OWNED BY {role}")
            postgresql_database.execute(f"DROP ROLE {role}")


def test_refused_again_each_letter_is_counted_by_itself(opened: Opened) -> None:
    """The first rows of two tables were one; and nobody else could flush meanwhile."""
    db = opened()
    for table, row in (("parents", {"id": 1}), ("events", {"id": 1, "n": 1})):
        db.table(table).insert(row)
        db.buffer[table].insert(row)
    assert brought_in(db) == (0, 2, 0)
    flusher = db.buffer._start().flusher
    turns: list[int] = []

    class Turn:
        def __enter__(self) -> None:
            turns.append(flusher.session.made)

        def __exit__(self, *_: object) -> None:
            return None

    found = letters.retried(flusher.session, flusher.ground, db.buffer.dead_letters(), Turn())
    assert (found.applied, found.refused, len(found.refusals)) == (0, 2, 2)
    assert len(turns) > 1  # others have theirs between
    assert set(turns) == {1}  # all by one connection
    assert db.buffer.retry_dead_letters().refused == 2


def test_a_flush_is_one_transaction_whatever_the_url_says(
    database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With autocommit the position was moved by itself: a row was lost when the server went."""
    url = sa.make_url(database.url)
    if database.family != "sqlite":
        url = url.update_query_dict({"autocommit": "1"})
    with openings(url.render_as_string(hide_password=False), SCHEMA, tmp_path) as opened:
        db = opened()
        db.buffer["parents"].insert({"id": 1})
        assert brought_in(db) == (1, 0, 0)

        def gone(*_: Any) -> None:
            raise ConnectionError("the connection broke behind the ledger's UPDATE")

        with monkeypatch.context() as patched:
            patched.setattr("odac_db.buffer.flush.apply", gone)
            db.buffer["parents"].insert({"id": 2})
            assert db.buffer.flush().pending == 1
        assert brought_in(db) == (1, 0, 0)
        assert ids(db, "parents") == [1, 2]


def test_sums_of_decimals_are_exact_whatever_the_thread_rounds_to(
    database: LiveDatabase, tmp_path: Path
) -> None:
    """They were rounded to 28 digits, or to the decimal context of whoever flushed."""
    column = "{type: decimal, precision: 38, scale: 18, nullable: false, default: 0}"
    schema = {"sums": f"columns:\n  id: {{type: integer, primary: true}}\n  a: {column}\n"}
    parts = ["123456789012345.000000000000000001", "0.000000000000000001"]
    if database.family == "sqlite":  # which keeps fifteen digits of a decimal
        parts = ["1234567.25", "1234567.25"]
    with openings(database.url, schema, tmp_path) as opened, localcontext() as context:
        context.prec = 6
        db = opened()
        db.table("sums").insert({"id": 1})
        sums = db.buffer["sums"].where(1)
        for part in parts:
            sums.increment("a", Decimal(part))
        total = Fraction(parts[0]) + Fraction(parts[1])
        assert Fraction(sums.get("a")) == total
        assert brought_in(db) == (2, 0, 0)
        assert Fraction(sums.get("a")) == total
        assert Fraction(str(database.execute("SELECT a FROM sums")[0][0])) == total


def test_an_error_that_is_not_the_servers_refuses_no_row(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's answers took it for a fault of the table, and then of the row."""
    db = opened()
    db.buffer["parents"].insert([{"id": 1}, {"id": 2}])

    def broken(*_: Any) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("odac_db.buffer.flush.apply", broken)
        answer = db.buffer.flush()
    assert (answer.rows, answer.dead, answer.pending) == (0, 0, 2)
    assert brought_in(db) == (2, 0, 0)


def test_a_trial_that_ends_for_nobodys_fault_finds_no_row_at_fault(
    opened: Opened, database: LiveDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was taken for one that got by, and so the fault of the table for the rows'."""
    db = opened()
    database.execute("ALTER TABLE parents RENAME TO elsewhere")
    db.buffer["parents"].insert([{"id": 1}, {"id": 2}])
    tried = faults.apply
    trials: list[object] = []

    def lost_at_first(*given: Any) -> None:
        trials.append(given)
        if len(trials) == 1:
            raise ConnectionError
        tried(*given)

    with monkeypatch.context() as patch:
        patch.setattr(faults, "apply", lost_at_first)
        answer = db.buffer.flush()
    assert trials
    assert (answer.rows, answer.dead, answer.pending) == (0, 0, 2)
    database.execute("ALTER TABLE elsewhere RENAME TO parents")
    assert brought_in(db) == (2, 0, 0)
