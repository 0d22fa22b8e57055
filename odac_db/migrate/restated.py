"""What stood aside is made again as it was declared, not as the server printed it. Pure.

A server may print what it printed before otherwise again once it has read it (PostgreSQL
does IN lists), and a plan would never be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from odac_db.migrate.reconcile import structure
from odac_db.schema.changes import AddCheck, AddColumn, AddExclusion, AddIndex, Change
from odac_db.schema.model import Check, Exclusion, Index, Schema, Table

__all__ = ["restated"]

replace = msgspec.structs.replace
T = TypeVar("T", Check, Index, Exclusion)


def restated(changes: Sequence[Change], declared: Schema, settled: Schema) -> list[Change]:
    """The changes, with declared expressions in what they make.

    ``settled`` is object for object the declared schema, in live spelling where that means
    the same.
    """
    pairs = {name: (table, declared.tables[name]) for name, table in settled.tables.items()}
    return [
        _restated(change, *pairs[change.table])
        if isinstance(change, AddCheck | AddIndex | AddExclusion | AddColumn)
        and change.table in pairs
        else change
        for change in changes
    ]


def _restated(
    change: AddCheck | AddIndex | AddExclusion | AddColumn, settled: Table, declared: Table
) -> Change:
    match change:
        case AddCheck():
            check = _twin(change.check, settled.checks, declared.checks)
            return replace(change, check=replace(change.check, expression=check.expression))
        case AddIndex():
            index = _twin(change.index, settled.indexes, declared.indexes)
            return replace(
                change, index=replace(change.index, parts=index.parts, where=index.where)
            )
        case AddExclusion():
            item = _twin(change.exclusion, settled.exclusions, declared.exclusions)
            return replace(
                change, exclusion=replace(change.exclusion, parts=item.parts, where=item.where)
            )
        case AddColumn():
            for spelt, column in zip(settled.columns, declared.columns, strict=True):
                if spelt.name == change.column.name and spelt.generated is not None:
                    made = replace(change.column, generated=column.generated)
                    return replace(change, column=made)
            return change


def _twin(made: T, settled: Sequence[T], declared: Sequence[T]) -> T:
    """The declared object that is the one to make; itself where none is."""
    wanted = structure(made)
    pairs = zip(settled, declared, strict=True)
    return next((item for spelt, item in pairs if structure(spelt) == wanted), made)
