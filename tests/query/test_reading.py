"""Reading: columns, order, bounds, figures, groups, rows one by one."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import event, func
from sqlalchemy.exc import DataError

from odac_db import Database, QueryRefused, UnknownName
from tests.query.site import values_of


@pytest.fixture
def blog(db: Database) -> Database:
    db.users.insert([{"id": "ada", "name": "Ada", "age": 36}, {"id": "bob", "name": "Bob"}])
    db.posts.insert(
        [
            {"title": "a", "author_id": "ada", "views": 1, "price": Decimal("1.50")},
            {"title": "b", "author_id": "ada", "views": 2, "status": "live"},
            {"title": "c", "author_id": "bob", "views": 4, "price": Decimal("2.25")},
            {"title": "d", "author_id": None, "views": 8, "status": "live"},
        ]
    )
    return db


def test_all_columns_come_in_the_order_of_the_file(blog: Database) -> None:
    row = blog.users.order_by("name").all()[0]
    assert list(row._asdict()) == ["id", "name", "age"]
    assert row == ("ada", "Ada", 36)


def test_columns_are_chosen_and_named(blog: Database) -> None:
    posts = blog.posts.order_by("title").limit(1)
    assert posts.select("title", "views").all() == [("a", 1)]
    assert posts.select("title", n="views").all()[0]._asdict() == {"title": "a", "n": 1}
    assert posts.select("title").select("views").all() == [(1,)]
    assert list(posts.select("*", twice=blog.posts.c.views * 2).all()[0]._asdict())[-2:] == [
        "price",
        "twice",
    ]
    assert posts.select(upper=func.upper(blog.posts.c.title)).all() == [("A",)]
    assert posts.select((blog.posts.c.views + 1).label("more")).all() == [(2,)]


def test_one_name_for_two_columns_is_refused(blog: Database) -> None:
    with pytest.raises(QueryRefused, match="two columns would be called 'title'"):
        blog.posts.select("title", "posts.title")
    with pytest.raises(QueryRefused, match="needs a name"):
        blog.posts.select(blog.posts.c.views + 1)
    with pytest.raises(QueryRefused, match="needs columns"):
        blog.posts.select()
    with pytest.raises(QueryRefused, match="names and expressions, not list"):
        blog.posts.select(["title"])


def test_rows_come_in_order_and_within_bounds(blog: Database) -> None:
    posts = blog.posts
    assert posts.order_by("-views").pluck("title") == ["d", "c", "b", "a"]
    assert posts.order_by("status", "-title").pluck("title") == ["c", "a", "d", "b"]
    assert posts.order_by("status").order_by("title").pluck("title") == ["a", "c", "b", "d"]
    assert posts.select(t="title").order_by("-t").pluck("title") == ["d", "c", "b", "a"]
    assert posts.order_by(func.abs(posts.c.views - 4), "title").pluck("title")[0] == "c"
    assert posts.order_by("title").limit(2).pluck("title") == ["a", "b"]
    assert posts.order_by("title").limit(2).offset(1).pluck("title") == ["b", "c"]
    assert posts.order_by("title").offset(3).pluck("title") == ["d"]
    assert posts.order_by("title").limit(3).limit(1).pluck("title") == ["a"]
    assert posts.limit(0).all() == []


def test_null_stands_where_it_is_said(blog: Database) -> None:
    blog.users.insert([{"id": "eva", "name": "Eva", "age": None}, {"id": "fay", "name": "Fay"}])
    known = sorted(age for age in blog.users.pluck("age") if age is not None)
    none = [None] * (blog.users.count() - len(known))
    for order, expected in {
        "age nulls first": none + known,
        "age nulls last": known + none,
        "-age NULLS FIRST": none + known[::-1],
        "-age  nulls last": known[::-1] + none,
    }.items():
        assert blog.users.order_by(order).pluck("age") == expected
    assert blog.users.order_by("age nulls last", "-name").pluck("name")[-3:] == [
        "Fay",
        "Eva",
        "Bob",
    ]
    with pytest.raises(UnknownName, match="agee"):
        blog.users.order_by("agee nulls last")


def test_each_row_once(blog: Database) -> None:
    states = blog.posts.select("status").distinct()
    assert states.order_by("status").pluck("status") == ["draft", "live"]
    assert (states.count(), states.exists()) == (2, True)
    assert blog.posts.distinct().count() == 4
    assert blog.posts.where(status="live").distinct().select("status").count() == 1
    blog.posts.where(title="a").update(views=2)
    blog.posts.where(title="b").update(views=2)
    rest = sum(blog.posts.where(views__ne=2).pluck("views"))
    assert blog.posts.distinct().sum("views") == 2 + rest
    with pytest.raises(QueryRefused, match="distinct"):
        blog.posts.where(title="a").distinct().delete()


@pytest.mark.parametrize("rows", [-1, "5", 1.5, None, True])
def test_bounds_are_numbers_of_rows(db: Database, rows: object) -> None:
    for step in (db.posts.limit, db.posts.offset):
        with pytest.raises(QueryRefused, match="0 or more"):
            step(rows)  # type: ignore[arg-type]


def test_first_and_exists(blog: Database) -> None:
    first = blog.posts.order_by("-views").first()
    assert first is not None
    assert first.title == "d"
    assert blog.posts.where(title="z").first() is None
    assert blog.posts.where(title="a").exists() is True
    assert blog.posts.where(title="z").exists() is False
    assert blog.posts.order_by("views").offset(4).exists() is False
    assert blog.posts.order_by("views").limit(3).first() == blog.posts.where(title="a").first()


def test_get_finds_by_the_primary_key(blog: Database) -> None:
    ada = blog.users.get("ada")
    assert ada is not None
    assert ada.name == "Ada"
    assert blog.users.get(id="ada") == ada
    assert blog.users.get("nobody") is None
    assert blog.users.where(age__gt=90).get("ada") is None
    for wrong in ((), (None,), ("ada", "bob")):
        with pytest.raises(QueryRefused, match=r"get\(id=...\)"):
            blog.users.get(*wrong)
    with pytest.raises(QueryRefused, match="no primary key"):
        blog.notes.get(1)


def test_get_takes_the_whole_of_a_composite_key(db: Database) -> None:
    db.members.insert([{"team": 1, "person": "ada", "role": "x"}, {"team": 2, "person": "ada"}])
    row = db.members.get(1, "ada")
    assert row == (1, "ada", "x")
    assert db.members.get((1, "ada")) == row
    assert db.members.get(person="ada", team=1) == row
    assert db.members.get(1, person="ada") == row
    for key, named in (((1,), {}), ((), {"team": 1, "role": "x"})):
        with pytest.raises(QueryRefused, match=r"get\(team=..., person=...\)"):
            db.members.get(*key, **named)


def test_figures(blog: Database) -> None:
    posts = blog.posts
    assert (posts.count(), posts.where(status="live").count()) == (4, 2)
    figures = [posts.sum("views"), posts.avg("views"), posts.min("views"), posts.max("title")]
    assert figures == [15, 3.75, 1, "d"]
    assert [type(one) for one in figures] == [int, float, int, str]
    prices = [posts.sum("price"), posts.avg("price"), posts.max("price")]
    assert prices == [Decimal("3.75"), Decimal("1.875"), Decimal("2.25")]
    assert {type(one) for one in prices} == {Decimal}
    nothing = posts.where(title="z")
    assert nothing.count() == 0
    assert [nothing.sum("views"), nothing.avg("views"), nothing.min("views")] == [None] * 3


def test_figures_of_some_rows_are_of_those_rows(blog: Database) -> None:
    top = blog.posts.order_by("-views").limit(2)
    assert (top.count(), top.sum("views"), top.min("title")) == (2, 12, "c")
    assert blog.posts.order_by("views").offset(3).max("title") == "d"
    assert blog.posts.limit(0).count() == 0


def test_groups(blog: Database) -> None:
    groups = blog.posts.group_by("status")
    assert {row.status: row.count for row in groups.count()} == {"draft": 2, "live": 2}
    assert {row.status: row["sum"] for row in groups.sum("views")} == {"draft": 5, "live": 10}
    assert {row.status: row.avg for row in groups.avg("views")} == {"draft": 2.5, "live": 5.0}
    assert {row.status: row.min for row in groups.min("title")} == {"draft": "a", "live": "b"}
    assert {row.status: row.max for row in groups.max("title")} == {"draft": "c", "live": "d"}
    several = blog.posts.where(views__lt=8).group_by("author_id", "status")
    rows = several.select("author_id", "status", n=func.count()).order_by("-author_id", "status")
    assert values_of(rows.all()) == [
        ("bob", "draft", 1),
        ("ada", "draft", 1),
        ("ada", "live", 1),
    ]
    assert rows.count() == 3
    assert rows.pluck("n") == [1, 1, 1]
    many = blog.posts.group_by("author_id").having(func.count() > 1)
    assert values_of(many.count()) == [("ada", 2)]
    with pytest.raises(QueryRefused, match="group_by needs columns"):
        blog.posts.group_by()
    with pytest.raises(QueryRefused, match="having takes SQLAlchemy expressions"):
        blog.posts.group_by("status").having("count(*) > 1")


def test_rows_one_by_one(blog: Database) -> None:
    blog.notes.insert([{"a": n} for n in range(50)])
    query = blog.notes.order_by("a")
    for batch in (1, 7, 50, 1000):
        assert [row.a for row in query.iterate(batch)] == list(range(50))
    assert list(blog.notes.where(a=-1).iterate()) == []
    with pytest.raises(QueryRefused, match="1 or more"):
        next(query.iterate(0))


def test_going_through_rows_holds_up_nothing(blog: Database) -> None:
    """The database is read and written meanwhile, and an iteration may be left early."""
    blog.notes.insert([{"a": n} for n in range(30)])
    for row in blog.notes.order_by("a").iterate(4):
        if row.a == 20:
            break
        blog.slugs.insert({"slug": f"s{row.a}"})
    assert blog.slugs.count() == 20
    with blog.transaction() as tx:
        for row in tx.notes.order_by("a").iterate(4):
            tx.notes.where(a=row.a).update(b="seen")
        assert tx.notes.where(b="seen").count() == 30
        tx.notes.insert({"a": 99})
        assert [row.a for row in blog.notes.where(a__gte=29).order_by("a").iterate(1)] == [29, 99]


def test_rows_of_an_iteration_are_made_as_they_are_asked_for(blog: Database) -> None:
    blog.notes.insert([{"a": n} for n in range(300, -1, -1)])
    cursors = []

    def note(_: Any, cursor: Any, *__: Any) -> None:
        cursors.append(type(cursor).__name__)

    event.listen(blog.engine, "before_cursor_execute", note)
    try:
        rows = blog.notes.select("a", x=300 / blog.notes.c.a).iterate(10)
        assert next(rows).x == 1
        if blog.engine.dialect.name == "postgresql":  # which refuses 300 / 0, but not yet
            with pytest.raises(DataError):
                list(rows)
    finally:
        event.remove(blog.engine, "before_cursor_execute", note)
    assert cursors[-1] in ("ServerCursor", "SSCursor", "Cursor")


def test_a_transaction_reads_what_it_wrote(blog: Database) -> None:
    with blog.transaction() as tx:
        tx.users.insert({"id": "eve", "name": "Eve"})
        assert tx.users.get("eve") is not None
        assert blog.users.count() == 3
        assert tx.table("users").where(name="Eve").exists()
        with tx.transaction() as inner:
            inner.users.where(id="eve").update(age=1)
            assert inner.users.sum("age") == 37
    assert blog.users.count() == 3


def test_unknown_columns_are_told_with_the_nearest(db: Database) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "titel": lambda: db.posts.where(titel="x"),
        "vews": lambda: db.posts.where(vews__gt=1),
        "statuss": lambda: db.posts.select("statuss"),
        "-veiws": lambda: db.posts.order_by("-veiws"),
        "prise": lambda: db.posts.sum("prise"),
        "authorid": lambda: db.posts.group_by("authorid"),
        "id_": lambda: db.posts.pluck("id_"),
        "tittle": lambda: db.posts.c.tittle,
        "viewz": lambda: db.posts.where(id=1).update(viewz=1),
        "view": lambda: db.posts.where(id=1).increment("view"),
        "titl": lambda: db.posts.insert({"titl": "x"}),
        "gtt": lambda: db.posts.where(views__gtt=1),
    }
    meant = {"titel": "title", "-veiws": "views", "gtt": "gt", "authorid": "author_id", "id_": "id"}
    for name, call in calls.items():
        with pytest.raises(UnknownName) as raised:
            call()
        assert raised.value.name in (name, name.removeprefix("-"))
        assert raised.value.meant == meant.get(name, raised.value.meant)
        assert raised.value.meant is not None, name
