"""A program: many processes that open one database at once, and one that may be held up.

``boot.py JSON`` with ``url``, ``schema``, ``processes``, ``lock_timeout`` and ``stop_after``.
Everything is imported first, then the processes are forked, so that they race for the
database and not for the interpreter. Each prints one line of JSON when it is done:
``applied``, ``files``, ``in_sync`` and ``error``.

With ``stop_after`` the only process prints ``halfway`` after that many statements of its
plan, still holding the lock, and waits to be killed. A process that begins to wait for the
lock prints ``waiting``.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from types import SimpleNamespace
from typing import Any

import sqlalchemy.dialects.mysql.pymysql
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401

from odac_db import Database
from odac_db.migrate import apply, leader


def say(**facts: Any) -> None:
    """One whole line, whoever else is writing."""
    os.write(1, (json.dumps(facts) + "\n").encode())


def announce_waiting() -> None:
    """The leader's jitter is only drawn by those who wait."""
    told: list[bool] = []

    def uniform(low: float, high: float) -> float:
        if not told:
            told.append(True)
            say(state="waiting")
        return random.uniform(low, high)

    setattr(leader, "random", SimpleNamespace(uniform=uniform))  # noqa: B010


def stop_halfway(stop_after: int) -> None:
    """Between two statements: the lock is held, and what is done is done."""
    execute = apply.Execution.execute
    done: list[Any] = []

    def counted(self: apply.Execution, operation: Any, statement: Any) -> None:
        execute(self, operation, statement)
        done.append(statement)
        if len(done) == stop_after:
            say(state="halfway")
            signal.pause()

    apply.Execution.execute = counted  # type: ignore[method-assign]


def boot(url: str, schema: str, lock_timeout: float) -> None:
    try:
        with Database.open(url, schema=schema, migrate=True, lock_timeout=lock_timeout) as db:
            report = db.report
            assert report is not None
            facts = {"applied": len(report.applied), "files": report.files}
            say(state="done", **facts, in_sync=report.in_sync, error="")
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        say(state="done", applied=0, files=(), in_sync=False, error=text)


def main(
    url: str, schema: str, processes: int = 1, lock_timeout: float = 60.0, stop_after: int = 0
) -> None:
    announce_waiting()
    if stop_after:
        stop_halfway(stop_after)
        boot(url, schema, lock_timeout)
        return
    ready, start = os.pipe()
    children = []
    for _ in range(processes):
        child = os.fork()
        if child == 0:
            os.close(start)
            os.read(ready, 1)  # until the other end is closed: all start at once
            boot(url, schema, lock_timeout)
            os._exit(0)
        children.append(child)
    os.close(start)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
