"""Written schema files: read again they are what was written, and nobody's work is lost."""

from __future__ import annotations

import os
import stat
import string
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from odac_db.errors import Problem, PullRefused
from odac_db.schema.declaration import (
    ColumnDeclaration,
    Declarations,
    EnumDeclaration,
    ReferenceDeclaration,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.files import read_folder
from odac_db.schema.files.check import completed
from odac_db.schema.files.text import table_yaml
from odac_db.schema.files.write import file_stems, write_folder
from odac_db.schema.files.yaml_source import read_yaml
from odac_db.schema.files.yaml_text import flow

SOURCE = Source(file="<test>")


def declared(**tables: dict[str, Any]) -> Declarations:
    """Checked declarations of these bodies."""
    bodies = {
        name: TableDeclaration(name=name, body=msgspec.convert(body, TableFile), source=SOURCE)
        for name, body in tables.items()
    }
    problems: list[Problem] = []
    found = completed(Declarations(tables=bodies), problems)
    assert problems == []
    return found


def bodies(declarations: Declarations) -> dict[str, TableFile]:
    return {name: table.body for name, table in declarations.tables.items()}


awkward = st.sampled_from(
    ["no", "y", "null", "~", "1", "1.5", "0x1f", "1e3", "=", "<<", "- a", "a: b", "a #b", " a",
     "a ", "'", '"', "\\", "a\nb", "\t", "\x85", "\u2028", "\ufeff", "😀", "é", "{a}", "[", "*a",
     "&a", "!a", "%", "@", "`", "2024-01-31", "12:30:45", "1_000", ".5", "-", "?", ":",
     "now()", "it's \"x\""]
)  # fmt: skip
texts = awkward | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
names = (awkward | st.text(string.ascii_letters + "_ .é😀'\"", min_size=1, max_size=12)).filter(
    lambda name: not name.lower().startswith("_odac_")
)
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | texts
nested = st.recursive(
    scalars, lambda kids: st.lists(kids, max_size=3) | st.dictionaries(texts, kids, max_size=3)
)


@given(nested)
@settings(max_examples=200, deadline=None)
def test_a_value_in_flow_style_is_read_as_itself_by_both_yamls(value: object) -> None:
    text = f"a: {flow(value)}\n"
    document = read_yaml(text, "f")
    assert document.problems == []
    assert document.value == {"a": value}
    assert same(yaml.safe_load(text)["a"], value)


def same(left: object, right: object) -> bool:
    """Equal, and truths equal to truths only."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right and type(left) is type(right)


@st.composite
def columns(draw: st.DrawFn) -> dict[str, Any]:
    kinds: list[dict[str, Any]] = [
        {"type": "string", "length": draw(st.integers(1, 99))},
        {"type": "text", "text_type": "longtext"},
        {"type": "decimal", "precision": 8, "scale": draw(st.integers(0, 8))},
        {"type": "enum", "values": draw(st.lists(texts, min_size=1, max_size=4, unique=True))},
        {
            "type": {
                "postgresql": "tsvector",
                "mysql": "text",
                "mariadb": "longtext",
                "sqlite": "any",
            }
        },
        {"type": "integer", "identity": {"kind": "always", "start": 5, "cycle": True}},
        {"type": "integer", "generated": {"expression": draw(texts), "stored": True}},
        {"type": draw(st.sampled_from(["json", "uuid", "varchar(20)", "T[]", "date"]))},
    ]
    column: dict[str, Any] = draw(st.sampled_from(kinds))
    if not column.keys() & {"identity", "generated", "values"}:
        default = st.just({"expression": draw(texts)}) | st.just({"literal": draw(nested)})
        column |= draw(st.fixed_dictionaries({}, optional={"default": scalars | default}))
    extras = {
        "nullable": st.booleans(),
        "unique": st.booleans(),
        "comment": texts,
        "collation": texts,
        "check": texts | st.fixed_dictionaries({"mysql": texts, "sqlite": texts}),
        "renamed_from": st.just([]) | st.just("certainly not there"),
    }
    return column | draw(st.fixed_dictionaries({}, optional=extras))


@st.composite
def tables(draw: st.DrawFn, others: list[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "columns": draw(st.dictionaries(names, columns(), min_size=1, max_size=5))
    }
    own = st.sampled_from(list(body["columns"]))
    if draw(st.booleans()):
        body["primary_key"] = draw(st.lists(own, min_size=1, max_size=2, unique=True))
        for name in body["primary_key"]:
            body["columns"][name].pop("nullable", None)
    key = st.fixed_dictionaries(
        {"column": own}, optional={"descending": st.booleans(), "nulls": st.just("last"),
                                   "length": st.integers(1, 20), "opclass": names}
    )  # fmt: skip
    expression = st.fixed_dictionaries({"expression": texts | st.just("lower(a) desc")})
    index = st.fixed_dictionaries(
        {"columns": st.lists(key | expression, min_size=1, max_size=3)},
        optional={"unique": st.booleans(), "where": texts, "include": st.lists(own, max_size=1)},
    )
    body["indexes"] = draw(st.lists(index, max_size=3))
    body["comment"] = draw(st.none() | texts)
    if others:
        target = draw(st.sampled_from(others))
        body["foreign_keys"] = [
            {"columns": [draw(own)], "references": {"table": target, "columns": ["id"]}}
        ]
    body["seed_key"] = draw(own)
    body["seed"] = draw(st.lists(st.just({body["seed_key"]: draw(texts)}), max_size=2))
    return body


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_is_read_again(data: st.DataObject) -> None:
    tables_of: dict[str, Any] = {}
    for name in data.draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        tables_of[name] = data.draw(tables(list(tables_of)))
        tables_of[name]["columns"].setdefault("id", {"type": "integer"})
    raw = {
        name: TableDeclaration(name=name, body=msgspec.convert(body, TableFile), source=SOURCE)
        for name, body in tables_of.items()
    }
    problems: list[Problem] = []
    enums = data.draw(
        st.dictionaries(
            names, st.builds(EnumDeclaration, values=st.just(("b", "a")), comment=texts), max_size=2
        )
    )
    found = completed(Declarations(tables=raw, enums=enums, enums_source=SOURCE), problems)
    assume(not problems)
    with tempfile.TemporaryDirectory() as folder:
        result = write_folder(found, folder)
        assert len(result.written) == len(raw) + bool(enums)
        again = read_folder(folder)["default"]
        assert write_folder(again, folder).written == ()
    assert bodies(again) == bodies(found)
    assert list(again.tables[name].body.columns) == list(found.tables[name].body.columns)
    assert again.enums == found.enums


EXAMPLE: dict[str, Any] = {
    "comment": "Articles: drafts, too",
    "columns": {
        "id": {"type": "nanoid", "primary": True},
        "author_id": {"type": "nanoid", "references": "users.id", "on_delete": "cascade"},
        "title": {"type": "string", "length": 200, "nullable": False, "default": "no"},
        "status": {"type": "enum", "values": ["draft", "live"], "default": "draft"},
        "body": {
            "type": "text",
            "comment": "A long one, that makes a line which nobody would like to read in one piece",
        },
    },
    "indexes": [
        {"columns": ["author_id", {"column": "status", "descending": True}], "name": "by_author"},
        {"columns": [{"expression": "lower(title)"}], "unique": True, "where": "status = 'live'"},
        {"columns": ["title"], "constraint": True},
    ],
    "checks": [{"name": "titled", "expression": "title <> ''"}],
}
TEXT = """\
comment: 'Articles: drafts, too'
columns:
  id:        {type: nanoid, primary: true}
  author_id: {type: nanoid, references: users.id, on_delete: cascade}
  title:     {type: string, length: 200, nullable: false, default: 'no'}
  status:    {type: enum, values: [draft, live], default: draft}
  body:
    type: text
    comment: 'A long one, that makes a line which nobody would like to read in one piece'
indexes:
  - {columns: [author_id, status desc], name: by_author}
  - {columns: [lower(title)], unique: true, where: "status = 'live'"}
  - {columns: [title], constraint: true}
checks:
  - {expression: "title <> ''", name: titled}
"""
USERS: dict[str, Any] = {"columns": {"id": {"type": "nanoid", "primary": True}}}


def test_the_text_is_short_and_pretty() -> None:
    assert table_yaml(declared(posts=EXAMPLE, users=USERS).tables["posts"]) == TEXT


def test_a_dotted_name_is_never_taken_for_a_table_and_a_column(tmp_path: Path) -> None:
    reference = ReferenceDeclaration(table="users", columns=("id",))
    found = declared(
        **{"users.id": USERS, "users": USERS},
        posts={"columns": {"a": {"type": "nanoid", "references": {"table": "users"}}}},
    )
    write_folder(found, tmp_path)
    column = read_folder(tmp_path)["default"].tables["posts"].body.columns["a"]
    assert column == ColumnDeclaration(type="nanoid", references=reference)


def test_files_are_named_after_tables_where_every_file_system_can(tmp_path: Path) -> None:
    stems = file_stems(
        ["posts", "Posts", "a/b", "con", "..", "x.", "_types", "größe", "Upper", "a b"]
    )
    assert stems["posts"] == "posts"
    assert stems["Upper"] == "Upper"
    assert len({stem.lower() for stem in stems.values()}) == len(stems)
    assert all(
        set(stem) <= set(string.ascii_letters + string.digits + "_.-") for stem in stems.values()
    )
    assert not {"con", "..", "x.", "_types"} & set(stems.values())
    found = declared(**dict.fromkeys(["con", "a/b", "_types"], USERS))
    write_folder(found, tmp_path)
    assert bodies(read_folder(tmp_path)["default"]) == bodies(found)


def test_a_file_that_differs_is_not_overwritten_and_nothing_else_is_written(tmp_path: Path) -> None:
    (tmp_path / "users.yaml").write_text("columns: {mine: {type: text}}\n")
    found = declared(posts=EXAMPLE, users=USERS)
    with pytest.raises(PullRefused) as caught:
        write_folder(found, tmp_path)
    assert caught.value.files == (str(tmp_path / "users.yaml"),)
    assert os.listdir(tmp_path) == ["users.yaml"]
    assert "mine" in (tmp_path / "users.yaml").read_text()
    written = write_folder(found, tmp_path, force=True).written
    assert written == (tmp_path / "posts.yaml", tmp_path / "users.yaml")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("users.json", "{}"),
        ("users.yml", "columns: {id: {type: uuid}}"),
        ("people.toml", 'table = "users"'),
    ],
)
def test_a_table_that_another_file_declares_is_not_declared_twice(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(PullRefused, match=name):
        write_folder(declared(users=USERS), tmp_path)
    write_folder(declared(users=USERS), tmp_path, force=True)
    assert os.listdir(tmp_path) == ["users.yaml"]


def test_a_file_with_the_same_text_is_not_touched(tmp_path: Path) -> None:
    found = declared(posts=EXAMPLE, users=USERS)
    first = write_folder(found, tmp_path / "schema")
    os.utime(tmp_path / "schema" / "users.yaml", ns=(1, 1))
    second = write_folder(found, tmp_path / "schema")
    assert second.unchanged == first.written
    assert (tmp_path / "schema" / "users.yaml").stat().st_mtime_ns == 1


def test_other_files_stay(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("Mine")
    (tmp_path / "broken.yaml").write_text("[")
    write_folder(declared(users=USERS), tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["README.md", "broken.yaml", "users.yaml"]


def test_a_rewritten_file_keeps_its_permissions_and_links(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere.txt"
    real.write_text("old")
    real.chmod(0o640)
    folder = tmp_path / "schema"
    folder.mkdir()
    (folder / "users.yaml").symlink_to(real)
    write_folder(declared(users=USERS), folder, force=True)
    assert (folder / "users.yaml").is_symlink()
    assert "nanoid" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert sorted(os.listdir(tmp_path)) == ["elsewhere.txt", "schema"]
