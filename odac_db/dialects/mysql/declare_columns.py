"""One live column as a declaration. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import UNSET

from odac_db.dialects.mysql.column_types import NUMBERS, ColumnType, column_type, enum_values
from odac_db.dialects.mysql.defaults import declared
from odac_db.dialects.mysql.features import MySQLFeatures
from odac_db.dialects.mysql.literals import (
    tokens,
    unquote_string,
    without_outer_parentheses,
)
from odac_db.dialects.mysql.resolve_columns import resolved_type
from odac_db.schema.declaration import (
    ColumnDeclaration,
    DefaultDeclaration,
    GeneratedDeclaration,
)
from odac_db.schema.model import Column, Table

_PORTABLE = {"smallint": "small_integer", "int": "integer", "bigint": "big_integer"}
_SAME_WORD = frozenset({"float", "double", "date", "json"})


def declared_column(column: Column, table: Table, features: MySQLFeatures) -> ColumnDeclaration:
    """The column with what differs from the defaults of a declaration."""
    key = table.primary_key.columns if table.primary_key else ()
    body = _typed(column, key, features)
    alone = key == (column.name,)
    numbered = body.type in ("increments", "big_increments")
    changes: dict[str, Any] = {
        "primary": alone and not numbered,
        "nullable": None if column.nullable or column.name in key else False,
        "identity": column.identity is not None and not numbered,
        "default": _default(column, features),
        "collation": column.collation,
        "comment": column.comment,
        "check": column.check,
        "on_update_current_timestamp": column.on_update is not None,
    }
    if column.identity is not None:
        changes["nullable"] = None
    if column.generated is not None:
        made = column.generated
        changes["generated"] = GeneratedDeclaration(
            expression=made.expression, stored=made.stored or None
        )
    return msgspec.structs.replace(body, **changes)


def _typed(column: Column, key: tuple[str, ...], features: MySQLFeatures) -> ColumnDeclaration:
    kind = column_type(column.type, features.mariadb)
    for body in _candidates(column, kind, key):
        if resolved_type(body, features).text == column.type:
            return body
    return ColumnDeclaration(type=column.type)


def _candidates(
    column: Column, kind: ColumnType, key: tuple[str, ...]
) -> Iterator[ColumnDeclaration]:
    """Portable ways to say the type, best first. Those that say something else are passed over."""
    name, unsigned = kind.name, kind.unsigned
    arguments = [int(text) for text in kind.arguments if text.isdigit()]
    if column.identity is not None and key == (column.name,) and name in ("int", "bigint"):
        numbered = "increments" if name == "int" else "big_increments"
        yield ColumnDeclaration(type=numbered, unsigned=unsigned)
    if name in _PORTABLE:
        yield ColumnDeclaration(type=_PORTABLE[name], unsigned=unsigned)
    elif name in _SAME_WORD:
        yield ColumnDeclaration(type=name, unsigned=unsigned)
    elif name == "tinyint":
        yield ColumnDeclaration(type="boolean")
    elif name == "varchar" and arguments:
        length = None if arguments[0] == 255 else arguments[0]
        yield ColumnDeclaration(type="string", length=length)
    elif name == "char" and arguments:
        yield ColumnDeclaration(type="char", length=None if arguments[0] == 1 else arguments[0])
    elif name == "decimal" and len(arguments) == 2:
        scale = arguments[1] or None
        yield ColumnDeclaration(
            type="decimal", precision=arguments[0], scale=scale, unsigned=unsigned
        )
    elif name in ("datetime", "timestamp", "time"):
        fraction = None if kind.fraction == 6 else kind.fraction
        yield ColumnDeclaration(type=name, precision=fraction)
    else:
        yield from _other_candidates(column, kind, arguments)


def _other_candidates(
    column: Column, kind: ColumnType, arguments: list[int]
) -> Iterator[ColumnDeclaration]:
    match kind.name:
        case "text":
            yield ColumnDeclaration(type="text")
        case "tinytext" | "mediumtext" | "longtext":
            yield msgspec.structs.replace(ColumnDeclaration(type="text"), text_type=kind.name)
        case "blob":
            yield ColumnDeclaration(type="binary")
        case "varbinary" if arguments:
            yield ColumnDeclaration(type="binary", length=arguments[0])
        case "enum":
            yield ColumnDeclaration(type="enum", values=enum_values(column.type))
        case "uuid":
            yield ColumnDeclaration(type="uuid")
        case _:
            return


def _default(column: Column, features: MySQLFeatures) -> Any:
    """A plain value where that resolves to the same text, else an expression."""
    text = column.default
    if text is None:
        return UNSET
    kind = column_type(column.type, features.mariadb)
    for value in _values(text, kind):
        try:
            if declared(value, kind, features, plain=True) == text:
                return value
        except ValueError:
            continue
        if declared(value, kind, features, plain=False) == text:
            return DefaultDeclaration(literal=value)
    bare = without_outer_parentheses(text) if text.startswith("(") else text
    return DefaultDeclaration(expression=bare)


def _values(text: str, kind: ColumnType) -> Iterator[Any]:
    """Scalars that might be what the default says, most telling first."""
    if kind.text == "tinyint(1)" and text in ("0", "1"):
        yield text == "1"
    if kind.name in NUMBERS and re.fullmatch(r"-?\d+", text):
        yield int(text)
    if kind.name in NUMBERS and re.fullmatch(r"-?\d+\.?\d*(e-?\d+)?", text):
        yield float(text)
        yield text
    if text.startswith(("CURRENT_TIMESTAMP", "(cur")):
        yield "now()"
    if text.startswith("b'"):
        yield int(text[2:-1] or "0", 2)
    if text.startswith("0x"):
        yield bytes.fromhex(text[2:]).decode("utf-8", "ignore")
    pieces = list(tokens(without_outer_parentheses(text) if text.startswith("(") else text))
    if pieces and pieces[-1].kind == "string" and len(pieces) <= 2:
        yield unquote_string(pieces[-1].text)
