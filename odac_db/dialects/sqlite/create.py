"""CREATE TABLE and CREATE INDEX texts for tables of the model. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from odac_db.dialects.sqlite.leftovers import conflict_key
from odac_db.dialects.sqlite.spelling import columns_text, default_text, in_parentheses, quote
from odac_db.schema.model import Check, Column, ForeignKey, Index, IndexPart, PrimaryKey, Table

_PLAIN_TYPE = re.compile(r"\w[\w ]*(?:\( *[+-]?[\w.]+ *(?:, *[+-]?[\w.]+ *)?\))?")
_NO_CONFLICTS: Mapping[str, str] = {}


def create_table(
    table: Table, name: str | None = None, conflicts: Mapping[str, str] = _NO_CONFLICTS
) -> str:
    """The CREATE TABLE with everything that SQLite keeps inline, foreign keys too.

    ``name`` stands for the table's own. ``conflicts`` are the ON CONFLICT clauses that its
    constraints have and the model has not, by ``leftovers.conflict_key``.
    """
    lines = [column_text(column, table, conflicts) for column in table.columns]
    key = table.primary_key
    if key is not None and not _inline_key(key, table):
        clause = f"PRIMARY KEY ({columns_text(key.columns)})"
        lines.append(_named(key.name, clause + _conflict(conflicts, "primary key")))
    lines.extend(
        unique_text(index) + _conflict(conflicts, "unique", *index.columns)
        for index in table.indexes
        if index.constraint
    )
    lines.extend(check_text(check) for check in table.checks)
    lines.extend(foreign_key_text(key) for key in table.foreign_keys)
    body = ",\n  ".join(lines)
    options = ", ".join(_options(table))
    return f"CREATE TABLE {quote(name or table.name)} (\n  {body}\n)" + (options and f" {options}")


def _options(table: Table) -> Iterator[str]:
    if table.options.get("strict") == "true":
        yield "STRICT"
    if table.options.get("without_rowid") == "true":
        yield "WITHOUT ROWID"


def is_rowid_table(table: Table) -> bool:
    """Whether the table's rows have a rowid."""
    return table.options.get("without_rowid") != "true"


def rowid_alias(table: Table) -> str | None:
    """The column that *is* the rowid: the only key column, of exactly the type INTEGER."""
    key = table.primary_key
    if key is None or len(key.columns) != 1 or not is_rowid_table(table):
        return None
    column = table.column(key.columns[0])
    return column.name if column is not None and column.type.upper() == "INTEGER" else None


def is_numbered(table: Table) -> bool:
    """Whether the table has AUTOINCREMENT."""
    return any(column.identity is not None for column in table.columns)


def _inline_key(key: PrimaryKey, table: Table) -> bool:
    """AUTOINCREMENT can only stand with the column; an unnamed rowid key reads better there."""
    return is_numbered(table) or (key.name is None and rowid_alias(table) is not None)


def column_text(column: Column, table: Table, conflicts: Mapping[str, str] = _NO_CONFLICTS) -> str:
    """A column's definition, as CREATE TABLE and ADD COLUMN take it."""
    words = [quote(column.name)]
    if column.type:
        words.append(column.type if _PLAIN_TYPE.fullmatch(column.type) else quote(column.type))
    key = table.primary_key
    if key is not None and column.name in key.columns and _inline_key(key, table):
        clause = "PRIMARY KEY" + _conflict(conflicts, "primary key")
        words.append(_named(key.name, clause))
        if column.identity is not None:
            words.append("AUTOINCREMENT")
    if _not_null(column, table):
        words.append("NOT NULL" + _conflict(conflicts, "not null", column.name))
    if column.default is not None:
        words.append(f"DEFAULT {default_text(column.default)}")
    if column.collation is not None:
        words.append(f"COLLATE {quote(column.collation)}")
    if column.generated is not None:
        kind = "STORED" if column.generated.stored else "VIRTUAL"
        expression = in_parentheses(column.generated.expression)
        words.append(f"GENERATED ALWAYS AS {expression} {kind}")
    return " ".join(words)


def _not_null(column: Column, table: Table) -> bool:
    """NOT NULL as written: key columns have it unless the table's ``null_keys`` names them.

    An INTEGER key is never NULL anyhow and goes without unless ``null_keys`` is there.
    """
    key = table.primary_key
    if key is None or column.name not in key.columns:
        return not column.nullable
    lacking = table.options.get("null_keys")
    if lacking is None:
        return rowid_alias(table) is None
    return str(key.columns.index(column.name) + 1) not in lacking.split()


def _named(name: str | None, clause: str) -> str:
    return clause if name is None else f"CONSTRAINT {quote(name)} {clause}"


def _conflict(conflicts: Mapping[str, str], what: str, *columns: str) -> str:
    clause = conflicts.get(conflict_key(what, *columns))
    return f" {clause}" if clause else ""


def unique_text(index: Index) -> str:
    """The UNIQUE constraint of a table."""
    return _named(index.name, f"UNIQUE ({', '.join(map(_part, index.parts))})")


def check_text(check: Check) -> str:
    """The CHECK of a table or, in ADD COLUMN, of a column."""
    return _named(check.name, f"CHECK {in_parentheses(check.expression)}")


def foreign_key_text(key: ForeignKey) -> str:
    """The foreign key of a table."""
    clause = f"FOREIGN KEY ({columns_text(key.columns)}) {_reference(key)}"
    return _named(key.name, clause)


def reference_text(key: ForeignKey) -> str:
    """The foreign key of a column, in ADD COLUMN."""
    return _named(key.name, _reference(key))


def _reference(key: ForeignKey) -> str:
    words = [f"REFERENCES {quote(key.ref_table)}"]
    if key.ref_columns:
        words.append(f"({columns_text(key.ref_columns)})")
    if key.on_delete != "NO ACTION":
        words.append(f"ON DELETE {key.on_delete}")
    if key.on_update != "NO ACTION":
        words.append(f"ON UPDATE {key.on_update}")
    if key.deferrable is not None:
        words.append(f"DEFERRABLE INITIALLY {key.deferrable.upper()}")
    return " ".join(words)


def create_index(table: str, index: Index) -> str:
    """The CREATE INDEX of anything but a UNIQUE constraint."""
    unique = "UNIQUE " if index.unique else ""
    parts = ", ".join(map(_part, index.parts))
    where = f" WHERE {index.where}" if index.where is not None else ""
    return f"CREATE {unique}INDEX {quote(index.name or '')} ON {quote(table)} ({parts}){where}"


def _part(part: IndexPart) -> str:
    text = quote(part.column) if part.column is not None else part.expression or ""
    if "--" in text and part.column is None:
        text += "\n"
    if part.collation is not None:
        text += f" COLLATE {quote(part.collation)}"
    return text + (" DESC" if part.descending else "")
