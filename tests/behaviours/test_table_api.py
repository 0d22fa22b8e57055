"""Behaviours 57, 64, 65, 73, 76-78 and 128-146, as far as they are the table API's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from odac_db import ConstraintViolation, Database, nanoid
from tests.behaviours.steps import table
from tests.fixtures.databases import LiveDatabase
from tests.query.site import write

NANOID = {"type": "nanoid", "primary": True}
TABLES = {
    "users": table({"id": NANOID, "email": {"type": "string", "length": 60, "unique": True}}),
    "posts": table(
        {
            "id": NANOID,
            "user_id": {"type": "nanoid", "references": "users.id"},
            "title": "string",
            "views": {"type": "integer", "default": 0},
        }
    ),
    "tokens": table(
        {
            "id": {"type": "nanoid", "primary": True, "length": 10},
            "secret": {"type": "nanoid", "length": 32},
            "label": "string",
        }
    ),
    "plain": table({"id": "increments", "label": "string"}),
}


@pytest.fixture
def db(database: LiveDatabase, tmp_path: Path) -> Iterator[Database]:
    folder = write(tmp_path / "schema", TABLES)
    with Database.open(database.url, schema=folder, migrate=True) as opened:
        yield opened


def identity(query: Any) -> tuple[Any, ...]:
    """What tells a query from others."""
    return query._shape, query._values


def test_b57_b77_different_queries_are_told_apart(db: Database) -> None:
    one = db.posts.where(title="a").select("title")
    assert identity(one) == identity(db.posts.where(title="a").select("title"))
    others = [
        db.posts.where(title="b").select("title"),
        db.posts.where(views=1).select("title"),
        db.posts.where(title="a").select("id"),
        db.posts.where(title="a").select("title").limit(1),
        db.posts.where(title="a"),
    ]
    assert len({identity(query) for query in [one, *others]}) == len(others) + 1


def test_b64_b65_joins_of_three_tables_and_under_other_names(db: Database) -> None:
    db.users.insert({"id": "u", "email": "u@example.org"})
    db.posts.insert([{"title": "one", "user_id": "u"}, {"title": "two"}])
    db.tokens.insert({"label": "one"})
    joined = (
        db.posts.join("users", as_="u")
        .left_join("tokens", on={"title": "tokens.label"})
        .select("title", "u.email", "tokens.label")
    )
    assert joined.all() == [("one", "u@example.org", "one")]
    assert joined._shape.state.tables == {"posts": "posts", "u": "users", "tokens": "tokens"}


def test_b73_table_is_the_same_as_the_attribute(db: Database) -> None:
    assert identity(db.table("posts")) == identity(db.posts)
    with db.transaction() as tx:
        assert identity(tx.table("posts")) == identity(tx.posts) == identity(db.posts)


def test_b76_what_was_said_first_stays_said(db: Database) -> None:
    db.posts.insert([{"title": "a"}, {"title": "b"}, {"title": "b", "views": 5}])
    base = db.posts.where(title="b")
    assert base.where(views=5).count() == 1
    assert base.count() == 2


def test_b78_a_count_is_a_number(db: Database) -> None:
    assert db.posts.count() == 0
    db.posts.insert({"title": "a"})
    for _ in range(2):
        assert type(db.posts.count()) is int
        assert db.posts.count() == 1


def test_b128_b129_b130_b133_an_insert_succeeds_or_raises(db: Database) -> None:
    key = db.users.insert({"email": "a@example.org"})
    assert db.users.get(key) == (key, "a@example.org")
    with pytest.raises(ConstraintViolation) as violated:
        db.users.insert({"email": "a@example.org"})
    assert (violated.value.kind, violated.value.columns) == ("unique", ("email",))
    assert db.users.count() == 1


def test_b131_b132_so_do_an_update_and_a_delete(db: Database) -> None:
    db.users.insert([{"id": "a", "email": "a@x"}, {"id": "b", "email": "b@x"}])
    db.posts.insert({"user_id": "a"})
    with pytest.raises(ConstraintViolation):
        db.users.where(id="b").update(email="a@x")
    with pytest.raises(ConstraintViolation) as violated:
        db.users.where(id="a").delete()
    assert violated.value.kind == "foreign_key"
    assert db.users.where(id="b").update(email="c@x") == 1
    assert db.users.where(id="b").delete() == 1


def test_b134_b135_b136_nanoids() -> None:
    assert len(nanoid()) == 21
    assert len(nanoid(5)) == 5
    assert nanoid(500).isalnum()
    assert nanoid(500).isascii()


def test_b137_one_row_gets_its_id(db: Database) -> None:
    key = db.users.insert({"email": "a@x"})
    assert len(key) == 21
    assert db.users.pluck("id") == [key]


def test_b138_many_rows_get_ids_of_their_own(db: Database) -> None:
    rows: list[dict[str, Any]] = [{"email": f"{n}@x"} for n in range(50)]
    assert db.users.insert(rows) == 50
    ids = db.users.pluck("id")
    assert len(set(ids)) == 50
    assert {len(one) for one in ids} == {21}
    assert rows[0] == {"email": "0@x"}


@pytest.mark.parametrize("given", ["mine", ""])
def test_b139_a_given_id_is_kept(db: Database, given: str) -> None:
    """None and nothing at all are filled; an empty text is a value."""
    db.users.insert([{"id": given, "email": "a@x"}, {"id": None, "email": "b@x"}])
    assert db.users.where(email="a@x").pluck("id") == [given]
    assert len(db.users.where(email="b@x").pluck("id")[0]) == 21


def test_b140_b143_each_column_has_its_length(db: Database) -> None:
    key = db.tokens.insert({"label": "a"})
    row = db.tokens.get(key)
    assert row is not None
    assert (len(key), len(row.secret)) == (10, 32)
    db.tokens.upsert({"id": key, "label": "b"})
    again = db.tokens.get(key)
    assert again is not None
    assert (again.secret, again.label) == (row.secret, "b")


def test_b141_b144_other_tables_and_references_are_not_filled(db: Database) -> None:
    assert type(db.plain.insert({"label": "a"})) is int
    post = db.posts.get(db.posts.insert({"title": "a"}))
    assert post is not None
    assert post.user_id is None


def test_b142_ids_are_filled_in_transactions_and_by_every_insert(db: Database) -> None:
    with db.transaction() as tx:
        keys = [
            tx.users.insert({"email": "a"}),
            tx.users.insert({"email": "b"}, on_conflict="ignore"),
            tx.users.returning("id").insert({"email": "c"}).id,
        ]
        tx.users.upsert({"email": "d"}, key="email")
    assert {len(key) for key in keys} == {21}
    assert {len(key) for key in db.users.pluck("id")} == {21}


def test_b145_without_a_schema_the_tables_are_those_there_are(database: LiveDatabase) -> None:
    database.execute("CREATE TABLE things (id int PRIMARY KEY, label varchar(20))")
    with Database.open(database.url) as db:
        assert db.things.insert({"id": 1, "label": "a"}) == 1
        assert db.things.where(label="a").pluck("id") == [1]
        assert not hasattr(db, "thing")


def test_b146_a_folder_is_a_connection(
    two_databases: tuple[LiveDatabase, LiveDatabase], tmp_path: Path
) -> None:
    folder = write(tmp_path / "schema", {"users": TABLES["users"]})
    write(folder / "analytics", {"events": TABLES["tokens"]})
    urls = {"default": two_databases[0].url, "analytics": two_databases[1].url}
    with Database.open(urls, schema=folder, migrate=True) as db:
        assert len(db["analytics"].events.insert({"label": "a"})) == 10
        assert not hasattr(db, "events")
        assert not hasattr(db["analytics"], "users")
        with db.transaction() as tx, db["analytics"].transaction() as other:
            tx.users.insert({"email": "a@x"})
            other.events.insert({"label": "b"})
            assert db["analytics"].events.count() == 2
        count = db["analytics"].execute(text("SELECT count(*) FROM events"))
        assert count.scalar_one() == 2
