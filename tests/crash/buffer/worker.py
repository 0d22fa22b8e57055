"""A program: producers, flushers and adopters that are killed where they are told.

Each line that is read is an order in JSON; a forked child carries it out: ``deed`` is
``work`` (operations, acknowledged in the file ``acks``, flushes in between), ``drain``
(brings all journals in, those of the dead too), or ``raid`` (drains one journal without
its lock). ``point`` and ``hits`` say where it kills itself, ``stop`` where one of several is
stopped until another is done, ``fault`` which mistake it makes.
One line answers with what came of it.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy.dialects.mysql.pymysql
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401
from sqlalchemy import Connection, text

from odac_db.buffer import flush
from odac_db.buffer.answers import BufferOptions
from odac_db.buffer.buffer import Buffer
from odac_db.buffer.cursor import Cursor
from odac_db.buffer.log import Log
from odac_db.buffer.source import Source
from odac_db.dialects.connect import engine_of
from tests.crash.buffer.points import (
    FAULTS,
    POINTS,
    Countdown,
    die,
    stop_first,
    wake_first,
)

SEGMENT = 1 << 14


class Work:
    """One producer's operations; each is told before it is tried and when it is acknowledged."""

    def __init__(self, order: dict[str, Any], buffer: Buffer) -> None:
        self.buffer = buffer
        self.cycle = order["cycle"]
        self.random = random.Random(order["seed"])
        self.file = os.open(order["acks"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self.count = 0
        self.most = order.get("most", 0.93 if order.get("quiet") else 1.0)

    def told(self, kind: str, *names: str) -> None:
        os.write(self.file, "".join(f"{kind}{name}\n" for name in names).encode())

    def insert(self, rows: int, poison: bool = False) -> None:
        made: list[dict[str, Any]] = []
        for _ in range(rows):
            self.count += 1
            made.append({"id": f"{self.cycle}-{self.count}", "n": -1 if poison else self.count})
        names = [row["id"] for row in made]
        self.told("A", *names)
        self.buffer["events"].insert(made if rows > 1 else made[0])
        self.told("K", *names)

    def begin_counter(self) -> None:
        self.told("A", f"c{self.cycle}")
        self.buffer["counters"].insert({"id": self.cycle, "n": 0})
        self.told("K", f"c{self.cycle}")

    def increment(self) -> None:
        self.told("A", f"+{self.cycle}")
        self.buffer["counters"].where(self.cycle).increment("n")
        self.told("K", f"+{self.cycle}")

    def step(self) -> None:
        lot = self.random.random() * self.most
        if lot < 0.5:
            self.insert(1)
        elif lot < 0.6:
            self.insert(self.random.randint(2, 40))
        elif lot < 0.9:
            self.increment()
        elif lot < 0.93:
            self.insert(1, poison=True)
        elif lot < 0.97:
            self.buffer.flush()
        else:
            running = self.buffer._start()
            with running.flusher.turn:
                running.flusher.tend(at_once=True)


def opened(order: dict[str, Any], **options: Any) -> Buffer:
    chosen = {"segment_bytes": SEGMENT, "retention": 0.0, "interval": 0.02, **options}
    chosen |= order.get("options", {})
    return Buffer(engine_of(order["url"]), None, BufferOptions(folder=order["folder"], **chosen))


def work(order: dict[str, Any]) -> dict[str, Any]:
    buffer = opened(order)
    working = Work(order, buffer)
    if order.get("deaf"):
        deafen(order["deaf"])
    working.begin_counter()
    for number in range(order["operations"]):
        working.step()
        if order.get("rewind") and number % 15 == 14:
            rewind(buffer)
    if order.get("die"):
        die()
    buffer.close()
    return {"pending": buffer._running.pending() if buffer._running else 0}


def deafen(hits: int) -> None:
    """From the so-many-th flush on, every third COMMIT is carried out and breaks the connection."""
    whole = flush._commit
    seen = 0

    def commit(conn: Connection, *arguments: Any) -> None:
        nonlocal seen
        seen += 1
        whole(conn, *arguments)
        if seen >= hits and not seen % 3:
            conn.connection.close()
            raise ConnectionResetError("the connection broke")

    flush._commit = commit  # type: ignore[assignment]


def rewind(buffer: Buffer) -> None:
    """What a database does that lost its last commits: rows and position are older again."""
    buffer.flush()
    running = buffer._start()
    with running.flusher.turn, engine_of(buffer._engine.url).begin() as conn:
        source, lost = running.journal.id, 10
        position = conn.execute(
            text("SELECT seq FROM _odac_buffer WHERE source = :s AND lane = 'events'"),
            {"s": source},
        ).scalar()
        kept = max((position or 0) - lost, 0)
        cursor = Cursor(Log(running.journal.folder, lambda: running.journal.end), "events")
        cursor.seek(kept)
        for chunk in cursor.read(1 << 40, 1 << 40):
            place = chunk.shape.columns.index("id")
            for row in chunk.rows:
                gone = {"id": row[place]}
                conn.execute(text("DELETE FROM events WHERE id = :id"), gone)
        conn.execute(
            text(
                "DELETE FROM _odac_buffer_dead WHERE source = :s AND lane = 'events' AND seq > :k"
            ),
            {"s": source, "k": kept},
        )
        conn.execute(
            text("UPDATE _odac_buffer SET seq = :k WHERE source = :s AND lane = 'events'"),
            {"s": source, "k": kept},
        )


def drain(order: dict[str, Any]) -> dict[str, Any]:
    """Until nothing is left, or half a minute is over."""
    buffer = opened(order)
    running = buffer._start()
    until = time.monotonic() + order.get("seconds", 30)
    pending = -1
    while pending and time.monotonic() < until:
        with running.flusher.turn:
            running.flusher.tend(at_once=True)
        running.flusher.hurry()
        pending = running.drain(until)
        paused = running.paused()
        if pending and any("are lost" in reason for reason in paused.values()):
            break
    answer = {"pending": pending, "paused": running.paused(), "foreign": running.flusher.foreign}
    buffer.close()
    return answer


def raid(order: dict[str, Any]) -> dict[str, Any]:
    """Flushes journals of the dead as if there were no locks."""
    buffer = opened(order, retention=3600.0, interval=3600.0)
    running = buffer._start()
    home = Path(order["folder"]) / "default"
    with running.flusher.turn:
        for name in order["journals"]:
            log = Log(home / name)
            source = running.flusher.sources[name] = Source(log, log.lanes())
            for lane in source.ends:
                source.believe(running.flusher.session, source.lane(lane))
        together(Path(order["folder"]), order["times"])
        until = time.monotonic() + order.get("seconds", 30)
        while running.flusher.drain(until) and time.monotonic() < until:
            running.flusher.hurry()
    wake_first(Path(order["folder"]))
    applied = running.flusher.totals.applied
    for name in order["journals"]:
        running.flusher.sources.pop(name, None)
    buffer.close()
    return {"applied": applied}


def together(folder: Path, count: int) -> None:
    """All of them believe the same before one of them acts."""
    (folder / f"ready-{os.getpid()}").touch()
    until = time.monotonic() + 20
    while time.monotonic() < until and len(list(folder.glob("ready-*"))) < count:
        os.sched_yield()


DEEDS = {"work": work, "drain": drain, "raid": raid}


def child(order: dict[str, Any], told: int) -> None:
    if order.get("fault"):
        FAULTS[order["fault"]]()
    if order.get("stop"):
        here = Path(order["folder"])
        POINTS[order["stop"]](Countdown(1, lambda: stop_first(here)))
    if order.get("point"):
        POINTS[order["point"]](Countdown(order["hits"]))
    answer: dict[str, Any]
    try:
        answer = DEEDS[order["deed"]](order)
    except BaseException as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    os.write(told, json.dumps(answer).encode())


def begun(order: dict[str, Any]) -> tuple[int, int]:
    heard, told = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(heard)
        with suppress(BaseException):
            child(order, told)
        os._exit(0)
    os.close(told)
    return pid, heard


def ended(pid: int, heard: int) -> dict[str, Any]:
    with os.fdopen(heard) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else {"killed": True}


def main() -> None:
    logging.disable(logging.CRITICAL)
    for line in sys.stdin:
        order = json.loads(line)
        together = [begun(order) for _ in range(order.get("times", 1))]
        answers = [ended(*one) for one in together]
        print(json.dumps(answers), flush=True)


if __name__ == "__main__":
    main()
