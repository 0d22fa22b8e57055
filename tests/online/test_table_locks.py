"""Tables that others have locked: waited for a moment at a time, and tried again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from odac_db import Online, Progress, Report, TableBusy
from tests.fixtures.databases import LiveDatabase
from tests.online.steps import Body, Site

BEFORE: Body = {"columns": {"id": {"type": "integer", "primary": True}, "who": {"type": "string"}}}
AFTER: Body = {"columns": {**BEFORE["columns"], "more": {"type": "integer"}}}
SECRET = "hunter2"


def in_use(database: LiveDatabase, folder: Path) -> Site:
    site = Site(database, folder)
    site.declare(a=BEFORE, b=BEFORE)
    site.migrate()
    database.execute("INSERT INTO a VALUES (1, 'x')", "INSERT INTO b VALUES (1, 'x')")
    return site


def goes_on_when_it_is_released(site: Site) -> None:
    site.declare(a=AFTER, b=BEFORE)
    waits: list[tuple[str, ...]] = []
    with site.session(f"SELECT * FROM a WHERE who = '{SECRET}'") as reader:

        def released(progress: Progress) -> None:
            if progress.waits_for or len(waits):
                waits.append(progress.waits_for)
            if len(waits) == 2:
                reader.rollback()

        report = site.migrate(progress=released)
    assert [one.kind for one in report.applied] == ["add_column"]
    assert report.in_sync
    assert len(waits) >= 2
    assert site.columns("a") == ["id", "who", "more"]


def test_a_reader_holds_a_migrate_up_and_no_longer_when_it_ends(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    goes_on_when_it_is_released(in_use(postgresql_database, tmp_path / "schema"))


def test_on_mysql_too(mysql_database: LiveDatabase, tmp_path: Path) -> None:
    goes_on_when_it_is_released(in_use(mysql_database, tmp_path / "schema"))


def test_who_never_ends_is_named_and_nothing_is_changed(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = in_use(postgresql_database, tmp_path / "schema")
    site.declare(a=AFTER, b=AFTER)
    with site.session(f"SELECT * FROM b WHERE who = '{SECRET}'") as reader:
        number = reader.execute(text("SELECT pg_backend_pid()")).scalar_one()
        reader.exec_driver_sql(f"SELECT * FROM b WHERE who = '{SECRET}' AND id = 41")
        with pytest.raises(TableBusy) as busy:
            site.migrate(online=Online(table_lock_timeout=0.05, table_lock_patience=0.2))
    assert (busy.value.table, busy.value.undone) == ("b", True)
    assert busy.value.tries > 1
    (holder,) = busy.value.holders
    assert holder.startswith(f"process {number} (")
    assert "idle in transaction" in holder
    assert holder.endswith(": SELECT * FROM b WHERE who = ? AND id = ?")
    assert SECRET not in str(busy.value)
    assert "nothing was changed" in str(busy.value)
    assert [site.columns(name) for name in ("a", "b")] == [["id", "who"]] * 2
    assert site.migrate().in_sync


def test_who_never_ends_is_named_on_mysql_too(mysql_database: LiveDatabase, tmp_path: Path) -> None:
    site = in_use(mysql_database, tmp_path / "schema")
    site.declare(a=AFTER, b=AFTER)
    with site.session("SELECT * FROM b") as reader:
        number = reader.execute(text("SELECT connection_id()")).scalar_one()
        with pytest.raises(TableBusy) as busy:
            site.migrate(online=Online(table_lock_timeout=0.05, table_lock_patience=0))
    assert (busy.value.table, busy.value.undone) == ("b", False)
    assert any(holder.startswith(f"connection {number} (") for holder in busy.value.holders)
    assert "more" in site.columns("a")
    assert site.migrate().in_sync


def test_a_deadlock_with_the_application_is_given_up_by_the_migrate(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """The application has b and wants a, the migrate has a and wants b."""
    site = in_use(postgresql_database, tmp_path / "schema")
    site.declare(a=AFTER, b=AFTER)
    reports: list[Report] = []
    patient = Online(table_lock_timeout=10, table_lock_patience=30)
    migrating = threading.Thread(target=lambda: reports.append(site.migrate(online=patient)))
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'b'::regclass"
        " AND mode = 'AccessExclusiveLock'"
    )
    with site.session("UPDATE b SET who = 'app'") as application:
        migrating.start()
        while not site.database.execute(waiting)[0][0]:
            pass
        application.exec_driver_sql("UPDATE a SET who = 'app'")  # no deadlock detected here
        application.commit()
    migrating.join()
    assert [report.in_sync for report in reports] == [True]
    assert site.database.rows("a") == [{"id": 1, "who": "app", "more": None}]


def test_locks_are_taken_before_anything_is_done(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    """What waits for the last table has not done the work of the first in vain."""
    site = in_use(postgresql_database, tmp_path / "schema")
    site.declare(a=AFTER, b=AFTER, c=BEFORE)
    told: list[Progress] = []
    with site.session("SELECT * FROM b") as reader:

        def released(progress: Progress) -> None:
            told.append(progress)
            if progress.waits_for:
                reader.rollback()

        assert site.migrate(progress=released).in_sync
    assert told[0].waits_for
    assert not any(progress.waits_for for progress in told[1:])


@pytest.mark.parametrize("patience", [0.0, 0.3])
def test_there_is_an_end_to_it(
    patience: float, postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    site = in_use(postgresql_database, tmp_path / "schema")
    site.declare(a=AFTER, b=BEFORE)
    with site.session("LOCK TABLE a"), pytest.raises(TableBusy) as busy:
        site.migrate(online=Online(table_lock_timeout=0.05, table_lock_patience=patience))
    assert patience <= busy.value.waited < patience + 5
