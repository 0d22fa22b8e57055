"""What the processes of ``bench/stale.py`` log, and what is to be said of it afterwards."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.stale_site import NONSENSE

RECORD = struct.Struct("<cqqqq")  # kind, counter, value, begun, ended
DIRECT, CACHED, COMMITTED, OVERLOOKED = b"d", b"c", b"w", b"o"


class Log:
    """Records of one process, written as they come: a killed one has said what it did."""

    def __init__(self, directory: str, name: str) -> None:
        flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
        self._file = os.open(f"{directory}/{name}-{os.getpid()}.log", flags)

    def write(self, kind: bytes, counter: int, value: int, begun: int) -> None:
        os.write(self._file, RECORD.pack(kind, counter, value, begun, time.monotonic_ns()))


@dataclass
class Verdict:
    """``b_stale``, ``a_stale``, ``dirty`` and ``divergent`` as ``bench/stale.py`` defines them."""

    reads: int = 0
    commits: int = 0
    b_stale: int = 0
    a_stale: int = 0
    dirty: int = 0
    divergent: int = 0
    longest: float = 0.0

    @property
    def is_wrong(self) -> bool:
        return bool(self.b_stale or self.a_stale or self.dirty or self.divergent)


def judged(directory: str) -> Verdict:
    """All logs in the order of time: what was known when each read began."""
    verdict = Verdict()
    records = sorted(records_of(directory), key=lambda one: one[4])
    seen = {record[1]: 0 for record in records}
    told = dict(seen)
    ended = iter(records)
    latest = next(ended, None)
    for kind, counter, value, begun, _ in sorted(records, key=lambda one: one[3]):
        while latest is not None and latest[4] < begun:
            known = told if latest[0] == COMMITTED else seen
            known[latest[1]] = max(known[latest[1]], latest[2] % NONSENSE)
            latest = next(ended, None)
        if kind != CACHED:
            verdict.commits += kind == COMMITTED
            verdict.dirty += kind == OVERLOOKED
            continue
        verdict.reads += 1
        verdict.dirty += value >= NONSENSE
        verdict.b_stale += value < max(seen[counter], told[counter])
        verdict.a_stale += value < told[counter]
    return verdict


def records_of(directory: str) -> Iterator[tuple[bytes, int, int, int, int]]:
    for file in Path(directory).glob("*.log"):
        data = file.read_bytes()
        yield from RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size])


def figures_of(directory: str) -> tuple[int, int]:
    """Hits and other cached reads, of all readers."""
    pairs = [path.read_text().split() for path in Path(directory).glob("figures-*")]
    return sum(int(hits) for hits, _ in pairs), sum(int(others) for _, others in pairs)


def longest_of(directory: str) -> float:
    """Seconds of the longest commit of a writer that lived to tell."""
    told = (path.read_text() for path in Path(directory).glob("longest-*"))
    return max((float(text) for text in told if text), default=0.0)
