"""Calls with an idempotency key: taken once, whoever makes them again.

The database keeps each key with a digest of what was called, written in the transaction
that applies it: there it is decided. Asking before a call is taken only tells the caller
sooner. Nanoids of such a call are drawn from its key, so that its answer is the same each time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import shake_256
from typing import Any

import msgspec
import sqlalchemy as sa
import xxhash
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from odac_db.buffer import ledger
from odac_db.buffer.ledger import Dead
from odac_db.buffer.shapes import FRAME_BYTES, Chunk, Once, Shape, Values
from odac_db.dialects.own_tables import ON_MYSQL
from odac_db.errors import KeyReused, OdacDbError, RowRefused
from odac_db.ids import nanoid_of

LONGEST = 255
REMEMBERED = 10_000
"""Keys that a process keeps in mind."""
_LOT = 500

keys = sa.Table(
    "_odac_buffer_keys",
    ledger.metadata,
    sa.Column("name", sa.String(LONGEST), primary_key=True),
    sa.Column("digest", sa.String(32), nullable=False),
    sa.Column("created_at", sa.DateTime, nullable=False, index=True),
    **ON_MYSQL,
)


class Contended(OdacDbError):
    """Another flusher is writing the same key down this moment: the next try sees it."""


def fit_key(table: str, key: object) -> str:
    """The key. Raises RowRefused for what cannot be one."""
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST or "\0" in key or key[-1] == " ":
        message = f"an idempotency key is a text of 1 to {LONGEST} characters, the last no blank"
        raise RowRefused(table, [message])  # MySQL takes "a" and "a " for one key
    return key


def once_of(name: str, shape: Shape, rows: Sequence[Values]) -> Once:
    """The key with the digest of what is called."""
    payload = msgspec.msgpack.encode((shape.table, shape.kind, shape.keys, shape.columns, rows))
    if len(payload) > FRAME_BYTES:
        raise RowRefused(shape.table, [f"a call with a key has at most {FRAME_BYTES:,} bytes"])
    return Once(name, xxhash.xxh3_128_hexdigest(payload))


def filled(
    row: Mapping[str, Any], nanoids: Mapping[str, int], seed: tuple[str, str, int]
) -> dict[str, Any]:
    """The row with nanoids that are the same each time. ``seed``: the database, the key, the place.

    Nobody can foretell them who does not know the database's id.
    """
    drawn = {
        name: nanoid_of(shake_256(repr((*seed, name)).encode()), size)
        for name, size in nanoids.items()
        if row.get(name) is None
    }
    return {**row, **drawn}


class Keys:
    """The keys that a process has used. ``lasting`` is for how many seconds they hold."""

    def __init__(self, engine: Engine, lasting: float) -> None:
        self.turn = threading.RLock()
        self._engine = engine
        self._lasting = lasting
        self._used: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def is_taken(self, once: Once, *, ask: bool) -> bool:
        """Whether this call was taken before, as far as is known. Raises KeyReused.

        With ``ask`` the database is, too; if it is away, the flush decides.
        """
        digest, at = self._used.get(once.name, ("", 0.0))
        if at and time.monotonic() - at > self._lasting:
            digest = ""
        if not digest and ask:
            digest = self._asked(once.name)
        if digest and digest != once.digest:
            raise KeyReused(once.name)
        return bool(digest)

    def _asked(self, name: str) -> str:
        try:
            with self._engine.connect() as conn:
                return _known(conn, [name]).get(name, "")
        except SQLAlchemyError:
            return ""

    def used(self, once: Once) -> None:
        self._used[once.name] = (once.digest, time.monotonic())
        if len(self._used) > REMEMBERED:
            self._used.popitem(last=False)


def _known(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    chosen = sa.select(keys.c.name, keys.c.digest).where(keys.c.name.in_(names))
    return {row.name: row.digest for row in conn.execute(chosen)}


def admitted(conn: Connection, chunks: Iterable[Chunk]) -> tuple[list[Chunk], list[Dead], int]:
    """The operations to be applied, those whose key was used for something else, and how many
    were applied before. Writes the new keys down. Raises Contended."""
    known: dict[str, str] = {}
    fresh: dict[str, str] = {}
    found: list[Chunk] = []
    dead: list[Dead] = []
    repeated = 0
    chunks = list(chunks)
    names = [chunk.once.name for chunk in chunks if chunk.once is not None]
    for start in range(0, len(names), _LOT):
        known |= _known(conn, names[start : start + _LOT])
    for chunk in chunks:
        digest = chunk.once.digest if chunk.once is not None else ""
        before = known.get(chunk.once.name) if chunk.once is not None else ""
        if before is None and chunk.once is not None:
            known[chunk.once.name] = fresh[chunk.once.name] = digest
        if before is None or chunk.once is None:
            found.append(chunk)
        elif before == digest:
            repeated += len(chunk.rows)
        else:
            why = str(KeyReused(chunk.once.name))
            rows = enumerate(chunk.rows, chunk.first)
            dead += [Dead(seq, chunk.shape, row, why) for seq, row in rows]
    if fresh:
        _write_down(conn, fresh)
    return found, dead, repeated


def _write_down(conn: Connection, fresh: Mapping[str, str]) -> None:
    now = _now()
    rows = [{"name": name, "digest": digest, "created_at": now} for name, digest in fresh.items()]
    try:
        conn.execute(sa.insert(keys), rows)
    except IntegrityError as error:
        raise Contended("an idempotency key is being written by another flusher") from error


def forget(conn: Connection, lasting: float) -> None:
    """Deletes the keys that are older than so many seconds."""
    conn.execute(sa.delete(keys).where(keys.c.created_at < _now() - timedelta(seconds=lasting)))
    conn.commit()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
