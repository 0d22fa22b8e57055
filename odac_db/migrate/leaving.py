"""Columns that go in the plan that replaces their enum type: their values need not fit it. Pure.

The type is replaced before the columns are dropped, and is refused where a row holds a value
that is gone, even in a column that nobody will see again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from odac_db.migrate.dependants import Verdict
from odac_db.schema.changes import DropColumn, DropTable, ReplaceEnum

replace = msgspec.structs.replace


def let_go(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, with each ReplaceEnum knowing which of its columns will be dropped."""
    going = set(_dropped(verdicts))
    return [
        replace(verdict, change=_without(verdict.change, going))
        if isinstance(verdict.change, ReplaceEnum)
        else verdict
        for verdict in verdicts
    ]


def _dropped(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str]]:
    for verdict in verdicts:
        change = verdict.change
        if verdict.status != "pending":
            continue
        if isinstance(change, DropColumn):
            yield change.table, change.column.name
        elif isinstance(change, DropTable):
            for column in change.table.columns:
                yield change.table.name, column.name


def _without(change: ReplaceEnum, going: set[tuple[str, str]]) -> ReplaceEnum:
    columns = (
        (table, before, None if (table, before.name) in going else after)
        for table, before, after in change.columns
    )
    return replace(change, columns=tuple(columns))
