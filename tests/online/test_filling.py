"""Big tables on PostgreSQL: rows that hold NULL are filled while others read and write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from odac_db.migrate.backfill.batches import Filling
from tests.fixtures.databases import LiveDatabase
from tests.online.steps import Body, Site
from tests.online.test_stages import BEFORE, BIG, FILL, PARENTS, ROWS, Died, dying, stages


def empty(database: LiveDatabase, folder: Path, **column: Any) -> Site:
    """A big table of which half the rows hold NULL in a column that is to be NOT NULL."""
    site = Site(database, folder)
    site.declare(parents=PARENTS, items=BEFORE)
    site.migrate()
    database.execute(*FILL, "UPDATE items SET filled = NULL WHERE id % 2 = 0")
    declare(site, nullable=False, default=7, **column)
    return site


def declare(site: Site, **column: Any) -> None:
    columns: Body = {**BEFORE["columns"], "filled": {"type": "integer", **column}}
    site.declare(parents=PARENTS, items={**BEFORE, "columns": columns})


def test_it_is_filled_between_the_default_and_not_null(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = empty(postgresql_database, tmp_path / "schema")
    plan = site.plan(online=BIG)
    told = [
        (one.kind, one.rows, [statement.stage for statement in one.statements])
        for one in plan.operations
    ]
    assert told == [
        ("alter_column", None, ["main"]),
        ("backfill", ROWS // 2, ["build"]),
        ("alter_column", None, ["validate"] * 5),
    ]
    assert not any(operation.hazards for operation in plan.operations)
    assert site.migrate(online=BIG).in_sync
    assert site.database.execute("SELECT count(*) FROM items WHERE filled = 7") == [
        (ROWS // 2 + 1,)
    ]


def test_what_others_write_meanwhile_is_kept_and_their_nulls_are_filled(
    postgresql_database: LiveDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = empty(postgresql_database, tmp_path / "schema")
    fill = Filling.fill

    def beside_others(self: Filling) -> int:
        site.database.execute(
            "INSERT INTO items (id) VALUES (-1)",  # the default is there already
            "UPDATE items SET filled = 99 WHERE id = 2",
        )
        count = fill(self)
        site.database.execute("UPDATE items SET filled = NULL WHERE id = 3")
        return count

    monkeypatch.setattr(Filling, "fill", beside_others)
    assert site.migrate(online=BIG).in_sync
    found = site.database.execute("SELECT id, filled FROM items WHERE id < 5 ORDER BY id")
    assert found == [(-1, 7), (1, 1), (2, 99), (3, 7), (4, 7)]


def test_a_run_that_dies_while_it_fills_is_gone_on_from(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = empty(postgresql_database, tmp_path / "schema")
    with dying(after=1000) as done:
        assert site.migrate(online=BIG).in_sync
    wanted = site.database.dump()
    for point in range(len(done)):
        declare(site)
        assert site.migrate(online=BIG).in_sync
        site.database.execute("UPDATE items SET filled = NULL WHERE id % 2 = 0")
        declare(site, nullable=False, default=7)
        with dying(after=point), pytest.raises(Died):
            site.migrate(online=BIG)
        assert site.migrate(online=BIG).in_sync, done[point]
        assert site.database.dump() == wanted, done[point]


def test_a_key_finds_the_rows_filled(postgresql_database: LiveDatabase, tmp_path: Path) -> None:
    """The default refers to nothing: the rows that are given it are cleaned for the key."""
    site = empty(
        postgresql_database, tmp_path / "schema", references="parents.id", orphans="delete"
    )
    site.database.execute("DELETE FROM parents WHERE id = 7")
    site.database.execute("UPDATE items SET filled = 1 WHERE filled IS NOT NULL")
    assert stages(site)["backfill filled"][0][0] == "main"
    report = site.migrate(online=BIG)
    assert report.in_sync
    assert report.orphans == {"items": ROWS // 2}
