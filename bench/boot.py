"""An unchanged boot, beside Alembic's comparison of the same database in the same run.

A schema of many tables (12 columns, 2 indexes, 1 foreign key each) is migrated once on every
server. Then, in turn:

    boot    Database.migrate() of a freshly opened Database, which finds nothing to do:
            every file hashed, the catalog's fingerprint, the ledger
    open    the same from Database.open(..., migrate=True) to its return: with connecting,
            and with what SQLAlchemy asks of a server it has not met
    alembic compare_metadata of the database against its own reflected metadata, over a
            connection that is open already

And, for a measure of what a boot that changes something costs: ``first``, the migrate of the
empty database, and ``changed``, a boot after one column was added to one file.

Claims: at most 3 statements; alembic/boot >= 30 for 1,000 tables.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from pathlib import Path
from statistics import median

from bench.plan import alembic_compared, recorded, timed, write_schema
from odac_db import Database
from tests.fixtures import databases
from tests.fixtures.private import Servers
from tests.fixtures.servers import Server


def booted(url: str, folder: Path) -> tuple[float, int]:
    """Seconds and statements of a migrate that finds nothing to do, once connected."""
    with Database.open(url, schema=folder) as db:
        with db.engine.connect():
            pass
        with recorded(db.engine) as seen:
            taken = timed(lambda: _expect_nothing(db))
        return taken, len(seen)


def _expect_nothing(db: Database) -> None:
    report = db.migrate()
    if report.applied or not report.in_sync:
        raise SystemExit("the schema was not in sync")


def opened(url: str, folder: Path) -> float:
    """Seconds of a boot as an application does it."""
    return timed(lambda: Database.open(url, schema=folder, migrate=True).close())


def add_column(folder: Path) -> None:
    """One more column in the file of one table."""
    file = next(iter(sorted(folder.iterdir())))
    file.write_text(file.read_text().replace("indexes:", "  added: {type: integer}\nindexes:"))


def report(server: Server, tables: int, rounds: int) -> None:
    """One server's line: medians, taken in turn so that a busy moment hits all alike."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "schema"
        write_schema(folder, tables)
        database = databases.create(server, Path(place))
        try:
            first = opened(database.url, folder)
            boots, opens, others, statements = [], [], [], 0
            for _ in range(rounds):
                taken, statements = booted(database.url, folder)
                boots.append(taken)
                opens.append(opened(database.url, folder))
                others.append(alembic_compared(database.url))
            add_column(folder)
            changed = opened(database.url, folder)
        finally:
            databases.drop(database)
    boot, whole, alembic = median(boots), median(opens), median(others)
    print(
        f"BOOT server={server.label!r} tables={tables} statements={statements}"
        f" boot={boot:.3f}s open={whole:.3f}s alembic={alembic:.3f}s"
        f" alembic/boot={alembic / boot:.1f} alembic/open={alembic / whole:.1f}"
        f" first={first:.1f}s changed={changed:.2f}s",
        flush=True,
    )


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


if __name__ == "__main__":
    main()
