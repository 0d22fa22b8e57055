"""Cleaning: rows that a foreign key would refuse are copied, then nullified or deleted.

Batches are bounded, and in each the copies and the changes are one transaction: the
plan's own where DDL is transactional, else one per batch. A run that dies half-way is
taken up by the next, which finds fewer orphans.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import and_, null, select

from odac_db.migrate import bookkeeping
from odac_db.migrate.orphans.cascade import delete_rows, set_columns
from odac_db.migrate.orphans.cleaning import Cleaning, failure, told_as_failure
from odac_db.migrate.orphans.copies import Fate, read_rows, written
from odac_db.migrate.orphans.find import key_label, live_orphans
from odac_db.migrate.orphans.policy import nullable_columns
from odac_db.migrate.reference_order import parents_first
from odac_db.migrate.selectables import Key, batched, key_columns, key_in, transaction
from odac_db.schema.model import ForeignKey, OrphanPolicy, Table

__all__ = ["OrphanKey", "clean_all", "clean_orphans"]

OrphanKey = tuple[Table, ForeignKey, OrphanPolicy]

# The orphans of one scan, in batches. Scanning again for each batch would read a large
# table once per thousand orphans, and not scanning again would hold all keys in memory.
_BATCHES_PER_SCAN = 100


def clean_all(work: Cleaning, keys: Sequence[OrphanKey]) -> Counter[str]:
    """Clean the orphans of several keys, the tables they refer to first, until none is left.

    Deleting a row may make orphans of its own children, in cycles and in a table that
    refers to itself too, so the round is repeated until it finds nothing. A row that refers
    to nothing by several keys is cleaned for one of them, which is the same after a crash: a
    key into its own table comes last, because its parents may only just have gone. Returns
    how many rows were touched, by table, those included that went or changed along with
    others.

    Raises MigrationFailed when rows cannot be cleaned.
    """
    work = replace(work, waiting=[(table.name, key) for table, key, _ in keys])
    total: Counter[str] = Counter()
    refers_to: dict[str, set[str]] = {table.name: set() for table, _, _ in keys}
    for table, foreign_key, _ in keys:
        refers_to[table.name].add(foreign_key.ref_table)
    place = {name: position for position, name in enumerate(parents_first(refers_to))}
    ordered = sorted(keys, key=lambda key: (place[key[0].name], key[1].ref_table == key[0].name))
    while True:
        cleaned: Counter[str] = Counter()
        for table, foreign_key, policy in ordered:
            cleaned += clean_orphans(work, table, foreign_key, policy)
        if not cleaned:
            return total
        total += cleaned


def clean_orphans(
    work: Cleaning, table: Table, foreign_key: ForeignKey, policy: OrphanPolicy
) -> Counter[str]:
    """Clean the orphans of one key; how many rows were touched, by table.

    ``table`` is the live table. Nothing is written, not even the bookkeeping table, when
    there are none. A table that refers to itself may have others afterwards: ``clean_all``
    repeats.

    Raises MigrationFailed when there are orphans and the policy is ``fail``, when they
    cannot be nullified, when rows that refer to them forbid their deletion, and when the
    server refuses.
    """
    total: Counter[str] = Counter()
    stalled = False
    with told_as_failure(work, table.name, foreign_key):
        while keys := _scan(work, table, foreign_key):
            _check(work, table, foreign_key, policy)
            bookkeeping.ensure(work.conn, bookkeeping.ORPHANS)
            before = total.total()
            for batch in batched(keys, work.batch):
                with transaction(work.conn, work.features):
                    total += _clean_batch(work, table, foreign_key, policy, batch)
                work.progress(total.total())
            # Once may be a neighbour who mended the rows meanwhile; twice is a trigger.
            if stalled and total.total() == before:
                raise failure(work, table.name, foreign_key, "the same rows stay orphans")
            stalled = total.total() == before
    return total


def _scan(work: Cleaning, table: Table, foreign_key: ForeignKey) -> list[Key]:
    child, condition = live_orphans(table, foreign_key, work.features.namespace)
    keys = key_columns(work.dialect, table)
    labelled = [each.label(f"odac_{number}") for number, each in enumerate(keys)]
    statement = select(*labelled).select_from(child).where(condition)
    rows = work.conn.execute(statement.limit(work.batch * _BATCHES_PER_SCAN))
    # Duplicates in a table without a key share one.
    return list(dict.fromkeys(tuple(row) for row in rows))


def _check(work: Cleaning, table: Table, foreign_key: ForeignKey, policy: OrphanPolicy) -> None:
    if policy == "fail":
        raise failure(work, table.name, foreign_key, "there are orphans, and orphans: fail")
    if policy == "nullify" and not nullable_columns(table, foreign_key):
        reason = (
            "its columns cannot be NULL, so its orphans cannot be nullified; "
            "declare orphans: delete, or mend the rows"
        )
        raise failure(work, table.name, foreign_key, reason)


def _clean_batch(
    work: Cleaning,
    table: Table,
    foreign_key: ForeignKey,
    policy: OrphanPolicy,
    batch: list[Key],
) -> Counter[str]:
    child, condition = live_orphans(table, foreign_key, work.features.namespace)
    chosen = key_in(key_columns(work.dialect, table), batch)
    # The condition again: since the scan a row may have been mended, or another may stand
    # where it stood (PostgreSQL's ctid).
    rows = read_rows(work, table, child, and_(chosen, condition))
    label = key_label(table.name, foreign_key)
    count = Counter({table.name: sum(map(len, rows.values()))})
    if not rows:
        return Counter()
    every = [row for same in rows.values() for row in same]
    if policy == "delete":
        written(work, table, every, Fate(label, "delete"))
        return count + delete_rows(work, table, foreign_key, list(rows))
    columns = nullable_columns(table, foreign_key)
    written(work, table, every, Fate(label, "nullify", columns))
    set_columns(work, table, dict.fromkeys(columns, null()), list(rows))
    return count
