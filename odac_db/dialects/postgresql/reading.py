"""Statements run without a trace, under settings that make the catalog print one way.

A constant of type ``timestamp with time zone`` is printed in the session's TimeZone, an
interval in its IntervalStyle: without pinning, two hosts would read two schemas.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, CursorResult

_SAVEPOINT = '"_odac_reading"'
# jit: catalog statements are priced high enough to be compiled, which takes longer than
# running them.
_PRINTING = """SELECT set_config('TimeZone', 'UTC', true), set_config('DateStyle', 'ISO', true),
set_config('IntervalStyle', 'postgres', true), set_config('extra_float_digits', '1', true),
set_config('bytea_output', 'hex', true), set_config('standard_conforming_strings', 'on', true),
set_config('quote_all_identifiers', 'off', true), set_config('jit', 'off', true)"""


def run(connection: Connection, sql: str) -> CursorResult[object]:
    """Runs one statement as it stands: a % in it is a %, not a placeholder."""
    return connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def in_transaction(connection: Connection) -> bool:
    """Whether a transaction block is open on the server.

    Within one, ``now()`` is when it began, and so earlier than any later statement.
    """
    driver = connection.connection.dbapi_connection
    status = getattr(getattr(driver, "info", None), "transaction_status", None)
    if status is not None:  # psycopg knows without asking
        return int(status) != 0
    return bool(run(connection, "SELECT now() <> statement_timestamp()").scalar())


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    """A scope whose every effect is rolled back, inside an open transaction or not."""
    nested = in_transaction(connection)
    run(connection, f"SAVEPOINT {_SAVEPOINT}" if nested else "BEGIN")
    try:
        yield
    finally:
        if nested:
            run(connection, f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")
            run(connection, f"RELEASE SAVEPOINT {_SAVEPOINT}")
        else:
            run(connection, "ROLLBACK")


def pin_printing(connection: Connection) -> None:
    """Makes the catalog print one way until the transaction or savepoint ends."""
    run(connection, _PRINTING)
