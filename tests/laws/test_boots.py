"""Booting again changes nothing: not the structure, not the ledger, not a byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from odac_db import Database
from tests.fixtures.databases import LiveDatabase
from tests.laws.folder import written
from tests.laws.kinds import kit_of
from tests.laws.rich import rich

BOOTS = 100


def test_a_hundred_boots_are_as_good_as_one(database: LiveDatabase, tmp_path: Path) -> None:
    files = written(rich(kit_of(database.server)), tmp_path / "schema")
    first = boot(database, files)
    assert first.applied
    assert first.in_sync
    dump, stand = database.dump(), fingerprint(database)
    for number in range(BOOTS - 1):
        # Every other boot must look at everything: prune is not what the ledger vouches for.
        report = boot(database, files, prune=number % 2 == 1)
        assert report.in_sync
        assert not report.applied
        assert not report.run
        assert number % 10 or fingerprint(database) == stand
    assert fingerprint(database) == stand
    assert database.dump() == dump


def boot(database: LiveDatabase, files: Path, **options: Any) -> Any:
    with Database.open(database.url, schema=files, migrate=True, **options) as db:
        return db.report


def fingerprint(database: LiveDatabase) -> list[Any]:
    """Everything that some write would have changed."""
    return [*_ledger(database), _stand(database)]


def _ledger(database: LiveDatabase) -> Iterator[Any]:
    for table in ("_odac_state", "_odac_known", "_odac_migrations"):
        yield database.rows(table)


def _stand(database: LiveDatabase) -> Any:
    """PostgreSQL: no table's catalog row is newer; MySQL: none was remade; SQLite: the file."""
    if database.family == "sqlite":
        return database.path.read_bytes()
    if database.family == "postgresql":
        return database.execute(
            "SELECT oid, relfilenode, xmin::text, relname FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace ORDER BY oid"
        )
    return database.execute(
        "SELECT table_name, create_time FROM information_schema.tables"
        " WHERE table_schema = database() ORDER BY table_name"
    )
