"""Who breaks things in ``bench/stale.py``: writers are killed, Redis is emptied and restarted."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis

from bench.stale_site import Plan

USER = f"odac-stale-{os.getpid()}"


class OwnRedis:
    """A Redis of this run alone, on a socket, that can be killed and come back with old data."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._directory = Path(tempfile.mkdtemp(prefix="odac-stale-"))
        self.url = f"unix://{self._directory / 'redis.sock'}"
        self._start()

    def _start(self) -> None:
        options = ["--port", "0", "--unixsocket", "redis.sock", "--save", "", "--dir", "."]
        self._process = subprocess.Popen(
            [self._program, *options], cwd=self._directory, stdout=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with suppress(redis.RedisError), redis.Redis.from_url(self.url) as server:
                server.ping()
                return
            time.sleep(0.01)  # a socket has no other way to say that somebody listens
        raise SystemExit(f"{self._program} does not answer")

    def remember(self) -> None:
        """What it has now is what it comes back with."""
        with redis.Redis.from_url(self.url) as server:
            server.save()
        shutil.copy(self._directory / "dump.rdb", self._directory / "old.rdb")

    def restart(self) -> None:
        """Killed, and started with the data of then."""
        self.close()
        shutil.copy(self._directory / "old.rdb", self._directory / "dump.rdb")
        self._start()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


class SharedRedis:
    """One that others use, too: it is not killed, it only looks as if it had been.

    Its database is emptied; put back as it was, with another run id, its connections closed.
    """

    def __init__(self, store: str) -> None:
        self._given = store
        with self._server() as server:
            server.flushdb()
            server.execute_command("ACL", "SETUSER", USER, "on", "nopass", "~*", "&*", "+@all")
        scheme, _, rest = store.partition("://")
        self.url = f"{scheme}://{USER}:x@{rest}"
        self._old: dict[bytes, bytes] = {}

    def _server(self) -> Any:
        return redis.Redis.from_url(self._given)

    def remember(self) -> None:
        with self._server() as server:
            self._old = {key: server.dump(key) for key in server.scan_iter()}

    def restart(self) -> None:
        with self._server() as server, server.pipeline() as pipe:
            pipe.flushdb()
            for key, dumped in self._old.items():
                pipe.restore(key, 0, dumped)
                if key.endswith(b":G"):
                    pipe.hset(key, "r", "another")
            pipe.execute_command("CLIENT", "KILL", "USER", USER)
            pipe.execute()

    def close(self) -> None:
        with self._server() as server:
            server.execute_command("ACL", "DELUSER", USER)
            server.flushdb()


@dataclass
class Nemesis:
    """Kills writers, and does to Redis what happens to a Redis."""

    plan: Plan
    server: OwnRedis | SharedRedis | None
    writers: list[Any]
    start: Callable[[], Any]
    every: float
    kills: int = 0
    flushes: int = 0
    restarts: int = 0

    def run(self) -> None:
        if self.server is not None and not self.plan.plain:
            time.sleep(2 * self.plan.within)  # there shall be something to put back
            self.server.remember()
        while time.monotonic() < self.plan.until:
            time.sleep(self.every * (0.5 + random.random()))
            self._replaced()
            if self.server is None or self.plan.plain or random.random() < 0.7:
                self._kill()
            elif self.flushes <= self.restarts:
                self.flushes += 1
                with redis.Redis.from_url(self.server.url) as server:
                    server.flushdb()
            else:
                self.restarts += 1
                self.server.restart()

    def _replaced(self) -> None:
        """Those that have killed themselves."""
        for place, process in enumerate(self.writers):
            if not process.is_alive():
                self.writers[place] = self.start()
                self.kills += 1

    def _kill(self) -> None:
        place = random.randrange(len(self.writers))
        os.kill(self.writers[place].pid, signal.SIGKILL)
        self.writers[place].join()
        self.writers[place] = self.start()
        self.kills += 1
