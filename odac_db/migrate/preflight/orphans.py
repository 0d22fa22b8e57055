"""Rows that a new foreign key would refuse, and what will be done with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from odac_db.migrate.orphans.find import orphan_condition
from odac_db.migrate.orphans.policy import default_policy, nullable_columns
from odac_db.migrate.preflight.told import Sample, rows_of, spelled
from odac_db.schema.changes import AddForeignKey
from odac_db.schema.model import ForeignKey, OrphanPolicy, Table
from odac_db.schema.plan import Finding

if TYPE_CHECKING:
    from odac_db.migrate.preflight.look import Look


def orphan_policy(table: Table, foreign_key: ForeignKey) -> OrphanPolicy:
    """The policy the key has; else the one that its columns would give it."""
    return foreign_key.orphans or default_policy(table, foreign_key)


def orphans(look: Look, change: AddForeignKey) -> Finding | None:
    """The rows without a parent, in a pass of their own."""
    key, foreseen = change.foreign_key, look.foreseen
    child = foreseen.source(change.table, "child")
    table = foreseen.table(change.table)
    if child is None or table is None or not all(name in child.c for name in key.columns):
        return None
    parent = foreseen.source(key.ref_table, "parent")
    if parent is not None and not all(name in parent.c for name in key.ref_columns):
        if not any(foreseen.starts_empty(key.ref_table, name) for name in key.ref_columns):
            return None
        parent = None
    as_text = any(foreseen.retyped(change.table, name) for name in key.columns) or any(
        foreseen.retyped(key.ref_table, name) for name in key.ref_columns
    )
    condition = orphan_condition(child, parent, key, as_text=as_text)
    ((count,),) = look.rows(select(func.count()).select_from(child).where(condition))
    if not count:
        return None
    samples = look.samples(child, condition, look.shown(change.table, child, key.columns))
    return _finding(table, key, int(count), samples)


def _finding(table: Table, key: ForeignKey, count: int, samples: tuple[Sample, ...]) -> Finding:
    policy = orphan_policy(table, key)
    stuck = policy == "nullify" and not nullable_columns(table, key)
    message = f"{rows_of(count, table.name)} refer to no row of {key.ref_table}: {spelled(samples)}"
    if stuck:
        message += "; they cannot be nullified, because the columns cannot be NULL"
    refuses = stuck or policy == "fail"
    if refuses:
        ways = "delete" if not nullable_columns(table, key) else "nullify or delete"
        message += f"; mend them, or declare orphans: {ways}"
    return Finding(
        kind="orphans",
        count=count,
        samples=samples,
        message=message,
        refuses=refuses,
        policy=policy,
    )
