"""A web application for gunicorn: one counter, read from the cache and counted up."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import text

from odac_db import Cache, Database

COUNTERS = text("SELECT value FROM counters WHERE id = :id")
TAKEN = text("UPDATE counters SET value = value + 1 WHERE id = :id")

db = Database.open(
    os.environ["COUNTERS_URL"],
    cache=Cache(directory=os.environ["COUNTERS_STAMPS"], commit_within=60),
)
for _ in range(2):  # with --preload the connection and what is kept are there before the workers
    db.execute(COUNTERS, {"id": 0}, cache=60)


def counted(number: int) -> int:
    """The counter after one more."""
    with db.transaction() as tx:
        tx.execute(TAKEN, {"id": number})
        value: int = tx.execute(COUNTERS, {"id": number}).scalar_one()
    return value


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    _, verb, number = environ["PATH_INFO"].split("/")
    if verb == "count":
        value = counted(int(number))
    else:
        value = db.execute(COUNTERS, {"id": int(number)}, cache=60).scalar_one()
    told = {"value": value, "process": os.getpid(), "hits": db.cache.stats().hits}
    start("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(told).encode()]
