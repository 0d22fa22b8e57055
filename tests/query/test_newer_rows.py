"""Writes that give rows meet some that are newer than what their transaction has read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import event

from odac_db import Database
from odac_db.query.inserts import Row
from tests.fixtures.servers import Server
from tests.query.site import values_of

COLUMNS = ("slug", "hits")

UPSERTS: dict[str, tuple[Row, list[str] | None, int]] = {
    "upsert, as it is": ({"slug": "a"}, [], 7),
    "upsert, the same": ({"slug": "a", "hits": 7}, None, 7),
    "upsert": ({"slug": "a", "hits": 9}, None, 9),
}
CHANGES: dict[str, tuple[Callable[[Any], Any], int]] = {
    "update, the same": (lambda rows: rows.update(hits=7), 7),
    "update": (lambda rows: rows.update(hits=8), 8),
    "increment": (lambda rows: rows.increment("hits"), 8),
    "delete": (lambda rows: rows.delete(), 7),
}


def written(db: Database, write: str) -> list[tuple[Any, ...]]:
    if write in CHANGES:
        return values_of(CHANGES[write][0](db.slugs.where(slug="a").returning(*COLUMNS)))
    row, update, _ = UPSERTS[write]
    return values_of(db.slugs.returning(*COLUMNS).upsert([row], key="slug", update=update))


@pytest.mark.parametrize("write", [*UPSERTS, *CHANGES])
@pytest.mark.parametrize("before", [None, 1])
def test_the_rows_it_gives_are_those_it_wrote(
    db: Database, server: Server, write: str, before: int | None
) -> None:
    """MySQL showed no row, or the row as it once was, where others wrote in the meantime.

    PostgreSQL refuses to change a row that others changed; the transaction is run again.
    SQLite lets in one at a time.
    """
    read: list[list[int]] = []
    if before is not None:
        db.slugs.insert({"slug": "a", "hits": before})

    def others_write() -> None:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(db.slugs.upsert, {"slug": "a", "hits": 7}, key="slug").result()

    def work(_: Any) -> Any:
        read.append(db.slugs.pluck("hits"))
        if len(read) == 1 and server.family != "sqlite":
            others_write()
        return written(db, write)

    if server.family == "sqlite":
        others_write()
    rows = db.run_in_transaction(work, isolation="REPEATABLE READ")
    if server.family == "postgresql" and before is None and write in CHANGES:
        assert rows == []  # a row that it does not show is none to be changed
    else:
        assert rows == [("a", (UPSERTS | CHANGES)[write][-1])]
    assert read[0] == ([7] if server.family == "sqlite" else [before][: before is not None])


def test_a_row_that_is_gone_before_it_is_read_is_made_again(db: Database, server: Server) -> None:
    """Where it was left as it is, it is not locked, and others may delete it."""
    db.slugs.insert({"slug": "a", "hits": 7})
    deleted: list[bool] = []

    def others_delete(*executed: Any) -> None:
        if executed[2].startswith("INSERT INTO") and not deleted:
            deleted.append(True)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(db.slugs.all_rows().delete).result()

    if server.family == "postgresql":  # the others wait for each other
        event.listen(db.engine, "after_cursor_execute", others_delete)
    try:
        row = db.slugs.returning(*COLUMNS).upsert({"slug": "a"}, key="slug", update=[])
    finally:
        if server.family == "postgresql":
            event.remove(db.engine, "after_cursor_execute", others_delete)
    assert tuple(row) == ("a", 0 if server.family == "postgresql" else 7)
