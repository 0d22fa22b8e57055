"""Which differing texts mean the same.

A server stores ``price>0`` as ``(price > (0)::numeric)``. No parser of ours decides
whether the two are one: the ledger remembers what a declared object was stored as, and
what it does not know the server is asked, by storing the declared table in a scratch
place and reading it back. Both answers replace the desired object by the live one, so
that ``diff`` needs only equality.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import xxhash

from odac_db.dialects.base import Features
from odac_db.migrate.diff_columns import folded
from odac_db.migrate.diff_indexes import index_structure
from odac_db.schema.model import Check, Column, Exclusion, Index, Schema, Table

replace = msgspec.structs.replace
Item = Column | Index | Check | Exclusion
GROUPS = ("columns", "indexes", "checks", "exclusions")


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """The server stores the object declared so as the object stored so."""

    table: str
    group: str
    declared: str
    stored: str


def fingerprint(item: Item) -> str:
    """A hash of all of an object but its name and what the server does not store."""
    return xxhash.xxh3_128_hexdigest(msgspec.msgpack.encode(_anonymous(item)))


def _anonymous(item: Item) -> Item:
    match item:
        case Column():
            return replace(item, name=item.name.lower())
        case Index():
            return replace(item, name=None, named=False, constraint=None, comment=None)
        case Check() | Exclusion():
            return replace(item, name=None, named=False, comment=None)


def reconciled(
    live: Schema,
    desired: Schema,
    known: Collection[Known],
    features: Features,
    ask: Callable[[Sequence[Table]], Mapping[str, Table]],
) -> Schema:
    """The desired schema with live objects in place of those that mean the same.

    ``ask`` stores tables in the server's scratch place; it is called at most once, with
    the tables that still differ in some text.
    """
    desired = _spelt_like(live, desired, features)
    tables = dict(desired.tables)
    pairs = {(one.table, one.group, one.declared, one.stored) for one in known}
    differing = []
    for name, table in desired.tables.items():
        before = live.tables.get(name)
        if before is None or before == table:
            continue
        if pairs:
            tables[name] = _vouched(before, table, pairs, features)
        if _texts_differ(before, tables[name], features):
            differing.append(name)
    if differing:
        stored = ask([desired.tables[name] for name in differing])
        for name in differing:
            if name in stored:
                tables[name] = _as_stored(
                    live.tables[name], tables[name], desired.tables[name], stored[name], features
                )
    return replace(desired, tables=tables)


def _spelt_like(live: Schema, desired: Schema, features: Features) -> Schema:
    """The desired schema with columns spelt as the live ones, where case means nothing.

    Their expressions stay as declared: that is what is stored when they are made.
    """
    if not features.folds_case:
        return desired
    tables = dict(desired.tables)
    for name, table in desired.tables.items():
        columns = live.tables[name].columns if name in live.tables else ()
        have = {folded(column.name, features): column.name for column in columns}
        spelt = tuple(
            replace(column, name=have.get(folded(column.name, features), column.name))
            for column in table.columns
        )
        tables[name] = replace(table, columns=spelt)
    return replace(desired, tables=tables)


def _vouched(
    live: Table, desired: Table, pairs: set[tuple[str, str, str, str]], features: Features
) -> Table:
    """What the ledger vouches for, taken from the live table.

    A server spells an expression by the types of its columns (``price > 0::numeric``), so
    once a type differs only columns that are not computed are vouched for.
    """
    found = replace(desired, columns=_twins(live, desired, "columns", pairs, features))
    if _retyped(live, found, features):
        pairs_of = zip(desired.columns, found.columns, strict=True)
        columns = tuple(item if item.generated else twin for item, twin in pairs_of)
        return replace(desired, columns=columns)
    rest = {group: _twins(live, desired, group, pairs, features) for group in GROUPS[1:]}
    return replace(found, **rest)


def _twins(
    live: Table,
    desired: Table,
    group: str,
    pairs: set[tuple[str, str, str, str]],
    features: Features,
) -> tuple[Any, ...]:
    have = [(fingerprint(item), item) for item in getattr(live, group)]
    key = (desired.name, group)
    return tuple(_twin(item, have, pairs, key, features) for item in getattr(desired, group))


def _retyped(live: Table, desired: Table, features: Features) -> bool:
    types = {folded(column.name, features): column.type for column in live.columns}
    return any(
        types.get(folded(column.name, features), column.type) != column.type
        for column in desired.columns
    )


def _twin(
    item: Any,
    have: list[tuple[str, Any]],
    pairs: set[tuple[str, str, str, str]],
    key: tuple[str, str],
    features: Features,
) -> Any:
    declared = fingerprint(item)
    for stored, other in have:
        if (*key, declared, stored) in pairs:
            if not isinstance(item, Column):
                return _renamed_like(other, item)
            if folded(item.name, features) == folded(other.name, features):
                return other
    return item


def _renamed_like(live: Any, desired: Any) -> Any:
    """The live object under the desired one's name, comment and choice of constraint."""
    fields = {"name": desired.name, "named": desired.named, "comment": desired.comment}
    if isinstance(desired, Index):
        fields["constraint"] = desired.constraint
    return replace(live, **fields)


def _texts_differ(live: Table, desired: Table, features: Features) -> bool:
    """Whether asking the server could make the two more equal than they are."""
    have = {folded(column.name, features): column for column in live.columns}
    for column in desired.columns:
        before = have.get(folded(column.name, features))
        if before is not None and _texts(before) != _texts(column):
            return True
    return any(len(_loose(getattr(live, group), getattr(desired, group))) for group in GROUPS[1:])


def _texts(column: Column) -> tuple[object, ...]:
    made = column.generated
    return column.type, column.default, made, column.check, column.collation, column.on_update


def _loose(live: Sequence[Any], desired: Sequence[Any]) -> list[Any]:
    """Desired objects with a text of their own that have no live twin."""
    have = {structure(item) for item in live}
    return [item for item in desired if _wordy(item) and structure(item) not in have]


def structure(item: Any) -> object:
    """All of an index, check or exclusion but its name and comment."""
    return index_structure(item) if isinstance(item, Index) else _anonymous(item)


def _wordy(item: Item) -> bool:
    match item:
        case Index():
            return True
        case Exclusion() | Check():
            return True
        case Column():
            return False


def _as_stored(
    live: Table, desired: Table, declared: Table, stored: Table, features: Features
) -> Table:
    """The desired table, with every object as the server would store it that is there already.

    What must be made is made as declared: a server may spell its own spelling otherwise
    again (PostgreSQL does IN lists).
    """
    found: dict[str, Any] = {
        "columns": tuple(
            column if column in live.columns else _column_as_stored(column, live, stored, features)
            for column in desired.columns
        )
    }
    for group in GROUPS[1:]:
        given = getattr(declared, group)
        answers = _paired(given, getattr(stored, group))
        have = {structure(item) for item in getattr(live, group)}
        found[group] = tuple(
            _renamed_like(answers[position], item)
            if item is given[position]
            and position in answers
            and structure(answers[position]) in have
            else item
            for position, item in enumerate(getattr(desired, group))
        )
    return replace(desired, **found)


def _column_as_stored(column: Column, live: Table, stored: Table, features: Features) -> Column:
    before, after = (_namesake(column, table, features) for table in (live, stored))
    if after is None or (after.generated and (not before or before.generated != after.generated)):
        return column
    return replace(after, name=column.name, comment=column.comment, identity=column.identity)


def _namesake(column: Column, table: Table, features: Features) -> Column | None:
    name = folded(column.name, features)
    return next((one for one in table.columns if folded(one.name, features) == name), None)


def _paired(declared: Sequence[Any], stored: Sequence[Any]) -> dict[int, Any]:
    """Which stored object each declared one became: by name, else by what is left over."""
    rest = list(stored)
    found: dict[int, Any] = {}
    for position, item in enumerate(declared):
        twin = next((one for one in rest if item.name and one.name == item.name), None)
        if twin is not None:
            rest.remove(twin)
            found[position] = twin
    waiting = [position for position in range(len(declared)) if position not in found]
    if len(waiting) == len(rest):
        found.update(zip(waiting, rest, strict=True))
    return found


def learnt(declared: Schema, settled: Schema, live: Schema, features: Features) -> Iterator[Known]:
    """What to remember: declared objects whose live twins are spelt otherwise.

    ``settled`` is the desired schema after ``reconciled``: object for object the declared
    one, in the live spelling where they are the same.
    """
    declared = _spelt_like(live, declared, features)
    for name, table in declared.tables.items():
        stored = live.tables.get(name)
        if stored is None or stored == table:
            continue
        for group in GROUPS:
            have = {_structure_of(item, features) for item in getattr(stored, group)}
            pairs = zip(getattr(table, group), getattr(settled.tables[name], group), strict=True)
            for item, spelt in pairs:
                if item != spelt and _structure_of(spelt, features) in have:
                    yield Known(
                        table=name,
                        group=group,
                        declared=fingerprint(item),
                        stored=fingerprint(spelt),
                    )


def _structure_of(item: Any, features: Features) -> object:
    if isinstance(item, Column):
        return replace(item, name=folded(item.name, features))
    return structure(item)
