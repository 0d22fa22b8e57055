"""Where statements are executed: one place for reads, one for writes.

A ``Performer`` is what a query is executed with. Whoever serves reads from elsewhere takes
its place and gets a ``Read``: its shape and values identify it, its statement asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Select

from odac_db.query.shapes import Shape

Value = TypeVar("Value")
Answer = Sequence[Sequence[Any]]
"""Rows as the database gives them, their values converted by the columns' types."""


class Read:
    """One read. Where ``shape.shared``, the same shape and values are the same read."""

    __slots__ = ("shape", "values")

    def __init__(self, shape: Shape, values: tuple[Any, ...]) -> None:
        self.shape = shape
        self.values = values

    @property
    def statement(self) -> Select[Any]:
        return self.shape.statement

    @property
    def params(self) -> dict[str, Any]:
        return self.shape.params(self.values)

    @property
    def row(self) -> Callable[[Any], tuple[Any, ...]]:
        """What a row of the answer is kept as: as what it is handed out, if it is one of rows."""
        return self.shape.row if self.shape.state.output == "rows" else tuple


class Work(Protocol):
    """An open transaction, as writes see it."""

    @property
    def connection(self) -> Connection: ...

    def execute(self, statement: Executable, params: Any = None) -> CursorResult[Any]: ...

    def _stream(self, statement: Executable, params: Any, batch: int) -> Iterator[Answer]: ...

    def transaction(self) -> AbstractContextManager[Work]: ...


class Cached(Protocol):
    """Gives performers that serve reads from a cache."""

    def reads(self, seconds: float | None, depends_on: Collection[str] | None) -> Performer: ...

    def forget(self, table: str) -> None: ...


class Performer(Protocol):
    """Executes reads and writes of one database, or of one transaction of it."""

    @property
    def cached(self) -> Cached | None:
        """The cache of its reads, None where there is none."""

    def read(self, read: Read) -> Answer:
        """The rows of a read, in order."""

    def stream(self, read: Read, batch: int) -> Iterator[Answer]:
        """The rows of a read, ``batch`` at a time, as the server makes them."""

    def write(self, work: Callable[[Work], Value], *, several: bool) -> Value:
        """What ``work`` returns, done as a whole or not at all.

        ``several`` says that it executes more than one statement.
        """


class Inside:
    """Executes in an open transaction."""

    __slots__ = ("_work",)

    def __init__(self, work: Work) -> None:
        self._work = work

    @property
    def cached(self) -> Cached | None:
        return None

    def read(self, read: Read) -> Answer:
        return self._work.execute(read.statement, read.params).all()

    def stream(self, read: Read, batch: int) -> Iterator[Answer]:
        return self._work._stream(read.statement, read.params, batch)

    def write(self, work: Callable[[Work], Value], *, several: bool) -> Value:
        if not several:
            return work(self._work)
        with self._work.transaction() as savepoint:
            return work(savepoint)
