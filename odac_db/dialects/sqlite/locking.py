"""SQLite has one lock for all, and a plan holds it from its beginning: nothing to wait for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection

from odac_db.dialects.base import Claim, Features, Locking
from odac_db.schema.changes import Change
from odac_db.schema.model import Schema


def claims(
    changes: Sequence[Change],
    current: Schema,
    features: Features,
) -> tuple[Claim, ...]:
    return ()


def limit(connection: Connection, seconds: float | None, features: Features) -> None:
    """Nothing: ``BEGIN IMMEDIATE`` has waited already."""


def is_busy(error: BaseException) -> bool:
    """Never: a busy file is the migration lock's matter."""
    return False


def cannot(error: BaseException) -> bool:
    """Never: there is one way to do a thing here."""
    return False


def holders(connection: Connection, table: str, features: Features) -> tuple[str, ...]:
    return ()


@contextmanager
def reading(connection: Connection, seconds: float) -> Iterator[None]:
    """SQLite itself waits for whoever locks the file; meanwhile no longer than that."""
    own = int(connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one())
    wait = round(seconds * 1000)
    if own <= wait:  # as it is by default: an unchanged boot has no statement to spare
        yield
        return
    _wait(connection, wait)
    try:
        yield
    finally:
        _wait(connection, own)


def _wait(connection: Connection, milliseconds: int) -> None:
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {milliseconds}")


LOCKING = Locking(
    claims=claims, limit=limit, is_busy=is_busy, cannot=cannot, holders=holders, reading=reading
)
