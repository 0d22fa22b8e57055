"""Behaviours 10-15: foreign keys, and rows that refer to nothing. Acceptance A9 to A12."""

from __future__ import annotations

from typing import Any

from odac_db import Database
from tests.behaviours.steps import Application, Body, done, table, waiting

USERS = table({"id": {"type": "integer", "primary": True}})


def posts(**author: Any) -> Body:
    return table(
        {"id": {"type": "integer", "primary": True}, "author_id": {"type": "integer", **author}}
    )


REFERS: dict[str, Any] = {"references": "users.id"}
ADDED = "add_foreign_key posts(author_id)"
DROPPED = "drop_foreign_key posts(author_id)"
CLEANED = "clean_orphans posts(author_id)"


def stand(app: Application, before: Body, *rows: str) -> None:
    """Users 1 and 2, and posts as given."""
    app.boot_with(users=USERS, posts=before)
    app.execute("INSERT INTO users VALUES (1), (2)", f"INSERT INTO posts VALUES {', '.join(rows)}")


def test_b10_a_key_is_added_to_a_column_there_is(app: Application) -> None:
    stand(app, posts(), "(1, 1)", "(2, NULL)")
    assert done(app.boot_with(users=USERS, posts=posts(**REFERS))) == [ADDED]
    assert app.keys("posts") == [(["author_id"], "users", ["id"], None)]
    app.assert_settled()


def test_b11_a_removed_key_is_dropped_and_its_column_stays(app: Application) -> None:
    stand(app, posts(**REFERS), "(1, 1)")
    assert DROPPED in done(app.boot_with(users=USERS, posts=posts()))
    assert app.keys("posts") == []
    assert app.database.rows("posts") == [{"id": 1, "author_id": 1}]
    app.assert_settled()


def test_b12_changed_on_delete_is_one_drop_and_one_add(app: Application) -> None:
    stand(app, posts(**REFERS), "(1, 1)")
    report = app.boot_with(users=USERS, posts=posts(**REFERS, on_delete="cascade"))
    assert done(report) == [DROPPED, ADDED]
    assert app.keys("posts") == [(["author_id"], "users", ["id"], "CASCADE")]
    app.assert_settled()


def test_b13_an_unchanged_key_is_left_alone(app: Application) -> None:
    actions = ("cascade", "set null", "restrict", "no action")
    tables = {
        f"t{number}": posts(**REFERS, on_delete=action, on_update=action)
        for number, action in enumerate(actions)
    }
    app.boot_with(users=USERS, **tables)
    app.assert_settled()


def test_b14_orphans_of_a_nullable_column_become_null(app: Application) -> None:
    stand(app, posts(), "(1, 1)", "(2, 77)", "(3, 88)", "(4, NULL)", "(5, 2)")
    report = app.boot_with(users=USERS, posts=posts(**REFERS))
    assert sorted(done(report)) == [ADDED, CLEANED]
    assert report.orphans == {"posts": 2}
    authors = {row["id"]: row["author_id"] for row in app.database.rows("posts")}
    assert authors == {1: 1, 2: None, 3: None, 4: None, 5: 2}
    app.assert_settled()


def test_b15_a11_orphans_of_a_not_null_column_stay_and_block_the_key(app: Application) -> None:
    """Acceptance A11: what is not done is never reported as done, and stays pending."""
    stand(app, posts(nullable=False), "(1, 1)", "(2, 77)", "(3, 88)")
    for report in (
        app.boot_with(users=USERS, posts=posts(nullable=False, **REFERS)),
        app.boot(),
    ):
        assert done(report) == []
        assert not report.in_sync
        (left,) = report.remaining
        assert (left.kind, left.status) == ("add_foreign_key", "blocked")
        assert "2 rows of posts refer to no row of users" in left.reason
        assert "77" in left.reason
        assert "author_id" in left.summary
    assert app.keys("posts") == []
    assert len(app.database.rows("posts")) == 3
    app.execute("INSERT INTO users VALUES (77), (88)")
    assert done(app.boot()) == [ADDED]
    app.assert_settled()


def test_m17_a09_tables_may_refer_to_later_ones_and_to_each_other(app: Application) -> None:
    zebras = table(
        {
            "id": "increments",
            "leader": {"type": "integer", "references": "zebras.id"},
            "aardvark": {"type": "integer", "references": "aardvarks.id"},
        }
    )
    aardvarks = table({"id": "increments", "zebra": {"type": "integer", "references": "zebras.id"}})
    report = app.boot_with(aardvarks=aardvarks, zebras=zebras)
    kinds = [op.kind for op in report.applied]
    assert kinds.index("add_foreign_key") > max(
        at for at, kind in enumerate(kinds) if kind == "create_table"
    )
    assert kinds.count("add_foreign_key") == 3
    assert app.keys("aardvarks") == [(["zebra"], "zebras", ["id"], None)]
    app.assert_settled()


PEOPLE = table(
    {"tenant": "integer", "id": "integer"},
    primary_key=["tenant", "id"],
)
PAIR = {"columns": ["tenant", "author"], "references": {"table": "people"}}


def works(*keys: dict[str, Any]) -> Body:
    columns: dict[str, Any] = {"id": {"type": "integer", "primary": True}}
    return table(columns | {"tenant": "integer", "author": "integer"}, foreign_keys=list(keys))


def test_a10_orphans_of_a_key_of_two_columns_are_deleted_where_declared(app: Application) -> None:
    app.boot_with(people=PEOPLE, works=works())
    app.execute(
        "INSERT INTO people VALUES (1, 1), (2, 2)",
        "INSERT INTO works VALUES (1, 1, 1), (2, 1, 2), (3, NULL, 9), (4, 2, 2)",
    )
    report = app.boot_with(people=PEOPLE, works=works(PAIR | {"orphans": "delete"}))
    assert report.orphans == {"works": 1}
    assert [row["id"] for row in app.database.rows("works")] == [1, 3, 4]
    assert app.keys("works") == [(["tenant", "author"], "people", ["tenant", "id"], None)]
    with Database.open(app.database.url) as db:
        (copied,) = db.orphan_runs()
        assert (copied.table, copied.rows) == ("works", 1)
    app.assert_settled()


def test_a10_orphans_may_be_declared_to_fail(app: Application) -> None:
    stand(app, posts(), "(1, 77)")
    report = app.boot_with(users=USERS, posts=posts(**REFERS, orphans="fail"))
    assert waiting(report) == {ADDED: "blocked"}
    assert app.database.rows("posts") == [{"id": 1, "author_id": 77}]


def test_m20_a12_a_null_among_the_parents_hides_no_orphan(app: Application) -> None:
    codes = table({"id": "increments", "code": {"type": "integer", "unique": True}})
    plain = table({"id": {"type": "integer", "primary": True}, "code": "integer"})
    keyed = table(
        {
            "id": {"type": "integer", "primary": True},
            "code": {"type": "integer", "references": "codes.code"},
        }
    )
    app.boot_with(codes=codes, uses=plain)
    app.execute(
        "INSERT INTO codes (code) VALUES (NULL), (5)", "INSERT INTO uses VALUES (1, 5), (2, 6)"
    )
    assert app.boot_with(codes=codes, uses=keyed).orphans == {"uses": 1}
    assert [row["code"] for row in app.database.rows("uses")] == [5, None]
    app.assert_settled()
