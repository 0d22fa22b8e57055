"""The migration lock and the transaction around a plan."""

from __future__ import annotations

from contextlib import suppress

import xxhash
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.reading import in_transaction, run


def lock_key(features: PostgreSQLFeatures) -> int:
    """The advisory lock of a namespace. The server itself keeps databases apart."""
    number = xxhash.xxh3_64_intdigest(f"odac-db {features.namespace}".encode())
    return number - 2**63


def try_lock(connection: Connection, features: PostgreSQLFeatures) -> bool:
    """Takes the session's advisory lock, which the server frees when the session ends."""
    return bool(run(connection, f"SELECT pg_try_advisory_lock({lock_key(features)})").scalar())


def unlock(connection: Connection, features: PostgreSQLFeatures) -> None:
    """Gives the lock back. Of a broken connection the server has freed it already."""
    with suppress(SQLAlchemyError):
        if in_transaction(connection):  # one that has failed refuses every other statement
            run(connection, "ROLLBACK")
    with suppress(SQLAlchemyError):
        run(connection, f"SELECT pg_advisory_unlock({lock_key(features)})")


def begin(connection: Connection, features: PostgreSQLFeatures) -> None:
    run(connection, "BEGIN")


def commit(connection: Connection, features: PostgreSQLFeatures) -> None:
    run(connection, "COMMIT")


def rollback(connection: Connection, features: PostgreSQLFeatures) -> None:
    """Undoes everything since ``begin``; of a broken connection the server has done so."""
    with suppress(SQLAlchemyError):
        run(connection, "ROLLBACK")
