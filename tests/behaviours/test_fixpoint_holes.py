"""Holes M1-M7 of odac: boots that fail or never settle."""

from __future__ import annotations

from typing import Any

from tests.behaviours.steps import Application, Body, done, table

ID: dict[str, Any] = {"type": "integer", "primary": True}


def test_m01_big_increments_boots_twice(app: Application) -> None:
    app.boot_with(things=table({"id": "bigIncrements", "name": "string"}))
    app.execute("INSERT INTO things (name) VALUES ('a')", "INSERT INTO things (name) VALUES ('b')")
    assert [row["id"] for row in app.database.rows("things")] == [1, 2]
    app.assert_settled()


def test_m02_an_enum_with_a_default_boots_twice(app: Application) -> None:
    status = {"type": "enum", "values": ["draft", "it's"], "default": "it's"}
    app.boot_with(posts=table({"id": ID, "status": status}))
    app.execute("INSERT INTO posts (id) VALUES (1)")
    assert app.database.rows("posts") == [{"id": 1, "status": "it's"}]
    app.assert_settled()


def keyed(*indexes: list[str]) -> Body:
    columns: dict[str, Any] = {"id": ID, "a": "integer", "b": "integer"}
    return table(columns, indexes=[{"columns": index} for index in indexes])


def test_m03_the_order_of_an_index_is_part_of_it(app: Application) -> None:
    app.boot_with(things=keyed(["a", "b"]))
    app.assert_settled()
    report = app.boot_with(things=keyed(["b", "a"]))
    assert sorted(done(report)) == ["add_index things(b, a)", "drop_index things(a, b)"]
    assert app.indexes("things") == {("b", "a"): False}
    app.assert_settled()


def test_m03_both_orders_may_stand_side_by_side(app: Application) -> None:
    app.boot_with(things=keyed(["a", "b"], ["b", "a"], ["b"]))
    assert set(app.indexes("things")) == {("a", "b"), ("b", "a"), ("b",)}
    app.assert_settled()


EVERY_TYPE: dict[str, dict[str, Any]] = {
    name: {"type": name}
    for name in (
        "nanoid small_integer integer big_integer float double decimal string char text boolean"
        " date time datetime timestamp binary json jsonb uuid interval"
    ).split()
}
DEFAULTS: dict[str, dict[str, Any]] = {
    "truth": {"type": "boolean", "default": True},
    "lie": {"type": "boolean", "default": False},
    "now": {"type": "timestamp", "default": "now()"},
    "day": {"type": "datetime", "default": "CURRENT_TIMESTAMP", "nullable": False},
    "nothing": {"type": "string", "default": None},
    "number": {"type": "integer", "default": 7},
    "price": {"type": "decimal", "precision": 12, "scale": 3, "default": 1.5},
    "ratio": {"type": "float", "default": 0.5},
    "text": {"type": "string", "default": "it's 'so' \\ %"},
    "empty": {"type": "string", "default": ""},
    "date": {"type": "date", "default": "2024-02-29"},
    "time": {"type": "time", "precision": 0, "default": "12:30:00"},
    "meta": {"type": "json", "default": {"literal": {"a": [1, "b"]}}},
    "key": {"type": "uuid", "default": "6f1f3e0e-9c3c-4b7e-8f5f-0a1b2c3d4e5f"},
    "choice": {"type": "enum", "values": ["a", "b"], "default": "b"},
    "small": {"type": "integer", "unsigned": True, "default": 1},
}


def test_m04_no_type_and_no_default_is_altered_for_ever(app: Application) -> None:
    app.boot_with(
        types=table({"id": ID, **{f"c_{name}": body for name, body in EVERY_TYPE.items()}}),
        defaults=table({"id": ID, **{f"c_{name}": body for name, body in DEFAULTS.items()}}),
        numbered=table({"id": "increments", "stamps": "timestamps"}),
    )
    app.assert_settled()
    app.execute("INSERT INTO defaults (id) VALUES (1)")
    (row,) = app.database.rows("defaults")
    assert (row["c_number"], row["c_text"], row["c_empty"]) == (7, "it's 'so' \\ %", "")


ACTIONS = ("no action", "restrict", "cascade", "set null")


def test_m05_keys_without_an_index_of_their_own_settle(app: Application) -> None:
    """MySQL makes an index for each, and NO ACTION and RESTRICT are one there."""
    columns: dict[str, Any] = {
        f"p{number}": {
            "type": "integer",
            "references": "parents.id",
            "on_delete": action,
            "on_update": action,
        }
        for number, action in enumerate(ACTIONS)
    }
    app.boot_with(parents=table({"id": ID}), children=table({"id": ID, **columns}))
    assert len(app.keys("children")) == 4
    app.assert_settled()


def test_m06_a19_unchanged_seeds_write_nothing(app: Application) -> None:
    columns: dict[str, Any] = {
        "id": ID,
        "at": "timestamp",
        "on": "date",
        "fresh": "boolean",
        "price": "decimal",
        "ratio": "float",
        "meta": "json",
    }
    seed = {
        "id": 1,
        "at": "2024-02-29T12:30:00Z",
        "on": "2024-02-29",
        "fresh": True,
        "price": 12.5,
        "ratio": 0.1,
        "meta": {"a": [1, None, "x"]},
    }
    report = app.boot_with(items=table(columns, seed_key="id", seed=[seed]))
    assert [each.kind for each in report.seeds] == ["seed_insert"]
    app.assert_settled()


def test_m07_now_is_a_default_everywhere(app: Application) -> None:
    columns: dict[str, Any] = {"id": ID}
    for number, spelling in enumerate(
        ("now()", "NOW()", " current_timestamp ", "CURRENT_TIMESTAMP()")
    ):
        columns[f"at{number}"] = {"type": "timestamp", "default": spelling}
    app.boot_with(events=table(columns))
    app.execute("INSERT INTO events (id) VALUES (1)")
    (row,) = app.database.rows("events")
    assert None not in row.values()
    app.assert_settled()
