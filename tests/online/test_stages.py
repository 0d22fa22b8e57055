"""Big tables on PostgreSQL: changed in stages, and gone on with wherever a run died."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from odac_db import MigrationFailed, Online
from odac_db.migrate.apply import Execution
from tests.fixtures.databases import LiveDatabase
from tests.online.steps import Body, Site

BIG = Online(table_lock_timeout=0.5, table_lock_patience=10, big_table=1000)
ROWS = 2000
ID: Body = {"type": "integer", "primary": True}
PARENTS: Body = {"columns": {"id": ID, "code": {"type": "integer", "nullable": False}}}
BEFORE: Body = {
    "columns": {
        "id": ID,
        "parent": {"type": "integer"},
        "code": {"type": "integer"},
        "name": {"type": "string", "length": 20},
        "filled": {"type": "integer"},
    },
    "indexes": [
        {"name": "by_name", "columns": ["name"]},
        {"name": "by_code", "columns": ["code"]},
        {"name": "gone", "columns": ["filled"]},
    ],
}
AFTER: Body = {
    "columns": {
        **BEFORE["columns"],
        "parent": {"type": "integer", "references": "parents.id"},
        "name": {"type": "string", "length": 40},
        "filled": {"type": "integer", "nullable": False},
        "more": {"type": "integer", "nullable": False, "default": 7},
    },
    "indexes": [
        {"name": "by_name", "columns": ["name", "code"], "comment": "it's by name"},
        {"name": "by_code", "columns": ["code"]},
        {"columns": ["filled", "id"], "unique": True, "constraint": True},
        {"columns": ["more"]},
    ],
    "checks": [{"name": "positive", "expression": "id >= 0"}],
}
FILL = (
    "INSERT INTO parents SELECT i, i FROM generate_series(1, 10) i",
    f"INSERT INTO items SELECT i, i % 10 + 1, i, 'n' || i, i FROM generate_series(1, {ROWS}) i",
    "ANALYZE",
)
PARENTS_AFTER: Body = {**PARENTS, "indexes": [{"columns": ["code"], "unique": True}]}


def filled(database: LiveDatabase, folder: Path) -> Site:
    site = Site(database, folder)
    site.declare(parents=PARENTS, items=BEFORE)
    site.migrate()
    database.execute(*FILL)
    site.declare(parents=PARENTS_AFTER, items=AFTER)
    return site


def stages(site: Site, **options: Any) -> dict[str, list[tuple[str, str]]]:
    """What is done when, of each operation."""
    plan = site.plan(**{"online": BIG, **options})
    return {
        f"{operation.kind} {operation.name}": [
            (one.stage, one.sql.replace('"', "")) for one in operation.statements
        ]
        for operation in plan.operations
    }


class Died(BaseException):
    """What ends a run here as kill -9 does elsewhere."""


@contextmanager
def dying(after: int) -> Iterator[list[str]]:
    """Runs die when that many statements of their plans are executed."""
    whole, done = Execution.execute, list[str]()

    def counted(self: Execution, operation: Any, statement: Any) -> None:
        if len(done) == after:
            raise Died
        whole(self, operation, statement)
        done.append(statement.sql)

    Execution.execute = counted  # type: ignore[method-assign]
    try:
        yield done
    finally:
        Execution.execute = whole  # type: ignore[method-assign]


def test_what_takes_long_is_outside_the_transaction(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(postgresql_database, tmp_path / "schema")
    found = stages(site)
    assert found["add_index by_name"] == [
        ("build", "ALTER INDEX by_name RENAME TO _odac_" + found["add_index by_name"][0][1][-16:]),
        ("build", "CREATE INDEX CONCURRENTLY by_name ON items (name, code)"),
        ("build", "COMMENT ON INDEX by_name IS 'it''s by name'"),
    ]
    assert found["add_index items_filled_id_key"] == [
        ("build", "CREATE UNIQUE INDEX CONCURRENTLY items_filled_id_key ON items (filled, id)"),
        (
            "build",
            "ALTER TABLE items ADD CONSTRAINT items_filled_id_key UNIQUE "
            "USING INDEX items_filled_id_key",
        ),
    ]
    assert found["drop_index gone"] == [("build", "DROP INDEX CONCURRENTLY IF EXISTS gone")]
    assert [stage for stage, _ in found["add_foreign_key items_parent_fkey"]] == [
        "main",
        "validate",
    ]
    assert [stage for stage, _ in found["add_check positive"]] == ["main", "validate"]
    assert [stage for stage, _ in found["alter_column filled"]] == ["main", *["validate"] * 3]
    assert [stage for stage, _ in found["alter_column name"]] == ["main"]
    assert [stage for stage, _ in found["add_column more"]] == ["main"]
    # A small table keeps the simple way.
    assert found["add_index parents_code_key"] == [
        ("main", "CREATE UNIQUE INDEX parents_code_key ON parents (code)")
    ]
    assert all(not operation.hazards for operation in site.plan(online=BIG).operations[1:])


def test_a_saved_plan_has_the_same_stages(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """Whatever the size from which tables are big where it is carried out."""
    site = filled(postgresql_database, tmp_path / "schema")
    plan = site.plan(online=BIG)
    plan.save(tmp_path / "plan.json")
    with dying(after=1000) as done:
        assert site.migrate(plan=tmp_path / "plan.json").in_sync
    sql = {statement.sql for one in plan.operations for statement in one.statements}
    assert set(done) == sql
    assert any("CONCURRENTLY" in each for each in done)


def test_small_tables_are_changed_in_one_transaction(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(postgresql_database, tmp_path / "schema")
    found = stages(site, online=Online())
    assert {stage for each in found.values() for stage, _ in each} == {"main"}


def test_a_table_is_weighed_where_nobody_has_counted(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(postgresql_database, tmp_path / "schema")
    site.database.execute("UPDATE pg_class SET reltuples = -1 WHERE relname = 'items'")
    small = stages(site, online=Online(big_table=2 * ROWS))["drop_index gone"]
    large = stages(site, online=Online(big_table=100))["drop_index gone"]
    assert (small[0][0], large[0][0]) == ("main", "build")


def gone_on_with(database: LiveDatabase, made: Callable[[], Site]) -> int:
    """The same migrate, dying before each of its statements in turn: how many there are."""
    afresh = ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    database.execute(*afresh)
    site = made()
    with dying(after=1000) as done:
        assert site.migrate(online=BIG).in_sync
    wanted = database.dump()
    for point in range(len(done)):
        database.execute(*afresh)
        site = made()
        with dying(after=point), pytest.raises(Died):
            site.migrate(online=BIG)
        report = site.migrate(online=BIG)
        assert report.in_sync, (point, report.remaining)
        assert database.dump() == wanted, (point, done[point])
        assert site.plan(online=BIG).in_sync
    return len(done)


def test_a_run_that_dies_between_any_two_statements_is_gone_on_from(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    database = postgresql_database

    def made() -> Site:
        return filled(database, tmp_path / "schema")

    assert gone_on_with(database, made) > 15
    assert database.execute("SELECT count(*) FROM items") == [(ROWS,)]


def tenants(database: LiveDatabase, folder: Path, *, big_child: bool) -> Site:
    """A parent whose key grows by a column, and a child whose key stands on the old one."""
    site = Site(database, folder)
    columns = {"id": ID, "tenant": {"type": "integer", "nullable": False}}
    child = {"columns": {"id": ID, "parent": {"type": "integer", "references": "parents.id"}}}
    site.declare(parents={"columns": columns}, items=child)
    site.migrate()
    database.execute(
        f"INSERT INTO parents SELECT i, i % 10 FROM generate_series(1, {ROWS}) i",
        f"INSERT INTO items SELECT i, i FROM generate_series(1, {ROWS if big_child else 5}) i",
        "ANALYZE",
    )
    columns = columns | {"id": {"type": "integer", "nullable": False, "unique": True}}
    site.declare(parents={"columns": columns, "primary_key": ["tenant", "id"]}, items=child)
    return site


@pytest.mark.parametrize("big_child", [False, True])
def test_a_primary_key_that_a_foreign_key_stands_on_is_replaced(
    postgresql_database: LiveDatabase, tmp_path: Path, big_child: bool
) -> None:
    database = postgresql_database

    def made() -> Site:
        return tenants(database, tmp_path / "schema", big_child=big_child)

    assert gone_on_with(database, made)
    key = "SELECT convalidated, conindid::regclass::text FROM pg_constraint WHERE contype = 'f'"
    assert database.execute(key) == [(True, "parents_id_key")]


def test_what_a_killed_build_left_is_cleared_away(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """Invalid indexes: one that was being built, one that was being dropped."""
    site = filled(postgresql_database, tmp_path / "schema")
    site.migrate(online=BIG)
    dump = site.database.dump()
    site.database.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'by_name'::regclass",
        "CREATE INDEX half ON parents (id, code)",
        "UPDATE pg_index SET indisvalid = false, indisready = false, indislive = false"
        " WHERE indexrelid = 'half'::regclass",
    )
    found = stages(site)
    assert found["drop_index by_name"] == [("ahead", "DROP INDEX CONCURRENTLY IF EXISTS by_name")]
    assert found["drop_index half"] == [("ahead", "DROP INDEX CONCURRENTLY IF EXISTS half")]
    assert site.migrate(online=BIG).in_sync
    assert site.database.dump() == dump


def test_a_build_that_fails_leaves_no_invalid_index(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """A duplicate written between the look and the build."""
    site = filled(postgresql_database, tmp_path / "schema")
    duplicate = (
        "INSERT INTO items (id, parent, code, name, filled) VALUES (0, 1, 1, 'x', 1)",
        "UPDATE items SET id = id, filled = 5 WHERE id = 0",
    )
    site.declare(
        parents=PARENTS, items={**BEFORE, "indexes": [{"columns": ["filled"], "unique": True}]}
    )
    execute = Execution.execute

    def racing(self: Execution, operation: Any, statement: Any) -> None:
        if "CONCURRENTLY" in statement.sql and "UNIQUE" in statement.sql:
            site.database.execute(*duplicate)
        execute(self, operation, statement)

    Execution.execute = racing  # type: ignore[method-assign]
    try:
        with pytest.raises(MigrationFailed) as failed:
            site.migrate(online=BIG)
    finally:
        Execution.execute = execute  # type: ignore[method-assign]
    assert not failed.value.undone
    assert site.database.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid") == [(0,)]
    assert {one.status for one in site.migrate(online=BIG).remaining} == {"blocked"}


def test_a_primary_key_is_replaced_without_a_moment_without_one(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(postgresql_database, tmp_path / "schema")
    columns = {**BEFORE["columns"], "id": {"type": "integer", "nullable": False}}
    columns["code"] = {"type": "integer", "nullable": False}
    site.declare(
        parents=PARENTS, items={**BEFORE, "columns": columns, "primary_key": ["code", "id"]}
    )
    found = stages(site)
    assert found["drop_primary_key items_pkey"] == []
    built, attached = found["add_primary_key items_pkey"]
    assert built[0] == "build"
    assert attached[1].startswith("ALTER TABLE items DROP CONSTRAINT items_pkey, ADD CONSTRAINT")
    for point in range(8):
        with dying(after=point):
            try:
                site.migrate(online=BIG)
                break
            except Died:
                continue
    else:
        raise AssertionError("it never came to an end")
    assert site.plan(online=BIG).in_sync
    indexes = "SELECT count(*) FROM pg_index WHERE indrelid = 'items'::regclass"
    assert site.database.execute(indexes) == [(4,)]


def test_a_key_onto_a_column_whose_index_is_built_outside_waits_for_it(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(postgresql_database, tmp_path / "schema")
    site.database.execute("INSERT INTO parents VALUES (11, 99999)")
    parent = {**BEFORE, "indexes": [{"columns": ["code"], "unique": True}]}
    child = {"type": "integer", "references": "items.code", "orphans": "delete"}
    site.declare(items=parent, parents={"columns": {**PARENTS["columns"], "code": {**child}}})
    report = site.migrate(online=BIG)
    assert report.in_sync
    assert report.orphans == {"parents": 1}


def test_orphans_of_a_big_table_are_cleaned_behind_the_key(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """The key is there first and lets no more in; old ones go in batches of their own."""
    site = filled(postgresql_database, tmp_path / "schema")
    site.database.execute("UPDATE items SET parent = 1000 + id WHERE id <= 1500")
    report = site.migrate(online=BIG)
    assert report.in_sync
    assert report.orphans == {"items": 1500}
    assert site.database.execute("SELECT count(*) FROM items WHERE parent IS NULL") == [(1500,)]
    valid = "SELECT bool_and(convalidated) FROM pg_constraint WHERE conrelid = 'items'::regclass"
    assert site.database.execute(valid) == [(True,)]


def test_what_rewrites_a_big_table_needs_leave(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = filled(postgresql_database, tmp_path / "schema")
    columns = {**BEFORE["columns"], "code": {"type": "big_integer", "default": 3}}
    site.declare(parents=PARENTS, items={**BEFORE, "columns": columns})
    (held,) = site.migrate(online=BIG).remaining
    assert held.status == "held_back"
    assert not held.destructive
    assert "items is written anew" in held.reason
    assert "(about 2,000 rows)" in held.reason
    assert "--allow table_rewrite:items" in held.reason
    assert site.migrate(online=BIG, allow=["destructive"]).remaining
    assert site.migrate(online=BIG, allow=["table_rewrite:items"]).in_sync
