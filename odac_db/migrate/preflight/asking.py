"""Which change is asked about what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import column, literal_column, or_, quoted_name, select
from sqlalchemy.exc import DBAPIError

from odac_db.migrate.expressions import mentions
from odac_db.migrate.foreseen import Foreseen
from odac_db.migrate.preflight.duplicates import duplicates
from odac_db.migrate.preflight.look import Look, RowCheck
from odac_db.migrate.preflight.orphans import orphans
from odac_db.migrate.preflight.site import Site
from odac_db.migrate.selectables import Raw
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    DropIndex,
    DropPrimaryKey,
    table_of,
)
from odac_db.schema.model import Generated, Index, IndexPart
from odac_db.schema.plan import Finding


def check(site: Site, changes: Sequence[Change]) -> dict[int, tuple[Finding, ...]]:
    """What the live data has to say to these changes, by their position.

    Changes of type are taken to be possible: ``converted`` is for them. Changes the data
    has nothing against are absent, and so are those about tables and columns that hold no
    rows yet.
    """
    retyped = [each for each in changes if isinstance(each, AlterColumn) and _retypes(each)]
    conversions = {(each.table, each.after.name): site.conversion(each) for each in retyped}
    values = {
        place: each.guarded(each.value, "NULL")
        for place, each in conversions.items()
        if each.value != site.dialect.quote(place[1])
    }
    setup = [line for each in conversions.values() for line in each.setup]
    foreseen = Foreseen(changes, site.live, site.features.namespace, values)
    look = Look(site.conn, site.dialect, foreseen, setup)
    look.narrowed = frozenset(
        (each.table, each.after.name)
        for each in retyped
        if (each.table, each.after.name) in values
        and ("collation" in each.aspects or site.is_lossy(each))
    )
    checks = [
        one
        for position, change in enumerate(changes)
        for one in _row_checks(look.foreseen, position, change)
    ]
    found: dict[int, list[Finding]] = {}
    for position, finding in look.findings(checks):
        found.setdefault(position, []).append(finding)
    look.narrowed |= set(_given_defaults(changes, found))
    for position, change in enumerate(changes):
        if position not in found or isinstance(change, AddPrimaryKey | AlterColumn):
            for compared in _compared(look, change, changes):
                found.setdefault(position, []).append(compared)
    return {position: tuple(each) for position, each in sorted(found.items())}


def _given_defaults(
    changes: Sequence[Change], found: Mapping[int, Sequence[Finding]]
) -> Iterator[tuple[str, str]]:
    """Columns in which rows will have the same value, that had none."""
    for position in found:
        change = changes[position]
        if isinstance(change, AlterColumn) and change.fills:
            yield change.table, change.after.name


def _retypes(change: AlterColumn) -> bool:
    return bool(change.aspects & {"type", "collation"})


def _compared(look: Look, change: Change, changes: Sequence[Change]) -> list[Finding]:
    """What takes more than a look at each row by itself."""
    try:
        found = [*_comparisons(look, change, changes)]
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        parent = [change.foreign_key.ref_table] if isinstance(change, AddForeignKey) else []
        if look.mended(table_of(change), *parent):
            return _compared(look, change, changes)
        return []  # an expression that is not for us to read: the server will tell
    return [each for each in found if each is not None]


def _comparisons(look: Look, change: Change, changes: Sequence[Change]) -> Iterator[Finding | None]:
    match change:
        case AddForeignKey() if change.foreign_key.valid:
            yield orphans(look, change)
        case AddIndex() if change.index.unique:
            yield duplicates(look, change.table, change.index)
        case AddPrimaryKey():
            yield duplicates(look, change.table, _unique(change.primary_key.columns))
        case AlterColumn() if (change.table, change.after.name) in look.narrowed:
            for index in _kept_keys(look.foreseen, change, changes):
                yield duplicates(look, change.table, index)
        case AddColumn() if not change.column.nullable:
            yield _unfilled(look, change)
        case _:
            return


def _unique(columns: Iterable[str]) -> Index:
    parts = tuple(IndexPart(column=name) for name in columns)
    return Index(name=None, parts=parts, unique=True)


def _kept_keys(
    foreseen: Foreseen, change: AlterColumn, changes: Sequence[Change]
) -> Iterator[Index]:
    """The unique keys that a column stays part of, whose values may become equal."""
    gone = {
        frozenset(each.index.columns if isinstance(each, DropIndex) else each.primary_key.columns)
        for each in changes
        if isinstance(each, DropIndex | DropPrimaryKey) and each.table == change.table
    }
    for key in foreseen.unique_keys(change.table):
        if change.after.name in key and key not in gone:
            yield _unique(sorted(key))


def _row_checks(foreseen: Foreseen, position: int, change: Change) -> Iterator[RowCheck]:
    match change:
        case AddPrimaryKey():
            yield from _not_null(foreseen, position, change.table, change.primary_key.columns)
        case AlterColumn():
            if change.fills:
                yield from _filled(foreseen, position, change)
            elif change.before.nullable and not change.after.nullable:
                yield from _not_null(foreseen, position, change.table, (change.after.name,))
            if change.after.check is not None and "check" in change.aspects:
                yield from _condition(
                    foreseen, position, change.table, change.after.check, change.after.name
                )
        case AddColumn() if change.column.generated is not None:
            if _is_readable(foreseen, change.table, change.column.generated.expression):
                yield _computed(position, change, change.column.generated)
        case AddCheck() if change.check.enforced and change.check.valid:
            yield from _condition(foreseen, position, change.table, change.check.expression)
        case _:
            return


def _not_null(
    foreseen: Foreseen, position: int, table: str, columns: Sequence[str]
) -> Iterator[RowCheck]:
    rows = foreseen.source(table, table)
    live = [name for name in columns if rows is not None and name in rows.c]
    asked = [
        name
        for name in live
        if foreseen.can_be_null(table, name) and not foreseen.is_filled(table, name)
    ]
    if rows is None or not asked:
        return
    yield RowCheck(
        position=position,
        table=table,
        kind="nulls",
        condition=or_(*(column(quoted_name(name, True), Raw()).is_(None) for name in asked)),
        said=f"hold NULL in {', '.join(asked)}",
        remedy="fill them first",
        shown=tuple(asked),
    )


def _filled(foreseen: Foreseen, position: int, change: AlterColumn) -> Iterator[RowCheck]:
    name = change.after.name
    empty = foreseen.was_null(change.table, name)
    if empty is not None and foreseen.can_be_null(change.table, name):
        yield RowCheck(
            position=position,
            table=change.table,
            kind="nulls",
            condition=empty,
            said=f"hold NULL in {name}",
            remedy=f"they are given the default {change.after.default}",
            refuses=False,
        )


def _is_readable(foreseen: Foreseen, table: str, expression: str) -> bool:
    """Whether all that is spoken of is there to be read: SQLite takes for text what is not."""
    rows = foreseen.source(table, table)
    return rows is not None and not any(
        name not in rows.c and mentions(expression, name) for name in foreseen.added(table)
    )


def _condition(
    foreseen: Foreseen, position: int, table: str, expression: str, *shown: str
) -> Iterator[RowCheck]:
    """A CHECK: NULL passes it on every server."""
    if not _is_readable(foreseen, table, expression):
        return
    yield RowCheck(
        position=position,
        table=table,
        kind="check",
        condition=literal_column(f"(NOT ({expression}\n))", Raw()),
        said=f"do not meet {expression}",
        remedy="mend them first",
        shown=shown,
    )


def _computed(position: int, change: AddColumn, generated: Generated) -> RowCheck:
    return RowCheck(
        position=position,
        table=change.table,
        kind="computed",
        condition=literal_column(f"(({generated.expression}\n) IS NULL)", Raw()),
        said=f"would have NULL computed for {change.column.name}",
        remedy="fill what it is computed from, or make it nullable",
        counts=not change.column.nullable,
    )


def _unfilled(look: Look, change: AddColumn) -> Finding | None:
    """A server may refuse such a column, or fill it with a zero nobody asked for (MariaDB)."""
    rows = look.foreseen.source(change.table, change.table)
    if rows is None or not look.foreseen.starts_empty(change.table, change.column.name):
        return None
    if not look.rows(select(literal_column("1")).select_from(rows).limit(1)):
        return None
    message = (
        f"{change.table} has rows, and {change.column.name} is NOT NULL without a default: "
        "declare a default, or make it nullable until it is filled"
    )
    return Finding(kind="unfilled", message=message)
