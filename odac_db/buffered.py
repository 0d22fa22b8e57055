"""``db.buffer``: the part of ``Database`` that writes behind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from odac_db.errors import BufferRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from odac_db.buffer.answers import BufferOptions
    from odac_db.buffer.buffer import Buffer
    from odac_db.buffer.table import BufferedTable
    from odac_db.cache.caching import Caching
    from odac_db.migrate.leave import Settle, Source


Journals: TypeAlias = "str | Path | BufferOptions | None"
"""The folder of the journals, or options with it."""


class Buffered:
    """What is buffered goes to ``engine``, checked by what ``_source`` declares."""

    name: str
    engine: Engine
    _source: Source | None
    _caching: Caching | None
    _options: BufferOptions | None = None
    _buffer: Buffer | None = None

    @property
    def buffer(self) -> Buffer:
        """Writes that return when a journal has them; see ``Buffer``.

        Raises BufferRefused where ``open`` was given no ``buffer``.
        """
        from odac_db.buffer.buffer import Buffer

        if self._options is None:
            message = 'writes are not buffered: Database.open(..., buffer="var/journal")'
            raise BufferRefused(message)
        if self._buffer is None:
            read = self._source.read if self._source is not None else None
            marking = None if self._caching is None else noted
            self._buffer = Buffer(
                self.engine, read, self._options, connection=self.name, marking=marking
            )
        return self._buffer

    def _behind(self, name: str) -> BufferedTable:
        """What ``db.posts.buffer`` is."""
        return self.buffer.table(name)

    def _settling(self, timeout: float) -> Settle:
        """What brings buffered rows in before their tables change."""

        def settle(tables: Collection[str] | None) -> None:
            if self._options is not None:
                self.buffer.settle(tables, timeout)

        return settle

    def _close_buffer(self) -> None:
        if self._buffer is not None:
            self._buffer.close()


def options_of(given: Journals) -> BufferOptions | None:
    """The options that a folder alone means."""
    from odac_db.buffer.answers import BufferOptions

    if isinstance(given, str | Path):
        return BufferOptions(folder=given)
    return given


@contextmanager
def noted(conn: Connection, tables: frozenset[str]) -> Iterator[None]:
    """Tells the cache which tables a flush has written to, so that its COMMIT invalidates them.

    The rows went past SQLAlchemy, by COPY or the driver's own cursor.
    """
    import sqlalchemy as sa

    from odac_db.cache.ongoing import ongoing

    done = ongoing(conn)
    for name in sorted(tables):
        table = sa.table(name, sa.column("c"))
        for statement in (sa.insert(table).values(c=1), sa.update(table).values(c=1)):
            done.note(str(statement.compile(conn)), "write")
    yield
