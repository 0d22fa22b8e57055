"""Live columns as declarations: portable where that gives exactly the same column back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from odac_db.dialects.postgresql import column_types, literals
from odac_db.dialects.postgresql.features import PostgreSQLFeatures
from odac_db.dialects.postgresql.naming import printed
from odac_db.dialects.postgresql.resolve_columns import Enums, resolved_column
from odac_db.schema.column_types import base_name
from odac_db.schema.declaration import (
    ColumnDeclaration,
    DefaultDeclaration,
    GeneratedDeclaration,
    IdentityDeclaration,
)
from odac_db.schema.model import Column, EnumType, Schema, Table
from odac_db.schema.names import shortened

replace = msgspec.structs.replace

_CONSTANT = re.compile(r"'(?P<text>(?:[^']|'')*)'::(?P<type>.+)", re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_CLOCKS = {"now()": "now()", "CURRENT_TIMESTAMP": "current_timestamp"}


class ColumnDeclarer:
    """Writes columns of one schema; knows which enum types columns write out themselves."""

    def __init__(self, schema: Schema, features: PostgreSQLFeatures) -> None:
        self._features = features
        self._enums = schema.enums
        self._own = _own_enums(schema)
        self.shared = {name: enum for name, enum in schema.enums.items() if name not in self._own}

    def declared(self, table: str, column: Column, key: tuple[str, ...]) -> ColumnDeclaration:
        """The declaration, its keys and references left to the caller."""
        in_key = column.name in key
        fields: dict[str, Any] = self._type(table, column)
        fields["nullable"] = None if column.nullable or in_key else False
        identity = column.identity
        if identity is not None:
            fields["identity"] = IdentityDeclaration(**msgspec.structs.asdict(identity))
            if identity.kind != "serial" or (not column.nullable and not in_key):
                fields["nullable"] = None
            elif column.nullable:
                fields["nullable"] = True
        if column.generated is not None:
            made = column.generated
            fields["generated"] = GeneratedDeclaration(
                expression=made.expression, stored=made.stored
            )
        fields["collation"] = column.collation
        fields["comment"] = column.comment
        body = ColumnDeclaration(**fields)
        body = self._portably_numbered(table, column, body, alone=key == (column.name,))
        if column.default is None:
            return body
        return replace(body, default=self._default(table, column, body))

    def _portably_numbered(
        self, table: str, column: Column, body: ColumnDeclaration, *, alone: bool
    ) -> ColumnDeclaration:
        """``increments`` for the plainest identity that is the primary key."""
        names = {"integer": "increments", "bigint": "big_increments"}
        if not alone or column.type not in names:
            return body
        short = replace(body, type=names[column.type], identity=False)
        return short if self._gives_back(table, column, short) else body

    def _gives_back(self, table: str, column: Column, body: ColumnDeclaration) -> bool:
        found = self._resolved(table, column, body)
        return found is not None and replace(found, nullable=column.nullable) == column

    def _resolved(self, table: str, column: Column, body: ColumnDeclaration) -> Column | None:
        problems: list[str] = []
        enums = Enums({}, self._features)
        enums.types.update(self._enums)

        def report(message: str, *path: str | int) -> None:
            problems.append(f"{path}: {message}")

        found = resolved_column(table, column.name, body, enums, report)
        return None if problems else found

    def _type(self, table: str, column: Column) -> dict[str, Any]:
        array = column_types.is_array(column.type)
        brackets = "[]" if array else ""
        if column.enum is not None and not array and self._own.get(column.enum):
            enum = self._enums[column.enum]
            generated = shortened(f"{table}_{column.name}", self._features.fits)
            name = None if enum.name == generated else enum.name
            return {"type": "enum", "values": enum.values, "enum_name": name}
        if column.enum is not None:
            return {"type": column_types.spelt(printed(column.enum) + brackets)}
        found = column_types.declared(column_types.element(column.type))
        found["type"] = f"{found['type']}{brackets}"
        short = ColumnDeclaration(**found)  # type: ignore[arg-type]
        same = self._resolved(table, replace(column, identity=None), short)
        if same is None or same.type != column.type:
            return {"type": column_types.spelt(column.type)}
        native = isinstance(short.type, str) and not base_name(short.type)
        return {"type": column_types.spelt(str(short.type))} if native else found

    def _default(self, table: str, column: Column, body: ColumnDeclaration) -> Any:
        """A plain value where that resolves to the same text, else the expression."""
        assert column.default is not None
        for value in _candidates(column.default, column.type):
            found = self._resolved(table, column, replace(body, default=value))
            if found is not None and found.default == column.default:
                return value
        return DefaultDeclaration(expression=column.default)


def _candidates(text: str, type_: str) -> Iterator[Any]:
    """What a file might say for the default, the plainest first."""
    if text in _CLOCKS:
        yield _CLOCKS[text]
    if text in ("true", "false"):
        yield text == "true"
    constant = _CONSTANT.fullmatch(text)
    written = text if constant is None else constant["text"].replace("''", "'")
    number = _NUMBER.fullmatch(written) is not None
    if number and (constant is None or column_types.base(type_) in literals.NUMBERS):
        if "." not in written:
            yield int(written)
        elif repr(float(written)) == written:
            yield float(written)
        yield written
    if constant is not None:
        yield written
        yield DefaultDeclaration(literal=written)


def _own_enums(schema: Schema) -> Mapping[str, EnumType]:
    """Types of exactly one column, not an array, without a comment: written in that column."""
    used: dict[str, list[bool]] = {}
    for table in schema.tables.values():
        for column in table.columns:
            if column.enum is not None:
                used.setdefault(column.enum, []).append(column_types.is_array(column.type))
    return {
        name: enum
        for name, enum in schema.enums.items()
        if used.get(name) == [False] and enum.comment is None and enum.values
    }


def key_columns(table: Table) -> tuple[str, ...]:
    return table.primary_key.columns if table.primary_key is not None else ()
