"""Each hazard, by its code, on the servers whose plans have it. ``docs/reference/hazards``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odac_db import Database
from tests.behaviours.steps import ALL, Application, Body, table
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server

ID: dict[str, Any] = {"type": "integer", "primary": True}
NAME: dict[str, Any] = {"type": "string", "length": 20}


def items(**more: Any) -> Body:
    keys = {name: more.pop(name) for name in ("indexes", "checks") if name in more}
    return table({"id": ID, "name": NAME, "size": "integer", **more}, **keys)


def codes(app: Application, **tables: Body) -> set[tuple[str, str]]:
    """The hazards of the plan to these files, with leave for what loses something."""
    app.declare(**tables)
    plan = app.plan(allow=ALL, prune=True)
    assert plan.operations
    return {(one.kind, each.code) for one in plan.operations for each in one.hazards}


def standing(app: Application) -> Application:
    app.boot_with(items=items(), parents=table({"id": ID}))
    return app


@pytest.fixture
def app(database: LiveDatabase, tmp_path: Path) -> Application:
    return standing(Application(database, tmp_path / "schema"))


def of_family(server: Server, directory: Path) -> Iterator[Application]:
    database = databases.create(server, directory)
    yield standing(Application(database, directory / "schema"))
    databases.drop(database)


@pytest.fixture
def on_postgresql(postgresql_server: Server, tmp_path: Path) -> Iterator[Application]:
    yield from of_family(postgresql_server, tmp_path)


@pytest.fixture
def on_mysql(mysql_server: Server, tmp_path: Path) -> Iterator[Application]:
    yield from of_family(mysql_server, tmp_path)


@pytest.fixture
def on_sqlite(sqlite_server: Server, tmp_path: Path) -> Iterator[Application]:
    yield from of_family(sqlite_server, tmp_path)


PARENTS = table({"id": ID})
SMALL = [{"name": "small", "expression": "size < 9"}]
REFERRING = items(size={"type": "integer", "references": "parents.id"})


def test_blocks_reads(on_postgresql: Application) -> None:
    found = codes(on_postgresql, items=items(checks=SMALL), parents=PARENTS)
    assert found == {("add_check", "blocks_reads")}


def test_blocks_writes(on_postgresql: Application) -> None:
    found = codes(
        on_postgresql, items=REFERRING | {"indexes": [{"columns": ["name"]}]}, parents=PARENTS
    )
    assert found == {("add_index", "blocks_writes"), ("add_foreign_key", "blocks_writes")}


def test_blocks_writes_on_mysql(on_mysql: Application) -> None:
    words = {"columns": ["name"], "using": "fulltext"}
    found = codes(on_mysql, items=items(indexes=[words]), parents=PARENTS)
    assert found == {("add_index", "blocks_writes")}


def test_breaks_dependants(on_mysql: Application) -> None:
    on_mysql.execute("CREATE TRIGGER mark BEFORE INSERT ON items FOR EACH ROW SET NEW.size = 1")
    columns = {"id": ID, "name": NAME, "width": {"type": "integer", "renamed_from": "size"}}
    on_mysql.declare(items=table(columns), parents=PARENTS)
    (rename,) = on_mysql.plan().operations
    ((code, message),) = [(each.code, each.message) for each in rename.hazards]
    assert (rename.status, code) == ("held_back", "breaks_dependants")
    assert message.startswith("trigger mark: fails when next used")
    (rename,) = on_mysql.plan(allow=("breaks_dependants:items",)).operations
    assert (rename.status, [each.code for each in rename.hazards]) == ("pending", [code])


def test_data_loss(on_postgresql: Application) -> None:
    found = codes(on_postgresql, items=table({"id": ID, "name": NAME}))
    assert found == {("drop_column", "data_loss"), ("drop_table", "data_loss")}


def test_not_restored(app: Application) -> None:
    app.boot_with(ALL, items=table({"id": ID, "name": NAME}), parents=PARENTS)
    with Database.open(app.database.url) as db:
        plan = db.plan_back(db.history()[-1].run)
    (back,) = plan.operations
    assert (back.kind, back.name) == ("add_column", "size")
    assert "not_restored" in {each.code for each in back.hazards}


def test_rebuild_drops(on_sqlite: Application) -> None:
    columns = (
        "id INTEGER PRIMARY KEY NOT NULL, name VARCHAR(20), size INTEGER CONSTRAINT c NOT NULL"
    )
    on_sqlite.execute("DROP TABLE items", f"CREATE TABLE items ({columns})")
    required = items(size={"type": "integer", "nullable": False}, checks=SMALL)
    found = codes(on_sqlite, items=required, parents=PARENTS)
    assert found == {("add_check", "table_rebuild"), ("add_check", "rebuild_drops")}


def test_table_copy(on_mysql: Application) -> None:
    found = codes(on_mysql, items=REFERRING | {"checks": SMALL}, parents=PARENTS)
    assert found == {("add_check", "table_copy"), ("add_foreign_key", "table_copy")}


def test_table_rebuild(on_sqlite: Application) -> None:
    found = codes(on_sqlite, items=items(checks=SMALL), parents=PARENTS)
    assert found == {("add_check", "table_rebuild")}


def test_table_rebuild_on_mysql(on_mysql: Application) -> None:
    required = items(size={"type": "integer", "nullable": False})
    assert codes(on_mysql, items=required, parents=PARENTS) == {("alter_column", "table_rebuild")}


def test_table_rewrite(on_postgresql: Application) -> None:
    found = codes(on_postgresql, items=items(size="big_integer"), parents=PARENTS)
    assert found == {("alter_column", "table_rewrite")}
