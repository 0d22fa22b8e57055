"""What the database knows of journals: how far each lane of each is applied.

A flush moves ``seq`` from where it was to where it ends in the same transaction as the rows.
So a row says that exactly the operations up to ``seq`` are in the database, and whoever
tries again after a lost answer, or beside somebody else, moves nothing and learns that.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from odac_db.buffer.shapes import Shape, Values
from odac_db.dialects.buffering import Buffering
from odac_db.dialects.own_tables import LONG_TEXT, ON_MYSQL
from odac_db.errors import LedgerIsNewer

FORMAT = 1

metadata = sa.MetaData()
meta = sa.Table(
    "_odac_buffer_meta",
    metadata,
    sa.Column("name", sa.String(64), primary_key=True),
    sa.Column("value", sa.String(255), nullable=False),
    **ON_MYSQL,
)
positions = sa.Table(
    "_odac_buffer",
    metadata,
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("lane", sa.String(255), primary_key=True),  # '' for the journal itself
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("dead", sa.BigInteger, nullable=False),
    sa.Column("lost", sa.BigInteger, nullable=False),
    sa.Column("updated_at", sa.DateTime, nullable=False),
    **ON_MYSQL,
)
dead_letters = sa.Table(
    "_odac_buffer_dead",
    metadata,
    sa.Column("source", sa.String(32), primary_key=True),
    sa.Column("lane", sa.String(255), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("table_name", sa.String(255), nullable=False),
    sa.Column("operation", sa.String(16), nullable=False),
    sa.Column("payload", LONG_TEXT, nullable=False),  # JSON: key and columns with their values
    sa.Column("error", LONG_TEXT, nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False),
    **ON_MYSQL,
)


class Dead(NamedTuple):
    """An operation that the server refused, and what it said."""

    seq: int
    shape: Shape
    values: Values
    error: str


def ready(conn: Connection) -> str:
    """Makes the tables where they are missing; the database's id.

    Raises LedgerIsNewer when a newer odac-db wrote them.
    """
    there = set(sa.inspect(conn).get_table_names())
    if not metadata.tables.keys() <= there:
        _create(conn)
    found = facts(conn)
    wanted = {"database": uuid.uuid4().hex, "format": str(FORMAT)}
    if not wanted.keys() <= found.keys():  # another start may be between the two, or have died
        for name, value in wanted.items():
            _insert_once(conn, {"name": name, "value": value})
        found = facts(conn)
    if int(found["format"]) > FORMAT:
        raise LedgerIsNewer(int(found["format"]), FORMAT)
    return found["database"]


def facts(conn: Connection) -> dict[str, str]:
    found = {row.name: row.value for row in conn.execute(sa.select(meta))}
    conn.commit()
    return found


def _create(conn: Connection) -> None:
    """Several processes may begin at once: who comes second finds the tables made."""
    for table in metadata.sorted_tables:
        try:
            metadata.create_all(conn, tables=[table], checkfirst=True)
            conn.commit()
        except DBAPIError:
            conn.rollback()
            if not sa.inspect(conn).has_table(table.name):
                raise
            conn.commit()


def _insert_once(conn: Connection, row: Mapping[str, str]) -> None:
    try:
        conn.execute(sa.insert(meta), row)
        conn.commit()
    except DBAPIError:
        conn.rollback()


def exists(conn: Connection) -> bool:
    return sa.inspect(conn).has_table(meta.name)


def register(conn: Connection, source: str) -> None:
    """The journal is known from here on; a registered one that is not is another database's."""
    try:
        if source not in known(conn, [source]):
            conn.execute(sa.insert(positions), _row(source, "", 0))
        conn.commit()
    except IntegrityError:  # another one has just done so
        conn.rollback()


def known(conn: Connection, sources: Sequence[str]) -> dict[str, dict[str, int]]:
    """How far each lane of these journals is, as committed; absent ones are not registered."""
    found: dict[str, dict[str, int]] = {}
    chosen = sa.select(positions.c.source, positions.c.lane, positions.c.seq)
    for row in conn.execute(chosen.where(positions.c.source.in_(sources))):
        lanes = found.setdefault(row.source, {})
        if row.lane:
            lanes[row.lane] = row.seq
    return found


def moved(conn: Connection, source: str, lane: str, old: int, new: int) -> bool:
    """Whether the lane was at ``old`` and is now, in this transaction, at ``new``.

    It waits for whoever else is moving it, dead or alive, and then sees what came of that.
    """
    if not old and _begun(conn, source, lane, new):
        return True
    moving = sa.update(positions).where(
        positions.c.source == source, positions.c.lane == lane, positions.c.seq == old
    )
    return conn.execute(moving.values(seq=new, updated_at=_now())).rowcount == 1


def _begun(conn: Connection, source: str, lane: str, new: int) -> bool:
    """Whether there was no row of the lane, and this transaction has made it."""
    here = sa.select(positions.c.seq).where(positions.c.source == source, positions.c.lane == lane)
    if conn.execute(here).first() is not None:
        return False
    conn.execute(sa.insert(positions), _row(source, lane, new))
    return True


def _row(source: str, lane: str, seq: int) -> dict[str, Any]:
    return {"source": source, "lane": lane, "seq": seq, "dead": 0, "lost": 0, "updated_at": _now()}


def bury(
    conn: Connection, buffering: Buffering, source: str, lane: str, dead: Sequence[Dead]
) -> None:
    """Writes the refused operations down, in the transaction that leaves them out.

    By the dialect's own way, which knows how long a statement may be.
    """
    now = _now().isoformat(" ", "microseconds")
    rows = [
        (
            *(source, lane, one.seq, one.shape.table, one.shape.kind),
            *(payload_of(one.shape, one.values), one.error, now),
        )
        for one in dead
    ]
    buffering.insert(conn, dead_letters.name, list(dead_letters.c.keys()), rows)
    counted = sa.update(positions).where(positions.c.source == source, positions.c.lane == lane)
    conn.execute(counted.values(dead=positions.c.dead + len(dead)))


def refused(conn: Connection, source: str, lane: str, before: int, last: int) -> dict[int, str]:
    """Those behind ``before`` and up to ``last`` that are dead letters, with the reasons."""
    there = dead_letters.c
    these = (there.source == source, there.lane == lane, there.seq > before, there.seq <= last)
    return {
        row.seq: row.error for row in conn.execute(sa.select(there.seq, there.error).where(*these))
    }


def give_up(conn: Connection, source: str, lane: str, old: int, new: int) -> bool:
    """Moves the lane over operations that are lost, and counts them."""
    if not moved(conn, source, lane, old, new):
        return False
    counted = sa.update(positions).where(positions.c.source == source, positions.c.lane == lane)
    conn.execute(counted.values(lost=positions.c.lost + (new - old)))
    return True


RETIRED = -1
"""The ``seq`` of a journal that is removed: nothing will be asked of it any more."""


def retire(conn: Connection, source: str) -> None:
    """The journal is removed. Its rows stay for a while, for people."""
    own = (positions.c.source == source, positions.c.lane == "")
    conn.execute(sa.update(positions).where(*own).values(seq=RETIRED, updated_at=_now()))
    conn.commit()


def sweep(conn: Connection, older: timedelta) -> None:
    """Deletes the rows of journals that were removed that long ago."""
    retired = sa.select(positions.c.source).where(
        positions.c.lane == "", positions.c.seq == RETIRED, positions.c.updated_at < _now() - older
    )
    for (source,) in conn.execute(retired).all():
        conn.execute(sa.delete(positions).where(positions.c.source == source))
    conn.commit()


def payload_of(shape: Shape, values: Values) -> str:
    """The operation for people and for another try: bytes in base 64 under ``$bytes``.

    What JSON has no number for is under ``$float``. All in ASCII, which every database keeps.
    """
    names = (*shape.keys, *shape.columns)
    spelt = [_spelt(value) for value in values]
    count = len(shape.keys)
    document = {
        "key": dict(zip(names[:count], spelt[:count], strict=True)),
        "columns": dict(zip(names[count:], spelt[count:], strict=True)),
    }
    return json.dumps(document, separators=(",", ":"))


def _spelt(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    return {"$float": repr(value)} if isinstance(value, float) and not isfinite(value) else value


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
