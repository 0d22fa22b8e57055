"""The JSON Schema agrees with the reader about what a schema file may hold."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped,unused-ignore]

from odac_db.errors import DeclarationError
from odac_db.schema.column_types import PORTABLE
from odac_db.schema.files import read_folder
from odac_db.schema.files.json_schema import json_schema, types_json_schema

GOOD: dict[str, Any] = {
    "columns": {
        "id": {"type": "nanoid", "primary": True},
        "at": {"type": {"postgresql": "timestamptz", "mysql": "datetime(3)"}, "default": "now()"},
        "mood": {"type": "enum", "values": ["a"], "default": {"literal": "a"}},
        "user": {"type": "nanoid", "references": {"table": "users"}, "on_delete": "set null"},
        "number": {"type": "integer", "identity": {"kind": "always", "start": 5}},
    },
    "primary_key": ["id"],
    "indexes": [{"columns": ["id desc", {"column": "at", "nulls": "last"}], "unique": True}],
    "exclusions": [{"elements": [{"column": "at", "with": "&&"}]}],
    "options": {"engine": "InnoDB", "strict": True},
    "seed_key": "id",
    "seed": [{"id": "a"}],
}


def with_change(*path: str, value: object) -> dict[str, Any]:
    body = copy.deepcopy(GOOD)
    place = body
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return body


def test_it_is_a_schema_and_takes_a_good_file() -> None:
    for schema in (json_schema(), types_json_schema()):
        Draft202012Validator.check_schema(schema)
    Draft202012Validator(json_schema()).validate(GOOD)
    Draft202012Validator(types_json_schema()).validate({"enums": {"mood": {"values": ["a"]}}})


@pytest.mark.parametrize(
    "body",
    [
        with_change("columns", value=[]),
        with_change("colums", value={}),
        with_change("columns", "id", value={"primary": True}),
        with_change("columns", "id", "nulable", value=True),
        with_change("columns", "id", "length", value="ten"),
        with_change("columns", "id", "length", value=-1),
        with_change("columns", "at", "type", value={"postgres": "timestamptz"}),
        with_change("columns", "user", "on_delete", value="vanish"),
        with_change("columns", "", value={"type": "text"}),
        with_change("options", "engin", value="InnoDB"),
        with_change("seed", value={}),
    ],
)
def test_it_refuses_what_the_reader_refuses(body: dict[str, Any], tmp_path: Path) -> None:
    assert not Draft202012Validator(json_schema()).is_valid(body)
    (tmp_path / "t.json").write_text(json.dumps(body))
    with pytest.raises(DeclarationError):
        read_folder(tmp_path)


def test_editors_learn_the_portable_types_and_what_keys_mean() -> None:
    column = json_schema()["$defs"]["ColumnDeclaration"]
    assert column["properties"]["type"]["anyOf"][0]["enum"] == list(PORTABLE)
    assert "certainly new" in column["properties"]["renamed_from"]["description"]
    assert "\n" not in column["description"]
