"""Declarations as the text of their files: deterministic, minimal, one line per column."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from odac_db.schema.declaration import (
    EnumDeclaration,
    IndexDeclaration,
    IndexKey,
    ReferenceDeclaration,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.files import yaml_text
from odac_db.schema.files.normalize import index_key

_BLOCKS = ("indexes", "foreign_keys", "checks", "exclusions", "seed")


def table_yaml(
    table: TableDeclaration, *, stem: str | None = None, tables: Collection[str] = ()
) -> str:
    """The file of one table, everything left out that says nothing.

    ``stem`` is the file's name without suffix; where it is not the table's name, the
    file names the table. ``tables`` are all declared tables: a name among them is never
    taken for a table and a column.
    """
    entries = _plain(table.body, tables)
    if stem is not None and stem != table.name:
        entries = {"table": table.name, **entries}
    lines: list[str] = []
    for key, value in entries.items():
        if key == "columns" and value:
            lines += ["columns:", *yaml_text.mapping(value, 2)]
        elif key in _BLOCKS:
            lines += [f"{key}:", *yaml_text.sequence(value, 2)]
        else:
            lines.append(f"{key}: {yaml_text.flow(value)}")
    return "\n".join(lines) + "\n"


def types_yaml(enums: Mapping[str, EnumDeclaration]) -> str:
    """The file of the enum types that are declared by themselves."""
    lines = yaml_text.mapping({name: _said(enums[name]) for name in sorted(enums)}, 2)
    return "\n".join(["enums:", *lines]) + "\n"


def _said(struct: msgspec.Struct) -> dict[str, Any]:
    """The fields of a declaration that differ from what leaving them out would mean."""
    return {
        field.encode_name: _value(value)
        for field in _fields(type(struct))
        if (value := getattr(struct, field.name)) is not msgspec.UNSET
        and (field.default is msgspec.UNSET or value != _otherwise(field))
    }


@functools.cache
def _fields(kind: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(kind)


def _otherwise(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _value(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _said(value)
    if isinstance(value, Mapping):
        return {key: _value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    return value


def _plain(body: TableFile, tables: Collection[str]) -> dict[str, Any]:
    """The body as the plain values of its file, short forms used where they say the same."""
    found = _said(body)
    found.pop("table", None)
    found["columns"] = {
        name: {key: _target(column.references, tables) if key == "references" else item
               for key, item in found["columns"][name].items()}
        for name, column in body.columns.items()
    }  # fmt: skip
    if body.indexes:
        found["indexes"] = [_index(index, body) for index in body.indexes]
    for place, key in enumerate(body.foreign_keys):
        found["foreign_keys"][place]["references"] = _target(key.references, tables)
    order = {"comment": 0, "columns": 1}
    return dict(sorted(found.items(), key=lambda entry: order.get(entry[0], 2)))


def _target(
    reference: str | ReferenceDeclaration | None, tables: Collection[str]
) -> str | dict[str, Any]:
    if not isinstance(reference, ReferenceDeclaration):
        return reference or ""
    names = (reference.table, *reference.columns)
    short = ".".join(names)
    if (
        len(names) <= 2
        and not any("." in name for name in names)
        and (len(names) == 1 or short not in tables)
    ):
        return short
    return _said(reference)


def _index(index: IndexDeclaration, body: TableFile) -> dict[str, Any]:
    plain = _said(index)
    plain["columns"] = [_key(_written_out(key, body), body) for key in index.columns]
    if index.constraint:
        plain.pop("unique", None)
    return plain


def _written_out(key: str | IndexKey, body: TableFile) -> IndexKey:
    """A short key as dialects read it: all before the last word is the column, blanks too."""
    if isinstance(key, IndexKey):
        return key
    column, _, direction = key.rpartition(" ")
    if key not in body.columns and column in body.columns and direction == "desc":
        return IndexKey(column=column, descending=True)
    return index_key(key, body.columns)


def _key(key: IndexKey, body: TableFile) -> str | dict[str, Any]:
    if isinstance(key.expression, dict):
        text = ""
    else:
        text = f"{key.column or key.expression or ''}{' desc' * key.descending}"
    if key.nulls:
        text += f" nulls {key.nulls}"
    if key.length is not None and key.column is not None and not key.descending:
        text = f"{key.column}({key.length})"
    if text and index_key(text, body.columns) == key:
        return text
    return _said(key)
