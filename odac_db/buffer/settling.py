"""Before tables change: what is buffered for them is brought in while they are as they were.

Journals of the dead are adopted here; the living bring in their own, and are waited for as
far as they were when this began. What others buffer meanwhile meets the tables as they are
then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection, Mapping
from contextlib import nullcontext
from pathlib import Path

from sqlalchemy import Engine

from odac_db.buffer import files, ledger
from odac_db.buffer.flush import Ground, Marking
from odac_db.buffer.flusher import Flusher
from odac_db.buffer.known import known
from odac_db.buffer.log import Log
from odac_db.buffer.session import Session
from odac_db.buffer.source import LONGEST_WAIT
from odac_db.errors import LossDetected

log = logging.getLogger("odac_db.buffer")

Ends = Mapping[tuple[str, str], int]
"""How far lanes are written, by journal and lane."""


def settled(
    engine: Engine,
    home: Path,
    tables: Collection[str] | None,
    timeout: float,
    marking: Marking | None,
) -> int:
    """The operations for these tables (None: any) that are still not in after that time."""
    until = time.monotonic() + timeout
    ends = _ends(home, tables)
    left = _left(engine, ends)
    if not left:
        return 0
    flusher = _flusher(engine, home, marking)
    try:
        while left and time.monotonic() < until:
            flusher.adopt()
            flusher.drain(until)
            left = _left(engine, ends)
            if left and all(_stands(flusher, source, lane, until) for source, lane in left):
                break
            threading.Event().wait(0.02 if left else 0)
    finally:
        flusher.session.drop()
        flusher.let_go()
    for (source, lane), count in left.items():
        why = _why(flusher, source, lane)
        log.warning("tables change, and %d operations are not in: %s", count, why)
    return sum(left.values())


def _ends(home: Path, tables: Collection[str] | None) -> Ends:
    """Of all lanes that have operations for these tables, in any journal of the folder."""
    found: dict[tuple[str, str], int] = {}
    for name in files.journal_names(home):
        journal = Log(home / name)
        try:
            ends, held = journal.lanes(), journal.tables()
        except (LossDetected, FileNotFoundError):
            continue  # it is told by whoever adopts it, or is removed this moment
        except OSError as error:
            log.warning("tables change, and journal %s cannot be read: %s", name, error.strerror)
            continue
        for lane, end in ends.items():
            if tables is None or not held.get(lane, set()).isdisjoint(tables):
                found[name, lane] = end
    return found


def _left(engine: Engine, ends: Ends) -> dict[tuple[str, str], int]:
    """How many operations up to there the database has not, where there are some."""
    if not ends:
        return {}
    with engine.connect() as conn:
        if not ledger.exists(conn):
            return {}  # this database has never had a buffer
        positions = ledger.known(conn, sorted({source for source, _ in ends}))
    behind = {
        (source, lane): end - positions.get(source, {}).get(lane, 0)
        for (source, lane), end in ends.items()
    }
    return {place: count for place, count in behind.items() if count > 0}


def _flusher(engine: Engine, home: Path, marking: Marking | None) -> Flusher:
    """It judges by the tables that there are: those declared are still to come."""
    found = known(engine, None)
    ground = Ground(
        buffering=found.buffering,
        lanes=found.lanes,
        columns=found.columns,
        marking=marking or (lambda _, __: nullcontext()),
        declared=False,
    )
    return Flusher(home, found.database, ground, Session(engine, found.buffering), 3600.0)


def _stands(flusher: Flusher, source: str, lane: str, until: float) -> bool:
    """Whether no more waiting helps: of another database, or what stops it does not pass."""
    if source in flusher.foreign:
        return True
    found = flusher.sources.get(source)
    if found is None:
        return False
    held = found.lane(lane)
    lasting = held.retry_at > time.monotonic() + LONGEST_WAIT
    return bool(held.paused) and (lasting or held.retry_at > until)


def _why(flusher: Flusher, source: str, lane: str) -> str:
    found = flusher.sources.get(source)
    reason = found.lane(lane).paused if found is not None else ""
    reason = reason or flusher.foreign.get(source, "its process has not flushed in time")
    return f"journal {source}, lane {lane}: {reason}"
