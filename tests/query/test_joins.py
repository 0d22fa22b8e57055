"""Joins: by foreign key, by columns, by expression, under other names."""

from __future__ import annotations

import pytest

from odac_db import Database, QueryRefused, UnknownName
from tests.query.site import values_of


@pytest.fixture
def blog(db: Database) -> Database:
    db.users.insert([{"id": "ada", "name": "Ada", "age": 36}, {"id": "bob", "name": "Bob"}])
    db.posts.insert(
        [
            {"title": "a", "author_id": "ada"},
            {"title": "b", "author_id": "bob"},
            {"title": "c", "author_id": "ada"},
            {"title": "d"},
        ]
    )
    db.messages.insert(
        [
            {"id": 1, "sender_id": "ada", "reader_id": "bob", "text": "hi"},
            {"id": 2, "sender_id": "bob", "reader_id": "ada", "text": "yes?", "parent_id": 1},
        ]
    )
    return db


def test_a_foreign_key_joins_in_either_direction(blog: Database) -> None:
    posts = blog.posts.join("users").select("title", "users.name").order_by("title")
    assert values_of(posts.all()) == [("a", "Ada"), ("b", "Bob"), ("c", "Ada")]
    users = blog.users.join("posts").where(posts__title="b").select("name", "posts.title")
    assert values_of(users.all()) == [("Bob", "b")]


def test_a_left_join_keeps_rows_without_one(blog: Database) -> None:
    posts = blog.posts.left_join("users").select("title", author="users.name").order_by("title")
    assert [row.author for row in posts.all()] == ["Ada", "Bob", "Ada", None]
    assert posts.where(users__name__is_null=True).pluck("title") == ["d"]
    assert blog.posts.join("users").count() == 3
    assert blog.posts.left_join("users").count() == 4


def test_without_a_select_the_columns_are_the_first_tables(blog: Database) -> None:
    row = blog.posts.join("users").order_by("users.name", "title").first()
    assert row is not None
    assert list(row._asdict()) == ["id", "author_id", "title", "views", "status", "price"]
    joined = blog.posts.join("users")
    assert list(joined.select("title", "users.name").first()._asdict()) == ["title", "name"]  # type: ignore[union-attr]
    every = joined.select("users.*", "title").where(title="a").all()
    assert every[0]._asdict() == {"id": "ada", "name": "Ada", "age": 36, "title": "a"}


def test_names_are_the_first_tables_else_of_the_one_that_has_them(blog: Database) -> None:
    posts = blog.posts.join("users")
    assert posts.where(name="Bob").pluck("title") == ["b"]
    assert posts.where({"users.name": "Bob"}).pluck("posts.title") == ["b"]
    assert posts.where(users__age__gt=30).order_by("-users.name", "title").pluck("title") == [
        "a",
        "c",
    ]
    two = blog.messages.join("users", on="sender_id").join("users", on="reader_id", as_="reader")
    with pytest.raises(QueryRefused, match=r"write users.name or reader.name"):
        two.where(name="Ada")
    with pytest.raises(UnknownName, match=r"did you mean 'users.name'"):
        posts.where({"users.nam": "x"})


def test_one_of_several_keys_is_named_and_so_is_the_table(blog: Database) -> None:
    found = (
        blog.messages.join("users", on="sender_id", as_="sender")
        .join("users", on=("reader_id",), as_="reader")
        .select("text", "sender.name", reader="reader.name")
        .order_by("id")
    )
    assert values_of(found.all()) == [("hi", "Ada", "Bob"), ("yes?", "Bob", "Ada")]
    with pytest.raises(QueryRefused) as refused:
        blog.messages.join("users")
    assert "messages.sender_id = users.id; messages.reader_id = users.id" in str(refused.value)


def test_columns_and_expressions_join_as_well(blog: Database) -> None:
    parents = blog.messages.join("messages", on={"parent_id": "parent.id"}, as_="parent")
    assert values_of(parents.select("text", to="parent.text").all()) == [("yes?", "hi")]
    condition = (blog.posts.c.author_id == blog.users.c.id) & (blog.users.c.age > 30)
    assert blog.posts.join("users", on=condition).order_by("title").pluck("title") == ["a", "c"]
    three = blog.messages.join("users", on="sender_id").join(
        "posts", on={"users.id": "posts.author_id"}
    )
    assert three.where(posts__title="b").pluck("text") == ["yes?"]
    assert blog.users.join("posts").join("messages", on="sender_id").where(title="c").count() == 1


def test_what_is_not_clear_is_refused(blog: Database) -> None:
    with pytest.raises(QueryRefused, match="no such foreign key between posts and members"):
        blog.posts.join("members")
    with pytest.raises(QueryRefused, match="in the query already"):
        blog.posts.join("users").join("users")
    with pytest.raises(QueryRefused, match="no such foreign key"):
        blog.messages.join("users", on="text")
    with pytest.raises(QueryRefused, match="several ways"):
        blog.messages.join("messages", as_="parent")
    with pytest.raises(UnknownName, match="did you mean 'users'"):
        blog.posts.join("user")
    with pytest.raises(UnknownName, match="parent"):
        blog.messages.join("messages", on={"parnt_id": "parent.id"}, as_="parent")


def test_figures_of_joined_rows(blog: Database) -> None:
    joined = blog.posts.join("users")
    assert joined.sum("users.age") == 72
    assert joined.max("name") == "Bob"
    counts = joined.group_by("users.name").count()
    assert {row.name: row.count for row in counts} == {"Ada": 2, "Bob": 1}
    aliased = blog.messages.join("users", on="sender_id", as_="sender")
    assert {row.name: row.max for row in aliased.group_by("sender.name").max("text")} == {
        "Ada": "hi",
        "Bob": "yes?",
    }
