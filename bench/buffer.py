"""Buffered writes beside the quickest way each server has, and beside one INSERT after another.

A table of 8 columns with a text key, on every server. In one run:

    single, many   microseconds a row until a call at level ``process`` returns, of one row a
                   call and of 1,000; the thread in the background waits
    flush          rows a second from the journal into the database, the ledger included
    limit          the same rows by COPY of text that was made before (PostgreSQL), executemany
                   of the driver (SQLite; MySQL and MariaDB: PyMySQL's own rewriting)
    row by row     INSERT and COMMIT of one row after another
    counters       additions a second to 100 rows, from the call to the COMMIT

Claims: single <= 4, many <= 1.5; flush >= 0.9 of the limit, on MySQL and MariaDB >= 1.0.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from odac_db import BufferOptions, Database, nanoid
from odac_db.dialects.postgresql.buffering import spelt
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.private import Servers
from tests.fixtures.servers import Server

EVENTS = """
columns:
  id:    {type: nanoid, primary: true}
  kind:  {type: string, length: 20, nullable: false}
  url:   {type: string, length: 100}
  user:  {type: big_integer}
  took:  {type: double}
  ok:    {type: boolean}
  note:  {type: string, length: 40}
  size:  {type: integer}
"""
COUNTERS = "columns:\n  id: {type: integer, primary: true}\n  n: {type: big_integer, default: 0}\n"
COLUMNS = ("id", "kind", "url", "user", "took", "ok", "note", "size")
Rows = list[dict[str, Any]]


def rows(count: int) -> Rows:
    return [
        {
            "id": nanoid(),
            "kind": "page_view",
            "url": f"/articles/{number}/read?from=feed",
            "user": number * 7,
            "took": number / 64,
            "ok": number % 3 == 0,
            "note": None,
            "size": number % 5000,
        }
        for number in range(count)
    ]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def opened(database: LiveDatabase, folder: Path) -> Database:
    schema = folder / "schema"
    schema.mkdir()
    (schema / "events.yaml").write_text(EVENTS)
    (schema / "counters.yaml").write_text(COUNTERS)
    options = BufferOptions(folder=folder / "journal", interval=3600.0)
    return Database.open(database.url, schema=schema, migrate=True, buffer=options)


def emptied(db: Database) -> None:
    with db.engine.begin() as conn:
        conn.exec_driver_sql("DELETE FROM events")


def flushed(db: Database, batch: Rows) -> float:
    """Rows a second. The thread is kept from beginning before."""
    running = db.buffer._start()
    with running.flusher.turn:
        for start in range(0, len(batch), 1000):
            db.buffer["events"].insert(batch[start : start + 1000])
        took = seconds(db.buffer.flush)
    assert db.table("events").count() == len(batch)
    emptied(db)
    return len(batch) / took


def limit(db: Database, server: Server, batch: Rows) -> float:
    """Rows a second of the quickest safe way, the values ready, 20,000 in a transaction."""
    values = [tuple(row[name] for name in COLUMNS) for row in batch]
    parts = [values[start : start + 20_000] for start in range(0, len(values), 20_000)]
    quote = "`" if server.family == "mysql" else '"'
    names = ", ".join(f"{quote}{name}{quote}" for name in COLUMNS)
    raw: Any = db.engine.raw_connection()
    cursor = raw.cursor()
    texts = [[text.encode() for text in spelt(part, len(COLUMNS))] for part in parts]

    def copied() -> None:
        for text in texts:
            with cursor.copy(f"COPY events ({names}) FROM STDIN") as copy:
                copy.write(b"".join(text))
            raw.commit()

    def executed() -> None:
        mark = "%s" if server.family == "mysql" else "?"
        sql = f"INSERT INTO events ({names}) VALUES ({', '.join([mark] * len(COLUMNS))})"
        for part in parts:
            cursor.executemany(sql, part)
            raw.commit()

    took = seconds(copied if server.family == "postgresql" else executed)
    raw.close()
    emptied(db)
    return len(batch) / took


def row_by_row(db: Database, batch: Rows) -> float:
    statement = sa.insert(sa.table("events", *map(sa.column, COLUMNS)))

    def written() -> None:
        for row in batch:
            with db.engine.begin() as conn:
                conn.execute(statement, row)

    took = seconds(written)
    emptied(db)
    return len(batch) / took


def enqueued(db: Database, batch: Rows, size: int) -> float:
    """Microseconds a row, the best of five; the flusher is kept away."""
    table = db.buffer["events"]
    found = []

    def taken(calls: list[Any]) -> None:
        for call in calls:
            table.insert(call)

    with db.buffer._start().flusher.turn:
        for _ in range(5):
            lots = [batch[start : start + size] for start in range(0, len(batch), size)]
            calls: list[Any] = lots if size > 1 else [lot[0] for lot in lots]
            began = time.perf_counter()
            taken(calls)
            found.append(time.perf_counter() - began)
            for row in batch:
                row["id"] = nanoid()
        db.buffer.flush()
    emptied(db)
    return min(found) / len(batch) * 1e6


def counted(db: Database, additions: int) -> float:
    db.table("counters").insert([{"id": number} for number in range(100)])
    counters = [db.buffer["counters"].where(number) for number in range(100)]

    def added() -> None:
        for number in range(additions):
            counters[number % 100].increment("n")
        db.buffer.flush(wait=60)

    took = seconds(added)
    assert sum(row.n for row in db.table("counters").all()) == additions
    return additions / took


def report(server: Server, count: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        database = databases.create(server, folder)
        try:
            with opened(database, folder) as db:
                single = enqueued(db, rows(5000), 1)
                many = enqueued(db, rows(20_000), 1000)
                pairs = [
                    (flushed(db, rows(count)), limit(db, server, rows(count)))
                    for _ in range(rounds)
                ]
                flush, most = max(one for one, _ in pairs), max(other for _, other in pairs)
                slow = row_by_row(db, rows(300))
                additions = counted(db, 20_000)
        finally:
            databases.drop(database)
    print(
        f"{server.label:20} single {single:5.2f} us  many {many:5.2f} us  "
        f"flush {flush:9,.0f}/s  limit {most:9,.0f}/s  ratio {flush / most:4.2f}  "
        f"row by row {slow:7,.0f}/s ({flush / slow:4.0f} x)  counters {additions:9,.0f}/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="servers whose label contains this")
    arguments = parser.parse_args()
    servers = Servers(os.environ)
    try:
        for server in servers.databases(arguments.only):
            report(server, arguments.rows, arguments.rounds)
    finally:
        servers.close()


if __name__ == "__main__":
    main()
