"""The changes of one table's foreign keys, checks and exclusions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import TypeVar

import msgspec

from odac_db.dialects.base import Features
from odac_db.migrate.free_names import FreeNames
from odac_db.migrate.matching import matched
from odac_db.schema.changes import (
    AddCheck,
    AddExclusion,
    AddForeignKey,
    Change,
    DropCheck,
    DropExclusion,
    DropForeignKey,
    RenameConstraint,
    SetObjectComment,
)
from odac_db.schema.model import Check, Exclusion, FkAction, ForeignKey, Table

replace = msgspec.structs.replace
T = TypeVar("T", ForeignKey, Check, Exclusion)
Validated = TypeVar("Validated", ForeignKey, Check)


def changed_constraints(
    live: Table, desired: Table, features: Features, names: FreeNames
) -> Iterator[Change]:
    """Constraints to drop, add, rename and comment on."""

    def key_structure(key: ForeignKey) -> ForeignKey:
        plain = replace(key, name=None, named=False, comment=None, orphans=None)
        if not features.restrict_is_no_action:
            return plain
        actions = {"on_delete": key.on_delete, "on_update": key.on_update}
        return replace(plain, **{name: _unrestricted(each) for name, each in actions.items()})

    keys = _as_valid(live.foreign_keys, desired.foreign_keys, key_structure)
    checks = _as_valid(live.checks, desired.checks, _structure)
    yield from _changed(desired.name, live.foreign_keys, keys, key_structure, features, names)
    yield from _changed(desired.name, live.checks, checks, _structure, features, names)
    yield from _changed(
        desired.name, live.exclusions, desired.exclusions, _structure, features, names
    )


def _structure(item: T) -> T:
    return replace(item, name=None, named=False, comment=None)


def _unrestricted(action: FkAction) -> FkAction:
    return "NO ACTION" if action == "RESTRICT" else action


def _as_valid(
    live: Sequence[Validated],
    desired: Sequence[Validated],
    structure: Callable[[Validated], Hashable],
) -> list[Validated]:
    """The desired constraints; one that need not be validated is content with one that is."""
    have = {structure(item) for item in live}
    settled = []
    for item in desired:
        validated = item if item.valid else replace(item, valid=True)
        settled.append(validated if structure(validated) in have else item)
    return settled


def _changed(
    table: str,
    live: Sequence[T],
    desired: Sequence[T],
    structure: Callable[[T], Hashable],
    features: Features,
    names: FreeNames,
) -> Iterator[Change]:
    found = matched(live, desired, structure)
    for before, after in found.same:
        what = _what(before)
        if after.named and before.name != after.name and what not in features.renames_constraints:
            found.dropped.append(before)
            found.added.append(after)
            continue
        yield from renamed(table, what, before.name, after.name, after.named)
        if before.comment != after.comment and features.comments:
            name = after.name if after.named else before.name
            yield SetObjectComment(table=table, what=what, name=name or "", after=after.comment)
    gone = {item.name for item in found.dropped}
    for before in found.dropped:
        yield _dropped(table, before, replaced=names.is_claimed(before, table))
    for after in found.added:
        yield _added(table, names.given(table, after, freed=gone))


def _what(item: ForeignKey | Check | Exclusion) -> str:
    match item:
        case ForeignKey():
            return "foreign_key"
        case Check():
            return "check"
        case Exclusion():
            return "exclusion"


def _dropped(table: str, item: ForeignKey | Check | Exclusion, *, replaced: bool) -> Change:
    match item:
        case ForeignKey():
            return DropForeignKey(table=table, foreign_key=item, replaced=replaced)
        case Check():
            return DropCheck(table=table, check=item, replaced=replaced)
        case Exclusion():
            return DropExclusion(table=table, exclusion=item)


def _added(table: str, item: ForeignKey | Check | Exclusion) -> Change:
    match item:
        case ForeignKey():
            return AddForeignKey(table=table, foreign_key=item)
        case Check():
            return AddCheck(table=table, check=item)
        case Exclusion():
            return AddExclusion(table=table, exclusion=item)


def renamed(
    table: str, what: str, before: str | None, after: str | None, named: bool
) -> Iterator[Change]:
    """The rename of a constraint whose declaration insists on a name it does not have."""
    if named and before is not None and after is not None and before != after:
        yield RenameConstraint(table=table, what=what, before=before, after=after)
