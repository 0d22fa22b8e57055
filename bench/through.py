"""Very many rows through a buffer: how fast for how long, and whether memory stays flat.

One process takes rows, 1,000 a call, while its own thread flushes them; the table is emptied
each tenth of the way, so that it is the buffer that is measured. Printed: rows a second from
the first call to the last COMMIT, and the resident memory after the first tenth and at the end.

Claim: it grows by less than 32 MiB between the first tenth and the end, whatever ``--rows``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from bench.buffer import EVENTS, Rows, emptied, rows
from odac_db import BufferOptions, Database, nanoid
from tests.fixtures import databases
from tests.fixtures.private import Servers
from tests.fixtures.servers import Server

MOST_GROWTH = 32 << 20
LOT = 1000


def resident() -> int:
    """Bytes of this process in memory, now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def sent(db: Database, batch: Rows, count: int) -> None:
    """So many rows, in and flushed."""
    table = db.buffer["events"]
    for _ in range(count // LOT):
        for row in batch:
            row["id"] = nanoid()
        table.insert(batch)
    answer = db.buffer.flush(wait=600)
    assert (answer.pending, answer.dead) == (0, 0)


def through(server: Server, count: int, folder: Path) -> str:
    database = databases.create(server, folder)
    try:
        schema = folder / "schema"
        schema.mkdir()
        (schema / "events.yaml").write_text(EVENTS)
        options = BufferOptions(folder=folder / "journal", retention=5.0, max_bytes=256 << 20)
        with Database.open(database.url, schema=schema, migrate=True, buffer=options) as db:
            batch, memory, took, most = rows(LOT), [], 0.0, 0
            for _ in range(10):
                began = time.perf_counter()
                sent(db, batch, count // 10)
                took += time.perf_counter() - began
                assert db.table("events").count() == count // 10
                emptied(db)
                memory.append(resident())
                most = max(most, db.buffer.status().bytes)
    finally:
        databases.drop(database)
    grown = memory[-1] - memory[0]
    flat = "flat" if grown < MOST_GROWTH else "NOT FLAT"
    return (
        f"{server.label:20} {count:,} rows in {took:,.0f} s, {count / took:,.0f}/s; memory "
        f"{memory[0] >> 20} MiB after a tenth, {memory[-1] >> 20} MiB at the end: {flat}; "
        f"journal at most {most >> 20} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="servers whose label contains this")
    arguments = parser.parse_args()
    servers = Servers(os.environ)
    try:
        for server in servers.databases(arguments.only):
            with tempfile.TemporaryDirectory() as place:
                print(through(server, arguments.rows, Path(place)), flush=True)
    finally:
        servers.close()


if __name__ == "__main__":
    main()
