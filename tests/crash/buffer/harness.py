"""Orders to the worker, cycle after cycle, and the count at the end."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.crash.buffer import site
from tests.crash.buffer.points import POINTS
from tests.crash.buffer.site import Verdict
from tests.fixtures.databases import LiveDatabase

ROOT = Path(__file__).parents[3]


class Worker:
    """The program, and the file its children's acknowledgements are in."""

    def __init__(
        self, program: subprocess.Popen[str], database: LiveDatabase, folder: Path
    ) -> None:
        self._program = program
        self.database = site.made(database)
        self.folder = folder
        self.acks = folder / "acks"
        self.acks.touch()
        self.journals = folder / "journal"
        self.killed: Counter[str] = Counter()
        self.cycles = 0

    def ask(self, deed: str, *, tolerated: bool = False, **order: Any) -> list[dict[str, Any]]:
        """What became of it. With a fault put in on purpose errors are ``tolerated``."""
        order = {"url": self.database.url, **order, "deed": deed}
        order |= {"folder": str(self.journals), "acks": str(self.acks)}
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(json.dumps(order) + "\n")
        self._program.stdin.flush()
        answers: list[dict[str, Any]] = json.loads(self._program.stdout.readline())
        assert tolerated or not [each for each in answers if "error" in each], answers
        return answers

    def cycle(self, operations: int = 60, **order: Any) -> None:
        """One producer, that dies if it gets to the point it is told."""
        self.cycles += 1
        given = {"cycle": self.cycles, "operations": operations, "seed": random.random()}
        (answer,) = self.ask("work", tolerated="fault" in order, **{**given, **order})
        if answer.get("killed"):
            self.killed[str(order.get("point"))] += 1

    def verdict(self, **order: Any) -> Verdict:
        """All journals brought in by somebody who is not killed, then the count."""
        self.ask("drain", tolerated="fault" in order, **order)
        return site.verdict(self.database, self.acks)


@contextmanager
def worker(database: LiveDatabase, folder: Path) -> Iterator[Worker]:
    command = [sys.executable, "-m", "tests.crash.buffer.worker"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        yield Worker(program, database, folder)
        assert program.stdin is not None
        program.stdin.close()


LATER = {"interval": 3600.0, "retention": 3600.0}
"""What is not flushed at once is left to those who come after."""


def raided(working: Worker, **order: Any) -> Verdict:
    """Six at once flush the journals of the dead, each as if it were alone."""
    for _ in range(2):
        working.cycle(120, quiet=True, die=True, options=LATER, **order)
    home = working.journals / "default"
    journals = [each.name for each in home.iterdir() if len(each.name) == 32]
    working.ask("raid", tolerated="fault" in order, times=6, journals=journals, **order)
    return working.verdict(**order)


def stopped(working: Worker, *, seconds: float, **order: Any) -> Verdict:
    """A flusher is stopped in the midst of its transaction; another takes its journal over.

    The server ends the transaction of one who says nothing any more; on SQLite it stands
    until the process goes on, after ``seconds``.
    """
    working.cycle(120, quiet=True, die=True, options=LATER, **order)
    home = working.journals / "default"
    journals = [each.name for each in home.iterdir() if len(each.name) == 32]
    given = {"journals": journals, "stop": "after rows", "seconds": seconds, **order}
    working.ask("raid", tolerated=True, times=2, **given)
    assert (working.journals / "stopped").exists()
    return working.verdict(**order)


def rewound(working: Worker, **order: Any) -> Verdict:
    """The database loses what it had committed last, rows and position alike."""
    for _ in range(3):
        working.cycle(40, rewind=True, options={"retention": 3600.0}, **order)
    return working.verdict(**order)


def cut_off(working: Worker, **order: Any) -> Verdict:
    """The answer to a COMMIT that was carried out does not arrive."""
    for hits in (1, 2, 3):
        working.cycle(40, deaf=hits, **order)
    return working.verdict(**order)


def killed(working: Worker, **order: Any) -> Verdict:
    killing_cycles(working, 19, **order)
    return working.verdict(**order)


def killed_while_writing(working: Worker, **order: Any) -> Verdict:
    for hits in range(4, 12):
        working.cycle(12, point="torn write", hits=hits, most=0.5, options=LATER, **order)
    return working.verdict(**order)


def killed_before_a_flush(working: Worker, **order: Any) -> Verdict:
    for _ in range(2):
        working.cycle(30, quiet=True, die=True, options=LATER, **order)
    return working.verdict(**order)


def killed_before_commit(working: Worker, **order: Any) -> Verdict:
    for hits in (3, 4, 6, 8):
        working.cycle(
            150, point="before commit", hits=hits, options={"segment_bytes": 1 << 11}, **order
        )
    return working.verdict(**order)


def killed_adopters(working: Worker, **order: Any) -> Verdict:
    small = {"segment_bytes": 1 << 11, **LATER}
    working.cycle(150, quiet=True, die=True, options=small, **order)
    for _ in range(2):
        working.ask("drain", tolerated=True, point="after rows", hits=1, **order)
    return working.verdict(**order)


HITS = {
    "torn write": 150,
    "after write": 150,
    "adopting": 3,
    "before retiring": 2,
    "after retiring": 2,
    "removing": 2,
    "before registration": 2,
    "after registration": 2,
    "before commit": 20,
    "after commit": 20,
}


def killing_cycles(working: Worker, count: int, **order: Any) -> None:
    """Every point in turn, each at a hit drawn by lot."""
    names = list(POINTS)
    random.shuffle(names)
    for number in range(count):
        point = names[number % len(names)]
        working.cycle(point=point, hits=random.randint(1, HITS.get(point, 5)), **order)
