"""Behaviours 26-29: indexes. Acceptance A5: found by what they are, dropped by their name."""

from __future__ import annotations

from typing import Any

from tests.behaviours.steps import Application, Body, done, table


def users(*indexes: dict[str, Any], **columns: Any) -> Body:
    base: dict[str, Any] = {
        "id": {"type": "integer", "primary": True},
        "name": {"type": "string", "length": 40},
        "age": "integer",
    }
    return table(base | columns, indexes=list(indexes))


def index(*columns: str, **more: Any) -> dict[str, Any]:
    return {"columns": list(columns), **more}


def test_b26_an_added_index_is_one_add(app: Application) -> None:
    app.boot_with(users=users())
    report = app.boot_with(users=users(index("name", "age")))
    assert done(report) == ["add_index users(name, age)"]
    assert app.indexes("users") == {("name", "age"): False}
    app.assert_settled()


def test_b27_a_removed_index_is_dropped(app: Application) -> None:
    app.boot_with(users=users(index("name"), index("age", name="by_age")))
    assert done(app.boot_with(users=users(index("name")))) == ["drop_index users(age)"]
    assert app.indexes("users") == {("name",): False}
    app.assert_settled()


def test_b28_unique_on_a_column_is_made_once(app: Application) -> None:
    unique = {"type": "string", "length": 40, "unique": True}
    app.boot_with(users=users(name=unique))
    assert app.indexes("users") == {("name",): True}
    app.assert_settled()
    assert done(app.boot_with(users=users(index("name", unique=True), name=unique))) == []


def test_b29_a_unique_constraint_that_is_there_under_another_name_will_do(
    app: Application,
) -> None:
    app.execute(
        "CREATE TABLE users (id integer NOT NULL PRIMARY KEY, name varchar(40), age integer,"
        " CONSTRAINT mine UNIQUE (name))"
    )
    dump = app.database.dump()
    assert done(app.boot_with(users=users(index("name", unique=True)))) == []
    app.assert_settled()
    assert app.database.dump() == dump


def test_b29_columns_are_the_same_in_any_case_where_the_server_says_so(app: Application) -> None:
    if app.database.family == "postgresql":
        return
    app.execute(
        "CREATE TABLE users (ID integer NOT NULL PRIMARY KEY, Name varchar(40), Age integer)",
        "CREATE INDEX by_name ON users (Name, ID)",
    )
    refers = table({"id": "increments", "user": {"type": "integer", "references": "users.id"}})
    report = app.boot_with(users=users(index("name", "id")), posts=refers)
    assert done(report) == ["create_table posts", "add_foreign_key posts(user)"]
    app.assert_settled()


def test_a05_a_unique_index_becomes_a_constraint_and_back(app: Application) -> None:
    for constraint in (False, True, False):
        app.boot_with(users=users(index("name", unique=True, constraint=constraint)))
        assert app.indexes("users") == {("name",): True}
        app.assert_settled()


def test_a05_only_the_index_that_differs_is_replaced(app: Application) -> None:
    """Order, direction and uniqueness are part of an index, its name is not."""
    kept = index("age", "name")
    app.boot_with(users=users(kept))
    app.execute("CREATE INDEX by_hand ON users (name, age)")
    app.boot_with(users=users(kept, index("name", "age")))
    for changed in (
        index("name", "age", unique=True),
        index("name", "age desc", unique=True),
        index("age desc", "name", unique=True),
    ):
        report = app.boot_with(users=users(kept, changed))
        assert sorted(op.kind for op in report.applied) == ["add_index", "drop_index"]
        assert ("age", "name") in app.indexes("users")
        app.assert_settled()


def test_a05_a_predicate_is_part_of_an_index(app: Application) -> None:
    """MySQL and MariaDB have no partial indexes, and say so before anything is touched."""
    if app.database.family == "mysql":
        return
    app.boot_with(users=users(index("name", unique=True, where="age > 7")))
    app.execute("INSERT INTO users VALUES (1, 'a', 1), (2, 'a', 2)")
    report = app.boot_with(users=users(index("name", unique=True, where="age > 8")))
    assert sorted(done(report)) == ["add_index users(name)", "drop_index users(name)"]
    app.assert_settled()
