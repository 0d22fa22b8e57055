"""A plan that finds nothing to do, beside the bare catalog queries and Alembic's comparison.

A schema of many tables (12 columns, 2 indexes, 1 foreign key each) is migrated once on
every server. Then, in turn and in one run:

    bare    the very catalog statements of the introspection, fetched and thrown away
    plan    Database.plan() of a freshly opened Database: files hashed, ledger, catalog
    full    the same without the ledger's word for it: files parsed, everything compared
    alembic compare_metadata of the same database against its own reflected metadata

Claims: plan <= 2.5 x bare; as many statements for 1,000 tables as for 10.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from odac_db import Database
from odac_db.dialects import dialect_of
from odac_db.dialects.connect import migrating
from tests.fixtures import databases
from tests.fixtures.private import Servers

COLUMNS = [
    "  id: {type: increments}",
    "  parent_id: {type: integer, references: %s.id, on_delete: cascade}",
    "  name: {type: string, length: 100, nullable: false}",
    "  slug: {type: string, unique: true}",
    "  price: {type: decimal, precision: 10, scale: 2, default: 0}",
    "  active: {type: boolean, default: true}",
    "  born: {type: date}",
    "  seen: {type: datetime}",
    "  note: {type: text}",
    "  count: {type: big_integer, default: 0}",
    "  weight: {type: double}",
    "  token: {type: uuid}",
]


def write_schema(folder: Path, tables: int) -> None:
    """One file per table; each refers to the one before it."""
    folder.mkdir()
    for number in range(tables):
        parent = f"t{max(number - 1, 0):04}"
        lines = ["columns:", *(line % parent if "%s" in line else line for line in COLUMNS)]
        lines += ["indexes:", "  - {columns: [parent_id, name]}"]
        (folder / f"t{number:04}.yaml").write_text("\n".join(lines) + "\n")


@contextmanager
def recorded(engine: sa.Engine) -> Iterator[list[tuple[str, Any]]]:
    """The statements an engine sends meanwhile."""
    seen: list[tuple[str, Any]] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def introspection(url: str) -> list[tuple[str, Any]]:
    """The catalog statements of one introspection."""
    engine = sa.create_engine(url)
    with migrating(engine) as conn:
        dialect = dialect_of(conn)
        features = dialect.features(conn)
        with recorded(engine) as seen:
            dialect.introspect(conn, features, None)
    engine.dispose()
    return seen


def bare(url: str, statements: list[tuple[str, Any]]) -> float:
    """Seconds to run and fetch the catalog statements and do nothing with the rows."""
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        cursor = conn.connection.cursor()
        begin = time.perf_counter()
        for statement, parameters in statements:
            cursor.execute(statement, parameters) if parameters else cursor.execute(statement)
            if cursor.description:
                cursor.fetchall()
        taken = time.perf_counter() - begin
    engine.dispose()
    return taken


def timed(action: Callable[[], Any]) -> float:
    """Seconds that an action takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def planned(url: str, folder: Path) -> float:
    """Seconds for a plan of a Database opened for it alone; connecting is not counted."""
    with Database.open(url, schema=folder) as db:
        with db.engine.connect():
            pass
        return timed(lambda: _expect_in_sync(db))


def _expect_in_sync(db: Database) -> None:
    plan = db.plan()
    if not plan.in_sync:
        raise SystemExit(f"not in sync: {plan.operations[0].summary}")


def forget_vouchers(url: str) -> None:
    """Make the ledger say nothing of the files, so that a plan compares everything."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql("DELETE FROM _odac_state WHERE name = 'digest'")
    engine.dispose()


def alembic_compared(url: str) -> float:
    """Seconds for Alembic to compare the database with metadata reflected from it."""
    engine = sa.create_engine(url)
    metadata = sa.MetaData()
    metadata.reflect(engine)
    with engine.connect() as conn:
        context = MigrationContext.configure(
            conn, opts={"compare_type": True, "compare_server_default": True}
        )
        taken = timed(lambda: compare_metadata(context, metadata))
    engine.dispose()
    return taken


def measure(database: databases.LiveDatabase, folder: Path, rounds: int) -> dict[str, float]:
    """Medians of each way, taken in turn so that a busy moment hits all alike."""
    url = database.url
    statements = introspection(url)
    times: dict[str, list[float]] = {"bare": [], "plan": [], "full": [], "alembic": []}
    for _ in range(rounds):
        times["bare"].append(bare(url, statements))
        times["plan"].append(planned(url, folder))
    forget_vouchers(url)
    for _ in range(max(rounds // 2, 1)):
        times["full"].append(planned(url, folder))
    times["alembic"].append(alembic_compared(url))
    return {name: median(taken) for name, taken in times.items()}


def plan_statements(url: str, folder: Path) -> int:
    """How many statements one plan sends."""
    with Database.open(url, schema=folder) as db, recorded(db.engine) as seen:
        db.plan()
    return len(seen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="servers whose label contains this")
    arguments = parser.parse_args()
    logging.getLogger("alembic").setLevel(logging.ERROR)
    servers = Servers(os.environ)
    try:
        for server in servers.databases(arguments.only):
            report(server, arguments.tables, arguments.rounds)
    finally:
        servers.close()


def report(server: Any, tables: int, rounds: int) -> None:
    """One server's line."""
    counts, in_plan, times = {}, 0, {}
    for size in (10, tables):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "schema"
            write_schema(folder, size)
            database = databases.create(server, Path(place))
            try:
                Database.open(database.url, schema=folder, migrate=True).close()
                counts[size] = len(introspection(database.url))
                in_plan = plan_statements(database.url, folder)
                if size == tables:
                    times = measure(database, folder, rounds)
            finally:
                databases.drop(database)
    print(
        f"PLAN server={server.label!r} tables={tables}"
        f" introspection_statements={counts[10]}@10,{counts[tables]}@{tables}"
        f" plan_statements={in_plan}"
        f" bare={times['bare']:.3f}s plan={times['plan']:.3f}s"
        f" plan/bare={times['plan'] / times['bare']:.2f}"
        f" full={times['full']:.3f}s full/bare={times['full'] / times['bare']:.2f}"
        f" alembic={times['alembic']:.3f}s alembic/plan={times['alembic'] / times['plan']:.1f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
