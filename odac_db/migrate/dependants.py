"""What cannot run while another change does not. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from odac_db.migrate.describe import name_of
from odac_db.migrate.expressions import mentions
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddExclusion,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    CreateTable,
    DropCheck,
    DropColumn,
    DropEnum,
    DropExclusion,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    ReplaceEnum,
    kind_of,
    table_of,
)
from odac_db.schema.model import Column
from odac_db.schema.plan import Status


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """Whether one change may run, and if not, why and what to do."""

    change: Change
    status: Status = "pending"
    reason: str = ""
    destructive: bool = False


Need = tuple[str, str, str]
"""What is not as desired: the sort of thing, its table, its column or columns."""


def waiting(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts, with what depends on a change that will not run stopped as well."""
    settled = list(verdicts)
    fresh = [verdict for verdict in settled if verdict.status != "pending"]
    while fresh:
        missing = {need: cause for cause in reversed(fresh) for need in _missing(cause.change)}
        fresh = []
        for position, verdict in enumerate(settled):
            cause = _cause(verdict.change, missing) if verdict.status == "pending" else None
            if cause is not None:
                settled[position] = _waits(verdict, cause)
                fresh.append(settled[position])
    return settled


def _waits(verdict: Verdict, cause: Verdict) -> Verdict:
    kind, name = kind_of(cause.change).replace("_", " "), name_of(cause.change)
    state = cause.status.replace("_", " ")
    status: Status = "held_back" if cause.status == "held_back" else "blocked"
    return msgspec.structs.replace(
        verdict, status=status, reason=f"waits for {kind} {name}, which is {state}"
    )


def _cause(change: Change, missing: Mapping[Need, Verdict]) -> Verdict | None:
    """The stopped change without which this one makes no sense or would be refused."""
    for need in _needs(change):
        if need in missing:
            return missing[need]
    texts = [text for text in _texts(change) if text]
    for (what, table, column), cause in missing.items() if texts else ():
        in_table = what in {"column", "type"} and table == table_of(change)
        if in_table and any(mentions(text, column) for text in texts):
            return cause
    return None


def _texts(change: Change) -> list[str | None]:
    """The expressions a change would have the server read."""
    match change:
        case AddCheck() | DropCheck():
            return [change.check.expression]
        case AddIndex() | DropIndex():
            parts = change.index.parts
            return [change.index.where, *(part.expression for part in parts)]
        case AddExclusion() | DropExclusion():
            item = change.exclusion
            plain = [one.part.expression or one.part.column for one in item.parts]
            return [item.where, *plain]
        case AddColumn() if change.column.generated is not None:
            return [change.column.generated.expression]
        case _:
            return []


def _missing(change: Change) -> set[Need]:
    """What is not as desired while a change is not done: (what, table, column)."""
    match change:
        case CreateTable():
            return {("table", change.table.name, "")}
        case AddColumn():
            return {("column", change.table, change.column.name)}
        case DropColumn():
            return {("column", change.table, change.column.name), *_uses(change.column)}
        case AlterColumn():
            kept = _uses(change.before) if change.before.enum != change.after.enum else ()
            return {("type", change.table, change.after.name), *kept}
        case DropTable():
            kept = (use for column in change.table.columns for use in _uses(column))
            return {("gone", change.table.name, ""), *kept}
        case DropPrimaryKey():
            return {("primary", change.table, "")}
        case AddPrimaryKey():
            key = change.primary_key
            return {("unique", change.table, ",".join(sorted(key.columns)))}
        case AddIndex():
            found = {("unique", change.table, ",".join(sorted(change.index.columns)))}
            if change.replaces is not None:
                found.add(("takeover", change.table, str(change.replaces.name)))
            return found
        case DropIndex():
            return {("takeover", change.table, str(change.index.name))}
        case DropForeignKey():
            return {("key", change.table, str(change.foreign_key.name))}
        case ReplaceEnum():
            return {("enum", "", change.after.name)}
        case _:
            return set()


def _uses(column: Column) -> Iterator[Need]:
    """The enum type that a column which stays goes on using."""
    if column.enum is not None:
        yield ("use", "", column.enum)


def _needs(change: Change) -> Iterator[Need]:
    match change:
        case AddIndex():
            yield from _columns(change.table, (*change.index.columns, *change.index.include))
            if change.replaces is not None:
                yield ("takeover", change.table, str(change.replaces.name))
        case DropIndex():
            yield from _columns(change.table, change.index.columns)
            yield ("takeover", change.table, str(change.index.name))
        case AddPrimaryKey() | DropPrimaryKey():
            yield from _columns(change.table, change.primary_key.columns)
            if isinstance(change, AddPrimaryKey):
                yield ("primary", change.table, "")
        case AddForeignKey() | DropForeignKey():
            yield from _foreign_key_needs(change)
        case AddCheck() | DropCheck() | AddExclusion() | DropExclusion():
            yield ("table", change.table, "")
        case AddColumn() | AlterColumn():
            column = change.column if isinstance(change, AddColumn) else change.after
            yield ("table", change.table, "")
            if column.enum is not None:
                yield ("enum", "", column.enum)
        case DropEnum():
            yield ("use", "", change.enum.name)
        case _:
            return


def _foreign_key_needs(change: AddForeignKey | DropForeignKey) -> Iterator[Need]:
    key = change.foreign_key
    if isinstance(change, DropForeignKey):
        for column in key.columns:
            yield ("column", change.table, column)
        yield ("gone", change.table, "")
        return
    yield from _columns(change.table, key.columns)
    yield from _columns(key.ref_table, key.ref_columns)
    yield ("unique", key.ref_table, ",".join(sorted(key.ref_columns)))
    for column in key.columns:
        yield ("type", change.table, column)
    for column in key.ref_columns:
        yield ("type", key.ref_table, column)


def _columns(table: str, columns: Collection[str]) -> Iterator[Need]:
    yield ("table", table, "")
    for column in columns:
        yield ("column", table, column)
