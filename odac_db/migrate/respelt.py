"""Column names as the live tables spell them, where case means nothing. Pure.

``userId`` in a file and ``userid`` in the database are one column on MySQL and SQLite, and
so they must be one in every index, key and foreign key that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from odac_db.dialects.base import Features
from odac_db.schema.model import ForeignKey, Index, Schema, Table

replace = msgspec.structs.replace
_Spell = Callable[[str], str]


def respelt(schema: Schema, live: Schema, features: Features) -> Schema:
    """The schema with every plain column name as the live column has it, if there is one."""
    if not features.folds_case:
        return schema
    spelling: dict[str, dict[str, str]] = {}
    for name, table in [*schema.tables.items(), *live.tables.items()]:
        known = spelling.setdefault(name, {})
        known.update((column.name.lower(), column.name) for column in table.columns)
    tables = {name: _table(table, spelling) for name, table in schema.tables.items()}
    return replace(schema, tables=tables)


def _table(table: Table, spelling: Mapping[str, Mapping[str, str]]) -> Table:
    spell = _spell(spelling.get(table.name, {}))
    key = table.primary_key
    return replace(
        table,
        primary_key=key and replace(key, columns=_all(key.columns, spell)),
        indexes=tuple(_index(index, spell) for index in table.indexes),
        foreign_keys=tuple(
            _foreign_key(each, spell, _spell(spelling.get(each.ref_table, {})))
            for each in table.foreign_keys
        ),
    )


def _spell(names: Mapping[str, str]) -> _Spell:
    return lambda name: names.get(name.lower(), name)


def _all(names: Iterable[str], spell: _Spell) -> tuple[str, ...]:
    return tuple(map(spell, names))


def _index(index: Index, spell: _Spell) -> Index:
    parts = tuple(
        part if part.column is None else replace(part, column=spell(part.column))
        for part in index.parts
    )
    return index if parts == index.parts else replace(index, parts=parts)


def _foreign_key(key: ForeignKey, own: _Spell, other: _Spell) -> ForeignKey:
    columns, ref_columns = _all(key.columns, own), _all(key.ref_columns, other)
    if (columns, ref_columns) == (key.columns, key.ref_columns):
        return key
    return replace(key, columns=columns, ref_columns=ref_columns)
