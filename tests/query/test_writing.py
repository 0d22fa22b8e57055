"""Writing: insert, upsert, update, increment, delete, and what they return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, func

from odac_db import ConstraintViolation, Database, QueryRefused
from tests.behaviours.test_transactions import undone
from tests.query.site import values_of


def test_an_insert_gives_the_key(db: Database) -> None:
    first = db.slugs.insert({"slug": "a"})
    assert db.slugs.insert({"slug": "b"}) == first + 1
    assert db.users.insert({"id": "ada", "name": "Ada"}) == "ada"
    assert db.members.insert({"team": 1, "person": "ada"}) == (1, "ada")
    assert db.notes.insert({"a": 1}) is None
    assert db.slugs.get(first) == (first, "a", 0)


def test_several_rows_are_inserted_all_or_none(db: Database) -> None:
    assert db.slugs.insert([{"slug": "a"}, {"slug": "b", "hits": 2}, {}, {"slug": "c"}]) == 4
    found = db.slugs.order_by("id").select("slug", "hits").all()
    assert values_of(found) == [("a", 0), ("b", 2), (None, 0), ("c", 0)]
    assert db.slugs.insert([]) == 0
    with pytest.raises(ConstraintViolation):
        db.slugs.insert([{"slug": "d"}, {"slug": "e", "hits": 1}, {"slug": "a"}])
    assert db.slugs.count() == 4
    with db.transaction() as tx:
        with pytest.raises(ConstraintViolation):
            tx.slugs.insert([{"slug": "d"}, {"slug": "a"}])
        assert tx.slugs.insert([{"slug": "e"}, {"slug": "f"}]) == 2
    assert db.slugs.count() == 6


def test_values_may_be_expressions(db: Database) -> None:
    db.slugs.insert({"slug": func.lower("ABC"), "hits": 3})
    db.slugs.insert([{"slug": func.lower("X"), "hits": 1}, {"slug": "y", "hits": 1}])
    slugs = db.slugs
    assert slugs.where(slug="abc").update(hits=slugs.c.hits * 2, slug=func.upper(slugs.c.slug)) == 1
    assert slugs.order_by("id").pluck("hits") == [6, 1, 1]


@pytest.mark.parametrize("rows", [5, "slug", None, [5], {1, 2}])
def test_what_is_no_row_is_refused(db: Database, rows: Any) -> None:
    with pytest.raises(QueryRefused, match="mapping of columns"):
        db.slugs.insert(rows)


def test_a_row_that_is_there_is_left_out(db: Database) -> None:
    key = db.slugs.insert({"slug": "a", "hits": 1}, on_conflict="ignore")
    assert db.slugs.where(slug="a").pluck("id") == [key]
    assert db.slugs.insert({"slug": "a", "hits": 2}, on_conflict="ignore") is None
    rows: list[dict[str, Any]] = [
        {"slug": "a"},
        {"slug": "b"},
        {"slug": "b"},
        {"slug": "c", "hits": 5},
    ]
    assert db.slugs.insert(rows, on_conflict="ignore") == 2
    found = db.slugs.order_by("slug").select("slug", "hits").all()
    assert values_of(found) == [("a", 1), ("b", 0), ("c", 5)]


def test_only_taken_keys_are_ignored(db: Database) -> None:
    with pytest.raises(ConstraintViolation) as violated:
        db.posts.insert({"title": "a", "author_id": "nobody"}, on_conflict="ignore")
    assert violated.value.kind == "foreign_key"
    with pytest.raises(ConstraintViolation) as violated:
        db.posts.insert([{"title": None}, {"title": "b"}], on_conflict="ignore")
    assert violated.value.kind == "not_null"
    assert db.posts.count() == 0


def test_an_upsert_inserts_or_updates(db: Database) -> None:
    db.members.upsert({"team": 1, "person": "ada", "role": "x"})
    db.members.upsert([{"team": 1, "person": "ada", "role": "y"}, {"team": 2, "person": "ada"}])
    assert db.members.order_by("team").pluck("role") == ["y", None]
    db.members.upsert({"team": 1, "person": "ada"})
    assert db.members.get(1, "ada") == (1, "ada", "y")


def test_an_upsert_by_a_unique_key(db: Database) -> None:
    ada = db.users.insert({"name": "Ada", "age": 1})
    db.users.upsert([{"name": "Ada", "age": 2}, {"name": "Bob", "age": 3}], key="name")
    assert db.users.where(name="Ada").all() == [(ada, "Ada", 2)]
    assert len(db.users.where(name="Bob").pluck("id")[0]) == 21
    db.slugs.upsert({"slug": "s", "hits": 1}, key=["slug"], update=[])
    db.slugs.upsert({"slug": "s", "hits": 9}, key=["slug"], update=[])
    assert db.slugs.pluck("hits") == [1]
    db.slugs.upsert({"slug": "s", "hits": 9}, key=["slug"], update=["hits"])
    assert db.slugs.pluck("hits") == [9]
    db.users.upsert([], key="name")


def test_an_upsert_of_many_is_in_their_order(db: Database) -> None:
    """Of rows with one key the last one counts; a column that is not given is left alone."""
    rows: list[dict[str, Any]] = [{"slug": f"s{n % 100}", "hits": n} for n in range(300)]
    db.slugs.upsert([*rows, {"slug": "s7"}, {"slug": "new"}], key="slug")
    found = {row.slug: row.hits for row in db.slugs.all()}
    assert found == {f"s{n}": 200 + n for n in range(100)} | {"new": 0}
    named: list[dict[str, Any]] = [
        {"id": "ada", "name": "Ada"},
        {"name": "Ada", "age": 3},
        {"name": "Bob", "age": 4},
    ]
    db.users.upsert(named, key="name")
    assert db.users.where(name="Ada").all() == [("ada", "Ada", 3)]
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, sql: str, *_: Any) -> None:
        statements.append(sql)

    event.listen(db.engine, "before_cursor_execute", note)
    db.members.upsert([{"team": n, "person": "ada", "role": "x"} for n in range(100)])
    assert db.members.where(role="x").count() == 100
    assert len([sql for sql in statements if sql.startswith("INSERT")]) == 1


def test_an_upsert_never_changes_the_row_of_another_key(db: Database) -> None:
    db.users.insert([{"id": "ada", "name": "Ada", "age": 1}, {"id": "bob", "name": "Bob"}])
    with pytest.raises(ConstraintViolation):
        db.users.upsert({"id": "ada", "name": "Eve", "age": 2}, key="name")
    with pytest.raises(ConstraintViolation):
        db.users.upsert([{"id": "new", "name": "New"}, {"id": "bob", "name": "Ada"}], key="id")
    rows = db.users.order_by("id").all()
    assert values_of(rows) == [("ada", "Ada", 1), ("bob", "Bob", None)]


def test_an_upsert_needs_a_key(db: Database) -> None:
    with pytest.raises(QueryRefused, match=r"\(age\) is no unique key of users.*id.*name"):
        db.users.upsert({"name": "Ada", "age": 1}, key="age")
    with pytest.raises(QueryRefused, match="no value for name"):
        db.users.upsert({"age": 1}, key="name")
    with pytest.raises(QueryRefused, match="no unique key of notes"):
        db.notes.upsert({"a": 1})
    with pytest.raises(QueryRefused, match="column to update"):
        db.users.upsert({"name": "Ada"}, key="name", update=["age"])


def test_an_update_tells_how_many_rows_it_met(db: Database) -> None:
    db.slugs.insert([{"slug": "a", "hits": 1}, {"slug": "b", "hits": 2}])
    assert db.slugs.where(hits__gt=0).update(hits=2) == 2
    assert db.slugs.where(slug="a").update({"slug": "c"}, hits=None) == 1
    assert db.slugs.where(slug="a").update(hits=9) == 0
    assert db.slugs.all_rows().update(hits=7) == 2
    assert values_of(db.slugs.order_by("slug").select("slug", "hits").all()) == [("b", 7), ("c", 7)]


def test_counters_add_up(db: Database) -> None:
    db.slugs.insert([{"slug": "a", "hits": 1}, {"slug": "b", "hits": None}])
    assert db.slugs.where(slug="a").increment("hits") == 1
    assert db.slugs.where(slug__in=["a", "b"]).increment("hits", 5) == 2
    assert db.slugs.where(slug="a").increment("hits", -2) == 1
    assert db.slugs.where(slug="z").increment("hits") == 0
    assert db.slugs.order_by("slug").pluck("hits") == [5, 5]
    for wrong in ("5", True, None):
        with pytest.raises(QueryRefused, match="adds a number"):
            db.slugs.where(slug="a").increment("hits", wrong)
    with pytest.raises(QueryRefused, match="whole numbers"):
        db.slugs.where(slug="a").increment("hits", 0.5)


def test_a_delete_tells_how_many_rows_there_were(db: Database) -> None:
    db.slugs.insert([{"slug": one} for one in "abcd"])
    assert db.slugs.where(slug="a").delete() == 1
    assert db.slugs.where(slug="a").delete() == 0
    assert db.slugs.where(slug__like="%").or_where(slug=None).delete() == 3


WHOLE: dict[str, Callable[[Any], Any]] = {
    "update": lambda query: query.update(hits=1),
    "delete": lambda query: query.delete(),
    "increment": lambda query: query.increment("hits"),
    "update, returning": lambda query: query.returning("id").update(hits=1),
    "delete, returning": lambda query: query.returning("id").delete(),
}


@pytest.mark.parametrize("verb", WHOLE)
def test_what_would_meet_every_row_is_refused_until_it_is_said(db: Database, verb: str) -> None:
    db.slugs.insert([{"slug": "a"}, {"slug": "b"}])
    change = WHOLE[verb]
    for query in (db.slugs, db.slugs.where(), db.slugs.where(), db.slugs.or_where()):
        with pytest.raises(QueryRefused, match="all_rows"):
            change(query)
    for query in (
        db.slugs.where(id=1).limit(1),
        db.slugs.where(id=1).offset(1),
        db.posts.join("users").where(id=1),
    ):
        with pytest.raises(QueryRefused, match="and nothing else"):
            change(query)
    assert db.slugs.where(hits=0).count() == 2
    change(db.slugs.all_rows())
    assert db.slugs.where(hits=0).count() == 0


def test_an_update_without_values_is_refused(db: Database) -> None:
    with pytest.raises(QueryRefused, match="update needs values"):
        db.slugs.where(id=1).update()


def test_written_rows_are_returned(db: Database) -> None:
    row = db.slugs.returning("slug", n="hits").insert({"slug": "a"})
    assert row._asdict() == {"slug": "a", "n": 0}
    rows = db.slugs.returning("slug", "hits").insert(
        [{"slug": "b"}, {"slug": "c", "hits": 3}, {"slug": "d", "hits": 4}, {"hits": 5}]
    )
    assert values_of(rows) == [("b", 0), ("c", 3), ("d", 4), (None, 5)]
    changed = db.slugs.where(hits__gte=3).returning("slug", "hits").update(hits=9)
    assert sorted(values_of(changed), key=repr) == [("c", 9), ("d", 9), (None, 9)]
    assert values_of(db.slugs.where(slug="a").returning("hits").increment("hits", 2)) == [(2,)]
    gone = db.slugs.where(slug__in=["a", "b"]).returning("*").delete()
    assert sorted(row.slug for row in gone) == ["a", "b"]
    assert db.slugs.where(slug="z").returning("id").delete() == []
    assert db.slugs.where(slug="z").returning("id").update(hits=1) == []
    assert db.slugs.count() == 3
    assert db.slugs.returning("id").insert([]) == []


def test_upserted_rows_are_returned_as_they_are(db: Database) -> None:
    first = db.users.returning("id", "age").upsert({"name": "Ada", "age": 1}, key="name")
    again = db.users.returning("id", "age").upsert(
        [{"name": "Bob", "age": 5}, {"name": "Ada", "age": 2}], key="name"
    )
    assert values_of(again) == [(again[0].id, 5), (first.id, 2)]


def test_many_rows_are_returned_in_their_order(db: Database) -> None:
    rows = [{"slug": f"s{n}", "hits": n} for n in range(300, 0, -1)]
    found = db.slugs.returning("id", "hits").insert(rows)
    assert [row.hits for row in found] == list(range(300, 0, -1))
    changed = db.slugs.where(hits__gt=0).returning("id").update(hits=0)
    assert len(changed) == 300
    codes = db.codes.returning("id", "label").insert([{"label": str(n)} for n in range(40)])
    assert [row.label for row in codes] == [str(n) for n in range(40)]
    assert {row.id for row in codes} == set(db.codes.pluck("id"))


def test_a_refused_returning_write_changes_nothing(db: Database) -> None:
    with pytest.raises(ConstraintViolation):
        db.slugs.returning("id").insert([{"slug": "a"}, {"slug": "a", "hits": 1}])
    assert db.slugs.count() == 0


def test_a_write_is_part_of_the_transaction(db: Database) -> None:
    with undone(db) as tx:
        tx.slugs.insert([{"slug": "a"}, {"slug": "b"}])
        db.slugs.upsert({"slug": "a", "hits": 5}, key="slug")
        assert db.slugs.order_by("slug").pluck("hits") == [5, 0]
        tx.slugs.returning("id").insert({"slug": "c"})
    assert db.slugs.count() == 0


def test_a_violation_has_its_code(db: Database) -> None:
    db.posts.insert({"title": "a"})
    with pytest.raises(ConstraintViolation) as violated:
        db.posts.where(title="a").update(views=-1)
    assert violated.value.code == "VIEWS_NEGATIVE"
