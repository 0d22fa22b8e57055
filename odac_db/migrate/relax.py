"""What is done in place of a change that is held back. Pure.

A column that stays although no file declares it must not refuse the inserts of an
application that no longer knows it: if it is NOT NULL and has no default it is made
nullable. And of an alteration whose new type is held back, all but the type proceeds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from odac_db.migrate.dependants import Verdict
from odac_db.schema.changes import AlterColumn, DropColumn
from odac_db.schema.model import Column, Schema

replace = msgspec.structs.replace


def relaxed(verdicts: Sequence[Verdict], live: Schema) -> list[Verdict]:
    """The verdicts, with what can be done beside those that are held back."""
    return [one for verdict in verdicts for one in _relaxed(verdict, live)]


def _relaxed(verdict: Verdict, live: Schema) -> Iterator[Verdict]:
    change = verdict.change
    if verdict.status != "held_back":
        yield verdict
    elif isinstance(change, DropColumn):
        yield from _kept_column(verdict, change, live)
    elif isinstance(change, AlterColumn):
        yield from _kept_type(verdict, change)
    else:
        yield verdict


def _kept_column(verdict: Verdict, change: DropColumn, live: Schema) -> Iterator[Verdict]:
    column = change.column
    if not _refuses_inserts(column):
        yield verdict
        return
    key = live.tables[change.table].primary_key
    if key is not None and column.name in key.columns:
        note = "until then inserts must fill it, because it is part of the primary key"
    else:
        note = "until then it is made nullable, so that inserts without it succeed"
        nullable = replace(column, nullable=True)
        yield Verdict(
            change=AlterColumn(table=change.table, before=column, after=nullable), reason=note
        )
    yield replace(verdict, reason=f"{verdict.reason}; {note}")


def _refuses_inserts(column: Column) -> bool:
    filled = column.default is not None or column.identity is not None
    return not (column.nullable or filled or column.generated is not None)


def _kept_type(verdict: Verdict, change: AlterColumn) -> Iterator[Verdict]:
    before = change.before
    kept = {field: getattr(before, field) for field in ("type", "enum", "collation", "identity")}
    if change.aspects & {"type", "collation"}:
        kept["default"] = before.default
    if before.identity is not None:  # what numbers its rows is never NULL
        kept["nullable"] = before.nullable
    between = replace(change.after, **kept)
    if between in (before, change.after):
        yield verdict
        return
    yield Verdict(change=AlterColumn(table=change.table, before=before, after=between))
    rest = AlterColumn(table=change.table, before=between, after=change.after)
    yield replace(verdict, change=rest)
