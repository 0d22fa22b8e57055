"""What is not done unless asked for, and what cannot be done while it is not. Pure.

Nothing is lost without leave: drops of what holds data, conversions that may change
values and adds that may be renames are held back. What stands on a held-back object
waits with it; everything else proceeds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import get_args

import msgspec

from odac_db.errors import OdacDbError
from odac_db.migrate.dependants import Verdict, waiting
from odac_db.migrate.describe import name_of
from odac_db.migrate.rename import Question
from odac_db.schema.changes import (
    AddColumn,
    AlterColumn,
    Change,
    CreateTable,
    DropColumn,
    DropTable,
    ReplaceEnum,
    kind_of,
    table_of,
)
from odac_db.schema.files.validate import nearest
from odac_db.schema.model import Column, Schema

replace = msgspec.structs.replace
DESTRUCTIVE = "destructive"

Lossy = Callable[[Column, Column], str | None]


KINDS = tuple(str(change.__struct_config__.tag) for change in get_args(Change))
COSTS = ("blocks_reads", "blocks_writes", "table_copy", "table_rewrite")
"""The hazards that need leave on big tables, by their codes; see ``big_tables``."""
BREAKING = "breaks_dependants"
"""The one that needs leave on any table; see ``in_use``."""


def unknown_leave(allow: Collection[str]) -> str:
    """What is wrong with leave that names no kind of change; empty where all do.

    Whether its object exists is not asked: the same leave may be given on every boot.
    """
    for leave in allow:
        kind = leave.partition(":")[0]
        words = [*KINDS, *COSTS, BREAKING, DESTRUCTIVE]
        if kind not in words[:-1] and leave != DESTRUCTIVE:
            return f"allow: there is no change {kind!r}{nearest(kind, words)}"
    return ""


def known_leave(allow: Collection[str]) -> Collection[str]:
    """The leave that is given. Misspelt leave would hold back in silence what it names.

    Raises OdacDbError.
    """
    given = (allow,) if isinstance(allow, str) else allow
    fault = unknown_leave(given)
    if fault:
        raise OdacDbError(fault)
    return given


def is_allowed(change: Change, allow: Collection[str]) -> bool:
    """Whether ``allow`` names this change: everything, its kind, or its kind and object."""
    kind, table, name = kind_of(change), table_of(change), name_of(change)
    named = f"{kind}:{table}.{name}" if table and name and name != table else f"{kind}:{name}"
    return bool({DESTRUCTIVE, kind, f"{kind}:{table}", named} & set(allow))


def refuse_to_empty(live: Schema, declared: Schema, allow: Collection[str], *, prune: bool) -> None:
    """Raises OdacDbError where no table is declared and prune has leave to drop them all.

    A folder without tables is the wrong folder more often than the wish for an empty database.
    """
    blanket = prune and {DESTRUCTIVE, "drop_table"} & set(allow)
    if blanket and live.tables and not declared.tables:
        message = (
            f"no table is declared: prune would drop all {len(live.tables)} tables; check that "
            "this is the right schema folder, or, if that is meant, drop them by hand"
        )
        raise OdacDbError(message)


def judged(
    changes: Sequence[Change],
    asked: Sequence[Question],
    lossy: Lossy,
    allow: Collection[str],
    stuck: Mapping[int, str] = MappingProxyType({}),
) -> list[Verdict]:
    """A verdict for each change, in the same order.

    ``stuck`` says by a change's ``id`` why it cannot be made, whatever leave is given.
    """
    recreated = _recreated(changes)
    verdicts = []
    for change in changes:
        loss = None if _is_recreation(change, recreated) else _loss(change, lossy)
        verdict = Verdict(change=change, destructive=loss is not None)
        if loss is not None and not is_allowed(change, allow):
            verdict = _held(change, f"{loss}; allow it with {_leave(change)}", destructive=True)
        question = _question(change, asked)
        if question is not None and not _answered(changes, question, allow):
            verdict = _held(change, str(question), destructive=loss is not None)
        reason = stuck.get(id(change), "")
        if verdict.status == "pending" and reason:
            verdict = Verdict(change=change, status="blocked", reason=reason)
        verdicts.append(replace(verdict, stuck=reason))
    return waiting(verdicts)


def _held(change: Change, reason: str, *, destructive: bool) -> Verdict:
    return Verdict(change=change, status="held_back", reason=reason, destructive=destructive)


def _leave(change: Change) -> str:
    table, name = table_of(change), name_of(change)
    target = f"{table}.{name}" if table and name != table else name
    return f"--allow {kind_of(change)}:{target} or --allow-destructive"


def _loss(change: Change, lossy: Lossy) -> str | None:
    """What a change would lose, or None."""
    match change:
        case DropTable():
            return "drops a table and its rows"
        case DropColumn():
            return None if change.column.generated else "drops a column and its values"
        case AlterColumn():
            return lossy(change.before, change.after)
        case ReplaceEnum():
            gone = [v for v in change.before.values if v not in change.after.values]
            return f"removes the enum value(s) {', '.join(gone)}" if gone else None
        case _:
            return None


def _recreated(changes: Sequence[Change]) -> set[tuple[str, str]]:
    added = {
        (c.table, c.column.name)
        for c in changes
        if isinstance(c, AddColumn) and c.column.generated is not None
    }
    dropped = {
        (c.table, c.column.name)
        for c in changes
        if isinstance(c, DropColumn) and c.column.generated is not None
    }
    return added & dropped


def _is_recreation(change: Change, recreated: set[tuple[str, str]]) -> bool:
    return isinstance(change, DropColumn) and (change.table, change.column.name) in recreated


def _question(change: Change, asked: Sequence[Question]) -> Question | None:
    for question in asked:
        match change:
            case AddColumn() if (change.table, change.column.name) == (
                question.table,
                question.after,
            ):
                return question
            case DropColumn() if (change.table, change.column.name) == (
                question.table,
                question.before,
            ):
                return question
            case CreateTable() if not question.table and change.table.name == question.after:
                return question
            case DropTable() if not question.table and change.table.name == question.before:
                return question
            case _:
                pass
    return None


def _answered(changes: Sequence[Change], question: Question, allow: Collection[str]) -> bool:
    """Leave to drop the old one says that the new one is not it."""
    for change in changes:
        match change:
            case DropColumn() if (change.table, change.column.name) == (
                question.table,
                question.before,
            ):
                return is_allowed(change, allow)
            case DropTable() if not question.table and change.table.name == question.before:
                return is_allowed(change, allow)
            case _:
                pass
    return not question.table and DESTRUCTIVE in allow
