"""Real schemas go to files and back without loss, and what files cannot hold is left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pymysql
import pytest

from odac_db import Database
from tests.fixtures.databases import LiveDatabase
from tests.laws.folder import migrated, opened, planned, told
from tests.real_schemas import RealSchema, real_schemas

SCHEMAS = real_schemas()
REFUSALS = (psycopg.Error, pymysql.Error, sqlite3.Error)
FULL = [schema for schema in SCHEMAS if schema.has_more]


def pull(database: LiveDatabase, files: Path) -> tuple[str, ...]:
    with Database.open(database.url) as db:
        return db.pull(files).written


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.id)
def test_a_schema_goes_to_files_and_back(
    schema: RealSchema, two_databases: tuple[LiveDatabase, LiveDatabase], tmp_path: Path
) -> None:
    database, other = two_databases
    files = tmp_path / "pulled"
    try:
        schema.load(database, tmp_path / "built in")
    except REFUSALS:
        assert schema.family != database.family, "its own server must take it"
        return
    assert pull(database, files)
    assert not told(planned(database, files, allow=(), prune=False))
    schema.prepare(other)
    assert not told(migrated(other, files, allow=(), prune=False))
    assert other.dump() == database.dump()
    assert not told(planned(other, files, allow=(), prune=False))
    assert not pull(database, files)
    assert not pull(other, files)


@pytest.mark.parametrize("schema", FULL, ids=lambda schema: schema.id)
def test_what_files_cannot_hold_is_listed_and_left_alone(
    schema: RealSchema, database: LiveDatabase, tmp_path: Path
) -> None:
    try:
        schema.load_everything(database)
    except REFUSALS:
        assert schema.family != database.family, "its own server must take it"
        return
    before = database.dump()
    with opened(database, tmp_path / "pulled") as db:
        result = db.pull(tmp_path / "pulled")
    listed = {(item.kind, item.name or item.table) for item in result.unsupported}
    assert listed == set(beyond(database))
    report = migrated(database, tmp_path / "pulled")
    assert not report.applied
    assert not told(report)
    assert database.dump() == before


def beyond(database: LiveDatabase) -> Iterator[tuple[str, str]]:
    """What the server holds and a schema file cannot, in the server's own words."""
    for kind, name in database.execute(BEYOND[database.family]):
        yield kind.lower(), name


BEYOND = {
    "postgresql": """
SELECT CASE WHEN relispartition THEN 'partition' WHEN relkind = 'p' THEN 'partitioned table'
WHEN relkind = 'v' THEN 'view' WHEN relkind = 'm' THEN 'materialized view' ELSE 'sequence' END,
relname::text FROM pg_class c WHERE relnamespace = 'public'::regnamespace
AND (relkind IN ('v', 'm', 'p') OR relkind = 'r' AND relispartition OR relkind = 'S'
AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i')))
UNION ALL SELECT CASE prokind WHEN 'a' THEN 'aggregate' WHEN 'p' THEN 'procedure'
ELSE 'function' END, proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'domain', typname::text FROM pg_type WHERE typtype = 'd'
AND typnamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger', tgname::text FROM pg_trigger WHERE NOT tgisinternal""",
    "mysql": """
SELECT 'view', table_name FROM information_schema.views WHERE table_schema = database()
UNION ALL SELECT 'trigger', trigger_name FROM information_schema.triggers
WHERE trigger_schema = database()
UNION ALL SELECT routine_type, routine_name FROM information_schema.routines
WHERE routine_schema = database()""",
    "sqlite": "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger')",
}
