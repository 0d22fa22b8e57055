"""Pieces of CREATE TABLE and ALTER TABLE: columns, indexes, keys, checks, options. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import quote, string
from odac_db.schema.model import Check, Column, ForeignKey, Index, IndexPart, Table

_OPTIONS = {"engine": "ENGINE", "collation": "DEFAULT COLLATE", "row_format": "ROW_FORMAT"}


def names(columns: Iterable[str]) -> str:
    """Quoted column names with commas."""
    return ", ".join(quote(column) for column in columns)


def column(item: Column, features: MySQLFeatures, *, invisible: bool = False) -> str:
    """The whole definition of a column: MODIFY loses whatever it does not repeat."""
    made = item.generated
    words = [quote(item.name), item.type]
    if item.collation:
        words.append(f"COLLATE {item.collation}")
    if made is not None:
        kind = "STORED" if made.stored else "VIRTUAL"
        words.append(f"GENERATED ALWAYS AS ({made.expression}) {kind}")
    if not item.nullable and not (made is not None and features.mariadb):
        words.append("NOT NULL")
    elif item.type.startswith("timestamp") and made is None:
        words.append("NULL")
    if item.default is not None:
        words.append(f"DEFAULT {item.default}")
    if item.on_update is not None:
        words.append(f"ON UPDATE {item.on_update}")
    if item.identity is not None:
        words.append("AUTO_INCREMENT")
    if invisible:
        words.append("INVISIBLE")
    if item.comment is not None:
        words.append(f"COMMENT {string(item.comment)}")
    if item.check is not None:
        words.append(f"CHECK ({item.check})")
    return " ".join(words)


def index(item: Index) -> str:
    """``UNIQUE KEY `name` (`a`, `b` DESC)``, after ADD or inside CREATE TABLE."""
    kind = {"fulltext": "FULLTEXT ", "spatial": "SPATIAL ", "vector": "VECTOR "}.get(
        item.method or "", "UNIQUE " if item.unique else ""
    )
    parts = ", ".join(_index_part(part) for part in item.parts)
    comment = f" COMMENT {string(item.comment)}" if item.comment else ""
    return f"{kind}KEY {quote(item.name or '')} ({parts}){comment}"


def _index_part(part: IndexPart) -> str:
    if part.column is None:
        text = f"({part.expression})"
    else:
        text = quote(part.column) + (f"({part.length})" if part.length else "")
    return f"{text} DESC" if part.descending else text


def foreign_key(item: ForeignKey, features: MySQLFeatures) -> str:
    """``CONSTRAINT … FOREIGN KEY … REFERENCES …``; the server's own default action unsaid."""
    text = (
        f"CONSTRAINT {quote(item.name or '')} FOREIGN KEY ({names(item.columns)}) "
        f"REFERENCES {quote(item.ref_table)} ({names(item.ref_columns)})"
    )
    for event, action in (("DELETE", item.on_delete), ("UPDATE", item.on_update)):
        if action != features.default_action:
            text += f" ON {event} {action}"
    return text


def check(item: Check) -> str:
    """``CONSTRAINT … CHECK (…)``."""
    enforced = "" if item.enforced else " NOT ENFORCED"
    return f"CONSTRAINT {quote(item.name or '')} CHECK ({item.expression}){enforced}"


def options(values: Mapping[str, str]) -> list[str]:
    """``ENGINE = InnoDB`` and so on."""
    return [f"{_OPTIONS[key]} = {values[key]}" for key in _OPTIONS if key in values]


def create_table(
    table: Table, indexes: Iterable[Index], features: MySQLFeatures, *, temporary: str = ""
) -> str:
    """CREATE TABLE with these indexes and no foreign keys.

    ``temporary`` is the name of the temporary table to make instead.
    """
    lines = [column(item, features) for item in table.columns]
    if table.primary_key is not None:
        lines.append(f"PRIMARY KEY ({names(table.primary_key.columns)})")
    lines.extend(index(item) for item in indexes)
    lines.extend(check(item) for item in table.checks)
    body = ",\n  ".join(lines)
    tail = options(table.options)
    if table.comment:
        tail.append(f"COMMENT = {string(table.comment)}")
    head = "CREATE TEMPORARY TABLE" if temporary else "CREATE TABLE"
    return f"{head} {quote(temporary or table.name)} (\n  {body}\n) {' '.join(tail)}".rstrip()
