"""What odac-db remembers inside the database: the ``_odac_`` tables.

``_odac_state`` holds one row per fact (the ledger's format, and what the last migrate
left behind), ``_odac_known`` which declared object the server stores as what, and
``_odac_migrations`` every run with its operations. They are made by the first migrate
and never by a plan. On MySQL and MariaDB, whose DDL cannot be rolled back, the row of a
run is kept up to date while it goes, so that what a dead run did can be read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from odac_db.dialects.own_tables import LONG_TEXT, ON_MYSQL
from odac_db.errors import LedgerIsNewer, ReverseRefused
from odac_db.ids import nanoid
from odac_db.migrate.bookkeeping import metadata
from odac_db.migrate.reconcile import Known
from odac_db.migrate.reverse import Before
from odac_db.schema.plan import Operation

FORMAT = 1
"""The format of the ``_odac_`` tables; a database with a higher one is refused."""

RunStatus = Literal["applied", "running", "failed", "died", "taken_back", "takes_back"]
"""How a run ended or stands. Of two that undo each other both are told."""

DIED: RunStatus = "died"
"""The status of a run whose process ended without a word."""

state_table = sa.Table(
    "_odac_state",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", LONG_TEXT, nullable=False),
    **ON_MYSQL,
)
known_table = sa.Table(
    "_odac_known",
    metadata,
    sa.Column("table_name", sa.String(255), nullable=False, index=True),
    sa.Column("object_group", sa.String(16), nullable=False),
    sa.Column("declared", sa.String(32), nullable=False),
    sa.Column("stored", sa.String(32), nullable=False),
    **ON_MYSQL,
)
migrations_table = sa.Table(
    "_odac_migrations",
    metadata,
    sa.Column("run", sa.String(32), primary_key=True),
    sa.Column("started_at", sa.String(32), nullable=False),
    sa.Column("finished_at", sa.String(32)),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("operations", LONG_TEXT, nullable=False),
    sa.Column("found", LONG_TEXT, nullable=False),  # JSON: what it changed, as it was before
    **ON_MYSQL,
)


TAKEN_BACK, TAKES_BACK = "taken_back", "takes_back"
_OVER = {
    TAKEN_BACK: "it is taken back already",
    TAKES_BACK: "it took another run back; migrate brings that one again",
}


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of the ledger as read; empty where the database has none."""

    exists: bool = False
    state: Mapping[str, str] = {}


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One run of migrate that changed something.

    ``status`` is applied, running, failed, taken_back, takes_back (of the run that did that),
    or died: its process was gone before its end, on a server that cannot roll back. ``done``
    of the ``operations`` had been executed, and of a run that died perhaps one more. Times
    are UTC.
    """

    run: str
    started_at: datetime
    finished_at: datetime | None
    status: RunStatus
    done: int
    operations: tuple[str, ...]


def read(conn: Connection, *, exists: bool | None = None) -> Ledger:
    """The ledger's facts, in one statement where the caller knows that it exists, else two.

    Raises LedgerIsNewer when a newer odac-db wrote it.
    """
    if exists is None:
        exists = sa.inspect(conn).has_table(state_table.name)
    if not exists:
        return Ledger()
    state = {row.name: row.value for row in conn.execute(sa.select(state_table))}
    found = int(state.get("format", FORMAT))
    if found > FORMAT:
        raise LedgerIsNewer(found, FORMAT)
    return Ledger(exists=True, state=state)


def read_known(conn: Connection, book: Ledger) -> frozenset[Known]:
    """What is known of declared objects and what they are stored as."""
    if not book.exists:
        return frozenset()
    rows = conn.execute(sa.select(known_table))
    return frozenset(
        Known(table=row[0], group=row[1], declared=row[2], stored=row[3]) for row in rows
    )


def create(conn: Connection) -> None:
    """Makes the tables that are missing and stamps their format."""
    metadata.create_all(conn)
    told = set(conn.execute(sa.select(state_table.c.name)).scalars())
    # A database keeps its id through every migrate; a plan file names it.
    write_state(conn, {"format": str(FORMAT)} | ({} if "id" in told else {"id": nanoid()}))


def write_state(conn: Connection, facts: Mapping[str, str]) -> None:
    """Replaces these facts, leaving the others."""
    conn.execute(sa.delete(state_table).where(state_table.c.name.in_(list(facts))))
    conn.execute(sa.insert(state_table), [{"name": k, "value": v} for k, v in facts.items()])


def forget_tables(conn: Connection) -> None:
    """Writes that nobody can say whose doing the tables are: ours, until a run has ended."""
    write_state(conn, {"tables": ""})


def write_known(conn: Connection, known: Iterable[Known], forgotten: Sequence[str]) -> None:
    """Replaces what is known of the tables in ``forgotten``."""
    for start in range(0, len(forgotten), 500):
        names = forgotten[start : start + 500]
        conn.execute(sa.delete(known_table).where(known_table.c.table_name.in_(names)))
    rows = [
        {
            "table_name": one.table,
            "object_group": one.group,
            "declared": one.declared,
            "stored": one.stored,
        }
        for one in known
    ]
    if rows:
        conn.execute(sa.insert(known_table), rows)


def begin_run(conn: Connection, run: str, operations: Sequence[Operation], found: Before) -> None:
    """Writes that a run starts, what it is going to do, and what it finds there."""
    forget_tables(conn)
    conn.execute(
        sa.insert(migrations_table).values(
            run=run,
            started_at=_now(),
            status="running",
            done=0,
            **_described(operations, found),
        )
    )


def extend_run(conn: Connection, run: str, operations: Sequence[Operation], found: Before) -> None:
    """Writes that a run is going to do more: these are all its operations."""
    forget_tables(conn)
    _update(conn, migrations_table.c.run == run, _described(operations, found))


def _described(operations: Sequence[Operation], found: Before) -> dict[str, str]:
    summaries = [f"{operation.kind} {operation.summary}" for operation in operations]
    return {
        "operations": msgspec.json.encode(summaries).decode(),
        "found": msgspec.json.encode(found).decode(),
    }


def end_dead_runs(conn: Connection, but: str) -> None:
    """Writes that runs which never said how they ended have died, all but the leader's own."""
    table = migrations_table.c
    _update(conn, (table.status == "running") & (table.run != but), {"status": DIED})


def note_progress(conn: Connection, run: str, done: int) -> None:
    """Writes how many operations of the run are executed."""
    _update(conn, migrations_table.c.run == run, {"done": done})


def end_reversal(conn: Connection, run: str, taken_back: str) -> None:
    """Writes that one run took all of another back: neither is in the way of earlier ones."""
    _update(conn, migrations_table.c.run == run, {"status": TAKES_BACK})
    _update(conn, migrations_table.c.run == taken_back, {"status": TAKEN_BACK})


def end_run(conn: Connection, run: str, done: int, status: str = "applied") -> None:
    """Writes that the run is over."""
    values = {"done": done, "status": status, "finished_at": _now()}
    _update(conn, migrations_table.c.run == run, values)


def _update(conn: Connection, which: sa.ColumnElement[bool], values: Mapping[str, Any]) -> None:
    conn.execute(sa.update(migrations_table).where(which).values(**values))


def history(conn: Connection) -> tuple[HistoryEntry, ...]:
    """Every run, oldest first; empty where nothing was ever applied."""
    if not sa.inspect(conn).has_table(migrations_table.name):
        return ()
    query = sa.select(migrations_table).order_by(migrations_table.c.started_at)
    return tuple(
        HistoryEntry(
            run=row.run,
            started_at=datetime.fromisoformat(row.started_at),
            finished_at=row.finished_at and datetime.fromisoformat(row.finished_at),
            status=row.status,
            done=row.done,
            operations=tuple(msgspec.json.decode(row.operations, type=list[str])),
        )
        for row in conn.execute(query)
    )


def found_before(conn: Connection, run: str) -> Before:
    """What that run found of all it changed.

    Raises ReverseRefused for a run that is not known or taken back already, and for one
    that is not the last to have changed some table: the later one has to go first.
    """
    if not sa.inspect(conn).has_table(migrations_table.name):
        raise ReverseRefused(run, "no run is recorded in this database")
    row = conn.execute(sa.select(migrations_table).filter_by(run=run)).first()
    if row is None:
        raise ReverseRefused(run, "there is no such run: odac-db history lists them")
    if row.status in _OVER:
        raise ReverseRefused(run, _OVER[row.status])
    before = msgspec.json.decode(row.found, type=Before)
    later = (
        sa.select(migrations_table.c.run, migrations_table.c.found)
        .where(migrations_table.c.started_at > row.started_at)
        .where(migrations_table.c.status.not_in(list(_OVER)))
        .order_by(migrations_table.c.started_at.desc())
    )
    for other in conn.execute(later):
        both = before.touched & msgspec.json.decode(other.found, type=Before).touched
        if both:
            names = ", ".join(sorted(both))
            raise ReverseRefused(run, f"run {other.run} changed {names} later; it has to go first")
    return msgspec.structs.replace(before, run=run)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
