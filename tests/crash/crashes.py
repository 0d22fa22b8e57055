"""One case killed at one statement after the other, and brought to its end each time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from odac_db import Database
from tests.cases.case import Case
from tests.cases.ground import Ground, plain
from tests.crash.starts import Start
from tests.fixtures import databases
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server
from tests.laws.folder import told

ROOT = Path(__file__).parents[2]
ORPHANS = "_odac_orphans"
COPIED = (
    "table_name",
    "constraint_name",
    "via",
    "action",
    "columns",
    "row_key",
    "row_values",
)


class Killer:
    """``dying.py``, running."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def migrate(self, **order: Any) -> dict[str, Any]:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(order) + "\n")
        self._child.stdin.flush()
        facts: dict[str, Any] = json.loads(self._child.stdout.readline())
        return facts


@contextmanager
def killer() -> Iterator[Killer]:
    command = [sys.executable, "-m", "tests.crash.dying"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        yield Killer(child)
        assert child.stdin is not None
        child.stdin.close()


@dataclass(frozen=True)
class End:
    """A database when all is done: its structure, its rows, and the copies of orphans.

    ``random`` are the columns that nobody can foresee; they only must be filled.
    """

    dump: str
    rows: dict[str, Counter[str]]
    copies: Counter[str]


def end(database: LiveDatabase, unforeseen: frozenset[str]) -> End:
    tables = set(inspect(database.engine()).get_table_names())
    rows = {name: _rows(database, name, unforeseen) for name in tables if name[:6] != "_odac_"}
    copies: Counter[str] = Counter()
    if ORPHANS in tables:
        found = database.rows(ORPHANS)
        copies.update(repr([row[name] for name in COPIED]) for row in found)
    return End(database.dump(), rows, copies)


def _rows(database: LiveDatabase, table: str, unforeseen: frozenset[str]) -> Counter[str]:
    return Counter(
        repr(
            {
                name: value is not None if name in unforeseen else plain(value)
                for name, value in row.items()
            }
        )
        for row in database.rows(table)
    )


@dataclass
class Crashes:
    """What is known of one case on one server: how it ends undisturbed, and how otherwise."""

    case: Case
    ground: Ground
    start: Start
    killer: Killer
    wanted: End
    writes: list[str]
    kinds: frozenset[str]
    unforeseen: frozenset[str]
    points: int = 0
    converged: int = 0
    rows_lost: int = 0
    faults: list[str] = field(default_factory=list)

    def crash(self, at: int, *more: int) -> None:
        """A migrate killed before its ``at``-th write, the next ones likewise; then one whole."""
        database = self.start.restore()
        places = []
        for point in (at, *more):
            facts = self._migrate(database, point)
            places.append(facts["before"] if facts["killed"] else facts["error"])
        self.points += 1
        where = f"killed before {' and '.join(map(repr, places))} ({[at, *more]})"
        facts = self._migrate(database, 0)
        if facts["error"]:
            self.faults.append(f"{where}: {facts['error']}")
            return
        faults = list(self._compared(end(database, self.unforeseen)))
        faults += self._settled(database)
        self.converged += not faults
        self.faults += [f"{where}: {fault}" for fault in faults]

    def _migrate(self, database: LiveDatabase, at: int) -> dict[str, Any]:
        return ordered(self.killer, self.case, self.ground, database, at)

    def _compared(self, found: End) -> Iterator[str]:
        wanted = self.wanted
        if found.dump != wanted.dump:
            yield f"the structure is\n{found.dump}\nand not\n{wanted.dump}"
        if found.copies != wanted.copies:
            yield f"copies: {found.copies - wanted.copies} and not {wanted.copies - found.copies}"
        for table in found.rows.keys() | wanted.rows.keys():
            there, due = found.rows.get(table, Counter()), wanted.rows.get(table, Counter())
            self.rows_lost += (due - there).total()
            if there != due:
                yield f"{table} holds {there - due} and not {due - there}"
        self.rows_lost += (wanted.copies - found.copies).total()

    def _settled(self, database: LiveDatabase) -> Iterator[str]:
        with Database.open(database.url, schema=self.ground.folder) as db:
            again = db.plan(allow=self.case.allow, prune=self.case.prune)
            pending = [line for line in told(again) if line.startswith("pending")]
            if pending:
                yield f"the next plan has {pending}"
            states = [entry.status for entry in db.history()]
            if set(states) - {"applied", "died", "failed"}:
                yield f"history says {states}"

    def __str__(self) -> str:
        return (
            f"CRASH db={self.ground.database.server.id} points={self.points} "
            f"converged={self.converged} rows_lost={self.rows_lost}"
        )


def ordered(
    killer: Killer, case: Case, ground: Ground, database: LiveDatabase, at: int
) -> dict[str, Any]:
    return killer.migrate(
        url=database.url,
        schema=str(ground.folder),
        allow=list(case.allow),
        prune=case.prune,
        at=at,
    )


@contextmanager
def crashes(
    server: Server,
    case: Case,
    directory: Path,
    killer: Killer,
    unforeseen: frozenset[str] = frozenset(),
) -> Iterator[Crashes]:
    """The case at its start, and once brought to its end undisturbed."""
    ground = Ground(server, directory)
    (directory / "copy").mkdir()
    copy = databases.create(server, directory / "copy")
    try:
        ground.declare(case.before)
        assert ground.migrate(case).in_sync
        ground.insert(case.rows)
        ground.run(*case.sql)
        ground.declare(case.after)
        kinds = frozenset(op.kind for op in ground.plan(case).operations)
        start = Start(ground.database, copy)
        facts = ordered(killer, case, ground, start.restore(), 0)
        assert not facts["error"], facts
        wanted = end(copy, unforeseen)
        yield Crashes(case, ground, start, killer, wanted, facts["writes"], kinds, unforeseen)
    finally:
        databases.drop(copy)
        databases.drop(ground.database)
