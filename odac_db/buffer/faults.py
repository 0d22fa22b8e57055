"""Whose fault it is that operations are not applied: their own, their table's, or nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from odac_db.buffer.fold import Step, steps
from odac_db.buffer.ledger import Dead
from odac_db.buffer.shapes import Chunk, Shape
from odac_db.errors import OdacDbError

if TYPE_CHECKING:
    from odac_db.buffer.flush import Ground

TRIED = 50
"""Operations of one shape that are tried before a fault is held to be the table's."""


class Unmatched(OdacDbError):
    """A change found no row with its key."""


def apply(conn: Connection, ground: Ground, todo: Sequence[Step]) -> None:
    """Executes the steps. Raises Unmatched where a change finds no row."""
    for step in todo:
        for insert in step.inserts:
            ground.buffering.insert(conn, insert.table, insert.columns, insert.rows)
        for change in step.changes(ground.columns):
            found = ground.buffering.update(conn, change)
            if found != len(change.rows):
                message = f"{change.table} has no row with this key ({', '.join(change.keys)})"
                raise Unmatched(message)


def without_gone(
    conn: Connection, ground: Ground, chunks: Sequence[Chunk]
) -> tuple[list[Chunk], list[Dead]]:
    """Operations whose table or column is declared no longer, and which the server does not know.

    It will not come back, and they would wait for ever. One of each shape is tried: what is
    declared no longer may still be there. Raises what the server says of all that are tried of
    a shape that is declared: it is no operation's own fault.
    """
    reasons: dict[Shape, str] = {}
    for shape in dict.fromkeys(chunk.shape for chunk in chunks):
        undeclared = _undeclared(ground, shape)
        error = _structure(conn, ground, chunks, shape, 1 if undeclared else TRIED)
        if error is not None and not undeclared:
            raise error
        reasons[shape] = told(error) if error is not None else ""
    gone = [
        Dead(chunk.first + place, chunk.shape, row, reasons[chunk.shape])
        for chunk in chunks
        if reasons[chunk.shape]
        for place, row in enumerate(chunk.rows)
    ]
    return [chunk for chunk in chunks if not reasons[chunk.shape]], gone


def _structure(
    conn: Connection, ground: Ground, chunks: Sequence[Chunk], shape: Shape, most: int
) -> Exception | None:
    """The error of the structure that all meet of so many operations of a shape, if they do."""
    ones = [
        Chunk(chunk.first + place, shape, [row])
        for chunk in chunks
        if chunk.shape == shape
        for place, row in enumerate(chunk.rows)
    ]
    error = None
    for one in ones[:: -(-len(ones) // most)]:
        error = _trial(conn, ground, one)
        if error is None:
            return None
    return error


def _trial(conn: Connection, ground: Ground, one: Chunk) -> Exception | None:
    """The error of the structure that this operation meets. Changes nothing."""
    savepoint = conn.begin_nested()
    error: Exception | None = None
    try:
        apply(conn, ground, steps([one], ground.lanes))
    except Exception as caught:  # whoever gets it tells what is nobody's fault
        if not is_fault(ground, caught, [one]):
            raise
        error = caught if is_structure(ground, caught) else None
    savepoint.rollback()
    return error


def is_fault(ground: Ground, error: BaseException, chunks: Sequence[Chunk]) -> bool:
    """Whether it is anybody's: not a lost connection, a lock not given or an error of ours."""
    return is_data(ground, error, chunks) or is_structure(ground, error)


def is_structure(ground: Ground, error: BaseException) -> bool:
    """Whether the server says that the table is at fault."""
    ours = isinstance(error, OdacDbError) or not isinstance(error, Exception)
    return not ours and ground.buffering.fault(error) == "structural"


def is_data(ground: Ground, error: BaseException, chunks: Sequence[Chunk]) -> bool:
    """Whether the operations themselves are at fault, or their table is declared no longer."""
    if isinstance(error, OdacDbError) or not isinstance(error, Exception):
        return isinstance(error, Unmatched)
    fault = ground.buffering.fault(error)
    undeclared = any(_undeclared(ground, chunk.shape) for chunk in chunks)
    return fault == "data" or (fault == "structural" and undeclared)


def _undeclared(ground: Ground, shape: Shape) -> bool:
    return (
        ground.declared and not {*shape.keys, *shape.columns} <= ground.columns(shape.table).keys()
    )


def told(error: BaseException) -> str:
    """The server's words, without the statement and its values."""
    return str(getattr(error, "orig", None) or error).strip()
