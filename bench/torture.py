"""Buffered writes tortured on every server: what was acknowledged is there once.

For each server, in one database whose table has no key, so that what comes twice shows:
producers, flushers and adopters killed at every named point in turn; six flushers at one
journal without a lock; commits lost and answers lost; a flusher stopped in the midst of its
transaction while another takes over. Then, in databases of their own, seven mistakes put in
on purpose, each of which has to be noticed.

Printed: TORTURE db= cycles= kills= acked= applied= dead= lost= dup= ghost= counter_diff= mutants=
Claim: lost, dup, ghost and counter_diff are 0, mutants 7/7. The exit code says whether it held.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.crash.buffer import harness
from tests.crash.buffer.harness import Worker, worker
from tests.crash.buffer.site import Verdict
from tests.crash.buffer.test_buffer_faults import NOTICED
from tests.fixtures import databases
from tests.fixtures.private import Servers
from tests.fixtures.servers import Server

SILENCE = {"sqlite": 3.0}
"""Seconds after which a stopped flusher goes on; elsewhere its server is done with it by then."""


def tortured(working: Worker, server: Server, cycles: int) -> Verdict:
    working.cycle(point="after rows", hits=1)
    harness.killing_cycles(working, cycles)
    for scene in (harness.raided, harness.rewound, harness.cut_off):
        scene(working)
    return harness.stopped(working, seconds=SILENCE.get(server.family, 45.0))


def noticed(server: Server, folder: Path) -> int:
    """How many of the mistakes are."""
    count = 0
    for fault, scene in NOTICED.items():
        place = folder / fault.replace(" ", "-")
        place.mkdir()
        ground = databases.create(server, place)
        try:
            with worker(ground, place) as working:
                count += not scene(working, fault=fault).clean
        finally:
            databases.drop(ground)
    return count


def report(server: Server, cycles: int) -> bool:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        database = databases.create(server, folder)
        try:
            with worker(database, folder) as working:
                found = tortured(working, server, cycles)
                told = f"cycles={working.cycles} kills={working.killed.total()} {found}"
        finally:
            databases.drop(database)
        caught = noticed(server, folder)
    print(f"TORTURE db={server.label} {told} mutants={caught}/{len(NOTICED)}", flush=True)
    return found.clean and caught == len(NOTICED)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=120)
    parser.add_argument("--only", default="", help="servers whose label contains this")
    arguments = parser.parse_args()
    servers = Servers(os.environ)
    try:
        chosen = servers.databases(arguments.only)
        held = [report(server, arguments.cycles) for server in chosen]
    finally:
        servers.close()
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
