"""The live schema from what the catalog and the CREATE texts say.

The text is read only where a cheap look at it promises something the pragmas leave out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection

from odac_db.dialects.base import Features
from odac_db.dialects.qualifiers import without_own_name
from odac_db.dialects.sqlite.catalog import Facts, read
from odac_db.dialects.sqlite.create_sql import (
    ColumnText,
    TableText,
    UniqueText,
    parse_index,
    parse_table,
)
from odac_db.dialects.sqlite.leftovers import leftovers, table_leftovers
from odac_db.dialects.sqlite.pieces import without_outer_parentheses
from odac_db.dialects.sqlite.spelling import default_spelt
from odac_db.schema.model import (
    Check,
    Column,
    FkAction,
    ForeignKey,
    Generated,
    Identity,
    Index,
    IndexPart,
    PrimaryKey,
    Schema,
    Table,
    Unsupported,
)

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]""")
_TELLING = (
    "CONSTRAINT", "CHECK", "COLLATE", "DEFERRABLE", "CONFLICT", "MATCH", " DESC", "--", "/*",
)  # fmt: skip
_AUTOINCREMENT = re.compile(r"\bKEY\s+(?:ASC\s+)?AUTOINCREMENT\b")
_NOTHING = TableText()
_STORED = 3  # "hidden" of a stored generated column; a virtual one has 2
_EXPRESSION = -2  # "cid" of an index key that is no column
_NUMBERED = TableText(autoincrement=True)


def introspect(
    conn: Connection,
    features: Features,
    only: Collection[str] | None = None,
) -> Schema:
    """Everything in the main database; five statements.

    Tables of temporary and attached databases are not ours. Shadow tables belong to their
    virtual table. ``only`` names tables in any case; then ``unsupported`` holds only theirs.
    """
    facts = read(conn)
    wanted = None if only is None else {name.lower() for name in only}
    tables: dict[str, Table] = {}
    unsupported: list[Unsupported] = []
    for kind, name, _, sql in facts.master:
        if kind != "table" or name not in facts.columns or facts.kinds[name][0] != "table":
            continue
        if wanted is None or name.lower() in wanted:
            text = _text(sql, facts.columns[name])
            tables[name] = _table(name, text, facts)
            unsupported.extend(table_leftovers(name, text))
    unsupported.extend(leftovers(facts.master, facts.kinds, None if wanted is None else tables))
    return Schema(tables=tables, unsupported=tuple(sorted(unsupported)))


def _text(sql: str, columns: Sequence[Any]) -> TableText:
    """The parsed text of a table, or nothing where the pragmas tell all.

    AUTOINCREMENT alone, the most common of what they leave out, is found without a parse.
    """
    upper = sql.upper()
    generated = any(row[6] for row in columns)
    if not generated and not any(word in upper for word in _TELLING):
        if "AUTOINCREMENT" not in upper:
            return _NOTHING
        if _AUTOINCREMENT.search(_QUOTED.sub("q", upper)):
            return _NUMBERED
    return parse_table(sql)


def _table(name: str, text: TableText, facts: Facts) -> Table:
    _, without_rowid, strict = facts.kinds[name]
    rows = facts.columns[name]
    keys = sorted((row for row in rows if row[5]), key=lambda row: cast(int, row[5]))
    columns = tuple(_column(row, text) for row in rows)
    options = {
        "strict": "true" if strict else "false",
        "without_rowid": "true" if without_rowid else "false",
    }
    key = None
    if keys:
        key = PrimaryKey(columns=tuple(row[1] for row in keys), name=text.key_name)
        options["null_keys"] = " ".join(str(n) for n, row in enumerate(keys, 1) if not row[3])
    table = Table(
        name=name,
        columns=columns,
        primary_key=key,
        indexes=_indexes(name, columns, text, facts),
        foreign_keys=_foreign_keys(name, text, facts),
        checks=tuple(
            Check(name=called, expression=without_outer_parentheses(sql))
            for called, sql in text.checks
        ),
        options=options,
    )
    return without_own_name(table)


def _column(row: Any, text: TableText) -> Column:
    _, name, column_type, not_null, default, key, hidden = row
    nullable = not not_null and not key
    if default is not None:
        default = default_spelt(default)
    identity = Identity(kind="auto_increment") if key and text.autoincrement else None
    more = text.columns.get(name.lower()) if text.columns else None
    if more is None:
        return Column(
            name=name, type=column_type, nullable=nullable, default=default, identity=identity
        )
    collation = more.collation
    return Column(
        name=name,
        type=column_type,
        nullable=nullable,
        default=default,
        identity=identity,
        generated=_generated(more, hidden) if hidden else None,
        collation=None if collation is None or collation.upper() == "BINARY" else collation,
    )


def _generated(text: ColumnText, hidden: int) -> Generated:
    return Generated(without_outer_parentheses(text.generated or ""), stored=hidden == _STORED)


def _indexes(
    table: str, columns: tuple[Column, ...], text: TableText, facts: Facts
) -> tuple[Index, ...]:
    """Indexes and UNIQUE constraints in the order of their making."""
    by_name: dict[str, list[Any]] = {}
    for row in facts.indexes.get(table, ()):
        if row[3] != "pk":
            by_name.setdefault(row[1], []).append(row)
    if not by_name:
        return ()
    collations = {column.name: (column.collation or "BINARY").upper() for column in columns}
    uniques = list(text.uniques)
    return tuple(
        _index(name, rows, collations, uniques, facts) for name, rows in reversed(by_name.items())
    )


def _index(
    name: str,
    rows: list[Any],
    collations: Mapping[str, str],
    uniques: list[UniqueText],
    facts: Facts,
) -> Index:
    unique, origin, partial = bool(rows[0][2]), rows[0][3], rows[0][4]
    if origin == "u":
        columns = tuple(row[6] for row in rows)
        return Index(
            name=_unique_name(columns, uniques),
            parts=tuple(_part(row, collations, None) for row in rows),
            unique=True,
            constraint=True,
        )
    texts: tuple[str | None, ...] = (None,) * len(rows)
    where = None
    if partial or any(row[5] == _EXPRESSION for row in rows):
        parsed = parse_index(facts.index_sql[name])
        texts = tuple(without_outer_parentheses(part.text) for part in parsed.parts)
        where = parsed.where and without_outer_parentheses(parsed.where)
    parts = tuple(_part(row, collations, text) for row, text in zip(rows, texts, strict=True))
    return Index(name=name, parts=parts, unique=unique, where=where)


def _part(row: Any, collations: Mapping[str, str], expression: str | None) -> IndexPart:
    column, descending, collation = row[6], bool(row[7]), row[8]
    if row[5] == _EXPRESSION:
        own = None if collation == "BINARY" else collation
        return IndexPart(expression=expression, descending=descending, collation=own)
    own = None if collation.upper() == collations.get(column) else collation
    return IndexPart(column=column, descending=descending, collation=own)


def _unique_name(columns: tuple[str, ...], uniques: list[UniqueText]) -> str | None:
    """The name of the constraint behind an automatic index, by its columns."""
    folded = [column.lower() for column in columns]
    for unique in uniques:
        if [column.lower() for column in unique.columns] == folded:
            uniques.remove(unique)
            return unique.name
    return None


def _foreign_keys(table: str, text: TableText, facts: Facts) -> tuple[ForeignKey, ...]:
    """Foreign keys in the order written, which is the reverse of their ids."""
    rows: dict[int, list[Any]] = {}
    for row in facts.foreign_keys.get(table, ()):
        rows.setdefault(row[1], []).append(row)
    return tuple(_foreign_key(group, text, facts) for _, group in sorted(rows.items())[::-1])


def _foreign_key(rows: list[Any], text: TableText, facts: Facts) -> ForeignKey:
    _, number, parent, _, _, on_update, on_delete = rows[0]
    parent = facts.names.get(parent.lower(), parent)
    written = None
    if text.foreign_keys:
        written = text.foreign_keys[len(text.foreign_keys) - 1 - number]
    return ForeignKey(
        name=written.name if written is not None else None,
        columns=tuple(_spelt(row[3], facts.columns.get(row[0], ())) for row in rows),
        ref_table=parent,
        ref_columns=tuple(
            _spelt(row[4], facts.columns.get(parent, ())) for row in rows if row[4] is not None
        ),
        on_delete=cast(FkAction, on_delete),
        on_update=cast(FkAction, on_update),
        deferrable=written.deferrable if written is not None else None,
    )


def _spelt(name: str, columns: Sequence[Any]) -> str:
    """The column's name as its table spells it; a foreign key may use another case."""
    folded = name.lower()
    return next((row[1] for row in columns if row[1].lower() == folded), name)
