"""Names for unnamed objects that clash with nothing. Pure.

PostgreSQL and SQLite keep index names per schema, MySQL foreign key and check names per
database: the generated ``a_b_c_idx`` of table ``a`` (``b_c``) and of table ``a_b`` (``c``)
would collide. A clash gets a hash of what the object is. A foreign key or CHECK never
clashes with a plain index: MySQL gives a key's own index the key's name.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import count
from typing import TypeVar

import msgspec
import xxhash

from odac_db.dialects.base import Features
from odac_db.migrate.taken_names import taken_names
from odac_db.schema.model import Check, Exclusion, ForeignKey, Index, PrimaryKey, Schema, Table
from odac_db.schema.names import HASH_LENGTH, shortened

T = TypeVar("T", Index, ForeignKey, Check, Exclusion, PrimaryKey)
Named = Index | ForeignKey | Check | Exclusion | PrimaryKey


class FreeNames:
    """Remembers which names are taken while a diff gives out more."""

    def __init__(self, live: Schema, desired: Schema, features: Features) -> None:
        self._fits = features.fits
        self._claimed = {
            (_kind(item), item.name): table.name
            for table in desired.tables.values()
            for item in _shareable(table)
            if item.named and _kind(item) in features.shared_names
        }
        self._relations: set[str | None] = {*live.tables, *live.enums, *taken_names(live)}
        self._constraints: set[str | None] = set()
        for table in live.tables.values():
            keys = () if table.primary_key is None else (table.primary_key,)
            for group in (keys, table.indexes, table.foreign_keys, table.checks, table.exclusions):
                for item in group:
                    if not isinstance(item, Index) or item.valid:  # else it goes ahead of all
                        self._take(item)

    def is_claimed(self, item: Named, table: str) -> bool:
        """Whether something of its kind is declared under its name for another table."""
        return item.name is not None and self._claimed.get((_kind(item), item.name), table) != table

    def given(self, table: str, item: T, *, freed: Collection[str | None] = ()) -> T:
        """The item under a name of its own. ``freed`` names vanish before it is made."""
        for name in self._candidates(table, item):
            item = msgspec.structs.replace(item, name=name)
            if name is None or item.named or name in freed or not self._is_taken(item):
                break
        self._take(item)
        return item

    def _candidates(self, table: str, item: Named) -> Iterator[str | None]:
        """Its name, then with one hash after the other."""
        yield item.name
        what = msgspec.msgpack.encode([table, item])
        for seed in count():
            digest = xxhash.xxh3_64_hexdigest(what, seed)
            yield shortened(f"{item.name}_{digest[:HASH_LENGTH]}", self._fits)

    def _is_taken(self, item: Named) -> bool:
        relation = _is_relation(item) and item.name in self._relations
        return relation or (_is_constraint(item) and item.name in self._constraints)

    def _take(self, item: Named) -> None:
        if _is_relation(item):
            self._relations.add(item.name)
        if _is_constraint(item):
            self._constraints.add(item.name)


def _shareable(table: Table) -> Iterator[Index | ForeignKey | Check]:
    yield from table.indexes
    yield from table.foreign_keys
    yield from table.checks


def _kind(item: Named) -> str:
    match item:
        case ForeignKey():
            return "foreign_key"
        case Check():
            return "check"
        case _:
            return "index"


def _is_relation(item: Named) -> bool:
    return not isinstance(item, ForeignKey | Check)


def _is_constraint(item: Named) -> bool:
    return bool(item.constraint) if isinstance(item, Index) else True
