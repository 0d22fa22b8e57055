"""Statements for what numbers a column: SQL identity, or a sequence that it owns (serial).

A column that goes from one to the other keeps its place: the next number is the one it
would have been. A column that had neither goes on after its highest value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from odac_db.dialects.postgresql import render_tables as tables
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.literals import INTEGERS
from odac_db.dialects.postgresql.naming import literal, quote, sequence_name
from odac_db.schema.model import Column, Identity

replace = msgspec.structs.replace

_ASIDE = quote("_odac_sequence")
_NEXT_VALUE = re.compile(r"nextval\('(?P<name>(?:[^']|'')+)'::regclass\)")


def named(table: str, column: Column, features: PostgreSQLFeatures) -> Column:
    """The column; a sequence that is made apart for it under a name."""
    identity = column.identity
    if identity is None or identity.sequence is not None or not tables.has_own_sequence(column):
        return column
    name = sequence_name(table, column.name, features.identifier_limit)
    return replace(column, identity=replace(identity, sequence=name))


def live_sequence(table: str, column: Column, features: PostgreSQLFeatures) -> str:
    """The name of the sequence behind a numbered column."""
    assert column.identity is not None
    given = column.identity.sequence
    return given or sequence_name(table, column.name, features.identifier_limit)


def remove(
    table: str, column: Column, features: PostgreSQLFeatures, *, kept: bool
) -> Iterator[str]:
    """Takes the numbering away. ``kept``: its place is put aside, for ``add``."""
    assert column.identity is not None
    name = quote(live_sequence(table, column, features))
    alter = f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column.name)}"
    if kept:
        bounds = f"MINVALUE {-(2**63)} MAXVALUE {2**63 - 1} START WITH 1"
        yield f"CREATE SEQUENCE {_ASIDE} {bounds}"
        yield f"SELECT setval({literal(_ASIDE)}, last_value, is_called) FROM {name}"
    if column.identity.kind == "serial":
        yield f"{alter} DROP DEFAULT"
        yield f"DROP SEQUENCE {name}"
    else:
        yield f"{alter} DROP IDENTITY"


def add(table: str, before: Column, after: Column, features: PostgreSQLFeatures) -> Iterator[str]:
    """Numbers a column that has no default (any longer)."""
    identity = after.identity
    assert identity is not None
    source, taken_over = _ASIDE, before.identity is not None
    free = _NEXT_VALUE.fullmatch(before.default or "")
    name = live_sequence(table, after, features)
    if free is not None:
        source = free["name"].replace("''", "'")
        taken_over = source in (name, quote(name))
        if taken_over:  # the sequence the column counted by, and never owned
            yield f"ALTER SEQUENCE {source} RENAME TO {_ASIDE}"
            source = _ASIDE
    yield from _made(table, after, name)
    counter = f"pg_get_serial_sequence({literal(quote(table))}, {literal(after.name)})"
    if taken_over or free is not None:
        yield _placed(counter, source, after)
    else:
        yield _after_rows(counter, table, after)
    if taken_over:
        yield f"DROP SEQUENCE {_ASIDE}"


def _made(table: str, column: Column, name: str) -> Iterator[str]:
    identity = column.identity
    assert identity is not None
    alter = f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(column.name)}"
    if identity.kind == "serial":
        yield tables.create_sequence(name, column)
        yield f"{alter} SET DEFAULT {tables.next_value(name)}"
        yield tables.own_sequence(table, column.name, name)
    else:
        generation = tables.generation(identity)
        yield f"{alter} ADD GENERATED {generation} AS IDENTITY{tables.options(identity)}"


def _after_rows(counter: str, table: str, column: Column) -> str:
    """Moves a counter behind the rows that are there; without rows it is left at its start."""
    assert column.identity is not None
    most = "max" if (column.identity.increment or 1) > 0 else "min"
    low, high = _bounds(column)
    return (
        f"SELECT setval({counter}, top) FROM (SELECT {most}({quote(column.name)}) AS top "
        f"FROM {quote(table)}) used WHERE top BETWEEN {low} AND {high}"
    )


def change(
    table: str, before: Column, after: Column, features: PostgreSQLFeatures
) -> Iterator[str]:
    """Options, kind and name of a counter that stays."""
    old, new = before.identity, after.identity
    assert old is not None
    assert new is not None
    name = live_sequence(table, before, features)
    options = [*_changed_options(old, new)]
    if (old.minimum, old.maximum) != (new.minimum, new.maximum):
        counter = literal(quote(name))
        yield _placed(counter, quote(name), after, where=" WHERE NOT {within}")
    if old.kind == "serial":
        type_ = tables.sequence_type(after)
        if type_ != tables.sequence_type(before):
            options.insert(0, f"AS {type_}")
        if options:
            yield f"ALTER SEQUENCE {quote(name)} {' '.join(options)}"
    else:
        sets = [f"SET {option}" for option in options]
        if old.kind != new.kind:
            sets.insert(0, f"SET GENERATED {tables.generation(new)}")
        if sets:
            alter = f"ALTER TABLE {quote(table)} ALTER COLUMN {quote(after.name)}"
            yield f"{alter} {' '.join(sets)}"
    wanted = live_sequence(table, after, features)
    if wanted != name:
        yield f"ALTER SEQUENCE {quote(name)} RENAME TO {quote(wanted)}"


def _placed(counter: str, source: str, column: Column, *, where: str = "") -> str:
    """Puts a counter where another is, or at the nearer of its bounds: the server insists."""
    low, high = _bounds(column)
    within = f"last_value BETWEEN {low} AND {high}"
    return (
        f"SELECT setval({counter}, least(greatest(last_value, {low}), {high}), "
        f"is_called AND {within}) FROM {source}{where.format(within=within)}"
    )


def _bounds(column: Column) -> tuple[int, int]:
    identity = column.identity
    assert identity is not None
    size = INTEGERS.get(tables.sequence_type(column), 2**63)
    up = (identity.increment or 1) > 0
    low, high = (1, size - 1) if up else (-size, -1)
    return (
        low if identity.minimum is None else identity.minimum,
        high if identity.maximum is None else identity.maximum,
    )


def _changed_options(old: Identity, new: Identity) -> Iterator[str]:
    up = (new.increment or 1) > 0
    if old.increment != new.increment:
        yield f"INCREMENT BY {new.increment or 1}"
    if old.minimum != new.minimum:
        yield "NO MINVALUE" if new.minimum is None else f"MINVALUE {new.minimum}"
    if old.maximum != new.maximum:
        yield "NO MAXVALUE" if new.maximum is None else f"MAXVALUE {new.maximum}"
    if _start(old) != _start(new):
        yield f"START WITH {_start(new)}"
    if old.cache != new.cache:
        yield f"CACHE {new.cache or 1}"
    if old.cycle != new.cycle:
        yield "CYCLE" if new.cycle else "NO CYCLE"
    if ((old.increment or 1) > 0) != up and old.minimum == new.minimum is None:
        yield "NO MINVALUE NO MAXVALUE"


def _start(identity: Identity) -> int:
    if identity.start is not None:
        return identity.start
    if (identity.increment or 1) > 0:
        return 1 if identity.minimum is None else identity.minimum
    return -1 if identity.maximum is None else identity.maximum


def renamed(
    before: tuple[str, Column], after: tuple[str, str], features: PostgreSQLFeatures
) -> Iterator[str]:
    """A sequence that has its column's name goes along when that or the table's changes."""
    table, column = before
    if column.identity is None or column.identity.sequence is not None:
        return
    limit = features.identifier_limit
    old, new = sequence_name(table, column.name, limit), sequence_name(*after, limit)
    if old != new:
        yield f"ALTER SEQUENCE {quote(old)} RENAME TO {quote(new)}"
