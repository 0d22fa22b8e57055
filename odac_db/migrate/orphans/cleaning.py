"""What one run of cleaning has at hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from odac_db.dialects.base import Dialect, Features
from odac_db.errors import MigrationFailed
from odac_db.migrate.orphans.find import key_label
from odac_db.schema.model import ForeignKey, Schema, Table

__all__ = ["Cleaning", "failure", "told_as_failure"]


def _silent(_: int) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Cleaning:
    """One run of cleaning: where, as what, and how much at a time.

    ``live`` is the schema as it stands at this moment: its foreign keys, and no others,
    say what becomes of the rows that refer to a deleted one. ``progress`` is told the
    number of rows cleaned so far, after each batch. ``waiting`` are the keys of this run,
    with their tables; a rebuild (SQLite) may have put them in place already.
    """

    conn: Connection
    dialect: Dialect
    features: Features
    live: Schema
    run: str
    progress: Callable[[int], None] = _silent
    batch: int = 1000
    waiting: Collection[tuple[str, ForeignKey]] = ()

    def inbound(self, table: str) -> Iterator[tuple[Table, ForeignKey]]:
        """The live foreign keys that refer to a table, and the tables that have them."""
        for child in self.live.tables.values():
            for key in child.foreign_keys:
                if key.ref_table == table:
                    yield child, key

    def is_waiting(self, table: str, key: ForeignKey) -> bool:
        """Whether this is one of the keys that are cleaned for."""
        return any(table == name and _target(key) == _target(each) for name, each in self.waiting)


def _target(key: ForeignKey) -> tuple[object, ...]:
    return key.columns, key.ref_table, key.ref_columns


def failure(work: Cleaning, table: str, foreign_key: ForeignKey, reason: str) -> MigrationFailed:
    """The error that says why the orphans of a key could not be cleaned."""
    return MigrationFailed(
        f"clean orphans of {key_label(table, foreign_key)}",
        f"{table}({', '.join(foreign_key.columns)}) -> "
        f"{foreign_key.ref_table}({', '.join(foreign_key.ref_columns)})",
        reason,
        undone=work.features.transactional_ddl,
    )


@contextmanager
def told_as_failure(work: Cleaning, table: str, foreign_key: ForeignKey) -> Iterator[None]:
    """Turn the driver's refusals into MigrationFailed."""
    try:
        yield
    except DBAPIError as error:
        raise failure(work, table, foreign_key, str(error.orig)) from error
