"""What is broken in a database, so that what a plan breaks can be told from what was.

While a plan runs foreign keys are not enforced and renames do not look at views. Both are
checked before the commit: a plan may leave what it found amiss, never add to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from odac_db.dialects.sqlite.spelling import quote

SAMPLE = 5
Row = tuple[str, int | None]

_TABLES = "SELECT name FROM main.sqlite_master WHERE type = 'table'"
_VIEWS = "SELECT name FROM main.sqlite_master WHERE type = 'view'"
_WITH_TRIGGERS = (
    "SELECT DISTINCT m.name FROM main.sqlite_master t "
    "JOIN main.sqlite_master m ON m.type = 'table' AND m.name = t.tbl_name COLLATE NOCASE "
    "WHERE t.type = 'trigger'"
)


@dataclass(frozen=True)
class Fault:
    """What a plan broke, and the statement that shows it."""

    reason: str
    sql: str


@dataclass(frozen=True)
class Integrity:
    """``orphans`` counts violations by table and row (None where rows have no rowid);
    ``unusable`` are statements on views and on tables with triggers that do not compile."""

    tables: frozenset[str]
    orphans: Counter[Row]
    unusable: Mapping[str, str]


def integrity(conn: Connection) -> Integrity:
    """The present state. Reads every row that has a foreign key."""
    tables = frozenset(str(name) for (name,) in conn.exec_driver_sql(_TABLES))
    return Integrity(tables, _orphans(conn, tables), dict(_unusable(conn)))


def broken_by(before: Integrity, conn: Connection) -> Fault | None:
    """What is broken and was not before."""
    after = integrity(conn)
    fault = _new_orphans(before, after)
    if fault is not None:
        return fault
    for sql, reason in after.unusable.items():
        if sql not in before.unusable:
            return Fault(reason, sql)
    return None


def _orphans(conn: Connection, tables: frozenset[str]) -> Counter[Row]:
    """All violations at once; table by table where some foreign key cannot be checked.

    A foreign key whose target is not unique makes the pragma fail ("foreign key mismatch").
    """
    sql = "PRAGMA main.foreign_key_check"
    try:
        return Counter((row[0], row[1]) for row in conn.exec_driver_sql(sql))
    except OperationalError:
        found: Counter[Row] = Counter()
        for name in sorted(tables):
            try:
                rows = conn.exec_driver_sql(f"{sql}({quote(name)})").all()
            except OperationalError:
                continue
            found.update((row[0], row[1]) for row in rows)
        return found


def _new_orphans(before: Integrity, after: Integrity) -> Fault | None:
    """Rows that violate more foreign keys than they did.

    The rows of a renamed table are those of one that is gone.
    """
    gone: Counter[int | None] = Counter()
    for (table, row), count in before.orphans.items():
        if table not in after.tables:
            gone[row] += count
    new: dict[str, list[int | None]] = {}
    for (table, row), count in after.orphans.items():
        known = before.orphans[table, row] if table in before.tables else gone[row]
        if count > known:
            new.setdefault(table, []).append(row)
    if not new:
        return None
    return Fault("; ".join(_told(table, rows) for table, rows in sorted(new.items())), _CHECK)


_CHECK = "PRAGMA foreign_key_check"


def _told(table: str, rows: list[int | None]) -> str:
    shown = ", ".join(str(row) for row in rows[:SAMPLE] if row is not None)
    more = ", ..." if len(rows) > SAMPLE else ""
    where = f" (rowid {shown}{more})" if shown else ""
    return f"{len(rows)} row(s) of {table} point to rows that do not exist{where}"


def _unusable(conn: Connection) -> Iterator[tuple[str, str]]:
    """Statements that do not compile: EXPLAIN compiles views and triggers, and runs neither."""
    for sql in [*_view_statements(conn), *_trigger_statements(conn)]:
        try:
            conn.exec_driver_sql(f"EXPLAIN {sql}", execution_options={"no_parameters": True})
        except OperationalError as error:
            yield sql, str(error.orig)


def _view_statements(conn: Connection) -> Iterator[str]:
    for (name,) in conn.exec_driver_sql(_VIEWS).all():
        yield f"SELECT * FROM main.{quote(name)}"


def _trigger_statements(conn: Connection) -> Iterator[str]:
    for (name,) in conn.exec_driver_sql(_WITH_TRIGGERS).all():
        table = f"main.{quote(name)}"
        yield f"INSERT INTO {table} DEFAULT VALUES"
        yield f"DELETE FROM {table}"
        for (column,) in conn.exec_driver_sql(
            "SELECT name FROM pragma_table_xinfo(?, 'main') WHERE hidden = 0", (name,)
        ).all():
            yield f"UPDATE {table} SET {quote(column)} = NULL"
