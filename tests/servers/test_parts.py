"""Plans that lock more than one PostgreSQL transaction can: committed in parts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from odac_db import MigrationFailed
from odac_db.dialects.connect import engine_of, migrating
from odac_db.dialects.postgresql import POSTGRESQL
from odac_db.migrate import ledger
from odac_db.migrate.leave import Leave
from odac_db.migrate.run import Runner
from odac_db.schema.plan import Report
from odac_db.sources import FolderSource, SchemaFolder
from tests.fixtures.databases import LiveDatabase


def write(folder: Path, number: int, more: str = "") -> None:
    body = f"columns:\n  id: {{type: increments}}\n  n: {{type: integer{more}}}\n"
    (folder / f"t{number:02}.yaml").write_text(body + "indexes:\n  - {columns: [n]}\n")


def migrated(database: LiveDatabase, folder: Path, budget: int) -> Report:
    engine = engine_of(database.url)
    with migrating(engine) as conn:
        features = replace(POSTGRESQL.features(conn), lock_budget=budget)
        source = FolderSource(SchemaFolder(folder), "default")
        return Runner(
            conn=conn, dialect=POSTGRESQL, known_features=features, source=source, leave=Leave()
        ).migrate()


def test_a_large_plan_is_committed_in_parts(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    for number in range(12):
        write(tmp_path, number)
    report = migrated(postgresql_database, tmp_path, budget=20)
    assert report.in_sync
    assert len(report.applied) == 24
    assert migrated(postgresql_database, tmp_path, budget=20).applied == ()


def test_a_failure_in_a_later_part_says_that_earlier_ones_stand_and_the_next_run_goes_on(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    for number in range(12):
        write(tmp_path, number)
    write(tmp_path, 11, ", default: {expression: no_such_function()}")
    with pytest.raises(MigrationFailed) as failed:
        migrated(postgresql_database, tmp_path, budget=20)
    assert not failed.value.undone
    with postgresql_database.connect() as conn:
        (run,) = ledger.history(conn)
    assert run.status == "failed"
    assert 0 < run.done < len(run.operations)
    write(tmp_path, 11)
    report = migrated(postgresql_database, tmp_path, budget=20)
    assert report.in_sync
    assert 0 < len(report.applied) < 24


def test_a_plan_that_fits_is_one_transaction(
    postgresql_database: LiveDatabase, tmp_path: Path
) -> None:
    write(tmp_path, 0)
    write(tmp_path, 1, ", default: {expression: no_such_function()}")
    with pytest.raises(MigrationFailed) as failed:
        migrated(postgresql_database, tmp_path, budget=1000)
    assert failed.value.undone
    assert postgresql_database.dump() == ""
