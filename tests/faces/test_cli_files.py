"""The verbs that need no database: fmt and json-schema."""

from __future__ import annotations

import json
from pathlib import Path

from tests.faces.command import odac_db

CAMEL = "columns:\n  id: {type: bigIncrements}  # the key\n  name: {type: string}\n"
PLAIN = "columns:\n  id: {type: big_increments}  # the key\n  name: {type: string}\n"


def test_fmt_rewrites_the_schema_folder_once_and_keeps_comments(tmp_path: Path) -> None:
    file = tmp_path / "schema" / "t.yaml"
    file.parent.mkdir()
    file.write_text(CAMEL)
    checked = odac_db("fmt", "--schema", "schema", "--check", cwd=tmp_path)
    assert checked.code == 3
    assert "1 file would change." in checked.out
    assert file.read_text() == CAMEL
    written = odac_db("fmt", "--schema", "schema", "--json", cwd=tmp_path)
    assert (written.code, written.json) == (0, {"written": True, "changed": ["schema/t.yaml"]})
    assert file.read_text() == PLAIN
    assert odac_db("fmt", file, "--check", cwd=tmp_path).code == 0


def test_fmt_reports_faults_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("columns: [\n")
    (tmp_path / "good.yaml").write_text(CAMEL)
    answer = odac_db("fmt", ".", cwd=tmp_path)
    assert answer.code == 1
    assert "bad.yaml:2:" in answer.err
    assert (tmp_path / "good.yaml").read_text() == CAMEL


def test_fmt_without_a_folder_is_a_usage_error(tmp_path: Path) -> None:
    assert odac_db("fmt", cwd=tmp_path).code == 2


def test_json_schema_is_printed_or_written(tmp_path: Path) -> None:
    answer = odac_db("json-schema", cwd=tmp_path)
    assert answer.code == 0
    assert "TableFile" in answer.json["$defs"]
    assert odac_db("json-schema", "--out", "s.json", cwd=tmp_path).out == ""
    assert json.loads((tmp_path / "s.json").read_text()) == answer.json
    types = odac_db("json-schema", "--types", cwd=tmp_path).json
    assert "EnumDeclaration" in types["$defs"]
