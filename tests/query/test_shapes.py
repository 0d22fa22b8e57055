"""Shapes: like queries share one, so that asking again costs its values."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event

from odac_db import Database, Query
from odac_db.query import shapes
from odac_db.query.performer import Read
from tests.query.site import TABLES, write


@pytest.fixture
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder = write(tmp_path_factory.mktemp("shapes") / "schema", TABLES)
    with Database.open("sqlite://", schema=folder, migrate=True) as opened:
        yield opened


def feed(db: Database, status: str, rows: int) -> Query:
    posts = db.posts.where(status=status, views__gt=rows).order_by("-views").limit(rows)
    return posts.select("id", "title").join("users").where(author_id__in=["a", "b"])


def test_like_queries_share_a_shape_and_differ_in_values(db: Database) -> None:
    one, other = feed(db, "live", 5), feed(db, "draft", 7)
    assert one._shape is other._shape
    assert one._shape.shared
    assert one._values == ("live", 5, 5, ("a", "b"))
    assert other._values == ("draft", 7, 7, ("a", "b"))


def test_other_steps_are_other_shapes(db: Database) -> None:
    posts = db.posts
    queries = [
        posts,
        posts.where(id=1),
        posts.where(id__gt=1),
        posts.where(id=None),
        posts.where(id__in=[1]),
        posts.where(id__in=[1, None]),
        posts.where(id__in=[1]).or_where(views=1),
        posts.where(id__in=[1]).where(views=1),
        posts.where(id=1, views=1),
        posts.where(id=1).all_rows(),
        posts.limit(1),
        posts.offset(1),
        posts.limit(1).offset(1),
        posts.select("id"),
        posts.select(id="views"),
        posts.select("id", "views"),
        posts.order_by("id"),
        posts.order_by("-id"),
        posts.join("users"),
        posts.left_join("users"),
        posts.join("users", as_="author"),
    ]
    assert len({query._shape for query in queries}) == len(queries)
    assert posts.where(id=1)._shape is posts.where(id=2)._shape
    assert posts.where({"id": 1})._shape is posts.where(id=2)._shape


def test_a_query_is_never_changed_by_what_follows_it(db: Database) -> None:
    base = db.posts.where(status="live")
    before = (base._shape, base._values, base._shape.state)
    narrower = base.where(views__gt=1).limit(1).select("id")
    assert (base._shape, base._values, base._shape.state) == before
    assert narrower.where(id=1)._values == ("live", 1, 1, 1)
    with pytest.raises(AttributeError):
        base.anything = 1  # type: ignore[attr-defined]


def test_expressions_are_shapes_of_their_own(db: Database) -> None:
    made = [db.posts.where(db.posts.c.views > n) for n in (1, 2)]
    assert made[0]._shape is not made[1]._shape
    assert not made[0].where(id=1)._shape.shared
    assert not db.posts.select(n=db.posts.c.views + 1).limit(1)._shape.shared


def test_a_statement_is_made_once_for_a_shape(db: Database) -> None:
    reads = [Read(query._shape, query._values) for query in (feed(db, "a", 1), feed(db, "b", 2))]
    assert reads[0].statement is reads[1].statement
    assert reads[1].params == {"odac_0": "b", "odac_1": 2, "odac_2": 2, "odac_3": ("a", "b")}


def test_values_are_parameters_and_names_are_quoted(db: Database) -> None:
    seen: list[tuple[str, object]] = []

    def note(_: object, __: object, sql: str, parameters: object, *___: object) -> None:
        seen.append((sql, parameters))

    event.listen(db.engine, "before_cursor_execute", note)
    feed(db, "live", 5).all()
    sql, parameters = seen[-1]
    assert "live" not in sql
    assert '"posts"."status" = ?' in sql
    assert parameters == ("live", 5, "a", "b", 5, 0)  # SQLite's LIMIT comes with an OFFSET


def test_shapes_without_end_are_forgotten(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapes, "MOST_SHAPES", 50)
    db.posts.insert([{"title": "t"}])
    held = db.posts.where(title="t")
    for n in range(150):
        assert held.select(**{f"name_{n}": "title"}).all()[0][0] == "t"
        assert len(held._shape.family) <= 50
        assert len(held._shape.steps) <= 50
    assert held.all()[0].title == "t"
