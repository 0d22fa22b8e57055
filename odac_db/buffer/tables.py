"""A table as the buffer knows it: rows and changes checked, filled and put into shapes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from odac_db.buffer.lengths import may_be_too_long, too_long
from odac_db.buffer.quick import Quick
from odac_db.buffer.shapes import Shape, Values
from odac_db.buffer.values import Convert, NotAccepted, converter, increment
from odac_db.dialects.buffering import Accepts, Buffering
from odac_db.errors import RowRefused
from odac_db.ids import nanoid
from odac_db.schema.model import Column, Schema, Table

Row = Mapping[str, Any]

ORDERS = 1000
"""Orders of the columns of rows that are kept in mind: one of a set is as good as another."""


@dataclass
class _Form:
    """Rows that name the same columns: how each is checked, and the shape they have."""

    shape: Shape
    checks: tuple[tuple[str, Convert, bool], ...]  # name, check, nullable
    keys: tuple[tuple[str, int], ...]
    quick: Quick


@dataclass
class BufferTable:
    """One table. ``untransacted`` says why it cannot be buffered, and is empty if it can."""

    table: Table
    lane: str
    schema: Schema
    buffering: Buffering
    nanoids: Mapping[str, int]
    untransacted: str = ""
    longest: int | None = None
    _forms: dict[tuple[str, ...], _Form] = field(default_factory=dict)
    _by_names: dict[frozenset[str], _Form] = field(default_factory=dict)
    _shapes: dict[tuple[str, tuple[str, ...]], Shape] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.table.name

    @cached_property
    def accepts(self) -> Mapping[str, Accepts]:
        """What each column takes."""
        return {c.name: self.buffering.accepts(c, self.schema) for c in self.table.columns}

    @cached_property
    def _may_be_too_long(self) -> bool:
        return may_be_too_long(self.accepts.values(), self.longest)

    def _check_lengths(self, shape: Shape, rows: Sequence[Values], first: int = 0) -> None:
        if self._may_be_too_long and self.longest is not None:
            for place, values in enumerate(rows, first):
                reason = too_long(shape, values, self.longest)
                if reason:
                    raise RowRefused(self.name, [reason], place)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of the primary key; none if there is no key."""
        return self.table.primary_key.columns if self.table.primary_key is not None else ()

    def row(self, given: Row) -> tuple[Shape, Values, dict[str, Any]]:
        """One row as values, with its shape and its key. Raises RowRefused."""
        form = self._forms.get(tuple(given)) or self._form(given, 0)
        values = form.quick.one(given) or self._values(form, given, 0)
        self._check_lengths(form.shape, [values])
        return form.shape, values, {name: values[at] for name, at in form.keys}

    def rows(self, given: Sequence[Row]) -> list[tuple[Shape, list[Values], list[dict[str, Any]]]]:
        """The rows as values by shape, in order, with their keys. Raises RowRefused."""
        if type(given) is list and given and type(given[0]) is dict:
            form = self._forms.get(tuple(given[0])) or self._form(given[0], 0)
            alike = form.quick.many(given)
            if alike is not None:
                self._check_lengths(form.shape, alike)
                return [(form.shape, alike, _keys(form, alike))]
        found: list[tuple[Shape, list[Values], list[dict[str, Any]]]] = []
        for place, row in enumerate(given):
            form = self._forms.get(tuple(row)) or self._form(row, place)
            values = self._values(form, row, place)
            self._check_lengths(form.shape, [values], place)
            if not found or found[-1][0] is not form.shape:
                found.append((form.shape, [], []))
            found[-1][1].append(values)
            found[-1][2].append({name: values[at] for name, at in form.keys})
        return found

    def _values(self, form: _Form, row: Row, place: int) -> Values:
        try:
            return tuple(
                [
                    check(value)
                    if (value := row.get(name)) is not None
                    else self._absent(name, nullable)
                    for name, check, nullable in form.checks
                ]
            )
        except NotAccepted:
            raise RowRefused(self.name, self._problems(form, row), place) from None

    def _absent(self, name: str, nullable: bool) -> Any:
        """NULL, or the id that the column is filled with."""
        if name in self.nanoids:
            return nanoid(self.nanoids[name])
        if not nullable:
            raise NotAccepted("takes no NULL")
        return None

    def _problems(self, form: _Form, row: Row) -> list[str]:
        """All of a row's, not only the first."""
        found = []
        for name, check, nullable in form.checks:
            value = row.get(name)
            try:
                if value is None:
                    self._absent(name, nullable)
                else:
                    check(value)
            except NotAccepted as error:
                found.append(f"{name} {error}")
        return found

    def _form(self, row: Row, place: int) -> _Form:
        """How rows with these columns are checked. Raises RowRefused for columns that cannot be."""
        form = self._by_names.get(frozenset(row)) or self._made(row, place)
        if len(self._forms) >= ORDERS:  # whoever sends the rows may choose it
            self._forms.clear()
        self._forms[tuple(row)] = self._by_names[frozenset(row)] = form
        return form

    def _made(self, row: Row, place: int) -> _Form:
        problems = [problem for name in row if (problem := self._unfit(name))]
        problems += [
            f"{column.name} takes no NULL and has no default"
            for column in self.table.columns
            if _required(column) and column.name not in row and column.name not in self.nanoids
        ]
        if problems:
            raise RowRefused(self.name, problems, place)
        names = [c.name for c in self.table.columns if c.name in row or c.name in self.nanoids]
        checks = tuple((name, self._check(name), self._nullable(name)) for name in names)
        keys = tuple((name, names.index(name)) for name in self.key if name in names)
        columns = [(name, self.accepts[name], *rest) for name, *rest in checks]
        quick = Quick(columns, self.nanoids)  # type: ignore[arg-type]
        return _Form(self.shape("insert", tuple(names)), checks, keys, quick)

    def _unfit(self, name: object) -> str:
        column = self.table.column(name) if isinstance(name, str) else None
        if column is None:
            return (
                f"{name!r} is no column; there are {', '.join(c.name for c in self.table.columns)}"
            )
        return f"{name} is computed by the server" if column.generated is not None else ""

    def _check(self, name: str) -> Convert:
        return converter(self.accepts[name], self.buffering.moment)

    def _nullable(self, name: str) -> bool:
        column = self.table.column(name)
        return column is not None and column.nullable and name not in self.key

    def shape(self, kind: Any, columns: tuple[str, ...]) -> Shape:
        """The one shape of this kind with these columns."""
        if (kind, columns) not in self._shapes:
            keys = () if kind == "insert" else self.key
            types = tuple(self.accepts[name].type for name in (*keys, *columns))
            self._shapes[kind, columns] = Shape(self.lane, self.name, kind, keys, columns, types)
        return self._shapes[kind, columns]

    def key_values(self, given: Any) -> Values:
        """The key's values, from a mapping or, of a key of one column, the bare value.

        Raises RowRefused. A text is only ever a value.
        """
        if not self.key:
            raise RowRefused(self.name, ["it has no primary key to find a row by"])
        if not isinstance(given, Mapping):
            if len(self.key) != 1:
                raise RowRefused(
                    self.name, [f"its key is ({', '.join(self.key)}): name all of them"]
                )
            given = {self.key[0]: given}
        if set(given) != set(self.key):
            raise RowRefused(
                self.name,
                [f"its key is ({', '.join(self.key)}), not ({', '.join(map(str, given))})"],
            )
        return self._converted(given, self.key, self._check)

    def changes(self, kind: str, given: Row) -> tuple[Shape, Values]:
        """What an update sets, or an increment adds, checked. Raises RowRefused."""
        problems = [problem for name in given if (problem := self._unfit(name))]
        problems += [f"{name} is part of the key" for name in given if name in self.key]
        if problems or not given:
            raise RowRefused(self.name, problems or ["nothing is to be changed"])
        columns = tuple(sorted(given))
        check = self._check if kind == "update" else self._added
        shape, values = self.shape(kind, columns), self._converted(given, columns, check)
        self._check_lengths(shape._replace(keys=()), [values])
        return shape, values

    def _added(self, name: str) -> Convert:
        return increment(self.accepts[name])

    def _converted(self, given: Row, names: Sequence[str], check: Any) -> Values:
        found, problems = [], []
        for name in names:
            value = given[name]
            try:
                if value is None and (check != self._check or not self._nullable(name)):
                    raise NotAccepted("takes no NULL")
                found.append(None if value is None else check(name)(value))
            except NotAccepted as error:
                problems.append(f"{name} {error}")
        if problems:
            raise RowRefused(self.name, problems)
        return tuple(found)


def _keys(form: _Form, rows: Sequence[Values]) -> list[dict[str, Any]]:
    if len(form.keys) == 1:
        ((name, at),) = form.keys
        return [{name: row[at]} for row in rows]
    return [{name: row[at] for name, at in form.keys} for row in rows]


def _required(column: Column) -> bool:
    free = column.nullable or column.default is not None
    return not (free or column.identity is not None or column.generated is not None)
