"""A table file as dialects want it: short forms written out, nothing decided twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

import msgspec

from odac_db.schema.declaration import (
    ColumnDeclaration,
    IndexDeclaration,
    IndexKey,
    ReferenceDeclaration,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.files.document import Path, Position

_STAMP = ColumnDeclaration(type="timestamp", nullable=False, default="now()")
_STAMPS = ("created_at", "updated_at")
_ORDER = re.compile(
    r"(?P<key>.*?)(?:\s+(?P<direction>asc|desc))?(?:\s+nulls\s+(?P<nulls>first|last))?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_PREFIX = re.compile(r"(?P<column>.+)\(\s*(?P<length>[0-9]{1,5})\s*\)\Z", re.DOTALL)


def expand_timestamps(
    body: TableFile, positions: dict[Path, Position]
) -> tuple[TableFile, list[tuple[Path, str]]]:
    """``type: timestamps`` as created_at and updated_at; a declared one of these wins.

    Also what is wrong with such columns, with their paths.
    """
    columns: dict[str, ColumnDeclaration] = {}
    faults: list[tuple[Path, str]] = []
    for name, column in body.columns.items():
        if column.type != "timestamps":
            columns[name] = column
            continue
        if column != ColumnDeclaration(type="timestamps"):
            faults.append((("columns", name), _BARE_TIMESTAMPS))
        for stamp in _STAMPS:
            if stamp not in body.columns or body.columns[stamp].type == "timestamps":
                columns[stamp] = _STAMP
                positions[("columns", stamp)] = positions.get(("columns", name), (1, 1))
    if len(columns) == len(body.columns) and columns == body.columns:
        return body, faults
    return msgspec.structs.replace(body, columns=columns), faults


_BARE_TIMESTAMPS = (
    "type timestamps takes no other keys; declare created_at or updated_at to change one"
)


def write_out_indexes(table: TableDeclaration) -> TableDeclaration:
    """Index keys as ``IndexKey``; ``unique`` where a constraint implies it, not twice."""
    body = table.body
    indexes = tuple(_write_out(index, body) for index in body.indexes)
    unique = {_only_column(index) for index in indexes if _plainly_unique(index)}
    columns = {
        name: msgspec.structs.replace(column, unique=False)
        if column.unique and name in unique
        else column
        for name, column in body.columns.items()
    }
    body = msgspec.structs.replace(body, indexes=indexes, columns=columns)
    return msgspec.structs.replace(table, body=body)


def _write_out(index: IndexDeclaration, body: TableFile) -> IndexDeclaration:
    keys = tuple(
        index_key(key, body.columns) if isinstance(key, str) else key for key in index.columns
    )
    unique = index.unique or bool(index.constraint)
    return msgspec.structs.replace(index, columns=keys, unique=unique)


def index_key(text: str, columns: Mapping[str, object]) -> IndexKey:
    """``created_at desc nulls last``, ``lower(email)`` or ``body(20)`` as a key.

    What has no parenthesis in it, as every expression that an index takes does, is a
    column, whether it exists or not.
    """
    if text in columns:
        return IndexKey(column=text)
    match = _ORDER.match(text)
    assert match is not None
    order: dict[str, object] = {}
    if (match["direction"] or "").lower() == "desc":
        order["descending"] = True
    if match["nulls"]:
        order["nulls"] = match["nulls"].lower()
    key = match["key"].strip()
    prefix = _PREFIX.match(key)
    if prefix and prefix["column"].strip() in columns:
        order |= {"column": prefix["column"].strip(), "length": int(prefix["length"])}
    elif "(" in key and key not in columns:
        order["expression"] = key
    else:
        order["column"] = key or text
    return msgspec.convert(order, IndexKey)


def _plainly_unique(index: IndexDeclaration) -> bool:
    plain = IndexDeclaration(columns=index.columns, unique=True)
    unnamed = msgspec.structs.replace(index, name=None, constraint=None, comment=None, code=None)
    return unnamed == plain and _only_column(index) is not None


def _only_column(index: IndexDeclaration) -> str | None:
    if len(index.columns) != 1 or not isinstance(index.columns[0], IndexKey):
        return None
    key = index.columns[0]
    return key.column if key == IndexKey(column=key.column) else None


def split_references(
    body: TableFile, tables: Collection[str], keys_of: Callable[[str], tuple[str, ...]]
) -> TableFile:
    """References as tables and columns.

    Columns left out are filled by ``keys_of``: the primary key of a declared table.
    """
    columns = body.columns
    if any(column.references is not None for column in columns.values()):
        columns = {
            name: column
            if column.references is None
            else msgspec.structs.replace(
                column, references=_split(column.references, tables, keys_of)
            )
            for name, column in columns.items()
        }
    keys = tuple(
        msgspec.structs.replace(key, references=_split(key.references, tables, keys_of))
        for key in body.foreign_keys
    )
    if columns is body.columns and not keys:
        return body
    return msgspec.structs.replace(body, columns=columns, foreign_keys=keys)


def _split(
    target: str | ReferenceDeclaration,
    tables: Collection[str],
    keys_of: Callable[[str], tuple[str, ...]],
) -> ReferenceDeclaration:
    if isinstance(target, str):
        name, _, column = target.rpartition(".")
        if target in tables or not name or not column:
            target = ReferenceDeclaration(table=target)
        else:
            target = ReferenceDeclaration(table=name, columns=(column,))
    if not target.columns and target.table in tables:
        target = ReferenceDeclaration(table=target.table, columns=keys_of(target.table))
    return target
