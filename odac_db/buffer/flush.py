"""One flush: the position is moved, then the rows go in, then it is committed, or nothing is.

What the server refuses for its values is looked for by halves, under savepoints, and
written down in the same transaction, so that at every instant each operation up to the
position is either applied or among the dead letters. So is what the table of today takes no
longer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from odac_db.buffer import ledger
from odac_db.buffer.faults import apply, is_data, is_fault, is_structure, told, without_gone
from odac_db.buffer.fitting import Columns, sifted
from odac_db.buffer.fold import count, halves, steps
from odac_db.buffer.lanes import Lanes
from odac_db.buffer.ledger import Dead
from odac_db.buffer.once import admitted
from odac_db.buffer.shapes import Chunk
from odac_db.dialects.buffering import Buffering
from odac_db.errors import OdacDbError

FEW = 200
"""Fewer refused operations than these never stop a lane, whatever their share."""

Marking = Callable[[Connection, frozenset[str]], AbstractContextManager[object]]
"""Brackets the COMMIT of a flush that wrote to these tables."""


class TooManyRefused(OdacDbError):
    """So many of the operations are refused that the fault is hardly theirs."""


class Flushed(NamedTuple):
    """What one transaction did."""

    applied: int
    dead: int


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a flush stands on. ``columns``: what the columns of a table take."""

    buffering: Buffering
    lanes: Lanes
    columns: Callable[[str], Columns]
    marking: Marking
    most_refused: float = 0.5
    declared: bool = True
    """Whether ``columns`` are what is declared, and not only what there is."""


class Flush(NamedTuple):
    """Operations of one lane of one journal, and the position they begin behind."""

    source: str
    lane: str
    old: int
    chunks: Sequence[Chunk]

    @property
    def new(self) -> int:
        return self.chunks[-1].last


def flush(conn: Connection, ground: Ground, work: Flush) -> Flushed | None:
    """Applies the operations, all at once. None if the lane is elsewhere than was believed.

    An error leaves nothing of it, unless it is one of COMMIT: then it is done or not, and
    the position tells. Raises Contended, TooManyRefused and what the driver raises.
    """
    for way in (_flush_whole, _flush_by_halves):
        try:
            return way(conn, ground, work)
        except BaseException as error:
            undo(conn)
            # What a table refuses of one row may look like a fault of its structure.
            sought = way is _flush_whole and is_structure(ground, error)
            if not sought and not is_data(ground, error, work.chunks):
                raise
    try:
        return _flush_apart(conn, ground, work)
    except BaseException:
        undo(conn)
        raise


def _flush_whole(conn: Connection, ground: Ground, work: Flush) -> Flushed | None:
    if not _moved(conn, ground, work):
        return None
    fitting, dead, repeated = _admitted(conn, ground, work)
    apply(conn, ground, steps(fitting, ground.lanes))
    return _ended(conn, ground, work, dead, repeated)


def _admitted(conn: Connection, ground: Ground, work: Flush) -> tuple[list[Chunk], list[Dead], int]:
    """What is to be applied, what cannot be, and how much was before, under the same keys."""
    chunks, dead, repeated = admitted(conn, work.chunks)
    fitting, unfit = sifted(chunks, ground.columns)
    return fitting, dead + [Dead(*one) for one in unfit], repeated


def _flush_by_halves(conn: Connection, ground: Ground, work: Flush) -> Flushed | None:
    if not _moved(conn, ground, work):
        return None
    fitting, dead, repeated = _admitted(conn, ground, work)
    ground.buffering.checked_now(conn)
    standing, gone = without_gone(conn, ground, fitting)
    refused = _refused(conn, ground, standing)
    _check_share(ground, refused, count(standing))
    return _ended(conn, ground, work, dead + gone + refused, repeated)


def _check_share(ground: Ground, refused: Sequence[Dead], total: int) -> None:
    if len(refused) > max(FEW, total * ground.most_refused):
        message = f"{len(refused)} of {total} operations are refused"
        raise TooManyRefused(f"{message}, the first: {refused[0].error}")


def _flush_apart(conn: Connection, ground: Ground, work: Flush) -> Flushed | None:
    """Each half in a transaction of its own, and what is refused alone is a dead letter.

    For what only COMMIT checks, as SQLite does deferred foreign keys: it says that some row
    is at fault and not which. A call with a key stays whole.
    """
    old, applied, refused, dead = work.old, 0, 0, list[Dead]()
    waiting = [work.chunks]
    while waiting:
        part = work._replace(old=old, chunks=waiting.pop())
        try:
            done = _flush_whole(conn, ground, part)
        except BaseException as error:
            undo(conn)
            if not is_data(ground, error, part.chunks):
                raise
            if len(part.chunks) > 1 or (count(part.chunks) > 1 and part.chunks[0].once is None):
                waiting += [half for half in reversed(_parted(part.chunks)) if half]
                continue
            dead += _dead_of(part.chunks[0], error)
            _check_share(ground, dead, count(work.chunks))
            done = _flush_none(conn, ground, part, error)
        if done is None:
            return None
        old, applied, refused = part.new, applied + done.applied, refused + done.dead
    return Flushed(applied, refused)


def _flush_none(
    conn: Connection, ground: Ground, work: Flush, error: BaseException
) -> Flushed | None:
    """All of them are dead letters. Their keys are written down: the call was taken."""
    if not _moved(conn, ground, work):
        return None
    refused, dead, repeated = admitted(conn, work.chunks)
    dead += [letter for chunk in refused for letter in _dead_of(chunk, error)]
    return _ended(conn, ground, work, dead, repeated)


def _parted(chunks: Sequence[Chunk]) -> tuple[Sequence[Chunk], Sequence[Chunk]]:
    """Two parts of one order, none of which has but a piece of a call with a key."""
    if any(chunk.once is not None for chunk in chunks):
        half = len(chunks) // 2
        return chunks[:half], chunks[half:]
    return halves(chunks)


def _dead_of(chunk: Chunk, error: BaseException) -> list[Dead]:
    rows = enumerate(chunk.rows, chunk.first)
    return [Dead(seq, chunk.shape, row, told(error)) for seq, row in rows]


def _ended(
    conn: Connection, ground: Ground, work: Flush, dead: Sequence[Dead], repeated: int
) -> Flushed:
    """Writes the refused operations down and commits."""
    if dead:
        ledger.bury(conn, ground.buffering, work.source, work.lane, dead)
    _commit(conn, ground, work, dead)
    return Flushed(count(work.chunks) - len(dead) - repeated, len(dead))


def undo(conn: Connection) -> None:
    """The error at hand says more than one of ROLLBACK would; a broken connection is left."""
    with suppress(Exception):
        conn.rollback()
        if not conn.invalidated:  # of a COMMIT that failed SQLAlchemy thinks it over: not SQLite
            conn.connection.rollback()


def _moved(conn: Connection, ground: Ground, work: Flush) -> bool:
    """Begins the transaction and moves the position; False, and rolled back, if it cannot."""
    ground.buffering.begin(conn)
    try:
        found = ledger.moved(conn, work.source, work.lane, work.old, work.new)
    except IntegrityError:  # another one has just made the row
        found = False
    if not found:
        undo(conn)
    return found


def _commit(conn: Connection, ground: Ground, work: Flush, dead: Sequence[Dead]) -> None:
    tables = {chunk.shape.table for chunk in work.chunks}
    with ground.marking(conn, frozenset(tables) if len(dead) < count(work.chunks) else frozenset()):
        conn.commit()


def _refused(conn: Connection, ground: Ground, chunks: Sequence[Chunk]) -> list[Dead]:
    """Applies what can be; the operations that cannot."""
    dead: list[Dead] = []
    waiting = [part for part in reversed(halves(chunks)) if part]
    while waiting:
        part = waiting.pop()
        error = _tried(conn, ground, part)
        if error is not None and count(part) == 1:
            (chunk,) = part
            dead.append(Dead(chunk.first, chunk.shape, chunk.rows[0], told(error)))
        elif error is not None:
            waiting += [half for half in reversed(halves(part)) if half]
    return dead


def _tried(conn: Connection, ground: Ground, part: Sequence[Chunk]) -> Exception | None:
    """The error that the server refuses these operations with, having undone them."""
    savepoint = conn.begin_nested()
    try:
        apply(conn, ground, steps(part, ground.lanes))
    except Exception as error:  # of each shape one is known to get by
        if not is_fault(ground, error, part):
            raise
        savepoint.rollback()
        return error
    savepoint.commit()
    return None
