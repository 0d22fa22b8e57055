"""Writing the seed rows that are missing or differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, and_, bindparam, func, select, update
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import SeedError
from odac_db.migrate.seeds.plan import PendingSeed, plan_seeds
from odac_db.migrate.selectables import Raw, insertion, relation, transaction
from odac_db.schema.declaration import Declarations
from odac_db.schema.model import Schema
from odac_db.schema.plan import SeedResult

__all__ = ["apply_seeds"]


def apply_seeds(
    conn: Connection,
    dialect: Dialect,
    features: Features,
    schema: Schema,
    declarations: Declarations,
) -> tuple[SeedResult, ...]:
    """Insert the seed rows that are missing and update the columns that differ.

    All of it is one transaction: the caller's where DDL is transactional, else one of its
    own. Rows that no file seeds, and columns that a seed does not name, are left alone.
    See ``plan_seeds`` for what is compared and what is raised; SeedError too when the
    server refuses a row, with the server's reason.
    """
    with transaction(conn, features):
        pending = plan_seeds(conn, dialect, features, schema, declarations)
        for seed in pending:
            _write(conn, dialect, features, seed)
        for seed in pending:
            if seed.later:
                _update(conn, features, seed, seed.later)
        _advance_sequences(conn, dialect, features, pending)
    return tuple(SeedResult(kind=each.kind, table=each.table, key=each.key) for each in pending)


def _write(conn: Connection, dialect: Dialect, features: Features, seed: PendingSeed) -> None:
    if seed.kind == "seed_update":
        _update(conn, features, seed, seed.values)
        return
    placed = {name: f":v{number}" for number, name in enumerate(seed.values)}
    statement = insertion(dialect, features, seed.seeds.table, placed)
    binds = [
        _bound(seed, name, value, f"v{number}")
        for number, (name, value) in enumerate(seed.values.items())
    ]
    try:
        conn.execute(statement.bindparams(*binds))
    except DBAPIError as error:
        raise _refused(seed, error) from error


def _update(
    conn: Connection, features: Features, seed: PendingSeed, values: Mapping[str, Any]
) -> None:
    names = {*seed.seeds.columns, *values}
    target = relation(seed.table, names, features.namespace)
    new = {name: _bound(seed, name, value) for name, value in values.items()}
    same = [target.c[name] == _bound(seed, name, seed.row[name]) for name in seed.seeds.key]
    try:
        conn.execute(update(target).values(new).where(and_(*same)))
    except DBAPIError as error:
        raise _refused(seed, error) from error


def _bound(
    seed: PendingSeed, name: str, value: Any, parameter: str | None = None
) -> BindParameter[Any]:
    known = seed.seeds.columns.get(name)
    if known is None:  # a nanoid the file does not name
        return bindparam(parameter, value, type_=Raw())
    return known.bound(value, parameter)


def _refused(seed: PendingSeed, error: DBAPIError) -> SeedError:
    return SeedError(f"the seed row {seed.key} of {seed.table} was refused: {error.orig}")


def _advance_sequences(
    conn: Connection, dialect: Dialect, features: Features, pending: Sequence[PendingSeed]
) -> None:
    """Numbers given by seeds are taken: the next one the server gives is a higher one.

    Only where the numbers come from a sequence, which does not see what is inserted.
    """
    inserted = {
        (seed.table, name)
        for seed in pending
        if seed.kind == "seed_insert"
        for name, value in seed.values.items()
        if value is not None and _has_sequence(seed, name)
    }
    for table, name in sorted(inserted):
        rows = relation(table, [name], features.namespace)
        full_name = f"{dialect.quote(features.namespace)}.{dialect.quote(table)}"
        reached = select(
            func.pg_get_serial_sequence(full_name, name).label("name"),
            func.max(rows.c[name]).label("number"),
        ).subquery("reached")
        last = func.pg_sequence_last_value(func.to_regclass(reached.c.name))
        advance = select(func.setval(func.to_regclass(reached.c.name), reached.c.number))
        conn.execute(advance.where(reached.c.number > func.coalesce(last, 0)))


def _has_sequence(seed: PendingSeed, name: str) -> bool:
    found = seed.seeds.table.column(name)
    identity = found.identity if found is not None else None
    return identity is not None and identity.kind != "auto_increment"
