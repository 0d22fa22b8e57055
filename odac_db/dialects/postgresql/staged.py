"""Changes of big tables in stages, so that nobody waits for what takes long. Pure.

Inside the plan's transaction stands what needs a strong lock for a moment. What reads or
writes every row is done after it, beside readers and writers: indexes are built
CONCURRENTLY, constraints come NOT VALID and are validated, NOT NULL stands on a validated
CHECK. A run that is killed in between leaves what the next one finds and goes on from.
https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import msgspec
import xxhash

from odac_db.dialects.postgresql import render_columns as columns
from odac_db.dialects.postgresql import render_keys as keys
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import quote
from odac_db.dialects.postgresql.not_null import (
    becomes_not_null,
    filled_late,
    not_null,
    validated,
)
from odac_db.schema.changes import (
    AddCheck,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Backfill,
    Change,
    CleanOrphans,
    DropColumn,
    DropIndex,
    DropPrimaryKey,
    RenameConstraint,
)
from odac_db.schema.model import Index, IndexPart, Schema
from odac_db.schema.plan import Stage, Statement

replace = msgspec.structs.replace


def in_stages(changes: Sequence[Change], big: Collection[str]) -> list[Change]:
    """The changes with each index on a big table behind the one that takes its place."""
    successors = {
        (change.table, change.replaces.name): change
        for change in changes
        if isinstance(change, AddIndex) and change.table in big and change.replaces is not None
    }
    later: dict[int, Change] = {}
    found: list[Change] = []
    for change in changes:
        successor = None
        if isinstance(change, DropIndex) and change.replaced:
            successor = successors.get((change.table, change.index.name))
        if successor is not None:
            later[id(successor)] = change
            continue
        found.append(change)
        if id(change) in later:
            found.append(later.pop(id(change)))
    return found if not later else list(changes)


class Staging:
    """The statements of changes that are not simply part of the transaction."""

    def __init__(
        self,
        changes: Sequence[Change],
        current: Schema,
        big: Collection[str],
        features: PostgreSQLFeatures,
    ) -> None:
        self._big = big
        self._features = features
        self._current = current
        self._built = set(_built_keys(changes, big))
        self._staged_keys = {
            (c.table, c.foreign_key.name)
            for c in changes
            if isinstance(c, AddForeignKey) and c.table in big
        }
        self._succeeded = {
            (c.table, c.replaces.name) for c in changes if isinstance(c, AddIndex) and c.replaces
        }
        self._gone = {
            (c.table, c.column.name if isinstance(c, DropColumn) else c.after.name)
            for c in changes
            if isinstance(c, DropColumn) or (isinstance(c, AlterColumn) and "type" in c.aspects)
        }
        self._new_primary = {c.table for c in changes if isinstance(c, AddPrimaryKey)}
        self._old_primary = {
            c.table: c.primary_key.name for c in changes if isinstance(c, DropPrimaryKey)
        }
        self._swapped = {
            (c.table, frozenset(c.primary_key.columns))
            for c in changes
            if isinstance(c, DropPrimaryKey) and c.table in big and c.table in self._new_primary
        }
        self._adopted: set[tuple[str, str | None]] = set()
        self._filled = {
            (change.table, change.column.name): change for change in filled_late(changes, big)
        }

    def of(self, change: Change, aside: RenameConstraint | None) -> tuple[Statement, ...] | None:
        """The change's statements; None for one that is part of the transaction as it is.

        ``aside`` is the rename by which the index that is replaced makes room.
        """
        found: Iterator[Statement]
        match change:
            case DropIndex() if not change.index.valid:
                name = quote(change.index.name or "")
                return (_unhurried(f"DROP INDEX CONCURRENTLY IF EXISTS {name}", "ahead"),)
            case AddIndex() if change.table in self._big:
                found = self._index(change, aside)
            case DropIndex() if change.table in self._big and self._is_late(change):
                found = self._dropped_index(change, aside)
            case AddPrimaryKey() | DropPrimaryKey() if change.table in self._big:
                return self._primary_key(change)
            case AddForeignKey() if change.foreign_key.valid:
                return self._foreign_key(change)
            case AddCheck() if self._is_validated(change):
                found = _check(change)
            case AlterColumn() if change.table in self._big and becomes_not_null(change):
                filled = self._filled.get((change.table, change.after.name))
                found = not_null(change, filled, self._features)
            case Backfill() if self._filled.get((change.table, change.column.name)) is change:
                found = iter([Statement(columns.fill(change), stage="build")])
            case _:
                return None
        return tuple(found)

    def stage_of(self, change: CleanOrphans) -> Stage:
        """When rows are cleaned: where the key is in place already, it lets no others in."""
        if (change.table, change.foreign_key.name) in self._staged_keys:
            return "validate"
        return self._stage_of_key(change)

    def _index(self, change: AddIndex, aside: RenameConstraint | None) -> Iterator[Statement]:
        table, index, old = change.table, change.index, change.replaces
        if old is not None and _becomes_constraint(old, index):
            self._adopted.add((table, old.name))
            yield Statement(_attached(table, index, old.name), stage="build")
        else:
            if aside is not None:
                yield Statement(keys.rename(aside, table), stage="build")
            yield _concurrently(table, replace(index, constraint=False, deferrable=None))
            if index.constraint:
                yield Statement(_attached(table, index, index.name), stage="build")
        what = "unique" if index.constraint else "index"
        for sql in keys.commented(table, what, index):
            yield Statement(sql, stage="build")

    def _is_late(self, change: DropIndex) -> bool:
        """Whether the index can go behind the transaction: nothing in it needs it gone."""
        if (change.table, change.index.name) in self._succeeded:
            return True
        parts = change.index.parts
        texts = [change.index.where, *(part.expression for part in parts)]
        if change.replaced or change.index.constraint or any(texts):
            return False
        names = (*change.index.columns, *change.index.include)
        return not any((change.table, name) in self._gone for name in names)

    def _dropped_index(
        self, change: DropIndex, aside: RenameConstraint | None
    ) -> Iterator[Statement]:
        index = change.index
        name = aside.after if aside is not None else index.name or ""
        if (change.table, index.name) in self._adopted:
            return
        if index.constraint:
            yield Statement(keys.drop_index(change.table, index, name), stage="build")
        else:
            yield _unhurried(f"DROP INDEX CONCURRENTLY IF EXISTS {quote(name)}", "build")

    def _primary_key(self, change: AddPrimaryKey | DropPrimaryKey) -> tuple[Statement, ...] | None:
        """The index is built first; then the old key goes and the new one comes at once."""
        table, key = change.table, change.primary_key
        if isinstance(change, DropPrimaryKey):
            return () if table in self._new_primary else None
        built = Index(
            name=f"_odac_{xxhash.xxh3_64_hexdigest(msgspec.msgpack.encode([table, key]))}",
            parts=tuple(IndexPart(column=name) for name in key.columns),
            unique=True,
            include=key.include,
        )
        found = [] if self._is_there(table, built) else [_concurrently(table, built)]
        dropped = ""
        if table in self._old_primary:
            dropped = f"DROP CONSTRAINT {quote(self._old_primary[table] or '')}, "
        found.append(
            Statement(
                f"ALTER TABLE {quote(table)} {dropped}ADD {keys.constraint(key.name)}PRIMARY KEY "
                f"USING INDEX {quote(built.name or '')}{keys.deferrable(key.deferrable)}",
                stage="validate",
            )
        )
        return tuple(found)

    def _is_there(self, table: str, built: Index) -> bool:
        """Whether a run that was killed has built it; then it is not dropped either."""
        live = self._current.tables.get(table)
        if live is None or built not in live.indexes:
            return False
        self._adopted.add((table, built.name))
        return True

    def is_adopted(self, change: Change) -> bool:
        """Whether an index that nothing declares has become part of a primary key."""
        return isinstance(change, DropIndex) and (change.table, change.index.name) in self._adopted

    def _stage_of_key(self, change: AddForeignKey | CleanOrphans) -> Stage:
        """When there is what the key refers to, and it is not tied to what is about to go.

        A key that is added while the old primary key is there stands on that one's index.
        """
        key = change.foreign_key
        referred = key.ref_table, frozenset(key.ref_columns)
        if referred in self._swapped:
            return "validate"
        return "build" if referred in self._built else "main"

    def _foreign_key(self, change: AddForeignKey) -> tuple[Statement, ...] | None:
        table, key = change.table, change.foreign_key
        stage = self._stage_of_key(change)
        big = table in self._big
        if not big and stage == "main":
            return None
        added = replace(key, valid=not big)
        found = [f"ALTER TABLE {quote(table)} ADD {keys.foreign_key(added)}"]
        found += keys.commented(table, "foreign_key", key)
        statements = [Statement(sql, stage=stage) for sql in found]
        return (*statements, *([validated(table, key.name)] if big else []))

    def _is_validated(self, change: AddCheck) -> bool:
        return change.table in self._big and change.check.enforced and change.check.valid


def _check(change: AddCheck) -> Iterator[Statement]:
    added = replace(change.check, valid=False)
    yield Statement(f"ALTER TABLE {quote(change.table)} ADD {keys.check(added)}")
    for sql in keys.commented(change.table, "check", change.check):
        yield Statement(sql)
    yield validated(change.table, change.check.name)


def _becomes_constraint(old: Index, new: Index) -> bool:
    """Whether the index is there, and is only to become a UNIQUE constraint."""
    plain = {"name": None, "named": False, "constraint": False, "comment": None}
    wanted = replace(new, deferrable=None, **plain)
    return bool(new.constraint) and not old.constraint and replace(old, **plain) == wanted


def _built_keys(
    changes: Sequence[Change], big: Collection[str]
) -> Iterator[tuple[str, frozenset[str]]]:
    for change in changes:
        if isinstance(change, AddPrimaryKey) and change.table in big:
            yield change.table, frozenset(change.primary_key.columns)
        elif isinstance(change, AddIndex) and change.table in big and change.index.unique:
            yield change.table, frozenset(change.index.columns)


def _concurrently(table: str, index: Index) -> Statement:
    return Statement(
        keys.create_index(table, index, concurrently=True),
        stage="build",
        unhurried=True,
        undo=f"DROP INDEX CONCURRENTLY IF EXISTS {quote(index.name or '')}",
    )


def _unhurried(sql: str, stage: Stage) -> Statement:
    return Statement(sql, stage=stage, unhurried=True)


def _attached(table: str, index: Index, built: str | None) -> str:
    return (
        f"ALTER TABLE {quote(table)} ADD {keys.constraint(index.name)}UNIQUE "
        f"USING INDEX {quote(built or '')}{keys.deferrable(index.deferrable)}"
    )
