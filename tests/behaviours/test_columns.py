"""Behaviours 5-9, 20 and 21: columns come, go and change."""

from __future__ import annotations

from typing import Any

from tests.behaviours.steps import ALL, Application, Body, done, table, waiting


def users(**columns: Any) -> Body:
    return table({"id": "increments", "name": {"type": "string", "length": 40}, **columns})


def name_is(text: str) -> str:
    return f"INSERT INTO users (name) VALUES ('{text}')"


def test_b05_a_new_column_is_named_and_exists(app: Application) -> None:
    app.boot_with(users=users())
    app.execute(name_is("Ada"))
    report = app.boot_with(users=users(age="integer"))
    assert done(report) == ["add_column users.age"]
    assert app.database.rows("users") == [{"id": 1, "name": "Ada", "age": None}]
    app.assert_settled()


def test_b06_a_removed_column_is_dropped_once_it_is_allowed(app: Application) -> None:
    """odac drops it at once; here its values wait for leave."""
    app.boot_with(users=users(age="integer"))
    app.execute("INSERT INTO users (name, age) VALUES ('Ada', 36)")
    held = app.boot_with(users=users())
    assert done(held) == []
    assert waiting(held) == {"drop_column users.age": "held_back"}
    assert app.database.rows("users") == [{"id": 1, "name": "Ada", "age": 36}]
    assert done(app.boot(allow=("drop_column:users.age",))) == ["drop_column users.age"]
    assert app.database.rows("users") == [{"id": 1, "name": "Ada"}]
    app.assert_settled()


def test_b07_a_changed_default_alters(app: Application) -> None:
    app.boot_with(users=users(role={"type": "string", "length": 9, "default": "user"}))
    app.execute(name_is("Ada"))
    report = app.boot_with(users=users(role={"type": "string", "length": 9, "default": "Admin's"}))
    assert done(report) == ["alter_column users.role"]
    app.execute(name_is("Bob"))
    assert [row["role"] for row in app.database.rows("users")] == ["user", "Admin's"]
    app.assert_settled()


def test_b08_a_removed_default_alters(app: Application) -> None:
    app.boot_with(users=users(role={"type": "string", "length": 9, "default": "user"}))
    report = app.boot_with(users=users(role={"type": "string", "length": 9}))
    assert done(report) == ["alter_column users.role"]
    app.execute(name_is("Ada"))
    assert [row["role"] for row in app.database.rows("users")] == [None]
    app.assert_settled()


def test_b09_the_same_default_alters_nothing(app: Application) -> None:
    columns: dict[str, Any] = {
        "role": {"type": "string", "default": "user"},
        "age": {"type": "integer", "default": 0},
        "debt": {"type": "decimal", "default": -1.5},
        "fresh": {"type": "boolean", "default": True},
        "word": {"type": "string", "default": "NULL"},
        "none": {"type": "string", "default": None},
        "since": {"type": "timestamp", "default": "NOW()"},
    }
    app.boot_with(users=users(**columns))
    app.assert_settled()


NOTE = {"type": "string", "length": 9}


def test_b20_a_change_of_type_alone_keeps_not_null(app: Application) -> None:
    """Here a file that says nothing means nullable, so NOT NULL stays where it is declared."""
    app.boot_with(users=users(note=NOTE | {"nullable": False, "default": "-"}))
    app.execute(name_is("Ada"))
    report = app.boot_with(ALL, users=users(note={"type": "text", "nullable": False}))
    assert done(report) == ["alter_column users.note"]
    assert app.columns("users")["note"]["nullable"] is False
    assert [row["note"] for row in app.database.rows("users")] == ["-"]
    app.assert_settled()


def test_b20_not_null_alone_changes_and_the_type_stays(app: Application) -> None:
    app.boot_with(users=users(note=NOTE))
    assert done(app.boot_with(users=users(note=NOTE | {"nullable": False}))) == [
        "alter_column users.note"
    ]
    note = app.columns("users")["note"]
    assert (note["type"].length, note["nullable"]) == (9, False)
    app.assert_settled()
    assert done(app.boot_with(users=users(note=NOTE))) == ["alter_column users.note"]
    note = app.columns("users")["note"]
    assert (note["type"].length, note["nullable"]) == (9, True)
    app.assert_settled()


def test_b21_a_change_of_type_alone_keeps_null(app: Application) -> None:
    app.boot_with(users=users(note=NOTE))
    app.execute(name_is("Ada"))
    assert done(app.boot_with(users=users(note="text"))) == ["alter_column users.note"]
    assert app.columns("users")["note"]["nullable"] is True
    assert [row["note"] for row in app.database.rows("users")] == [None]
    app.assert_settled()


def test_b5_a_column_added_late_is_like_one_made_with_the_table(app: Application) -> None:
    """Acceptance B5: SQLite cannot add a column whose default is not a constant."""
    late: dict[str, Any] = {
        "since": {"type": "timestamp", "nullable": False, "default": "now()"},
        "code": {"type": "integer", "nullable": False, "default": {"expression": "(1 + 1)"}},
    }
    app.boot_with(users=users())
    app.execute(name_is("Ada"))
    assert done(app.boot_with(users=users(**late))) == [
        "add_column users.since",
        "add_column users.code",
    ]
    app.execute(name_is("Bob"))
    first, second = app.database.rows("users")
    assert (first["code"], second["code"]) == (2, 2)
    assert type(first["since"]) is type(second["since"])
    assert app.columns("users")["since"]["nullable"] is False
    app.assert_settled()
