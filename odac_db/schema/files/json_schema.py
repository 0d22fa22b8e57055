"""The JSON Schema of schema files, for editors; made from what validates the files."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as shapes

from odac_db.schema.column_types import PORTABLE
from odac_db.schema.declaration import TableFile, TypesFile

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """The schema of a table's file."""
    schema = _described(TableFile, "A table, as odac-db reads it")
    column = schema["$defs"]["ColumnDeclaration"]["properties"]["type"]
    column["anyOf"].insert(0, {"enum": list(PORTABLE), "description": "A portable type"})
    return schema


def types_json_schema() -> dict[str, Any]:
    """The schema of ``_types.yaml``."""
    return _described(TypesFile, "Enum types, as odac-db reads them")


def _described(struct: type[msgspec.Struct], title: str) -> dict[str, Any]:
    schema = {"$schema": DRAFT, "title": title, **msgspec.json.schema(struct)}
    for shape in _structs(shapes.type_info(struct), set()):
        definition = schema["$defs"][shape.cls.__name__]
        text = inspect.cleandoc(shape.cls.__doc__ or "")
        definition["description"] = _prose(text)
        for field in shape.fields:
            _describe(definition["properties"][field.encode_name], field, text)
    return schema


def _structs(kind: shapes.Type, seen: set[type]) -> Iterator[shapes.StructType]:
    """Every mapping of the format, the outermost first."""
    if isinstance(kind, shapes.StructType) and kind.cls not in seen:
        seen.add(kind.cls)
        yield kind
        for field in kind.fields:
            yield from _structs(field.type, seen)
    elif isinstance(kind, shapes.UnionType):
        for branch in kind.types:
            yield from _structs(branch, seen)
    elif isinstance(kind, shapes.DictType):
        yield from _structs(kind.value_type, seen)
    elif isinstance(kind, shapes.VarTupleType | shapes.ListType):
        yield from _structs(kind.item_type, seen)


def _describe(definition: dict[str, Any], field: shapes.Field, text: str) -> None:
    """The sentences about the field, and the keys its mapping may have."""
    sentences = re.split(r"(?<=\.)\s+", text)
    about = [sentence for sentence in sentences if f"``{field.encode_name}``" in sentence]
    if about and "$ref" not in definition:
        definition["description"] = _prose(" ".join(about))
    branches = field.type.types if isinstance(field.type, shapes.UnionType) else (field.type,)
    for branch in branches:
        if isinstance(branch, shapes.DictType) and isinstance(branch.key_type, shapes.LiteralType):
            for place in definition.get("anyOf", [definition]):
                if place.get("type") == "object":
                    place["propertyNames"] = {"enum": list(branch.key_type.values)}


def _prose(text: str) -> str:
    return re.sub(r"\s*\n\s*", " ", text.replace("``", "`")).strip()
