"""Where buffered writes are tortured: tables that show a duplicate, and the count at the end."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.fixtures.databases import LiveDatabase

TABLES = (
    "CREATE TABLE events (id varchar(40) NOT NULL, n bigint NOT NULL, note varchar(40),"
    " CHECK (n >= 0))",
    "CREATE TABLE counters (id bigint NOT NULL PRIMARY KEY, n bigint NOT NULL)",
)
"""``events`` has no unique key: what is written twice is there twice."""


@dataclass
class Verdict:
    """What is wrong: acknowledged and gone, there twice, never tried, counted wrongly."""

    acked: int = 0
    applied: int = 0
    dead: int = 0
    lost: list[str] = field(default_factory=list)
    dup: list[str] = field(default_factory=list)
    ghost: list[str] = field(default_factory=list)
    counter_diff: int = 0

    @property
    def clean(self) -> bool:
        return not (self.lost or self.dup or self.ghost or self.counter_diff)

    def __str__(self) -> str:
        return (
            f"acked={self.acked} applied={self.applied} dead={self.dead} lost={len(self.lost)} "
            f"dup={len(self.dup)} ghost={len(self.ghost)} counter_diff={self.counter_diff}"
        )


def made(database: LiveDatabase) -> LiveDatabase:
    engine = " ENGINE=InnoDB" if database.family == "mysql" else ""
    if database.family == "sqlite":
        database.execute("PRAGMA journal_mode = WAL")
    database.execute(*(table + engine for table in TABLES))
    return database


def verdict(database: LiveDatabase, acks: Path) -> Verdict:
    """Compares what was tried and acknowledged with what is there."""
    tried, acked = _read(acks)
    rows = [str(id_) for (id_,) in database.execute("SELECT id FROM events")]
    counters = {int(id_): int(n) for id_, n in database.execute("SELECT id, n FROM counters")}
    rows += [f"c{id_}" for id_ in counters]
    dead = []
    for (payload,) in database.execute("SELECT payload FROM _odac_buffer_dead"):
        document = json.loads(payload)
        columns, key = document["columns"], document["key"]
        dead.append(
            f"c{columns['id']}"
            if "n" in columns and key == {} and isinstance(columns["id"], int)
            else str(columns.get("id", f"lost increment of {key}"))
        )
    found = Counter(rows + dead)
    answer = Verdict(acked=sum(acked.values()), applied=len(rows), dead=len(dead))
    inserts = {name for name in acked if not name.startswith("+")}
    answer.lost = sorted(inserts - found.keys())
    answer.dup = sorted(name for name, count in found.items() if count > 1)
    answer.ghost = sorted(name for name in found if name not in tried)
    for id_, value in counters.items():
        low, high = acked[f"+{id_}"], tried[f"+{id_}"]
        answer.counter_diff += max(low - value, value - high, 0)
    return answer


def _read(acks: Path) -> tuple[Counter[str], Counter[str]]:
    """How often each thing was tried, and acknowledged."""
    tried: Counter[str] = Counter()
    acked: Counter[str] = Counter()
    for line in acks.read_text().splitlines():
        (tried if line[0] == "A" else acked)[line[1:]] += 1
    return tried, acked
