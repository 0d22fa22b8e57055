"""A program: migrates that are killed, each at the statement it is told.

Each line that is read is an order in JSON: ``url``, ``schema``, ``allow``, ``prune`` and
``at``. A forked child migrates and kills itself (``kill -9``) right before the ``at``-th
statement that writes; behind the last, if ``at`` is one more than there are; never, if 0.
What only reads leaves a database as the last write left it and is not counted.

One line of JSON answers: ``killed``; ``writes``, the statements that were executed;
``before``, the one it died at; ``error``, of a migrate that failed.

Columns are filled and orphans cleaned a few rows at a time, and on PostgreSQL columns are
filled ahead of the plan's transaction, as large tables are.
"""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from typing import Any, NoReturn

import sqlalchemy.dialects.mysql.pymysql
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite  # noqa: F401
from sqlalchemy import Engine, event

from odac_db import Database
from odac_db.migrate.backfill import ahead, batches
from odac_db.migrate.orphans import cleaning

_READS = re.compile(
    r"\s*(?:SELECT\b(?!.*\bsetval\b)|SHOW|DESCRIBE|PRAGMA|SET|DO|EXPLAIN)\b", re.I | re.S
)


class Life:
    """One child's: how many statements it has written, and when it ends."""

    def __init__(self, at: int, told: int) -> None:
        self.at = at
        self.writes: list[str] = []
        self._told = told

    def before_statement(self, statement: str) -> None:
        if _READS.match(statement) is None:
            if len(self.writes) + 1 == self.at:
                self.end(statement)
            self.writes.append(statement)

    def end(self, statement: str) -> NoReturn:
        self.tell(killed=True, before=statement)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    def tell(self, *, killed: bool = False, before: str = "", error: str = "") -> None:
        facts = {"killed": killed, "before": before, "error": error, "writes": self.writes}
        with os.fdopen(self._told, "w") as answer:
            json.dump(facts, answer)


def migrate(life: Life, url: str, schema: str, allow: list[str], prune: bool) -> None:
    def listener(*arguments: Any) -> None:
        life.before_statement(arguments[2])

    event.listen(Engine, "before_cursor_execute", listener)
    try:
        with Database.open(url, schema=schema) as db:
            db.migrate(allow=allow, prune=prune)
            if len(life.writes) + 1 == life.at:
                life.end("")
    except Exception as error:
        life.tell(error=f"{type(error).__name__}: {error}")
        return
    life.tell()


def child(order: dict[str, Any]) -> dict[str, Any]:
    """What came of it, in a process of its own."""
    heard, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(heard)
        migrate(Life(order.pop("at"), told), **order)
        os._exit(0)
    os.close(told)
    with os.fdopen(heard) as answer:
        facts: dict[str, Any] = json.loads(answer.read())
    _, status = os.waitpid(pid, 0)
    assert facts["killed"] == (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL)
    return facts


def in_small_batches() -> None:
    setattr(ahead, "MANY", 1)  # noqa: B010 - as large tables are
    for name in ("SMALLEST", "FIRST", "LARGEST"):
        setattr(batches, name, 2)
    defaults = cleaning.Cleaning.__init__.__kwdefaults__
    assert defaults is not None
    defaults["batch"] = 2


def main() -> None:
    in_small_batches()
    for line in sys.stdin:
        print(json.dumps(child(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
