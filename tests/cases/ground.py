"""Where cases run: two databases a server, emptied between cases, for making them costs most."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from odac_db import Database, Plan, Report
from tests.behaviours.steps import waiting
from tests.cases.case import Case, Rows, Tables, files, spelt
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server
from tests.laws.folder import shapes, told


class Ground:
    """A database of one server and the schema folder declared for it."""

    def __init__(self, server: Server, directory: Path) -> None:
        self.directory = directory
        self.folder = directory / "schema"
        self.folder.mkdir(parents=True)
        self.database = databases.create(server, directory)

    def clear(self) -> None:
        """The database is empty again."""
        database, name = self.database, self.database.name
        match database.family:
            case "postgresql":
                database.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
            case "mysql":
                database.execute(f"DROP DATABASE `{name}`", f"CREATE DATABASE `{name}`")
            case _:
                database.dispose()
                for old in self.directory.glob(f"{name}.sqlite*"):
                    old.unlink()

    def declare(self, tables: Tables) -> None:
        """The schema folder holds these tables and no others."""
        for old in self.folder.iterdir():
            old.unlink()
        for stem, content in files(tables):
            written = json.dumps(content, ensure_ascii=False)
            (self.folder / f"{stem}.json").write_text(written, "utf-8")

    def migrate(self, case: Case) -> Report:
        with Database.open(self.database.url, schema=self.folder) as db:
            return db.migrate(allow=case.allow, prune=case.prune)

    def plan(self, case: Case) -> Plan:
        with Database.open(self.database.url, schema=self.folder) as db:
            return db.plan(allow=case.allow, prune=case.prune)

    def insert(self, rows: Rows) -> None:
        with self.database.connect() as conn:
            cursor = conn.connection.cursor()
            for table, several in rows.items():
                for row in several:
                    cursor.execute(self.insertion(table, row), tuple(row.values()))
            cursor.close()

    def insertion(self, table: str, row: Mapping[str, Any]) -> str:
        """INSERT of one row, its values as the driver marks them."""
        mark = "`" if self.database.family == "mysql" else '"'
        into, *names = (f"{mark}{name.replace(mark, mark * 2)}{mark}" for name in (table, *row))
        named = f"INSERT INTO {into} ({', '.join(names)}) VALUES "
        if self.database.family == "sqlite":
            return f"{named}({', '.join('?' * len(row))})"
        return f"{named.replace('%', '%%')}({', '.join(['%s'] * len(row))})"

    def run(self, *statements: str) -> None:
        self.database.execute(
            *(
                sql.replace('"', "`") if self.database.family == "mysql" else sql
                for sql in statements
            )
        )

    def holds(self, expected: Rows) -> None:
        """The tables hold these rows, as far as the named columns go."""
        for table, rows in expected.items():
            live = self.database.rows(table)
            found = [{name: plain(row[name]) for name in rows[0]} for row in live] if rows else live
            wanted = [{name: plain(value) for name, value in row.items()} for row in rows]
            assert sorted(found, key=repr) == sorted(wanted, key=repr), table


def plain(value: Any) -> Any:
    """A value as every driver may mean it."""
    match value:
        case bool():
            return int(value)
        case Decimal():
            return float(value)
        case datetime() | date() | time():
            return value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
        case timedelta():
            return (datetime(2000, 1, 1, tzinfo=UTC) + value).time().isoformat()
        case UUID():
            return str(value)
        case dict() | list():
            return json.dumps(value, sort_keys=True)
        case memoryview() | bytearray():
            return bytes(value)
        case str() if value[:1] in {"{", "["}:
            return json.dumps(json.loads(value), sort_keys=True)
        case _:
            return value


def travel(case: Case, ground: Ground, other: Ground) -> None:
    """The whole of a case; ``other`` is an empty database on the same server."""
    ground.declare(case.before)
    first = ground.migrate(case)
    assert waiting(first) == {}, told(first)
    ground.insert(case.rows)
    ground.run(*case.sql)
    ground.declare(case.after)
    plan = ground.plan(case)
    report = ground.migrate(case)
    assert waiting(report) == dict(case.left), told(report)
    assert waiting(plan) == dict(case.left), told(plan)
    ground.holds(case.rows if case.then is None else case.then)
    settled(case, ground)
    if case.fresh and not case.left:
        other.declare(case.after)
        other.migrate(case)
        assert _shape(ground.database, case.after) == _shape(other.database, case.after)


def settled(case: Case, ground: Ground) -> None:
    """The next plan has only what is left, and the next migrate applies nothing."""
    again = ground.plan(case)
    assert told_pending(again) == []
    report = ground.migrate(case)
    assert (report.applied, waiting(report)) == ((), dict(case.left))


def told_pending(plan: Plan) -> list[str]:
    return [line for line in told(plan) if line.startswith("pending")]


def _shape(database: LiveDatabase, declared: Tables) -> Mapping[str, Any]:
    bodies = {name: spelt(body) for name, body in declared.items() if name != "_types"}
    return shapes(database, bodies)
