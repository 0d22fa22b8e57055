"""The live schema, in a constant number of statements.

Five for the whole database, and one SHOW CREATE TABLE for each table that holds something
information_schema mangles: on MySQL any expression (backslashes doubled, characters lost)
and binary defaults (cut at the first zero byte); on both a text beyond the BMP, of which
it shows question marks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any, cast

from sqlalchemy import Connection

from odac_db.dialects.mysql import building, catalog
from odac_db.dialects.mysql.building import METHODS, ReadColumn
from odac_db.dialects.mysql.column_types import BINARIES, ColumnType, column_type
from odac_db.dialects.mysql.defaults import is_clock, literal, printed, printed_clock
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.show_create import read_table
from odac_db.schema.model import (
    Check,
    Column,
    FkAction,
    ForeignKey,
    Index,
    IndexPart,
    PrimaryKey,
    Schema,
    Table,
    Unsupported,
)

RESERVED = "_odac_"
_ROW_FORMAT = re.compile(r"\brow_format=(\w+)", re.I)


def introspect(
    connection: Connection, features: MySQLFeatures, only: Collection[str] | None = None
) -> Schema:
    """Everything in the database ``features.namespace``, or only the tables named.

    Partitioned and system-versioned tables are listed as unsupported and not in the
    answer. Tables whose names start with ``_odac_`` are left out altogether. Tables asked
    for by name are all read with SHOW CREATE TABLE: it alone tells the order of indexes,
    which is no part of a plan but of a faithful copy.
    """
    reading = _Reading(connection, features, only)
    reading.read_tables()
    reading.read_checks()
    reading.read_columns()
    reading.read_indexes()
    reading.read_foreign_keys()
    tables = reading.tables()
    return Schema(tables=tables, unsupported=tuple(sorted(set(reading.unsupported))))


class _Reading:
    """One pass over the catalog, collecting by table."""

    def __init__(
        self, connection: Connection, features: MySQLFeatures, only: Collection[str] | None
    ) -> None:
        self.connection = connection
        self.features = features
        self.only = only
        self.rows: dict[str, Any] = {}
        self.unsupported: list[Unsupported] = []
        self.columns: dict[str, list[tuple[int, Column]]] = defaultdict(list)
        self.keys: dict[str, PrimaryKey] = {}
        self.indexes: dict[str, list[Index]] = defaultdict(list)
        self.foreign_keys: dict[str, list[ForeignKey]] = defaultdict(list)
        self.checks: dict[str, list[Check]] = defaultdict(list)
        self.column_checks: dict[tuple[str, str], str] = {}
        self.mangled: set[str] = set()

    def read_tables(self) -> None:
        for row in catalog.tables(self.connection, self.features, self.only):
            name, kind, _, _, options, _ = row
            if name.startswith(RESERVED):
                continue
            if kind == "BASE TABLE" and "partitioned" not in options:
                self.rows[name] = row
                rest = _ROW_FORMAT.sub("", options).strip()
                if rest:
                    self.note("table option", name, rest)
            else:
                self.unsupported.append(_unsupported_table(name, kind))

    def note(self, kind: str, table: str, name: str, detail: str = "") -> None:
        self.unsupported.append(Unsupported(kind=kind, table=table, name=name, detail=detail))

    def read_checks(self) -> None:
        for kind, table, name, text in catalog.checks_and_others(self.connection, self.features):
            if not kind.startswith("CHECK"):
                if not table.startswith(RESERVED) and not name.startswith(RESERVED):
                    self.note(kind, table, name)
            elif kind == "CHECK":
                self.mangled.add(table)
            else:
                if "?" in text:
                    self.mangled.add(table)
                if kind == "CHECK Column":
                    self.column_checks[table, name] = text
                else:
                    self.checks[table].append(building.check(name, text))

    def read_columns(self) -> None:
        features, rows = self.features, self.rows
        for row in catalog.columns(self.connection, features, self.only):
            table = row[0]
            if table not in rows:
                continue
            if "INVISIBLE" in row[7]:
                self.note("invisible column", table, row[2])
            read = self.column(row)
            collation = rows[table][3]
            self.columns[table].append((row[1], building.column(read, collation, features)))

    def column(self, row: Any) -> ReadColumn:
        table, _, name, default, nullable, type_text, collation, extra, comment, last = row
        kind = column_type(type_text, self.features.mariadb)
        if self.features.mariadb:
            default, generated = self.mariadb_values(table, kind, default, extra, last)
        else:
            default, generated = self.mysql_default(table, kind, default, extra), None
            if last is not None:
                kind = kind._replace(text=f"{kind.text} srid {last}")
        return ReadColumn(
            name=name,
            kind=kind,
            nullable=nullable == "YES",
            default=default,
            auto_increment="auto_increment" in extra,
            generated=generated,
            collation=collation,
            comment=comment,
            on_update=printed_clock(extra.split("on update ", 1)[1].split()[0].rstrip(","))
            if "on update" in extra
            else None,
            check=self.column_checks.get((table, name)),
        )

    def mariadb_values(
        self, table: str, kind: ColumnType, default: str | None, extra: str, expression: str | None
    ) -> tuple[str | None, Any]:
        if expression is not None:
            if "?" in expression:
                self.mangled.add(table)
            return None, building.generated(expression, "STORED" in extra)
        if default is None or default == "NULL":
            return None, None
        if "?" in default:
            self.mangled.add(table)
        return printed(default, kind, self.features), None

    def mysql_default(
        self, table: str, kind: ColumnType, default: str | None, extra: str
    ) -> str | None:
        if "GENERATED" in extra and not (default is not None and is_clock(default)):
            self.mangled.add(table)
            return None
        if default is None:
            return None
        if "DEFAULT_GENERATED" in extra:
            return printed(default, kind, self.features)
        if "?" in default or kind.name in BINARIES:
            self.mangled.add(table)
            return None
        return literal(default, kind)

    def read_indexes(self) -> None:
        parts: dict[tuple[str, str], list[tuple[int, IndexPart]]] = {}
        heads: dict[tuple[str, str], Any] = {}
        for row in catalog.statistics(self.connection, self.features, self.only):
            table, _, index, position, column, direction, prefix, _, _, visible, expression = row
            if table not in self.rows:
                continue
            if (table, index) not in heads:
                heads[table, index] = row
                parts[table, index] = []
                if not visible:
                    self.note("invisible index", table, index)
            if expression is not None:
                self.mangled.add(table)
            part = IndexPart(column=column, descending=direction == "D", length=prefix)
            parts[table, index].append((position, part))
        for (table, name), head in heads.items():
            keys = sorted(parts[table, name], key=lambda pair: pair[0])
            self.add_index(table, name, head, [part for _, part in keys])

    def add_index(self, table: str, name: str, head: Any, parts: list[IndexPart]) -> None:
        if name == "PRIMARY":
            if any(part.length for part in parts):
                self.note("primary key prefix", table, name)
            self.keys[table] = PrimaryKey(columns=tuple(part.column or "" for part in parts))
            return
        method = METHODS.get(head[7])
        if method in ("spatial", "fulltext"):
            parts = [IndexPart(column=part.column) for part in parts]
        if method == "hash" and self.rows[table][2] != "InnoDB":
            method = None
        if method == "fulltext" and not self.features.mariadb:
            self.mangled.add(table)
        index = Index(
            name=name,
            parts=tuple(parts),
            unique=not head[1],
            method=method,
            comment=head[8] or None,
        )
        self.indexes[table].append(index)

    def read_foreign_keys(self) -> None:
        rules: dict[tuple[str, str], tuple[FkAction, FkAction]] = {}
        columns: dict[tuple[str, str], list[tuple[int, str, str, str]]] = defaultdict(list)
        rows = catalog.foreign_keys(self.connection, self.features, self.only)
        for database, table, name, first, second, third, position in rows:
            if database == "" and third is None:
                rules[table, name] = (cast(FkAction, second), cast(FkAction, first))
            elif table in self.rows:
                if database != self.features.namespace:
                    self.note("foreign key to another database", table, name, database)
                    continue
                columns[table, name].append((position, first, second, third))
        for (table, name), parts in columns.items():
            parts.sort()
            on_delete, on_update = rules[table, name]
            key = ForeignKey(
                name=name,
                columns=tuple(part[1] for part in parts),
                ref_table=self.parent(parts[0][2]),
                ref_columns=tuple(part[3] for part in parts),
                on_delete=on_delete,
                on_update=on_update,
            )
            self.foreign_keys[table].append(key)

    def parent(self, name: str) -> str:
        """The parent as its table is spelt: MySQL lower-cases it where it folds case."""
        if not self.features.folds_table_case or name in self.rows:
            return name
        return next((table for table in self.rows if table.lower() == name.lower()), name)

    def tables(self) -> dict[str, Table]:
        mangled = self.mangled if self.only is None else self.rows
        shown = catalog.show_create(self.connection, *sorted(set(self.rows).intersection(mangled)))
        return {
            name: self.shown(name, shown[name]) if name in shown else self.table(name)
            for name in sorted(self.rows)
        }

    def table(self, name: str) -> Table:
        positioned = sorted(self.columns[name], key=lambda pair: pair[0])
        columns = tuple(column for _, column in positioned)
        _, _, engine, collation, create_options, comment = self.rows[name]
        options = {"engine": engine, "collation": collation}
        row_format = _ROW_FORMAT.search(create_options) if create_options else None
        if row_format:
            options["row_format"] = row_format[1].upper()
        keys = sorted(self.foreign_keys.get(name, ()), key=lambda key: key.name or "")
        return Table(
            name=name,
            columns=columns,
            primary_key=self.keys.get(name),
            indexes=building.marked_implicit(ranked(self.indexes.get(name, ())), keys),
            foreign_keys=tuple(keys),
            checks=tuple(self.checks.get(name, ())),
            comment=comment or None,
            options=options,
        )

    def shown(self, name: str, sql: str) -> Table:
        for parser in re.findall(r"WITH PARSER `?(\w+)", sql):
            self.note("fulltext parser", name, parser)
        return building.with_keys(read_table(sql, self.features), self.foreign_keys.get(name, ()))


def ranked(indexes: Iterable[Index]) -> list[Index]:
    """Unique indexes first and full-text ones last, as the server has them, then by name.

    MySQL's catalog does not tell their order and answers in any.
    """
    return sorted(
        indexes, key=lambda index: (not index.unique, index.method == "fulltext", index.name or "")
    )


def _unsupported_table(name: str, kind: str) -> Unsupported:
    if kind == "BASE TABLE":
        return Unsupported(kind="partitioned table", table=name)
    if kind == "SYSTEM VERSIONED":
        return Unsupported(kind="system versioned table", table=name)
    return Unsupported(kind=kind.lower(), name=name)
