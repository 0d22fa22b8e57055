"""Behaviours 80 to 127, one by one; ``test_buffer`` has them in groups, on every server."""

from __future__ import annotations

import string
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from odac_db import Database
from odac_db.buffer.table import BufferedRow
from odac_db.dialects.sqlite import buffering
from tests.behaviours.test_buffer import SCHEMA
from tests.fixtures.buffers import Opened, dies, openings
from tests.fixtures.databases import LiveDatabase


@pytest.fixture
def opened(sqlite_database: LiveDatabase, tmp_path: Path) -> Iterator[Opened]:
    with openings(sqlite_database.url, SCHEMA, tmp_path) as opened:
        yield opened


@pytest.fixture
def db(opened: Opened) -> Database:
    made = opened()
    made.table("posts").insert([{"id": 1, "views": 5, "title": "a"}, {"id": 2, "views": 9}])
    made.table("stats").insert({"day": 1, "site": "x", "hits": 1})
    return made


def post(db: Database, id_: int = 1) -> BufferedRow:
    return db.buffer["posts"].where(id_)


def stored(db: Database, name: str, id_: int = 1) -> Any:
    (found,) = db.table("posts").where(id=id_).all()
    return found[name]


def test_b80_the_first_addition_gives_what_is_there_and_one(db: Database) -> None:
    post(db).increment("views")
    assert post(db).get("views") == 6


def test_b81_additions_add_up(db: Database) -> None:
    for _ in range(4):
        post(db).increment("views")
    assert post(db).get("views") == 9


def test_b82_any_number_is_added(db: Database) -> None:
    post(db).increment("views", 10)
    post(db).increment("views", -3)
    assert post(db).get("views") == 12


def test_b83_columns_are_independent(db: Database) -> None:
    post(db).increment("views")
    post(db).increment("likes", 2)
    assert (post(db).get("views"), post(db).get("likes")) == (6, 2)


def test_b84_rows_are_independent(db: Database) -> None:
    post(db, 1).increment("views")
    assert (post(db, 1).get("views"), post(db, 2).get("views")) == (6, 9)


def test_b85_a_key_of_several_columns_counts(db: Database) -> None:
    db.buffer["stats"].where(day=1, site="x").increment("hits", 4)
    assert db.buffer["stats"].where({"site": "x", "day": 1}).get("hits") == 5


def test_b86_a_row_yet_to_come_counts_from_0(db: Database) -> None:
    """One that never comes is a dead letter: odac answered with what it then threw away."""
    db.buffer["posts"].insert({"id": 3})
    post(db, 3).increment("views", 2)
    post(db, 99).increment("views", 2)
    assert (post(db, 3).get("views"), post(db, 99).get("views")) == (2, 0)
    assert db.buffer.flush().dead == 1
    assert stored(db, "views", 3) == 2


def test_b87_get_of_what_is_not_buffered_is_what_is_there(db: Database) -> None:
    assert post(db).get("views") == 5


def test_b88_get_is_what_is_there_and_what_comes(db: Database) -> None:
    post(db).increment("views", 2)
    db.table("posts").where(id=1).update(views=50)  # w7: it is asked, not remembered
    assert post(db).get("views") == 52


def test_b89_get_of_no_row_is_0(db: Database) -> None:
    assert post(db, 99).get("views") == 0


def test_b90_an_update_leaves_the_other_columns(db: Database) -> None:
    post(db).update(title="b")
    db.buffer.flush()
    assert (stored(db, "title"), stored(db, "views"), stored(db, "state")) == ("b", 5, "draft")


def test_b91_the_last_value_wins(db: Database) -> None:
    for title in ("b", "c", "d"):
        post(db).update(title=title)
    db.buffer.flush()
    assert stored(db, "title") == "d"


def test_b92_updates_of_different_columns_are_one(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(db).update(title="b")
    post(db).update(state="live")
    changes: list[Any] = []
    whole = buffering._many

    def noted(*given: Any) -> int:
        changes.append(given)
        return whole(*given)

    monkeypatch.setattr(buffering, "_many", noted)
    db.buffer.flush()
    assert (stored(db, "title"), stored(db, "state")) == ("b", "live")
    assert len(changes) == 1


def test_b93_updates_of_rows_are_independent(db: Database) -> None:
    post(db, 1).update(title="b")
    post(db, 2).update(title="c")
    db.buffer.flush()
    assert (stored(db, "title", 1), stored(db, "title", 2)) == ("b", "c")


def test_b94_a_key_of_several_columns_is_updated(db: Database) -> None:
    db.buffer["stats"].where(day=1, site="x").update(hits=40)
    db.buffer.flush()
    assert [row.hits for row in db.table("stats").all()] == [40]


def test_b95_a_call_that_returns_was_taken(db: Database) -> None:
    post(db).update(title="b")
    assert db.buffer.status().pending == 1


def test_b96_no_update_is_left_after_a_flush(db: Database) -> None:
    post(db).update(title="b")
    assert db.buffer.flush().pending == 0
    assert db.buffer.flush().rows == 0


def test_b97_a_row_is_added_to_and_updated_in_one_flush(db: Database) -> None:
    post(db).increment("views", 2)
    post(db).update(title="b")
    db.buffer.flush()
    assert (stored(db, "views"), stored(db, "title")) == (7, "b")
    assert db.buffer.status().transactions == 1


def test_b98_tables_are_independent(db: Database) -> None:
    post(db).increment("views")
    db.buffer["stats"].where(day=1, site="x").increment("hits")
    db.buffer.flush()
    assert (stored(db, "views"), [row.hits for row in db.table("stats").all()]) == (6, [2])


def test_b99_a_flush_of_one_table_leaves_the_others(db: Database) -> None:
    post(db).increment("views")
    db.buffer["stats"].where(day=1, site="x").increment("hits")
    assert db.buffer["posts"].flush().pending == 1
    assert (stored(db, "views"), [row.hits for row in db.table("stats").all()]) == (6, [1])


def test_b100_nothing_is_written_before_a_flush(db: Database) -> None:
    post(db).increment("views")
    assert stored(db, "views") == 5


def test_b101_what_is_added_reaches_the_database(db: Database) -> None:
    post(db).increment("views", 7)
    assert (db.buffer.flush().rows, stored(db, "views")) == (1, 12)


def test_b102_several_columns_of_a_row(db: Database) -> None:
    post(db).increment(views=1, likes=5)
    db.buffer.flush()
    assert (stored(db, "views"), stored(db, "likes")) == (6, 5)


def test_b103_no_addition_is_left_after_a_flush(db: Database) -> None:
    post(db).increment("views")
    assert (db.buffer.flush().pending, db.buffer.flush().rows, stored(db, "views")) == (0, 0, 6)


def test_b104_get_right_after_a_flush(db: Database) -> None:
    post(db).increment("views")
    db.buffer.flush()
    assert post(db).get("views") == 6


def test_b105_additions_go_on_after_a_flush(db: Database) -> None:
    post(db).increment("views")
    db.buffer.flush()
    post(db).increment("views")
    assert (post(db).get("views"), stored(db, "views")) == (7, 6)


def test_b106_a_flush_of_one_table_is_its_own(db: Database) -> None:
    post(db).update(title="b")
    assert db.buffer["stats"].flush().rows == 0
    assert db.buffer["posts"].flush().rows == 1
    assert stored(db, "title") == "b"


def test_b107_rows_go_in_as_they_came(db: Database) -> None:
    for n in range(50):
        db.buffer["events"].insert({"n": n})
    db.buffer.flush()
    rows = db.execute(text("SELECT n FROM events ORDER BY rowid")).all()
    assert [n for (n,) in rows] == list(range(50))


def test_b108_no_row_is_left_after_a_flush(db: Database) -> None:
    db.buffer["events"].insert([{"n": 1}, {"n": 2}])
    assert (db.buffer.flush().pending, db.buffer.flush().rows) == (0, 0)
    assert db.table("events").count() == 2


def test_b109_a_flush_of_nothing_is_fine(db: Database) -> None:
    answer = db.buffer.flush()
    assert (answer.rows, answer.dead, answer.pending) == (0, 0, 0)


def test_b111_to_b117_by_way_of_the_table(db: Database) -> None:
    key = db.events.buffer.insert({"n": 1})  # b116
    db.posts.buffer.where(1).update(title="b")  # b111
    db.posts.buffer.where(1).update(state="live")  # b112
    db.posts.buffer.where(1).increment("views")  # b113
    db.posts.buffer.where(1).increment("views", 4)  # b114
    assert db.posts.buffer.where(1).get("views") == 10  # b115
    assert db.posts.buffer.flush().rows == 4  # b117
    assert db.events.buffer.flush().rows == 1
    assert (stored(db, "title"), stored(db, "state"), stored(db, "views")) == ("b", "live", 10)
    assert db.table("events").all()[0].id == key["id"]


def test_b118_a_row_gets_an_id(db: Database) -> None:
    key = db.buffer["events"].insert({"n": 1})
    assert len(key["id"]) == 21
    assert set(key["id"]) <= set(string.ascii_letters + string.digits)


def test_b119_an_id_that_is_given_is_kept(db: Database) -> None:
    assert db.buffer["events"].insert({"id": "mine", "n": 1}) == {"id": "mine"}
    assert db.buffer["events"].insert({"id": "", "n": 1}) == {"id": ""}  # a42: only None is filled


def test_b120_an_id_of_its_own_length(db: Database) -> None:
    db.buffer["events"].insert({"n": 1})
    db.buffer.flush()
    assert len(db.table("events").all()[0].short) == 8


def test_b121_ids_are_all_different(db: Database) -> None:
    keys = db.buffer["events"].insert([{"n": 1, "id": None} for _ in range(5000)])
    assert len({key["id"] for key in keys}) == 5000


def test_b122_the_journal_holds_what_is_added(db: Database, opened: Opened) -> None:
    post(db).increment("views", 10)
    dies(db)
    (journal,) = [one for one in opened().buffer.journals() if not one.alive]
    assert journal.pending == {"posts": 1}


def test_b123_the_journal_holds_rows(db: Database, opened: Opened) -> None:
    db.buffer["events"].insert([{"n": 1}, {"n": 2}])
    dies(db)
    (journal,) = [one for one in opened().buffer.journals() if not one.alive]
    assert journal.pending == {"events": 2}


def test_b124_what_was_added_is_there_after_a_death(db: Database, opened: Opened) -> None:
    """And counted by ``get`` once it is flushed: other journals are not in it before."""
    post(db).increment("views", 10)
    dies(db)
    other = opened()
    other.buffer.adopt()
    other.buffer.flush()
    assert post(other).get("views") == 15


def test_b125_rows_are_there_after_a_death(db: Database, opened: Opened) -> None:
    db.buffer["events"].insert([{"n": 1}, {"n": 2}])
    dies(db)
    other = opened()
    other.buffer.adopt()
    other.buffer.flush()
    assert sorted(row.n for row in other.table("events").all()) == [1, 2]


def test_b126_what_was_left_and_what_is_new_add_up(db: Database, opened: Opened) -> None:
    post(db).increment("views", 10)
    dies(db)
    other = opened()
    post(other).increment("views", 5)
    other.buffer.adopt()
    other.buffer.flush()
    assert stored(other, "views") == 20


def test_b127_nothing_of_it_is_left_after_a_flush(db: Database, opened: Opened) -> None:
    post(db).increment("views", 10)
    dies(db)
    other = opened(retention=0.0)
    other.buffer.adopt()
    other.buffer.flush()
    running = other.buffer._start()
    with running.flusher.turn:
        running.flusher.tend(at_once=True)
    assert [one.alive for one in other.buffer.journals()] == [True]


def test_a31_w1_an_update_during_a_flush_is_written_by_the_next(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """odac deleted it together with those that it had just read."""
    whole = buffering._many

    def meanwhile(*given: Any) -> int:
        monkeypatch.setattr(buffering, "_many", whole)
        post(db).update(title="new")
        return whole(*given)

    monkeypatch.setattr(buffering, "_many", meanwhile)
    post(db).update(title="old")
    db.buffer.flush()
    db.buffer.flush()
    assert stored(db, "title") == "new"


def test_w3_a_row_that_comes_during_a_flush_is_written_by_the_next(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = buffering._many

    def meanwhile(*given: Any) -> int:
        monkeypatch.setattr(buffering, "_many", whole)
        db.buffer["events"].insert({"n": 2})
        return whole(*given)

    monkeypatch.setattr(buffering, "_many", meanwhile)
    db.buffer["events"].insert({"n": 1})
    db.buffer.flush()
    db.buffer.flush()
    assert sorted(row.n for row in db.table("events").all()) == [1, 2]


def test_a36_w8_a_flush_beside_another_one_waits_for_it_and_says_what_came_of_it(
    db: Database,
) -> None:
    post(db).increment("views")
    running = db.buffer._start()
    running.flusher.turn.acquire()
    answers: list[Any] = []
    other = threading.Thread(target=lambda: answers.append(db.buffer.flush()))
    other.start()
    assert answers == []
    running.flusher.turn.release()
    other.join(20)
    assert [(one.rows, one.pending) for one in answers] == [(1, 0)]


def test_a38_w9_what_is_taken_is_a_copy(db: Database) -> None:
    row = {"n": 1}
    key = db.buffer["events"].insert(row)
    assert row == {"n": 1}
    row["n"] = 7
    db.buffer.flush()
    assert [(one.id, one.n) for one in db.table("events").all()] == [(key["id"], 1)]


def test_a40_w7_null_counts_as_0_and_a_missing_row_is_told(db: Database) -> None:
    post(db).increment("likes", 3)
    post(db, 99).increment("likes", 3)
    assert (post(db).get("likes"), post(db, 99).get("likes")) == (3, 0)
    answer = db.buffer.flush()
    assert (answer.rows, answer.dead) == (1, 1)
    assert "no row with this key" in db.buffer.dead_letters()[0].error
    assert (stored(db, "likes"), post(db).get("likes")) == (3, 3)


def test_w4_what_could_not_be_flushed_stays(db: Database, opened: Opened) -> None:
    with db.engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE events RENAME TO away")
    db.buffer["events"].insert({"n": 1})
    assert db.buffer.flush().pending == 1
    dies(db)
    with db.engine.begin() as conn:
        conn.exec_driver_sql("ALTER TABLE away RENAME TO events")
    other = opened()
    other.buffer.adopt()
    assert other.buffer.flush().pending == 0
    assert other.table("events").count() == 1


def test_d8_dead_letters_are_tried_oldest_first_and_go_with_their_effect(db: Database) -> None:
    events = db.buffer["events"]
    for n in (2001, 2000, 2002):
        events.insert({"id": f"e{n}", "n": n})
    db.buffer.flush()
    assert [one.seq for one in db.buffer.dead_letters()] == [1, 2, 3]
    with db.engine.begin() as conn:  # the first can be applied now, the others cannot
        conn.exec_driver_sql("DROP TABLE events")
        conn.exec_driver_sql(
            "CREATE TABLE events (id TEXT PRIMARY KEY, short TEXT, n INTEGER CHECK (n > 2000))"
        )
    again = db.buffer.retry_dead_letters()
    assert (again.applied, again.refused) == (2, 1)
    assert [one.seq for one in db.buffer.dead_letters()] == [2]
    assert sorted(row.n for row in db.table("events").all()) == [2001, 2002]
