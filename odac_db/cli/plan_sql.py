"""A plan as SQL text, to be read or kept."""

from __future__ import annotations

from collections.abc import Iterator

from odac_db.cli.labels import label_of
from odac_db.cli.text import printable
from odac_db.schema.plan import STAGES, Operation, Plan, Stage

_STAGES = {
    "ahead": "ahead of the transaction, each by itself",
    "main": "in one transaction",
    "build": "behind the transaction, each by itself: built beside readers and writers",
    "validate": "last, each by itself: validated beside readers and writers",
}


def plan_sql(plan: Plan, *, title: str = "") -> str:
    """The statements a migrate would run, ready to read; what it would not run is a comment.

    Where not all of them are in one stage, they stand under the names of the stages.
    """
    blocks = [f"-- connection {printable(title)}"] if title else []
    staged = any(not operation.is_in("main") or operation.goes_on for operation in plan.operations)
    for stage in STAGES:
        found = [_operation_sql(plan, one, stage) for one in plan.operations if one.is_in(stage)]
        if found and staged:
            blocks.append(f"-- {_STAGES[stage]}")
        blocks += found
    return "\n\n".join(blocks)


def _operation_sql(plan: Plan, operation: Operation, stage: Stage) -> str:
    mine = [statement.sql for statement in operation.statements if statement.stage == stage]
    sql = [text.rstrip().rstrip(";") + ";" for text in mine]
    if operation.status != "pending":
        sql = [f"-- {line}" for text in sql for line in text.splitlines()]
    told = [line for text in _told(plan, operation) for line in printable(text).splitlines()]
    return "\n".join([*(f"-- {line}" for line in told), *sql])


def _told(plan: Plan, operation: Operation) -> Iterator[str]:
    """What an operation does, and why nothing is seen of it where that is so."""
    yield _in_words(operation)
    if operation.status != "pending":
        status = operation.status.replace("_", " ")
        yield f"{status}: {operation.reason}" if operation.reason else status
    elif operation.carried_by is not None:
        yield f"by the statement of: {_in_words(plan.operations[operation.carried_by])}"
    elif operation.kind == "clean_orphans":
        yield "in batches: each row is copied to _odac_orphans, then cleaned"


def _in_words(operation: Operation) -> str:
    return f"{label_of(operation).doing} {operation.summary}"
