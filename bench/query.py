"""What the table API costs: building a query, and reading through it, beside bare SQLAlchemy.

One SQLite file, rounds taken in turn so that a busy moment hits all alike; medians.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import Connection, text

from odac_db import Database, Query

SCHEMA = """
columns:
  id: {type: increments}
  title: {type: string, nullable: false}
  status: {type: string, length: 10, nullable: false}
  views: {type: big_integer, nullable: false, default: 0}
"""
SQL = text("SELECT id, title FROM posts WHERE status = :status ORDER BY views DESC LIMIT :limit")


def feed(db: Database) -> Query:
    """Four steps, as an application writes them for each request."""
    return db.posts.where(status="live").order_by("-views").limit(20).select("id", "title")


def bare(conn: Connection) -> list[tuple[int, str]]:
    """The same rows by the shortest way there is in SQLAlchemy."""
    with conn.begin():
        return [tuple(row) for row in conn.execute(SQL, {"status": "live", "limit": 20})]


def microseconds(work: Callable[[], object], times: int) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begin) / times * 1e6


def measured(db: Database, rounds: int, times: int) -> dict[str, float]:
    """The median of each, in microseconds; the first round only warms up."""
    with db.engine.connect() as conn:
        works: dict[str, tuple[Callable[[], object], int]] = {
            "build a query of four steps": (lambda: feed(db), times * 20),
            "read 20 rows, built each time": (lambda: feed(db).all(), times),
            "read 20 rows, bare SQLAlchemy": (lambda: bare(conn), times),
        }
        taken: dict[str, list[float]] = {name: [] for name in works}
        for number in range(rounds + 1):
            for name, (work, repeat) in works.items():
                found = microseconds(work, repeat)
                if number:
                    taken[name].append(found)
    return {name: median(times) for name, times in taken.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--times", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder, "schema")
        schema.mkdir()
        (schema / "posts.yaml").write_text(SCHEMA, "utf-8")
        with Database.open(f"sqlite:///{folder}/b.db", schema=schema, migrate=True) as db:
            db.posts.insert(
                [{"title": f"title {n}", "status": "live", "views": n} for n in range(100)]
            )
            found = measured(db, given.rounds, given.times)
    unit = found["read 20 rows, bare SQLAlchemy"]
    for name, taken in found.items():
        print(f"{name:<32}{taken:>8.1f} us{taken / unit:>8.3f} x bare")


if __name__ == "__main__":
    main()
