"""What the server will refuse whatever the rows say, known before anything is done. Pure.

The scratch place has refused the whole table, not one change, so what makes or alters a part
of it waits. What only drops goes on, unless it makes room for something that waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
)

__all__ = ["will_be_refused"]

_MAKING = AddColumn | AlterColumn | AddPrimaryKey | AddIndex | AddCheck


def will_be_refused(changes: Iterable[Change], refused: Mapping[str, str]) -> dict[int, str]:
    """Why changes of the tables that the server refused are not tried, by their ``id``."""
    return {
        id(change): f"the server refuses {change.table} as declared: {refused[change.table]}"
        for change in changes
        if isinstance(change, _MAKING) and change.table in refused
    }
