"""Four workers of gunicorn, the memory store, no other server: nothing stale by HTTP."""

from __future__ import annotations

import json
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.databases import LiveDatabase

ROOT = Path(__file__).parents[2]
COUNTERS = 3
READERS, WRITERS = 3, 2
Dose = Callable[[int, int], int]


@contextmanager
def gunicorn(url: str, directory: Path, *options: str) -> Iterator[tuple[str, int]]:
    """Where it listens: its socket is open from the beginning, so nobody waits for it."""
    told = {"COUNTERS_URL": url, "COUNTERS_STAMPS": str(directory), "PYTHONPATH": str(ROOT)}
    log = directory / "gunicorn.log"
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening, log.open("wb") as out:
        command = [sys.executable, "-m", "gunicorn", "--workers", "4", "--threads", "2"]
        process = subprocess.Popen(
            [*command, *options, "--bind", f"fd://{listening.fileno()}", "tests.cache.workers"],
            env={**os.environ, **told},
            cwd=ROOT,
            pass_fds=[listening.fileno()],
            stdout=out,
            stderr=out,
        )
        try:
            yield listening.getsockname()
        finally:
            process.terminate()
            process.wait(60)
    assert "Traceback" not in log.read_text("utf-8"), log.read_text("utf-8")


class Clients:
    """Readers and writers; a reader knows what was there at least when it began."""

    def __init__(self, place: tuple[str, int], reads: int) -> None:
        self._place = place
        self._left = [reads]
        self._lock = threading.Lock()
        self.least = [0] * COUNTERS
        self.hits: dict[int, int] = {}
        self.stale: list[tuple[int, int]] = []
        self.failed: list[BaseException] = []

    def asked(self, path: str) -> dict[str, Any]:
        connection = HTTPConnection(*self._place, timeout=60)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200, answer.read()
            told: dict[str, Any] = json.loads(answer.read())
            return told
        finally:
            connection.close()

    def one(self, verb: str) -> None:
        number = random.randrange(COUNTERS)
        with self._lock:
            least = self.least[number]
        told = self.asked(f"/{verb}/{number}")
        with self._lock:
            if told["value"] < least:
                self.stale.append((told["value"], least))
            self.least[number] = max(self.least[number], told["value"])
            self.hits[told["process"]] = max(self.hits.get(told["process"], 0), told["hits"])

    def reading(self) -> None:
        while self._left[0] > 0 and not self.failed:
            with self._lock:
                self._left[0] -= 1
            self._tried("read")

    def writing(self) -> None:
        while self._left[0] > 0 and not self.failed:
            self._tried("count")
            threading.Event().wait(random.random() * 0.05)

    def _tried(self, verb: str) -> None:
        try:
            self.one(verb)
        except BaseException as error:
            self.failed.append(error)

    def run(self) -> None:
        works = [self.reading] * READERS + [self.writing] * WRITERS
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def coherent(database: LiveDatabase, directory: Path, reads: int, *options: str) -> str:
    database.execute("CREATE TABLE counters (id integer PRIMARY KEY, value integer NOT NULL)")
    for number in range(COUNTERS):
        database.execute(f"INSERT INTO counters VALUES ({number}, 0)")
    if database.family == "sqlite":
        database.execute("PRAGMA journal_mode = WAL")
    with gunicorn(database.url, directory, *options) as place:
        clients = Clients(place, reads)
        clients.run()
    assert clients.failed == []
    assert clients.stale == []
    assert [row["value"] for row in database.rows("counters")] == clients.least
    assert len(clients.hits) > 1  # several workers have answered
    hits = sum(clients.hits.values())
    assert hits > 0
    how = " ".join([database.server.label, "memory, 4 workers", *options])
    return f"{how}: {reads} reads, 0 stale, {hits} hits"


@pytest.mark.torture
def test_workers_of_one_host_are_coherent_without_a_server(
    sqlite_database: LiveDatabase,
    tmp_path: Path,
    dose: Dose,
    record_property: Callable[[str, object], None],
) -> None:
    record_property("told", coherent(sqlite_database, tmp_path, dose(200, 50_000)))


@pytest.mark.torture
def test_so_are_workers_that_were_forked_from_an_application_in_use(
    database: LiveDatabase,
    tmp_path: Path,
    dose: Dose,
    record_property: Callable[[str, object], None],
) -> None:
    told = coherent(database, tmp_path, dose(200, 50_000), "--preload")
    record_property("told", told)
