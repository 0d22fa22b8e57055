"""Behaviours 16-19 and 22-25: types, and when a change of them is one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.behaviours.steps import ALL, Application, Body, done, table
from tests.laws.folder import live


def one(column: str | dict[str, Any]) -> Body:
    return table({"id": {"type": "integer", "primary": True}, "value": column})


ALTERED = ["alter_column things.value"]


def test_b16_string_to_text_alters(app: Application) -> None:
    app.boot_with(things=one("string"))
    app.execute("INSERT INTO things VALUES (1, 'a')")
    assert done(app.boot_with(things=one("text"))) == ALTERED
    assert str(app.columns("things")["value"]["type"]) == "TEXT"
    assert app.database.rows("things") == [{"id": 1, "value": "a"}]
    app.assert_settled()


def test_b17_integer_to_big_integer_alters(app: Application) -> None:
    app.boot_with(things=one("integer"))
    app.execute("INSERT INTO things VALUES (1, 7)")
    assert done(app.boot_with(things=one("big_integer"))) == ALTERED
    app.execute("INSERT INTO things VALUES (2, 5000000000)")
    assert [row["value"] for row in app.database.rows("things")] == [7, 5000000000]
    app.assert_settled()


def test_b18_the_same_type_alters_nothing(app: Application) -> None:
    app.boot_with(things=one({"type": "string", "length": 40}))
    app.assert_settled()


def test_b19_nanoid_is_a_varchar_and_settles(app: Application) -> None:
    app.boot_with(things=one("nanoid"), others=table({"id": {"type": "nanoid", "primary": True}}))
    assert app.columns("things")["value"]["type"].length == 21
    app.assert_settled()
    assert done(app.boot_with(things=one({"type": "string", "length": 21}))) == []


def test_b22_a_key_column_changes_its_type_and_stays_the_key(app: Application) -> None:
    def things(type_: str) -> Body:
        return table({"id": {"type": type_, "primary": True}, "value": "text"})

    app.boot_with(things=things("integer"))
    app.execute("INSERT INTO things VALUES (1, 'a')")
    report = app.boot_with(things=things("big_integer"))
    assert done(report) == ["alter_column things.id"]
    assert app.inspect().get_pk_constraint("things")["constrained_columns"] == ["id"]
    assert app.columns("things")["id"]["nullable"] is False
    app.execute("INSERT INTO things VALUES (5000000000, 'b')")
    app.assert_settled()


def test_a_key_and_what_refers_to_it_change_their_types_together(app: Application) -> None:
    def tables(key: dict[str, Any]) -> dict[str, Body]:
        return {
            "users": table({"id": key | {"primary": True}}),
            "posts": one(key | {"references": "users.id"}),
        }

    app.boot_with(**tables({"type": "integer"}))
    app.execute("INSERT INTO users VALUES (1)", "INSERT INTO posts VALUES (1, 1)")
    for key in ({"type": "big_integer"}, {"type": "nanoid"}, {"type": "nanoid", "length": 30}):
        assert app.boot_with(ALL, **tables(key)).in_sync
        assert app.keys("posts") == [(["value"], "users", ["id"], None)]
        app.assert_settled()
    assert app.database.rows("posts") == [{"id": 1, "value": "1"}]


def test_a_check_follows_the_type_of_its_column(app: Application) -> None:
    """PostgreSQL spells ``value > 0`` by the type: ``value > 0::numeric``."""
    for type_ in ("integer", "decimal", "integer"):
        app.boot_with(ALL, things=one({"type": type_, "check": "value > 0"}))
        app.assert_settled()


ON_POSTGRESQL: list[tuple[str | dict[str, Any], str]] = [
    ("nanoid", "character varying(21)"),
    ({"type": "nanoid", "length": 12}, "character varying(12)"),
    ("string", "character varying(255)"),
    ({"type": "string", "length": 40}, "character varying(40)"),
    ("text", "text"),
    ("integer", "integer"),
    ("big_integer", "bigint"),
    ("boolean", "boolean"),
    ("uuid", "uuid"),
    ("jsonb", "jsonb"),
    ("timestamp", "timestamp with time zone"),
    ("binary", "bytea"),
    ("decimal", "numeric(10,2)"),
    ({"type": "decimal", "precision": 12, "scale": 4}, "numeric(12,4)"),
    ("tsvector", "tsvector"),
    ({"type": "specificType", "specificType": "CITEXT"}, "citext"),
]


def test_b23_names_of_types_on_postgresql(app: Application) -> None:
    """All in one table; odac's own spelling of a native type is among them."""
    if app.database.family != "postgresql":
        return
    app.execute("CREATE EXTENSION citext")
    app.boot_with(things=table({f"c{n}": column for n, (column, _) in enumerate(ON_POSTGRESQL)}))
    found = [column.type for column in live(app.database).tables["things"].columns]
    assert found == [name for _, name in ON_POSTGRESQL]
    app.assert_settled()


NATIVE = {"postgresql": "inet", "mysql": "mediumint", "sqlite": "POINT"}


@pytest.mark.parametrize("spelling", ["native", "odac's"])
def test_b24_b25_a_native_type_is_made_as_it_is_written_and_settles(
    app: Application, spelling: str
) -> None:
    name = NATIVE[app.database.family]
    app.boot_with(
        things=one(name if spelling == "native" else {"type": "specificType", "length": name})
    )
    (_, value) = live(app.database).tables["things"].columns
    assert value.type.partition("(")[0] == name
    app.assert_settled()
