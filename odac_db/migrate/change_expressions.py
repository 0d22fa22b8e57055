"""The expressions inside changes, in which columns are named. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddExclusion,
    AddIndex,
    Change,
    DropCheck,
    DropColumn,
    DropExclusion,
    DropIndex,
)
from odac_db.schema.model import Exclusion, Index

__all__ = ["dropped_texts", "texts"]


def texts(change: Change) -> Iterator[str]:
    """The expressions a change would have the server read."""
    match change:
        case AddColumn() if change.column.generated is not None:
            yield change.column.generated.expression
        case AddCheck():
            yield change.check.expression
        case AddIndex():
            yield from _index_texts(change.index)
        case AddExclusion():
            yield from _exclusion_texts(change.exclusion)
        case DropCheck() | DropIndex() | DropExclusion():
            yield from dropped_texts(change)
        case _:
            return


def dropped_texts(change: Change) -> Iterator[str]:
    """The expressions of what a change drops."""
    match change:
        case DropColumn() if change.column.generated is not None:
            yield change.column.generated.expression
        case DropCheck():
            yield change.check.expression
        case DropIndex():
            yield from _index_texts(change.index)
        case DropExclusion():
            yield from _exclusion_texts(change.exclusion)
        case _:
            return


def _index_texts(index: Index) -> Iterator[str]:
    for text in (index.where, *(part.expression for part in index.parts)):
        if text is not None:
            yield text


def _exclusion_texts(item: Exclusion) -> Iterator[str]:
    for text in (item.where, *(one.part.expression for one in item.parts)):
        if text is not None:
            yield text
