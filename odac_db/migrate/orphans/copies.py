"""Copies of rows in ``_odac_orphans``, written before anything is done to the rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, insert, literal_column, select

from odac_db.migrate.bookkeeping import ORPHANS
from odac_db.migrate.orphans.cleaning import Cleaning
from odac_db.migrate.row_json import encode_row
from odac_db.migrate.selectables import Key, Raw, batched, key_columns, key_in, relation
from odac_db.schema.model import Table

__all__ = ["Fate", "alias_of", "copy_rows", "lenient_text", "read_rows", "written"]


@dataclass(frozen=True)
class Fate:
    """What is about to be done to rows, and for which key's sake.

    ``via`` is the existing foreign key that carries it to them, None for the orphans
    themselves. ``columns`` are those that will be set.
    """

    constraint: str
    action: str
    columns: tuple[str, ...] = ()
    via: str | None = None


def alias_of(work: Cleaning, table: Table) -> FromClause:
    """The live table to select from, inside the managed namespace only."""
    names = (column.name for column in table.columns)
    return relation(table.name, names, work.features.namespace).alias("copied")


def read_rows(
    work: Cleaning, table: Table, source: FromClause, condition: ColumnElement[bool]
) -> dict[Key, list[dict[str, Any]]]:
    """Whole rows as they will be copied, locked, by row key.

    A key has one row, save in tables without any key, where it has all its duplicates.
    """
    keys = key_columns(work.dialect, table)
    values = [literal_column(each, Raw()) for each in work.dialect.typed_row(table)]
    labelled = [each.label(f"odac_{number}") for number, each in enumerate([*keys, *values])]
    statement = select(*labelled).select_from(source).where(condition).with_for_update()
    names = [column.name for column in table.columns]
    found: dict[Key, list[dict[str, Any]]] = {}
    with lenient_text(work.conn):
        for row in work.conn.execute(statement):
            values_of_row = dict(zip(names, row[len(keys) :], strict=True))
            found.setdefault(tuple(row[: len(keys)]), []).append(values_of_row)
    return found


def copy_rows(work: Cleaning, table: Table, keys: Sequence[Key], fate: Fate) -> None:
    """Copy the rows with these keys."""
    source = alias_of(work, table)
    for batch in batched(keys, work.batch):
        condition = key_in(key_columns(work.dialect, table), batch)
        rows = read_rows(work, table, source, condition)
        written(work, table, (row for same in rows.values() for row in same), fate)


def written(work: Cleaning, table: Table, rows: Iterable[dict[str, Any]], fate: Fate) -> None:
    """Put these rows into ``_odac_orphans``."""
    at = datetime.now(UTC).replace(tzinfo=None)
    primary = table.primary_key.columns if table.primary_key else ()
    copies = [
        {
            "run": work.run,
            "table_name": table.name,
            "constraint_name": fate.constraint,
            "via": fate.via,
            "action": fate.action,
            "columns": json.dumps(fate.columns),
            "row_key": encode_row({name: row[name] for name in primary}),
            "row_values": encode_row(row),
            "cleaned_at": at,
        }
        for row in rows
    ]
    if copies:
        work.conn.execute(insert(ORPHANS), copies)


@contextmanager
def lenient_text(conn: Connection) -> Iterator[None]:
    """Let the driver return text that is not valid UTF-8, as lone surrogates.

    SQLite stores any bytes as text, and its driver decodes strictly unless told otherwise.
    """
    driver: Any = conn.connection.driver_connection
    before = getattr(driver, "text_factory", None)
    if before is None:
        yield
        return
    driver.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        driver.text_factory = before
