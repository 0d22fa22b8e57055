"""fmt: old spellings become ours where they stand; every other byte stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from odac_db.errors import DeclarationError
from odac_db.schema.files import read_folder
from odac_db.schema.files.fmt import format_file, format_paths

OLD_YAML = """\
# héllo 😀
fields:   # the fields
  id: {type: bigIncrements, primaryKey: true} # key

  a:   {type: specificType, length: inet, onDelete: 'SET NULL', required: true,
        references: {table: users, column: id}}   # wide
  c: {type: specificType, length: "cidr"}
  d:
    length: "cidr"  # why
    type: specificType
  e:
    type: &t specificType
    length: "cidr"
    unique: true
  b: {ref: user, type: nanoid}
  w: {type: nanoid, ref: user}
relations:
  # written by
  w:
    type: belongsTo   # always
    table: users

    foreignKey: w
  x: {type: belongsTo, table: users, foreignKey: b, references: id} # too
seedKey: id
# end"""
NEW_YAML = """\
# héllo 😀
columns:   # the fields
  id: {type: big_increments, primary: true} # key

  a:   {type: inet, on_delete: set null, nullable: false,
        references: {table: users, columns: [id]}}   # wide
  c: {type: cidr}
  d:
    # why
    type: cidr
  e:
    type: &t cidr
    unique: true
  b: {type: nanoid}
  w: {type: nanoid}
foreign_keys:
  # written by
  # always
  - {columns: [w], references: users}
  - {columns: [b], references: users.id} # too
seed_key: id
# end"""
OLD_JSON = """\
{
    "columns": {
        "id": {"type": "bigIncrements"},
        "x": {"type": "nanoid", "ref": "user", "onUpdate": "CASCADE"},
        "y": {
            "length": "inet",
            "type": "specificType"
        }
    },
    "relations": {
        "y": {"type": "belongsTo", "table": "users", "foreignKey": "y"}
    },
    "seedKey": "id"
}
"""
NEW_JSON = """\
{
    "columns": {
        "id": {"type": "big_increments"},
        "x": {"type": "nanoid", "references": "users", "on_update": "cascade"},
        "y": {
            "type": "inet"
        }
    },
    "foreign_keys": [
        {"columns": ["y"], "references": "users"}
    ],
    "seed_key": "id"
}
"""
OLD_TOML = """\
# c
seedKey = "id" # key
[fields.id]
type = "bigIncrements" # type
[fields.x]
type = "specificType"
length = "inet" # kept
onDelete = 'CASCADE'
references = { table = "users", column = "id" }
[fields]
"y" = {type = "specificType", length = "inet"}
[[foreignKeys]]
columns = ["x"]
references = "users"
onUpdate = "SET NULL"
"""
NEW_TOML = """\
# c
seed_key = "id" # key
[columns.id]
type = "big_increments" # type
[columns.x]
type = "inet"
# kept
on_delete = "cascade"
references = { table = "users", columns = ["id"] }
[columns]
"y" = {type = "inet"}
[[foreign_keys]]
columns = ["x"]
references = "users"
on_update = "set null"
"""
CASES = [
    ("t.yaml", OLD_YAML, NEW_YAML),
    ("t.json", OLD_JSON, NEW_JSON),
    ("t.toml", OLD_TOML, NEW_TOML),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "users.yaml").write_text("columns: {id: {type: nanoid, primary: true}}\n")
    return tmp_path


@pytest.mark.parametrize(("name", "old", "new"), CASES)
def test_old_spellings_are_rewritten_and_the_rest_stays(
    folder: Path, name: str, old: str, new: str
) -> None:
    (folder / name).write_text(old)
    assert format_file(folder / name) == new
    assert (folder / name).read_text() == old


@pytest.mark.parametrize(("name", "old", "new"), CASES)
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_marks_stay(folder: Path, name: str, old: str, new: str, bom: bytes) -> None:
    def windows(text: str) -> bytes:
        return bom + text.replace("\n", "\r\n").encode()

    (folder / name).write_bytes(windows(old))
    assert format_paths([folder / name], write=True) == [folder / name]
    assert (folder / name).read_bytes() == windows(new)


@pytest.mark.parametrize(("name", "old", "new"), CASES)
def test_a_second_run_changes_nothing(folder: Path, name: str, old: str, new: str) -> None:
    (folder / name).write_text(old)
    assert format_paths([folder], write=True) == [folder / name]
    before = (folder / name).stat()
    assert format_paths([folder], write=True) == []
    after = (folder / name).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert (folder / name).read_text() == new


def test_checking_writes_nothing(folder: Path) -> None:
    (folder / "t.yaml").write_text(OLD_YAML)
    assert format_paths([folder], write=False) == [folder / "t.yaml"]
    assert (folder / "t.yaml").read_text() == OLD_YAML


def test_the_meaning_stays(folder: Path) -> None:
    (folder / "t.yaml").write_text(
        "fields: {id: {type: bigIncrements}, u: {type: nanoid, ref: user}}"
    )
    before = read_folder(folder)["default"].tables["t"].body
    format_paths([folder], write=True)
    assert read_folder(folder)["default"].tables["t"].body == before
    assert "references: users}" in (folder / "t.yaml").read_text()


def test_an_odd_layout_that_is_current_keeps_every_byte(folder: Path) -> None:
    text = "columns :  { id :\n {type:   'nanoid' ,primary: true,}  ,}\n\n\n#x"
    (folder / "t.yaml").write_text(text)
    assert format_file(folder / "t.yaml") == text
    assert format_paths([folder], write=True) == []


def test_sub_folders_are_formatted_too(folder: Path) -> None:
    (folder / "logs").mkdir()
    (folder / "logs" / "t.yaml").write_text("columns: {id: {type: bigInteger}}")
    assert format_paths([folder], write=True) == [folder / "logs" / "t.yaml"]
    assert (folder / "logs" / "t.yaml").read_text() == "columns: {id: {type: big_integer}}"


def test_one_fault_and_nothing_is_written(folder: Path) -> None:
    (folder / "a.yaml").write_text("columns: {id: {type: bigInteger}}")
    (folder / "b.yaml").write_text(
        "columns: {id: {type: nanoid, onDelete: cascade, on_delete: cascade}}"
    )
    (folder / "c.yaml").write_text("[")
    with pytest.raises(DeclarationError) as caught:
        format_paths([folder], write=True)
    places = [(problem.file, problem.line, problem.column) for problem in caught.value.problems]
    assert places == [(str(folder / "b.yaml"), 1, 30), (str(folder / "c.yaml"), 2, 1)]
    assert (folder / "a.yaml").read_text() == "columns: {id: {type: bigInteger}}"


@pytest.mark.parametrize("name", ["none.yaml", "notes.txt"])
def test_what_is_no_schema_file_is_a_fault(folder: Path, name: str) -> None:
    with pytest.raises(DeclarationError, match=name):
        format_paths([folder / name], write=True)


def test_what_is_wrong_otherwise_is_not_its_business(folder: Path) -> None:
    (folder / "t.yaml").write_text("columns: {id: {type: bigInteger, nulable: no}}")
    assert format_file(folder / "t.yaml") == "columns: {id: {type: big_integer, nulable: no}}"
