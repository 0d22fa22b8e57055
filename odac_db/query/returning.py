"""Writes that give rows: by RETURNING where the server has it, else in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, overload

from sqlalchemy import Delete, Select, Table, Update, and_, insert, select
from sqlalchemy import tuple_ as together

from odac_db.errors import QueryRefused
from odac_db.query import statements, writes
from odac_db.query.inserts import Inserting, Upserting, inserting, upserting
from odac_db.query.rows import Row

if TYPE_CHECKING:
    from odac_db.query.performer import Answer, Work
    from odac_db.query.query import Query

_AT_ONCE = 1000
_TIMES = 10
"""How often a row is made again that others delete before it is read."""


class Returning:
    """What follows gives columns of the rows it writes: ``returning("id").insert(row)``.

    The same promises as without. In which order rows of ``update`` and ``delete`` come is
    the server's choice; those of ``insert`` and ``upsert`` come in the order given.
    """

    __slots__ = ("_query", "_shown")

    def __init__(self, query: Query, shown: Query) -> None:
        self._query = query
        self._shown = shown

    @overload
    def insert(self, rows: Mapping[str, Any]) -> Row: ...
    @overload
    def insert(self, rows: Sequence[Mapping[str, Any]]) -> list[Row]: ...
    def insert(self, rows: Any) -> Any:
        """Inserts one row and gives it, or several and gives all."""
        made = inserting(self._catalog, self._name, rows)
        found = self._write(lambda tx: self._inserted(tx, made))
        return found[0] if isinstance(rows, Mapping) else found

    @overload
    def upsert(
        self, rows: Mapping[str, Any], *, key: Any = None, update: Sequence[str] | None = None
    ) -> Row: ...
    @overload
    def upsert(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        key: Any = None,
        update: Sequence[str] | None = None,
    ) -> list[Row]: ...
    def upsert(self, rows: Any, *, key: Any = None, update: Sequence[str] | None = None) -> Any:
        """As ``Table.upsert``; the rows as they are afterwards."""
        made = upserting(self._catalog, self._name, rows, key, update)

        found = self._write(lambda tx: self._upserted(tx, made))
        return found[0] if isinstance(rows, Mapping) else found

    def update(self, values: Mapping[str, Any] | None = None, /, **named: Any) -> list[Row]:
        """As ``Query.update``; the rows as they are afterwards."""
        given = {**(values or {}), **named}
        return self._changed(writes.updating(self._query, given), given)

    def increment(self, column: str, by: Any = 1) -> list[Row]:
        """As ``Query.increment``; the rows as they are afterwards."""
        return self._changed(writes.incrementing(self._query, column, by), (column,))

    def delete(self) -> list[Row]:
        """As ``Query.delete``; the rows as they were."""
        return self._changed(writes.deleting(self._query), ())

    @property
    def _catalog(self) -> Any:
        return self._query._shape.catalog

    @property
    def _name(self) -> str:
        return self._query._shape.state.table

    @property
    def _columns(self) -> list[Any]:
        shape = self._shown._shape
        return statements.shown(shape.state, shape.catalog.source)

    def _write(self, work: Any) -> list[Row]:
        found = self._query._performer.write(work, several=True)
        return list(map(self._shown._shape.row, found))

    def _changed(self, statement: Update | Delete, changed: Any) -> list[Row]:
        return self._write(partial(self._changing, statement, changed))

    def _changing(self, statement: Update | Delete, changed: Any, tx: Work) -> Answer:
        server = tx.connection.dialect
        is_update = isinstance(statement, Update)
        able = server.update_returning if is_update else server.delete_returning
        if able:
            return tx.execute(statement.returning(*self._columns)).all()
        return self._locked(tx, statement, changed)

    def _locked(self, tx: Work, statement: Update | Delete, changed: Any) -> Answer:
        """The rows are locked by their keys first, so that those changed are those read.

        Every read locks: a plain one shows the transaction's snapshot, whose rows may be older
        than those that were changed, or lacking.
        """
        table, key = self._catalog.table(self._name), self._key()
        if set(key) & set(changed):
            raise QueryRefused("returning: this server cannot tell rows whose primary key changes")
        columns = [writes.column_of(table, name) for name in key]
        held = select(*columns).where(*statement._where_criteria).with_for_update()
        keys = [tuple(row) for row in tx.execute(held)]
        found: list[Any] = []
        for start in range(0, len(keys), _AT_ONCE):
            these = together(*columns).in_(keys[start : start + _AT_ONCE])
            rows = select(*self._columns).where(these).with_for_update()
            before = list(tx.execute(rows)) if isinstance(statement, Delete) else None
            tx.execute(statement.where(these))
            found += tx.execute(rows) if before is None else before
        return found

    def _upserted(self, tx: Work, made: Upserting) -> Answer:
        made.put(tx)
        return [self._as_it_is(tx, one) for one in made.each()]

    def _as_it_is(self, tx: Work, made: Upserting) -> Any:
        """The row of its key; where it was left as it is, others may have deleted it since."""
        (given,) = made.given
        rows = self._with_key(made.table, made.key, [given[name] for name in made.key])
        if made.dialect.writes_see_newer:
            rows = rows.with_for_update()
        for _ in range(_TIMES):
            found = tx.execute(rows).one_or_none()
            if found is not None:
                return found
            made.put(tx)
        message = f"no row of {self._name} has this key afterwards: does a trigger leave it out?"
        raise QueryRefused(f"returning.upsert: {message}")

    def _inserted(self, tx: Work, made: Inserting) -> Answer:
        server = tx.connection.dialect
        if not server.insert_returning:
            return [self._read_back(tx, made, row) for row in made.rows]
        statement = insert(made.table).returning(*self._columns)
        if not server.insert_executemany_returning_sort_by_parameter_order or not made.several:
            return [writes.insert_one(tx, made.table, row, statement).one() for row in made.rows]
        found: list[Any] = []
        ordered = insert(made.table).returning(*self._columns, sort_by_parameter_order=True)
        for names, group in groupby(made.rows, key=lambda row: tuple(sorted(row))):
            params = [{writes.column_of(made.table, n).key: row[n] for n in names} for row in group]
            if names and not any(map(writes.is_computed, params)):
                found += tx.execute(ordered, params)
            else:
                found += [writes.insert_one(tx, made.table, row, statement).one() for row in params]
        return found

    def _read_back(self, tx: Work, made: Inserting, row: Mapping[str, Any]) -> Any:
        key = writes.key_of(made.definition, row, writes.insert_one(tx, made.table, row))
        return tx.execute(self._with_key(made.table, self._key(), key)).one()

    def _with_key(self, table: Table, names: Sequence[str], key: Sequence[Any]) -> Select[Any]:
        pairs = zip(names, key, strict=True)
        same = and_(*(writes.column_of(table, name) == value for name, value in pairs))
        return select(*self._columns).where(same)

    def _key(self) -> tuple[str, ...]:
        key: tuple[str, ...] = self._catalog.definition(self._name).key
        if not key:
            message = "has no primary key, and this server no RETURNING for it"
            raise QueryRefused(f"returning: {self._name} {message}")
        return key
