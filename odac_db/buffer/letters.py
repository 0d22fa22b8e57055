"""Dead letters: operations that the server refused, to be looked at, tried again or thrown away."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Engine

from odac_db.buffer import ledger
from odac_db.buffer.answers import DeadLetter, Retried
from odac_db.buffer.faults import apply, told
from odac_db.buffer.fitting import sifted
from odac_db.buffer.flush import Ground, undo
from odac_db.buffer.fold import steps
from odac_db.buffer.session import Session
from odac_db.buffer.shapes import Chunk, Shape
from odac_db.errors import OdacDbError, RowRefused

_TABLE = ledger.dead_letters

Chosen = Callable[[DeadLetter], bool]


def found(engine: Engine) -> tuple[DeadLetter, ...]:
    """All of them, oldest first; none where nothing was ever buffered."""
    with engine.connect() as conn:
        if not ledger.exists(conn):
            return ()
        return tuple(_read(conn))


def _read(conn: Connection) -> Iterable[DeadLetter]:
    order = (_TABLE.c.created_at, _TABLE.c.source, _TABLE.c.lane, _TABLE.c.seq)
    for row in conn.execute(sa.select(_TABLE).order_by(*order)):
        yield DeadLetter(
            journal=row.source,
            lane=row.lane,
            seq=row.seq,
            table=row.table_name,
            operation=row.operation,
            payload=row.payload,
            error=row.error,
            created_at=row.created_at,
        )


def retried(
    session: Session,
    ground: Ground,
    letters: Sequence[DeadLetter],
    turn: AbstractContextManager[object],
) -> Retried:
    """Applies them, each in one transaction with its disappearance from the letters.

    Who flushes has the ``turn`` between two of them. A database that is away or busy refuses
    nothing: its error is raised.
    """
    done, refusals = 0, {}
    for letter in letters:
        with turn:
            conn = session.connection()
            try:
                done += _retried(conn, ground, letter)
            except Exception as error:
                ours = isinstance(error, OdacDbError)
                if not ours and ground.buffering.fault(error) == "transient":
                    session.drop()
                    raise
                undo(conn)
                refusals[f"{letter.journal}:{letter.lane}:{letter.seq}"] = told(error)
            except BaseException:
                session.drop()
                raise
    if refusals:
        with turn:
            session.drop()  # the next try asks anew what this server takes
    return Retried(applied=done, refused=len(refusals), refusals=refusals)


def _retried(conn: Connection, ground: Ground, letter: DeadLetter) -> bool:
    """Whether it was still there, and is applied now."""
    ground.buffering.begin(conn)
    if not _taken_away(conn, letter):
        conn.rollback()
        return False
    apply(conn, ground, steps(_fitting(letter, ground), ground.lanes))
    with ground.marking(conn, frozenset({letter.table})):
        conn.commit()
    return True


def discarded(engine: Engine, letters: Sequence[DeadLetter]) -> int:
    """Throws them away for good; how many there were."""
    with engine.begin() as conn:
        return sum(_taken_away(conn, letter) for letter in letters)


def _taken_away(conn: Connection, letter: DeadLetter) -> bool:
    """Whether it was still there: one of several that try gets it."""
    deleted = sa.delete(_TABLE).where(
        _TABLE.c.source == letter.journal,
        _TABLE.c.lane == letter.lane,
        _TABLE.c.seq == letter.seq,
    )
    return conn.execute(deleted).rowcount == 1


def _chunk(letter: DeadLetter) -> Chunk:
    document = msgspec.json.decode(letter.payload)
    key, columns = document["key"], document["columns"]
    kind: Any = letter.operation
    shape = Shape(letter.lane, letter.table, kind, tuple(key), tuple(columns))
    values = tuple(_value(each) for each in (*key.values(), *columns.values()))
    return Chunk(letter.seq, shape, [values])


def _fitting(letter: DeadLetter, ground: Ground) -> list[Chunk]:
    fitting, unfit = sifted([_chunk(letter)], ground.columns)
    if unfit:
        raise RowRefused(letter.table, [unfit[0].reason])
    return fitting


def _value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return float(value["$float"]) if "$float" in value else base64.b64decode(value["$bytes"])
