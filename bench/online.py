"""How long writers wait while a table they write to is changed: odac-db beside plain ALTERs.

A table of two million rows, eight processes that insert and update single rows of it in
transactions of their own, and four changes: a foreign key, a NOT NULL column with a
default, an index, a wider type. Both ways run one after the other on the same server; the
longest time any single write took is printed for each. The plain way runs the statements as
anybody would write them, one ALTER after the other.

Like is measured with like: what odac-db does of its own accord beside plain ALTERs for the
same changes; and what it holds back (MySQL, MariaDB: the foreign key), done with leave, beside
the plain ALTERs for that.

    python -m bench.online --url postgresql+psycopg://postgres@127.0.0.1/test
    python -m bench.online --url mysql+pymysql://root@127.0.0.1/test

Tables ``bench_items`` and ``bench_parents`` of that database are dropped and made anew.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from odac_db import Database, Online, Report

PARENTS = 1000
COSTS = ("table_copy", "table_rewrite", "blocks_writes", "blocks_reads")
ID: dict[str, Any] = {"type": "integer", "primary": True}
COLUMNS: dict[str, Any] = {
    "id": {"type": "big_integer", "primary": True},
    "parent": {"type": "integer"},
    "state": {"type": "string", "length": 20},
    "hits": {"type": "integer"},
}
PARENT_FILE = {"columns": {"id": ID}}
BEFORE = {"columns": COLUMNS}
WIDE: dict[str, Any] = {
    **COLUMNS,
    "parent": {"type": "integer", "references": "bench_parents.id", "orphans": "fail"},
    "state": {"type": "string", "length": 40},
    "added": {"type": "integer", "nullable": False, "default": 7},
}
AFTER = {
    "columns": WIDE,
    "indexes": [{"columns": ["state", "hits"]}],
}
PLAIN = {
    "postgresql": {
        "alter_column": "ALTER TABLE bench_items ALTER COLUMN state TYPE varchar(40)",
        "add_column": "ALTER TABLE bench_items ADD COLUMN added integer DEFAULT 7 NOT NULL",
        "add_index": "CREATE INDEX ON bench_items (state, hits)",
        "add_foreign_key": "ALTER TABLE bench_items "
        "ADD FOREIGN KEY (parent) REFERENCES bench_parents (id)",
    },
    "mysql": {
        "alter_column": "ALTER TABLE bench_items MODIFY state varchar(40)",
        "add_column": "ALTER TABLE bench_items ADD COLUMN added integer DEFAULT 7 NOT NULL",
        "add_index": "ALTER TABLE bench_items ADD INDEX (state, hits)",
        "add_foreign_key": "ALTER TABLE bench_items "
        "ADD FOREIGN KEY (parent) REFERENCES bench_parents (id)",
    },
}
"""What anybody would write for each kind of operation."""
STEP = 1000  # as deep as every server recurses unasked
SERIES = {
    "postgresql": "SELECT i FROM generate_series({low}, {high}) AS g (i)",
    "mysql": "WITH RECURSIVE g (i) AS (SELECT {low} UNION ALL SELECT i + 1 FROM g "
    "WHERE i < {high}) SELECT i FROM g",
}


@dataclass(frozen=True)
class Waits:
    """What the writers saw during one way: the longest write, how many, how many failed."""

    longest: float
    writes: int
    failed: int
    seconds: float


def write(url: str, number: int, rows: int, ready: Any, stop: Event, answers: Any) -> None:
    """One writer: an insert or an update at a time, each timed from begin to commit."""
    chance = random.Random(number)
    mine = 1_000_000_000 * (number + 1) + time.time_ns() % 900_000_000
    longest, writes, failed = 0.0, 0, 0
    with create_engine(url).connect() as connection:
        ready.wait()
        while not stop.is_set():
            began = time.perf_counter()
            try:
                with connection.begin():
                    connection.execute(_statement(chance, mine + writes, rows))
            except SQLAlchemyError:
                failed += 1
            longest, writes = max(longest, time.perf_counter() - began), writes + 1
    answers.put((longest, writes, failed))


def _statement(chance: random.Random, fresh: int, rows: int) -> Any:
    parent = chance.randrange(1, PARENTS)
    if chance.random() < 0.5:
        sql = "INSERT INTO bench_items (id, parent, state, hits) VALUES (:i, :p, 'new', 0)"
        return text(sql).bindparams(i=fresh, p=parent)
    sql = "UPDATE bench_items SET hits = hits + 1, parent = :p WHERE id = :i"
    return text(sql).bindparams(i=chance.randrange(1, rows), p=parent)


def watched(url: str, rows: int, writers: int, change: Callable[[], object]) -> Waits:
    """What writers see while ``change`` runs, from a second before it to a second behind."""
    context = multiprocessing.get_context("spawn")
    stop, answers, ready = context.Event(), context.Queue(), context.Barrier(writers + 1)
    processes = [
        context.Process(target=write, args=(url, number, rows, ready, stop, answers))
        for number in range(writers)
    ]
    for process in processes:
        process.start()
    ready.wait()
    time.sleep(1)
    began = time.perf_counter()
    try:
        change()
    finally:
        seconds = time.perf_counter() - began
        time.sleep(1)
        stop.set()
    found = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    longest, writes, failed = (list(column) for column in zip(*found, strict=True))
    return Waits(max(longest), sum(writes), sum(failed), seconds)


class Site:
    """The database of the measurement, its files, and its family of servers."""

    def __init__(self, url: str, folder: Path, online: Online) -> None:
        self.url = url
        self.folder = folder
        self.online = online
        self.engine = create_engine(url, isolation_level="AUTOCOMMIT")
        self.family = "postgresql" if self.engine.dialect.name == "postgresql" else "mysql"

    def declare(self, items: dict[str, Any]) -> None:
        (self.folder / "bench_parents.json").write_text(json.dumps(PARENT_FILE))
        (self.folder / "bench_items.json").write_text(json.dumps(items))

    def migrate(self, allow: tuple[str, ...] = ()) -> Report:
        with Database.open(self.url, schema=self.folder) as db:
            return db.migrate(online=self.online, allow=allow)

    def prepare(self, rows: int) -> None:
        """Both tables anew, filled."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql("DROP TABLE IF EXISTS bench_items")
            connection.exec_driver_sql("DROP TABLE IF EXISTS bench_parents")
        self.declare(BEFORE)
        self.migrate()
        with self.engine.connect() as connection:
            self._fill(connection, "bench_parents (id)", PARENTS, "i")
            values = f"i, i % {PARENTS - 1} + 1, 'state', i % 1000"
            self._fill(connection, "bench_items (id, parent, state, hits)", rows, values)
            analyze = "ANALYZE" if self.family == "postgresql" else "ANALYZE TABLE bench_items"
            connection.exec_driver_sql(analyze)

    def _fill(self, connection: Connection, into: str, rows: int, values: str) -> None:
        for low in range(1, rows + 1, STEP):
            series = SERIES[self.family].format(low=low, high=min(low + STEP - 1, rows))
            sql = f"INSERT INTO {into} SELECT {values} FROM ({series}) AS numbers"
            connection.execution_options(no_parameters=True).exec_driver_sql(sql)

    def plainly(self, kinds: Collection[str]) -> None:
        """The changes as anybody would write them."""
        with self.engine.connect() as connection:
            for kind, statement in PLAIN[self.family].items():
                if kind in kinds:
                    connection.exec_driver_sql(statement)


def measured(site: Site, rows: int, writers: int) -> None:
    """Print both ways, for what odac-db does unasked and for what it wants leave for."""

    def watch(change: Callable[[], object]) -> Waits:
        return watched(site.url, rows, writers, change)

    site.prepare(rows)
    site.declare(AFTER)
    reports: list[Report] = []
    online = watch(lambda: reports.append(site.migrate()))
    for operation in reports[0].applied:
        print(f"  applied: {operation.kind} {operation.summary}")
    _refused(reports[0])
    done = {operation.kind for operation in reports[0].applied}
    held = {operation.kind for operation in reports[0].remaining}
    allowed = watch(lambda: reports.append(site.migrate(allow=COSTS))) if held else None
    assert reports[-1].in_sync
    _wider(site)
    site.prepare(rows)
    plain = watch(lambda: site.plainly(done))
    print(_line("odac-db", online))
    print(_line("plain ALTERs", plain))
    if allowed is not None:
        print(f"held back, then done with leave ({', '.join(sorted(held))}):")
        print(_line("odac-db", allowed))
        print(_line("plain ALTERs", watch(lambda: site.plainly(held))))
    limit = site.online.table_lock_timeout + 0.5
    print(
        f"ONLINE db={site.family} rows={rows} writers={writers} plain={plain.longest:.2f}s "
        f"odac={online.longest:.2f}s limit={limit:.2f}s failed={online.failed} "
        f"{'ok' if online.writes and online.longest <= limit else 'TOO LONG'}"
    )


def _wider(site: Site) -> None:
    """What no server can do online is held back: an integer becomes a bigint."""
    site.declare({**AFTER, "columns": {**WIDE, "hits": {"type": "big_integer"}}})
    _refused(site.migrate())


def _refused(report: Report) -> None:
    for operation in report.remaining:
        print(f"  {operation.status}: {operation.kind} {operation.summary}: {operation.reason}")


def _line(name: str, waits: Waits) -> str:
    return (
        f"{name:<14} longest write {waits.longest:6.2f} s  in {waits.seconds:6.1f} s  "
        f"{waits.writes:,} writes, {waits.failed} failed"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--writers", type=int, default=8)
    parser.add_argument("--table-lock-timeout", type=float, default=2.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        online = Online(table_lock_timeout=given.table_lock_timeout, table_lock_patience=600)
        measured(Site(given.url, Path(folder), online), given.rows, given.writers)


if __name__ == "__main__":
    main()
