"""Holes M8-M16 of odac: values lost, and changes nobody sees.

M17 to M22 are in ``test_key_holes``.
"""

from __future__ import annotations

from typing import Any

from odac_db import MigrationFailed
from tests.behaviours.steps import ALL, Application, Body, done, table, waiting

ID: dict[str, Any] = {"type": "integer", "primary": True}


def items(**columns: Any) -> Body:
    return table({"id": ID, **columns})


def test_m08_a03_what_looks_like_a_rename_is_a_question(app: Application) -> None:
    """Acceptance A3. Nothing is guessed, and nothing is lost while nobody has answered."""
    app.boot_with(items=items(permalink="string"))
    app.execute("INSERT INTO items VALUES (1, 'hello')")
    report = app.boot_with(items=items(slug="string"))
    assert done(report) == []
    assert waiting(report) == {
        "add_column items.slug": "held_back",
        "drop_column items.permalink": "held_back",
    }
    assert all("renamed_from: permalink" in op.reason for op in report.remaining)
    assert app.database.rows("items") == [{"id": 1, "permalink": "hello"}]


def test_m08_a03_a_declared_rename_keeps_the_values(app: Application) -> None:
    app.boot_with(items=items(permalink="string"))
    app.execute("INSERT INTO items VALUES (1, 'hello')")
    renamed = items(slug={"type": "string", "renamed_from": "permalink"})
    assert done(app.boot_with(items=renamed)) == ["rename_column items.slug"]
    assert app.database.rows("items") == [{"id": 1, "slug": "hello"}]
    app.assert_settled()
    moved = renamed | {"renamed_from": "items"}
    assert done(app.boot_with(things=moved)) == ["rename_table things"]
    assert app.database.rows("things") == [{"id": 1, "slug": "hello"}]
    app.assert_settled()


def test_m08_leave_to_drop_answers_the_question(app: Application) -> None:
    app.boot_with(items=items(permalink="string"))
    report = app.boot_with(("drop_column:items.permalink",), items=items(slug="string"))
    assert sorted(done(report)) == ["add_column items.slug", "drop_column items.permalink"]
    app.assert_settled()


def test_m08_a_held_back_column_lets_inserts_pass(app: Application) -> None:
    app.boot_with(items=items(code={"type": "integer", "nullable": False}))
    report = app.boot_with(items=items(name={"type": "string", "length": 9}))
    assert waiting(report) == {"drop_column items.code": "held_back"}
    app.execute("INSERT INTO items (id, name) VALUES (1, 'a')")
    assert done(app.boot(allow=ALL)) == ["drop_column items.code"]
    app.assert_settled()


def test_m08_a_table_without_a_file_is_left_until_it_is_pruned(app: Application) -> None:
    app.boot_with(items=items(), others=items(name="string"))
    app.declare(items=items())
    assert app.boot(prune=True).in_sync is False
    assert app.tables() == {"items", "others"}
    assert done(app.boot(prune=True, allow=ALL)) == ["drop_table others"]
    assert app.tables() == {"items"}


def test_m08_the_type_of_a_held_back_column_stays_with_it(app: Application) -> None:
    choice = {"type": "enum", "values": ["a", "b"]}
    app.boot_with(items=items(choice=choice), others=items(other=choice))
    held = app.boot_with(items=items())
    assert done(held) == []
    app.boot(prune=True)
    assert app.tables() == {"items", "others"}
    assert app.boot(prune=True, allow=ALL).in_sync
    assert app.tables() == {"items"}
    app.assert_settled()


def sized(length: int) -> dict[str, Any]:
    return {"type": "string", "length": length}


def test_m09_shrinking_is_held_back_and_never_cuts_in_silence(app: Application) -> None:
    """SQLite enforces no lengths: there the declared one is all that changes."""
    app.boot_with(items=items(name=sized(40)))
    app.execute(f"INSERT INTO items VALUES (1, '{'x' * 40}')")
    report = app.boot_with(items=items(name=sized(10)))
    if app.database.family == "sqlite":
        assert done(report) == ["alter_column items.name"]
    else:
        assert waiting(report) == {"alter_column items.name": "held_back"}
        assert [each.count for each in report.remaining[0].findings] == [1]
    assert app.database.rows("items") == [{"id": 1, "name": "x" * 40}]


def test_m09_with_leave_what_is_too_long_is_cut_as_planned_or_blocks(app: Application) -> None:
    """PostgreSQL can be told to cut; MySQL and MariaDB refuse in strict mode."""
    app.boot_with(items=items(name=sized(40)))
    app.execute(f"INSERT INTO items VALUES (1, '{'x' * 40}')")
    report = app.boot_with(ALL, items=items(name=sized(10)))
    if app.database.family == "postgresql":
        assert [(each.kind, each.count) for each in report.applied[0].findings] == [("too_long", 1)]
    elif app.database.family == "mysql":
        assert waiting(report) == {"alter_column items.name": "blocked"}
    kept = 10 if app.database.family == "postgresql" else 40
    assert app.database.rows("items") == [{"id": 1, "name": "x" * kept}]


def test_m09_shrinking_with_leave_keeps_what_fits(app: Application) -> None:
    app.boot_with(items=items(name=sized(40)))
    app.execute("INSERT INTO items VALUES (1, 'short')")
    assert done(app.boot_with(ALL, items=items(name=sized(10)))) == ["alter_column items.name"]
    assert app.database.rows("items") == [{"id": 1, "name": "short"}]
    assert app.columns("items")["name"]["type"].length == 10
    app.assert_settled()


def test_m10_text_never_stays_in_a_column_of_numbers(app: Application) -> None:
    app.boot_with(items=items(value=sized(20)))
    app.execute("INSERT INTO items VALUES (1, '12'), (2, '12abc')")
    report = app.boot_with(items=items(value="integer"))
    assert waiting(report) == {"alter_column items.value": "held_back"}
    assert [row["value"] for row in app.database.rows("items")] == ["12", "12abc"]
    if app.database.family == "sqlite":  # which knows no value that does not cast
        app.boot(allow=ALL)
        assert app.execute("SELECT DISTINCT typeof(value) FROM items") == [("integer",)]
        app.assert_settled()
        return
    assert waiting(app.boot(allow=ALL)) == {"alter_column items.value": "blocked"}
    app.execute("DELETE FROM items WHERE id = 2")
    app.boot(allow=ALL)
    assert app.database.rows("items") == [{"id": 1, "value": 12}]
    app.assert_settled()


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "precision": ({"precision": 8, "scale": 2}, {"precision": 12, "scale": 2}),
    "scale": ({"precision": 8, "scale": 2}, {"precision": 9, "scale": 3}),
    "comment": ({"comment": "old"}, {"comment": "new"}),
    "casing": ({"default": "draft"}, {"default": "Draft"}),
    "longer": ({"length": 20}, {}),
    "document": ({"type": "json"}, {"type": "jsonb"}),
    "words": ({"text_type": "text"}, {"text_type": "mediumtext"}),
    "positive": ({"unsigned": False}, {"unsigned": True}),
}
TYPES = {"precision": "decimal", "scale": "decimal", "words": "text", "positive": "integer"}
SAME = {
    "postgresql": {"words", "positive"},
    "mysql": {"document"},
    "sqlite": {"words", "positive", "comment"},
}
"""What is one and the same on a server: it has nothing that could be changed."""


def test_m11_a06_every_change_is_seen(app: Application) -> None:
    """Acceptance A6."""
    sides = [
        items(
            **{
                name: {"type": TYPES.get(name, "string")} | pair[side]
                for name, pair in CHANGES.items()
            }
        )
        for side in (0, 1)
    ]
    app.boot_with(items=sides[0])
    report = app.boot_with(ALL, items=sides[1])
    changed = {f"alter_column items.{name}" for name in set(CHANGES) - SAME[app.database.family]}
    assert set(done(report)) == changed
    app.assert_settled()


def test_m11_a_value_added_to_an_enum_can_be_stored(app: Application) -> None:
    def status(*values: str) -> Body:
        return items(status={"type": "enum", "values": list(values)})

    app.boot_with(items=status("a", "b"))
    app.execute("INSERT INTO items VALUES (1, 'b')")
    assert app.boot_with(items=status("a", "b", "c")).applied
    app.execute("INSERT INTO items VALUES (2, 'c')")
    app.assert_settled()
    assert app.boot_with(items=status("a", "x", "b", "c")).applied
    assert [row["status"] for row in app.database.rows("items")] == ["b", "c"]
    app.assert_settled()


def test_m11_an_enum_value_in_use_is_not_removed(app: Application) -> None:
    def status(*values: str) -> Body:
        return items(status={"type": "enum", "values": list(values)})

    app.boot_with(items=status("a", "b"))
    app.execute("INSERT INTO items VALUES (1, 'b')")
    try:
        report = app.boot_with(items=status("a"))
        assert not report.in_sync
    except MigrationFailed:
        assert app.database.family == "sqlite"  # whose CHECK the row does not meet
    assert app.database.rows("items") == [{"id": 1, "status": "b"}]
    app.execute("UPDATE items SET status = 'a'")
    assert app.boot(allow=ALL).in_sync
    app.assert_settled()


def test_m11_altering_keeps_unsigned(app: Application) -> None:
    column = {"type": "integer", "unsigned": True}
    app.boot_with(items=items(size=column))
    app.boot_with(items=items(size=column | {"default": 7}))
    if app.database.family == "mysql":
        assert app.columns("items")["size"]["type"].unsigned
    app.assert_settled()


def test_m11_a_primary_key_comes_grows_and_goes(app: Application) -> None:
    def pairs(*key: str) -> Body:
        columns: dict[str, Any] = {
            name: {
                "type": "integer",
                "nullable": False,
                **({"primary": True} if name in key else {}),
            }
            for name in ("a", "b")
        }
        return table(columns)

    app.boot_with(pairs=pairs())
    app.execute("INSERT INTO pairs VALUES (1, 1), (2, 1)")
    for key in (("a",), ("a", "b"), ()):
        assert app.boot_with(ALL, pairs=pairs(*key)).applied
        found = app.inspect().get_pk_constraint("pairs")["constrained_columns"]
        assert found == list(key)
        app.assert_settled()
    assert len(app.database.rows("pairs")) == 2


def test_m12_a_new_column_may_be_the_key(app: Application) -> None:
    app.boot_with(items=table({"name": "string"}))
    app.boot_with(items=table({"name": "string", "id": {"type": "integer", "primary": True}}))
    assert app.inspect().get_pk_constraint("items")["constrained_columns"] == ["id"]
    app.assert_settled()


def test_m12_rows_there_are_get_numbers_of_a_new_key(app: Application) -> None:
    app.boot_with(items=table({"name": "string"}))
    app.execute("INSERT INTO items VALUES ('a'), ('b')")
    app.boot_with(items=table({"name": "string", "id": "increments"}))
    assert sorted(row["id"] for row in app.database.rows("items")) == [1, 2]
    app.execute("INSERT INTO items (name) VALUES ('c')")
    assert sorted(row["id"] for row in app.database.rows("items")) == [1, 2, 3]
    app.assert_settled()


def test_m12_two_primary_columns_are_one_key_and_a_nanoid_may_be_unique(app: Application) -> None:
    key = {"type": "integer", "primary": True}
    app.boot_with(items=table({"a": key, "b": key, "code": {"type": "nanoid", "unique": True}}))
    assert app.inspect().get_pk_constraint("items")["constrained_columns"] == ["a", "b"]
    assert app.indexes("items") == {("code",): True}
    app.assert_settled()


def test_m13_timestamps_that_come_late_are_as_those_of_the_first_day(app: Application) -> None:
    app.boot_with(late=items(), early=items(stamps="timestamps"))
    app.execute("INSERT INTO late VALUES (1)")
    app.boot_with(late=items(stamps="timestamps"), early=items(stamps="timestamps"))
    late, early = app.columns("late"), app.columns("early")
    assert list(late) == list(early)
    for name in ("created_at", "updated_at"):
        assert repr(late[name]["type"]) == repr(early[name]["type"])
        assert late[name]["nullable"] is False
        assert late[name]["default"] == early[name]["default"]
    (row,) = app.database.rows("late")
    assert row["created_at"] is not None
    app.assert_settled()


def test_m13_a_declared_created_at_wins_over_timestamps(app: Application) -> None:
    app.boot_with(items=items(created_at="date", stamps="timestamps"))
    columns = app.columns("items")
    assert set(columns) == {"id", "created_at", "updated_at"}
    assert str(columns["created_at"]["type"]) == "DATE"
    app.assert_settled()


LONG = "c" * 50


def test_m14_a07_long_names_do_not_become_one(app: Application) -> None:
    """Acceptance A7: cut by a server, these names would be equal."""
    columns: dict[str, Any] = {f"{LONG}_{n}": {"type": "integer", "unique": True} for n in (1, 2)}
    app.boot_with(items=items(**columns))
    assert app.indexes("items") == {(f"{LONG}_1",): True, (f"{LONG}_2",): True}
    names = {index["name"] for index in app.inspect().get_indexes("items")}
    assert len(names) == 2
    app.assert_settled()


def test_m14_a08_a_taken_name_is_not_taken_for_the_definition(app: Application) -> None:
    """Acceptance A8."""
    body = items(name=sized(20), age="integer")
    app.boot_with(items=body)
    app.execute("CREATE INDEX items_name_idx ON items (age)")
    app.boot_with(items=body | {"indexes": [{"columns": ["name"]}]})
    assert app.indexes("items") == {("name",): False}
    app.assert_settled()


def test_m15_not_null_without_a_default_waits_for_the_rows(app: Application) -> None:
    """MariaDB would fill in a zero nobody asked for."""
    app.boot_with(items=items())
    app.execute("INSERT INTO items VALUES (1)")
    required = items(size={"type": "integer", "nullable": False}, note="text")
    report = app.boot_with(items=required)
    assert waiting(report) == {"add_column items.size": "blocked"}
    assert done(report) == ["add_column items.note"]
    assert "items has rows" in report.remaining[0].reason
    app.execute("DELETE FROM items")
    assert done(app.boot()) == ["add_column items.size"]
    app.assert_settled()


def test_m15_nulls_under_not_null_are_counted_and_stay(app: Application) -> None:
    app.boot_with(items=items(size="integer"))
    app.execute("INSERT INTO items VALUES (1, 7), (2, NULL), (3, NULL)")
    report = app.boot_with(items=items(size={"type": "integer", "nullable": False}))
    assert waiting(report) == {"alter_column items.size": "blocked"}
    assert "2 rows of items hold NULL in size" in report.remaining[0].reason
    app.execute("UPDATE items SET size = 0 WHERE size IS NULL")
    assert done(app.boot()) == ["alter_column items.size"]
    app.assert_settled()


def test_m16_duplicates_under_unique_are_listed_and_stop_nothing_else(app: Application) -> None:
    app.boot_with(items=items(name=sized(20)))
    app.execute("INSERT INTO items VALUES (1, 'a'), (2, 'a'), (3, 'b'), (4, NULL), (5, NULL)")
    report = app.boot_with(items=items(name=sized(20) | {"unique": True}, age="integer"))
    assert done(report) == ["add_column items.age"]
    assert waiting(report) == {"add_index items(name)": "blocked"}
    assert "1 value of items(name) occur" in report.remaining[0].reason
    assert "name=a" in report.remaining[0].reason
    app.execute("DELETE FROM items WHERE id = 2")
    assert done(app.boot()) == ["add_index items(name)"]
    app.assert_settled()
