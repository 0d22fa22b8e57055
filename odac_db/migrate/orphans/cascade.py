"""What deleting rows does to the rows that refer to them, done step by step.

The existing foreign keys would do it by themselves where they are enforced, but the rows
they take along would be gone without a copy, and SQLite enforces none during a plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import and_, delete, exists, literal_column, null, select, update

from odac_db.migrate.orphans.cleaning import Cleaning, failure
from odac_db.migrate.orphans.copies import Fate, copy_rows
from odac_db.migrate.orphans.find import key_label
from odac_db.migrate.reference_order import parents_first
from odac_db.migrate.selectables import Key, batched, key_columns, key_in, relation
from odac_db.schema.model import ForeignKey, Table

__all__ = ["Consequences", "consequences", "delete_rows", "set_columns"]

Step = tuple[Table, ForeignKey, tuple[Key, ...]]


@dataclass
class Consequences:
    """What follows from deleting some rows, by table.

    ``deleted`` maps a row's key to the key that carried the deletion (None for the rows
    asked for); ``changed`` maps it to what is set, column by column.
    """

    deleted: dict[str, dict[Key, str | None]] = field(default_factory=dict)
    changed: dict[str, dict[Key, dict[str, ForeignKey]]] = field(default_factory=dict)


def consequences(
    work: Cleaning, table: Table, foreign_key: ForeignKey, keys: Sequence[Key]
) -> Consequences:
    """Everything that deleting these rows entails.

    Keys whose own orphans are still to be cleaned have no say: what refers to a deleted row
    through them is an orphan like any other, and its policy comes to it in the next round.

    Raises MigrationFailed when a row that is to stay refers to one of them through a key
    that neither cascades nor sets.
    """
    found = Consequences(deleted={table.name: dict.fromkeys(keys)})
    refusing: list[Step] = []
    frontier: list[tuple[Table, Sequence[Key]]] = [(table, keys)]
    while frontier:
        parent, gone = frontier.pop()
        for child, key in work.inbound(parent.name):
            if work.is_waiting(child.name, key):
                continue
            referring = _referring(work, child, key, parent, gone)
            if key.on_delete == "CASCADE":
                if added := _doom(found, child, key, referring):
                    frontier.append((child, added))
            elif key.on_delete in ("SET NULL", "SET DEFAULT"):
                _note(found, child, key, referring)
            else:
                refusing.append((child, key, tuple(referring)))
    _raise_if_refused(work, table, foreign_key, found, refusing)
    return found


def _referring(
    work: Cleaning, child: Table, key: ForeignKey, parent: Table, gone: Sequence[Key]
) -> list[Key]:
    namespace = work.features.namespace
    own = relation(child.name, key.columns, namespace).alias("referring")
    target = relation(parent.name, key.ref_columns, namespace).alias("referred")
    own_key = key_columns(work.dialect, child)
    same = and_(
        *(
            target.c[ref] == own.c[col]
            for col, ref in zip(key.columns, key.ref_columns, strict=True)
        )
    )
    found: dict[Key, None] = {}
    for batch in batched(gone, work.batch):
        match = exists(
            select(literal_column("1"))
            .select_from(target)
            .where(same, key_in(key_columns(work.dialect, parent), batch))
        )
        labelled = [each.label(f"odac_{number}") for number, each in enumerate(own_key)]
        rows = work.conn.execute(select(*labelled).select_from(own).where(match))
        found.update((tuple(row), None) for row in rows)
    return list(found)


def _doom(found: Consequences, child: Table, key: ForeignKey, rows: list[Key]) -> list[Key]:
    known = found.deleted.setdefault(child.name, {})
    added = [row for row in rows if row not in known]
    known.update(dict.fromkeys(added, key_label(child.name, key)))
    return added


def _note(found: Consequences, child: Table, key: ForeignKey, rows: list[Key]) -> None:
    changed = found.changed.setdefault(child.name, {})
    columns = key.set_columns or key.columns
    for row in rows:
        changed.setdefault(row, {}).update(dict.fromkeys(columns, key))


def _raise_if_refused(
    work: Cleaning,
    table: Table,
    foreign_key: ForeignKey,
    found: Consequences,
    refusing: list[Step],
) -> None:
    for child, key, rows in refusing:
        staying = [row for row in rows if row not in found.deleted.get(child.name, {})]
        if staying:
            reason = (
                f"orphans of {table.name} cannot be deleted: {len(staying)} row(s) of "
                f"{child.name} refer to rows that would go, and {key_label(child.name, key)} "
                f"is ON DELETE {key.on_delete}; mend those rows, or declare orphans: nullify"
            )
            raise failure(work, table.name, foreign_key, reason)


def delete_rows(
    work: Cleaning, table: Table, foreign_key: ForeignKey, keys: Sequence[Key]
) -> Counter[str]:
    """Delete rows, whose copies exist, and do all that follows; the other rows are copied first.

    Returns the number of rows touched by table, these rows not counted.
    """
    found = consequences(work, table, foreign_key, keys)
    label = key_label(table.name, foreign_key)
    touched: Counter[str] = Counter()
    for name, rows in found.deleted.items():
        carried = {row: via for row, via in rows.items() if via is not None}
        for via in dict.fromkeys(carried.values()):
            chosen = [row for row, each in carried.items() if each == via]
            copy_rows(work, work.live.tables[name], chosen, Fate(label, "delete", via=via))
            touched[name] += len(chosen)
    touched += _change(work, found, label)
    for name in _children_first(work, found):
        _delete(work, table if name == table.name else work.live.tables[name], found.deleted[name])
    return touched


def _children_first(work: Cleaning, found: Consequences) -> list[str]:
    live = work.live.tables
    refers_to = {
        name: {key.ref_table for key in live[name].foreign_keys} if name in live else set()
        for name in found.deleted
    }
    return parents_first(refers_to)[::-1]


def _delete(work: Cleaning, table: Table, keys: dict[Key, str | None]) -> None:
    target = relation(table.name, (), work.features.namespace)
    columns = key_columns(work.dialect, table)
    for batch in batched(keys, work.batch):
        work.conn.execute(delete(target).where(key_in(columns, batch)))


def _change(work: Cleaning, found: Consequences, label: str) -> Counter[str]:
    touched: Counter[str] = Counter()
    for name, rows in found.changed.items():
        table = work.live.tables[name]
        kinds: dict[tuple[tuple[str, ForeignKey], ...], list[Key]] = {}
        for row, columns in rows.items():
            if row not in found.deleted.get(name, {}):
                kinds.setdefault(tuple(columns.items()), []).append(row)
        for kind, chosen in kinds.items():
            _set(work, table, dict(kind), chosen, label)
            touched[name] += len(chosen)
    return touched


def _set(
    work: Cleaning, table: Table, columns: dict[str, ForeignKey], keys: list[Key], label: str
) -> None:
    via = next(iter(columns.values()))
    action = "nullify" if via.on_delete == "SET NULL" else "default"
    fate = Fate(label, action, tuple(columns), key_label(table.name, via))
    copy_rows(work, table, keys, fate)
    values = {
        name: _default(table, name) if key.on_delete == "SET DEFAULT" else null()
        for name, key in columns.items()
    }
    set_columns(work, table, values, keys)


def _default(table: Table, name: str) -> Any:
    column = table.column(name)
    default = column.default if column else None
    return null() if default is None else literal_column(f"({default})")


def set_columns(work: Cleaning, table: Table, values: dict[str, Any], keys: Sequence[Key]) -> None:
    """Set columns of the rows with these keys, and nothing else.

    A column that the server would touch on every update (MySQL) is set to itself.
    """
    names = [column.name for column in table.columns]
    target = relation(table.name, names, work.features.namespace)
    kept = {each.name: target.c[each.name] for each in table.columns if each.on_update}
    statement = update(target).values({**kept, **values})
    for batch in batched(keys, work.batch):
        work.conn.execute(statement.where(key_in(key_columns(work.dialect, table), batch)))
