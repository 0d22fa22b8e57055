"""Holes M18-M22 of odac: which key is which, names, orphans, and SQLite's rebuilds.

M17, and what M20 shares with behaviours 14 and 15, is in ``test_foreign_keys``.
"""

from __future__ import annotations

from typing import Any

from tests.behaviours.steps import Application, Body, done, table, waiting

ID: dict[str, Any] = {"type": "integer", "primary": True}
USERS = table({"id": ID})


def posts(*keys: dict[str, Any], **columns: Any) -> Body:
    return table({"id": ID, "author_id": "integer", **columns}, foreign_keys=list(keys))


def to_users(**more: Any) -> dict[str, Any]:
    return {"columns": ["author_id"], "references": "users.id", **more}


def test_m18_a_key_of_two_columns_is_one_key(app: Application) -> None:
    pairs = table({"a": "integer", "b": "integer"}, primary_key=["a", "b"])
    refer = {"columns": ["x", "y"], "references": {"table": "pairs", "columns": ["a", "b"]}}
    app.boot_with(pairs=pairs, items=table({"id": ID, "x": "integer", "y": "integer"}))
    app.boot_with(
        pairs=pairs, items=table({"id": ID, "x": "integer", "y": "integer"}, foreign_keys=[refer])
    )
    assert app.keys("items") == [(["x", "y"], "pairs", ["a", "b"], None)]
    app.assert_settled()


def test_m18_two_keys_of_one_column_both_stand(app: Application) -> None:
    second = {"columns": ["author_id"], "references": "people.id", "on_delete": "cascade"}
    app.boot_with(users=USERS, people=USERS, posts=posts(to_users(), second))
    assert app.keys("posts") == [
        (["author_id"], "people", ["id"], "CASCADE"),
        (["author_id"], "users", ["id"], None),
    ]
    app.assert_settled()
    report = app.boot_with(users=USERS, people=USERS, posts=posts(second))
    assert "drop_foreign_key posts(author_id)" in done(report)
    assert app.keys("posts") == [(["author_id"], "people", ["id"], "CASCADE")]
    app.assert_settled()


def test_m18_a12_a_table_of_that_name_elsewhere_is_not_looked_at(app: Application) -> None:
    """Acceptance A12. SQLite has one place for tables only, and MySQL's are databases."""
    app.boot_with(users=USERS, posts=posts(to_users()))
    if app.database.family == "postgresql":
        app.execute(
            "CREATE SCHEMA elsewhere",
            "CREATE TABLE elsewhere.users (id bigint PRIMARY KEY, name text)",
            "CREATE TABLE elsewhere.posts (id bigint PRIMARY KEY,"
            " author_id bigint CONSTRAINT posts_author_id_fkey REFERENCES elsewhere.users)",
        )
    app.assert_settled()


def test_m18_one_constraint_name_on_two_tables_settles(app: Application) -> None:
    """MySQL forbids it, and odac-db gives each a name of its own where none is declared."""
    name = {} if app.database.family == "mysql" else {"name": "to_author"}
    keyed = posts(to_users(**name))
    app.boot_with(users=USERS, posts=keyed, notes=keyed)
    app.assert_settled()


FOREIGN = "FOREIGN KEY (author_id) REFERENCES users (id)"


def test_m19_what_another_named_is_dropped_by_that_name(app: Application) -> None:
    app.boot_with(users=USERS)
    app.execute(
        "CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, author_id integer,"
        f" title varchar(20), CONSTRAINT mine UNIQUE (title), CONSTRAINT ours {FOREIGN})",
        "CREATE INDEX theirs ON posts (title, id)",
    )
    titled = posts(title={"type": "string", "length": 20})
    report = app.boot_with(users=USERS, posts=titled)
    assert {"drop_index posts(title)", "drop_index posts(title, id)"} < set(done(report))
    assert "drop_foreign_key posts(author_id)" in done(report)
    assert app.keys("posts") == []
    assert app.indexes("posts") == {}
    app.assert_settled()


def test_m19_what_another_named_will_do(app: Application) -> None:
    app.boot_with(users=USERS)
    app.execute(
        "CREATE TABLE posts (id integer NOT NULL PRIMARY KEY, author_id integer,"
        f" title varchar(20), CONSTRAINT mine UNIQUE (title), CONSTRAINT ours {FOREIGN})",
        "CREATE INDEX theirs ON posts (title, id)",
    )
    dump = app.database.dump()
    columns = {"title": {"type": "string", "length": 20, "unique": True}}
    body = posts(to_users(), **columns) | {"indexes": [{"columns": ["title", "id"]}]}
    assert done(app.boot_with(users=USERS, posts=body)) == []
    assert app.database.dump() == dump
    app.assert_settled()


def test_m20_a_column_that_may_be_null_again_loses_its_orphans(app: Application) -> None:
    """NOT NULL in the database, nullable in the file: odac's UPDATE ... NULL is refused."""
    app.boot_with(users=USERS, posts=posts(author_id={"type": "integer", "nullable": False}))
    app.execute("INSERT INTO users VALUES (1)", "INSERT INTO posts VALUES (1, 1), (2, 77)")
    report = app.boot_with(users=USERS, posts=posts(to_users()))
    assert report.in_sync
    assert report.orphans == {"posts": 1}
    assert [row["author_id"] for row in app.database.rows("posts")] == [1, None]
    app.assert_settled()


def test_m20_a_new_column_may_be_filled_with_orphans(app: Application) -> None:
    def filled(**more: Any) -> Body:
        return posts(owner_id={"type": "integer", "default": 7, "references": "users.id", **more})

    app.boot_with(users=USERS, posts=posts())
    app.execute("INSERT INTO posts VALUES (1, NULL)")
    report = app.boot_with(users=USERS, posts=filled(orphans="nullify"))
    assert report.in_sync
    assert report.orphans == {"posts": 1}
    assert app.database.rows("posts") == [{"id": 1, "author_id": None, "owner_id": None}]
    app.assert_settled()


def test_m20_whom_a_column_that_is_new_will_not_know_is_found_out_while_it_is_filled(
    app: Application,
) -> None:
    """What the default makes of a row cannot be told before; what the policy does can."""
    app.boot_with(users=USERS, posts=posts())
    app.execute(
        "INSERT INTO users VALUES (1)", "INSERT INTO posts VALUES (1, 2), (2, 5), (3, NULL)"
    )
    code = {"type": "integer", "unique": True, "default": {"expression": "1 + 1"}}
    author = to_users(references="users.code", orphans="nullify")
    report = app.boot_with(users=table({"id": ID, "code": code}), posts=posts(author))
    assert report.in_sync
    assert report.orphans == {"posts": 1}
    assert [row["author_id"] for row in app.database.rows("posts")] == [2, None, None]
    app.assert_settled()


def test_m21_the_default_of_a_key_column_changes(app: Application) -> None:
    def places(default: str) -> Body:
        return table({"code": {"type": "string", "length": 9, "primary": True, "default": default}})

    app.boot_with(places=places("a"))
    report = app.boot_with(places=places("b'c"))
    assert done(report) == ["alter_column places.code"]
    app.execute(
        "INSERT INTO places VALUES (DEFAULT)"
        if app.database.family != "sqlite"
        else "INSERT INTO places DEFAULT VALUES"
    )
    assert app.database.rows("places") == [{"code": "b'c"}]
    assert app.inspect().get_pk_constraint("places")["constrained_columns"] == ["code"]
    app.assert_settled()


def test_m22_a_table_with_computed_columns_changes(app: Application) -> None:
    def goods(price: str) -> Body:
        total = {"type": "big_integer", "generated": {"expression": "price * 2", "stored": True}}
        return table({"id": ID, "price": price, "total": total})

    app.boot_with(goods=goods("integer"))
    app.execute("INSERT INTO goods (id, price) VALUES (1, 21)")
    body = goods("integer") | {"checks": [{"name": "cheap", "expression": "price < 100"}]}
    app.boot_with(goods=body)
    assert app.database.rows("goods") == [{"id": 1, "price": 21, "total": 42}]
    app.assert_settled()


def test_m22_a_name_with_a_quote_is_a_name(app: Application) -> None:
    name = "o'brien"
    obrien = table(
        {"id": ID, "o'hara": {"type": "integer", "references": {"table": "users"}}},
        indexes=[{"columns": ["o'hara", "id"]}],
        table=name,
    )
    app.boot_with(users=USERS, obrien=obrien)
    assert name in app.tables()
    app.assert_settled()
    changed = obrien | {"columns": obrien["columns"] | {"note": {"type": "text"}}, "indexes": []}
    report = app.boot_with(users=USERS, obrien=changed)
    assert waiting(report) == {}
    assert app.keys(name) == [(["o'hara"], "users", ["id"], None)]
    app.assert_settled()
