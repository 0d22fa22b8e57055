"""One table's buffered writes: ``db.buffer["events"]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from odac_db.buffer import reading
from odac_db.buffer.answers import Acknowledge, FlushResult
from odac_db.buffer.once import filled, fit_key
from odac_db.buffer.shapes import Lot
from odac_db.buffer.tables import BufferTable, Row
from odac_db.errors import RowRefused

if TYPE_CHECKING:
    from odac_db.buffer.buffer import Buffer

Keys = dict[str, Any] | list[dict[str, Any]]
"""The key of a row that was given, or those of several."""


class BufferedTable:
    """Writes to one table that return when the journal has them."""

    def __init__(self, buffer: Buffer, table: BufferTable) -> None:
        self._buffer = buffer
        self._table = table

    @overload
    def insert(
        self,
        rows: Row,
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]: ...
    @overload
    def insert(
        self,
        rows: Sequence[Row],
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
    ) -> list[dict[str, Any]]: ...
    def insert(
        self,
        rows: Row | Sequence[Row],
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
    ) -> dict[str, Any] | list[dict[str, Any]]:
        """Takes one row or many; the key of each, as far as it is known before the server.

        Nanoids are filled. What is given is copied and never changed. All rows of a call are
        checked before any is taken, and all are taken or none. Raises RowRefused, BufferFull,
        JournalFailed, and with ``acknowledge="db"`` BufferedRowRefused for what the server has
        made dead letters.

        With an ``idempotency_key`` the call is taken once, whichever process of whichever host
        makes it again within ``key_retention``, and its answer is the same. It is taken as
        one, so its rows name the same columns. Raises KeyReused where the key was used for
        something else; where that is found out only by the flush, the rows are dead letters.
        """
        if idempotency_key is not None:
            return self._inserted_once(rows, acknowledge, idempotency_key)
        if type(rows) is dict:
            shape, values, key = self._table.row(rows)
            running = self._buffer._running or self._buffer._start()
            running.intake.take([(shape, [values])], acknowledge)
            return key
        lots, keys = self._lots(rows)
        self._buffer._intake().take(lots, acknowledge)
        return keys

    def _lots(self, rows: Row | Sequence[Row]) -> tuple[Sequence[Lot], Keys]:
        """What an insert of these rows takes, shape by shape, and what it answers."""
        if type(rows) is dict:
            shape, values, key = self._table.row(rows)
            return [(shape, [values])], key
        found = self._table.rows([rows] if isinstance(rows, Mapping) else rows)
        keys = [key for *_, several in found for key in several]
        lots = [(shape, several) for shape, several, _ in found]
        return lots, keys[0] if isinstance(rows, Mapping) else keys

    def _inserted_once(
        self, rows: Row | Sequence[Row], acknowledge: Acknowledge | None, key: str
    ) -> dict[str, Any] | list[dict[str, Any]]:
        seed = (self._buffer._database(), fit_key(self._table.name, key))
        given = [rows] if isinstance(rows, Mapping) else rows
        filled_in = [
            filled(row, self._table.nanoids, (*seed, place)) for place, row in enumerate(given)
        ]
        lots = self._table.rows(filled_in)
        if len(lots) > 1:
            raise RowRefused(self._table.name, ["rows of one key name the same columns"])
        for shape, values, _ in lots:
            self._buffer._intake().take_once(shape, values, acknowledge, key)
        keys = lots[0][2] if lots else []
        return keys[0] if isinstance(rows, Mapping) else keys

    def flush(self, *, wait: float | None = None) -> FlushResult:
        """Flushes this table, and those that foreign keys connect with it; see ``Buffer.flush``.

        ``pending`` counts what is left of all tables.
        """
        return self._buffer._flush(wait, self._table.lane)

    def where(self, key: Any = None, /, **columns: Any) -> BufferedRow:
        """The row with that primary key: ``where("V1St")``, ``where(id=1)``, ``where({...})``.

        A text is only ever a value of the key. Raises RowRefused for what is not the whole
        key.
        """
        if (key is None) == (not columns):
            raise RowRefused(self._table.name, ["where takes the row's key"])
        values = self._table.key_values(columns if key is None else key)
        return BufferedRow(self._buffer, self._table, values)


class BufferedRow:
    """Changes to one row. One that finds no row when it is flushed is a dead letter."""

    def __init__(self, buffer: Buffer, table: BufferTable, key: tuple[Any, ...]) -> None:
        self._buffer = buffer
        self._table = table
        self._key = key

    def increment(
        self,
        column: str | None = None,
        by: Any = 1,
        /,
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
        **columns: Any,
    ) -> None:
        """Adds to columns: ``increment("views")``, ``increment("views", 5)``, or ``views=1``.

        NULL counts as 0. Sums are exact, of decimals too (on SQLite to the fifteen digits that
        it keeps of one). With an ``idempotency_key`` it is
        added once, as with ``BufferedTable.insert``. Raises RowRefused, BufferFull,
        JournalFailed, KeyReused.
        """
        given = {**({} if column is None else {column: by}), **columns}
        self._change("increment", given, acknowledge, idempotency_key)

    def update(
        self,
        values: Row | None = None,
        /,
        *,
        acknowledge: Acknowledge | None = None,
        idempotency_key: str | None = None,
        **columns: Any,
    ) -> None:
        """Sets columns; the last value of each is written. Raises as ``increment`` does."""
        self._change("update", {**(values or {}), **columns}, acknowledge, idempotency_key)

    def get(self, column: str) -> Any:
        """What the column will be when everything this process has buffered is flushed.

        The database's value and position are read at one instant, and what is buffered
        behind that position is added: nothing is counted twice or left out. What other
        processes have buffered is not in it. 0 for a number, None for anything else, where
        there is no such row. Raises RowRefused for a column that cannot be added up so.
        """
        running = self._buffer._start()
        return reading.value(self._buffer._engine, running, self._table, self._key, column)

    def _lot(self, kind: str, given: Row) -> Lot:
        shape, values = self._table.changes(kind, given)
        return shape, [(*self._key, *values)]

    def _change(
        self, kind: str, given: Row, acknowledge: Acknowledge | None, key: str | None
    ) -> None:
        shape, rows = self._lot(kind, given)
        if key is None:
            self._buffer._intake().take([(shape, rows)], acknowledge)
        else:
            name = fit_key(self._table.name, key)
            self._buffer._intake().take_once(shape, rows, acknowledge, name)
