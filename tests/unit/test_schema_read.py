"""Schema files that are right: what they come to, in every format and spelling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from odac_db.errors import DeclarationError
from odac_db.schema.declaration import (
    ColumnDeclaration,
    Declarations,
    DefaultDeclaration,
    EnumDeclaration,
    IndexKey,
    ReferenceDeclaration,
    TableFile,
)
from odac_db.schema.files import folder_digest, read_folder

USERS = "columns: {id: {type: nanoid, primary: true}, email: {type: string}}\n"
STAMP = ColumnDeclaration(type="timestamp", nullable=False, default="now()")


def read(folder: Path, **files: str) -> Declarations:
    """The default connection of a folder with these files, YAML unless named otherwise."""
    for name, text in files.items():
        stem, _, suffix = name.rpartition("__")
        path = folder / (f"{stem}.{suffix}" if stem else f"{name}.yaml")
        path.write_text(text, encoding="utf-8")
    return read_folder(folder)["default"]


def table(folder: Path, text: str, **others: str) -> TableFile:
    return read(folder, t=text, **others).tables["t"].body


def test_the_example_of_the_manual(tmp_path: Path) -> None:
    posts = table(
        tmp_path,
        """
comment: Articles and drafts
columns:
  id:         {type: nanoid, primary: true}
  author_id:  {type: nanoid, references: users.id, on_delete: cascade}
  status:     {type: enum, values: [draft, live], default: draft}
  search:     {type: {postgresql: tsvector, mysql: text, sqlite: text}}
  timestamps: {type: timestamps}
indexes:
  - {columns: [author_id, status]}
  - {columns: [created_at desc], using: brin, include: [id]}
seed_key: id
seed: [{id: first, status: live}]
renamed_from: articles
""",
        users=USERS,
    )
    assert list(posts.columns) == [
        "id",
        "author_id",
        "status",
        "search",
        "created_at",
        "updated_at",
    ]
    author = posts.columns["author_id"]
    assert author.references == ReferenceDeclaration(table="users", columns=("id",))
    assert posts.columns["created_at"] == posts.columns["updated_at"] == STAMP
    assert posts.indexes[1].columns == (IndexKey(column="created_at", descending=True),)
    assert posts.seed == ({"id": "first", "status": "live"},)


def test_formats_say_the_same(tmp_path: Path) -> None:
    plain = {
        "columns": {
            "id": {"type": "increments"},
            "price": {"type": "decimal", "precision": 8, "scale": 2, "default": 1.5},
            "at": {"type": "date", "default": "2024-02-29"},
        },
        "indexes": [{"columns": ["price desc"], "name": "by_price"}],
    }
    toml = """
[columns.id]
type = "increments"
[columns]
price = { type = "decimal", precision = 8, scale = 2, default = 1.5 }
at = { type = "date", default = 2024-02-29 }
[[indexes]]
columns = ["price desc"]
name = "by_price"
"""
    yaml = """
columns:
  id: {type: increments}
  price: {type: decimal, precision: 8, scale: 2, default: 1.5}
  at: {type: date, default: 2024-02-29}
indexes: [{columns: [price desc], name: by_price}]
"""
    declared = read(tmp_path, a=yaml, b__json=json.dumps(plain), c__toml=toml, d__yml=yaml)
    bodies = [declared.tables[name].body for name in "abcd"]
    assert all(body == bodies[0] for body in bodies)
    assert declared.tables["c"].source.positions["columns", "price", "scale"] == (5, 44)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("Off", "Off"),
        ("2024-01-31", "2024-01-31"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("007", "007"),
        ("0x1F", 31),
        ("0o17", 15),
        ("-5", -5),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("TRUE", True),
        ("12345678901234567890123", 12345678901234567890123),
        ("0.1234567890123456789012", "0.1234567890123456789012"),
        ("1e999", "1e999"),
        ("'5'", "5"),
        ("!!str 5", "5"),
        ("now()", "now()"),
    ],
)
def test_yaml_scalars_mean_what_their_writer_meant(
    tmp_path: Path, text: str, value: object
) -> None:
    default = (
        table(tmp_path, f"columns: {{a: {{type: text, default: {text}}}}}").columns["a"].default
    )
    assert default == value
    assert type(default) is type(value)


def test_words_that_old_yaml_takes_for_truths_are_names(tmp_path: Path) -> None:
    body = table(
        tmp_path, "columns: {on: {type: enum, values: [on, off, yes, no]}, n: {type: date}}"
    )
    assert list(body.columns) == ["on", "n"]
    assert body.columns["on"].values == ("on", "off", "yes", "no")


def test_anchors_and_merges_are_written_out(tmp_path: Path) -> None:
    text = """
columns:
  a: &base {type: string, length: 20}
  b: *base
  c: {<<: *base, length: 30}
"""
    columns = table(tmp_path, text).columns
    assert columns["b"] == columns["a"]
    assert columns["c"] == ColumnDeclaration(type="string", length=30)


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_bytes("\ufeffcolumns:\r\n  größe: {type: text}\r\n".encode())
    assert list(read_folder(tmp_path)["default"].tables["t"].body.columns) == ["größe"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a", IndexKey(column="a")),
        ("a desc", IndexKey(column="a", descending=True)),
        ("a ASC NULLS FIRST", IndexKey(column="a", nulls="first")),
        ("a desc nulls last", IndexKey(column="a", descending=True, nulls="last")),
        ("a(20)", IndexKey(column="a", length=20)),
        ("lower(a)", IndexKey(expression="lower(a)")),
        ("lower(a) desc", IndexKey(expression="lower(a)", descending=True)),
        ("(a || a) nulls first", IndexKey(expression="(a || a)", nulls="first")),
        ("a desc b", IndexKey(column="a desc b")),
        ("x desc", IndexKey(column="x desc")),
    ],
)
def test_short_index_keys(tmp_path: Path, text: str, key: IndexKey) -> None:
    body = table(
        tmp_path,
        f"""
columns: {{a: {{type: text}}, a desc b: {{type: text}}, x desc: {{type: text}}}}
indexes: [{{columns: ["{text}"]}}]
""",
    )
    assert body.indexes[0].columns == (key,)


def test_a_unique_column_with_the_same_index_is_unique_once(tmp_path: Path) -> None:
    body = table(
        tmp_path,
        """
columns:
  a: {type: text, unique: true}
  b: {type: text, unique: true}
  c: {type: text, unique: true}
indexes:
  - {columns: [a], unique: true, name: mine, code: TAKEN}
  - {columns: [b], unique: true, where: b <> ''}
  - {columns: [c], constraint: true}
""",
    )
    assert [column.unique for column in body.columns.values()] == [False, True, False]
    assert body.indexes[2].unique


def test_declared_timestamps_win(tmp_path: Path) -> None:
    body = table(
        tmp_path,
        """
columns:
  stamps: {type: timestamps}
  created_at: {type: datetime}
""",
    )
    assert list(body.columns.items()) == [
        ("updated_at", STAMP),
        ("created_at", ColumnDeclaration(type="datetime")),
    ]


@pytest.mark.parametrize(
    ("reference", "columns"),
    [
        ("users.id", ("id",)),
        ("users.email", ("email",)),
        ("users", ("id",)),
        ("{table: users}", ("id",)),
        ("{table: users, column: email}", ("email",)),
        ("{table: users, columns: [email]}", ("email",)),
    ],
)
def test_references_come_split(tmp_path: Path, reference: str, columns: tuple[str, ...]) -> None:
    body = table(
        tmp_path, f"columns: {{a: {{type: nanoid, references: {reference}}}}}", users=USERS
    )
    target = ReferenceDeclaration(table="users", columns=columns)
    assert body.columns["a"].references == target


def test_a_table_whose_name_has_a_dot_can_be_referred_to(tmp_path: Path) -> None:
    (tmp_path / "odd.name.yaml").write_text("columns: {id: {type: increments}}")
    body = table(tmp_path, "columns: {a: {type: integer, references: odd.name}}")
    assert body.columns["a"].references == ReferenceDeclaration(table="odd.name", columns=("id",))


ODAC = """
columns:
  id: {type: bigIncrements}
  user_id: {type: nanoid, references: {table: users, column: id},
            onDelete: SET NULL, onUpdate: CASCADE}
  count: {type: bigInteger}
  body: {type: text, textType: mediumtext}
  address: {type: specificType, length: inet}
  mask: {specificType: cidr, type: specificType}
indexes: [{columns: [count], unique: true}]
seedKey: id
"""
OURS = """
columns:
  id: {type: big_increments}
  user_id: {type: nanoid, references: users.id, on_delete: set null, on_update: cascade}
  count: {type: big_integer}
  body: {type: text, text_type: mediumtext}
  address: {type: inet}
  mask: {type: cidr}
indexes: [{columns: [count], unique: true}]
seed_key: id
"""


def test_spellings_of_odac(tmp_path: Path) -> None:
    declared = read(tmp_path, theirs=ODAC, ours=OURS, users=USERS)
    assert declared.tables["theirs"].body == declared.tables["ours"].body


def test_spellings_of_latticesql(tmp_path: Path) -> None:
    declared = read(
        tmp_path,
        theirs="""
fields:
  id: {type: nanoid, primaryKey: true}
  user_id: {type: nanoid, ref: user, required: true}
  category_id: {type: nanoid, ref: category}
  editor_id: {type: nanoid, ref: nobody}
relations:
  editor: {type: belongsTo, table: users, foreignKey: editor_id}
""",
        ours="""
columns:
  id: {type: nanoid, primary: true}
  user_id: {type: nanoid, references: users, nullable: false}
  category_id: {type: nanoid, references: categories.id}
  editor_id: {type: nanoid}
foreign_keys:
  - {columns: [editor_id], references: users}
""",
        users=USERS,
        categories=USERS,
    )
    assert declared.tables["theirs"].body == declared.tables["ours"].body


def test_ref_means_that_very_table_first(tmp_path: Path) -> None:
    body = table(tmp_path, "columns: {a: {type: nanoid, ref: user}}", user=USERS, users=USERS)
    assert body.columns["a"].references == ReferenceDeclaration(table="user", columns=("id",))


def test_positions_are_those_of_keys_and_items(tmp_path: Path) -> None:
    text = "columns:\n  a: {type: text,\n      length: 3}\n"
    with pytest.raises(DeclarationError, match=r"t\.yaml:3:7: type text takes no 'length'"):
        table(tmp_path, text)


def test_folders_are_connections(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "users.yaml").write_text(USERS)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "broken.yaml").write_text("[")
    for ignored in ("README.md", "users.yaml~", ".users.yaml.swp", "notes.txt", ".x.yaml"):
        (tmp_path / ignored).write_text("[")
    found = read_folder(tmp_path)
    assert {name: list(declared.tables) for name, declared in found.items()} == {
        "default": [],
        "logs": ["users"],
    }
    assert found["logs"].tables["users"].source.file == str(tmp_path / "logs" / "users.yaml")


def test_an_empty_folder_declares_nothing(tmp_path: Path) -> None:
    assert read_folder(tmp_path)["default"].tables == {}


def test_types_are_declared_in_a_file_of_their_own(tmp_path: Path) -> None:
    declared = read(
        tmp_path,
        _types="enums: {mood: {values: [sad, happy], comment: How it goes}}",
        t="columns: {a: {type: 'mood[]'}}",
    )
    assert declared.enums == {
        "mood": EnumDeclaration(values=("sad", "happy"), comment="How it goes")
    }


def test_defaults_spelt_out(tmp_path: Path) -> None:
    columns = table(
        tmp_path,
        """
columns:
  a: {type: uuid, default: {expression: {postgresql: gen_random_uuid(), mysql: (uuid())}}}
  b: {type: text, default: {literal: now()}}
  c: {type: json, default: {literal: {a: [1, null]}}}
  d: {type: text, default: null}
""",
    ).columns
    assert columns["b"].default == DefaultDeclaration(literal="now()")
    assert columns["c"].default == DefaultDeclaration(literal={"a": [1, None]})
    assert columns["d"].default is None


def test_the_digest_is_that_of_names_and_bytes(tmp_path: Path) -> None:
    def digests(**files: str) -> dict[str, str]:
        for path in tmp_path.iterdir():
            path.unlink()
        read(tmp_path, **files)
        found = folder_digest(tmp_path)
        assert found == {name: d.digest for name, d in read_folder(tmp_path).items()}
        return found

    first = digests(a=USERS, b=USERS)
    assert digests(b=USERS, a=USERS) == first
    assert digests(a=USERS, c=USERS) != first
    assert digests(a=USERS, b=USERS + "\n") != first
    assert digests(a=USERS) != first


def test_the_digest_needs_no_sound_files(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("[")
    assert len(folder_digest(tmp_path)["default"]) == 32


@pytest.mark.parametrize(
    "expression",
    [
        "price >= 0",
        "PRICE >= 0",
        "status IN ('prica', 'live')",
        '"price" > 0 AND length(name) < 20',
        "created::date > '2020-01-01'",
        "CASE WHEN price > 0 THEN price IS NOT NULL END",
        "name ~* '^[a-z]+$' AND parce IS NULL OR other.prise > 1",
    ],
)
def test_checks_that_only_look_odd_pass(tmp_path: Path, expression: str) -> None:
    text = json.dumps(
        {
            "columns": {name: {"type": "text"} for name in ("price", "name", "status", "created")},
            "checks": [{"expression": expression}],
        }
    )
    read(tmp_path, t__json=text)


def test_an_alias_does_not_repeat_a_key(tmp_path: Path) -> None:
    body: Any = table(tmp_path, "columns: {a: {type: text, values: null, comment: x}}")
    assert body.columns["a"].comment == "x"
