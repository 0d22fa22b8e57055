"""Broken schema files: each fault is reported once, with its place, all in one reading."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from odac_db.errors import DeclarationError, Problem
from odac_db.schema.files import folder_digest, read_folder

BROKEN = Path(__file__).parent.parent / "broken_schemas" / "schema"

SOUND = {"users.yaml", "tenants.yaml", "logs.yaml", "enum_shared_a.yaml"}
"""Files that are there for others to refer to."""

EXPECTED = [
    ("a_list.yaml", 1, 1, "a schema file is a mapping of keys, not a list"),
    ("a_word.yaml", 1, 1, "a schema file is a mapping of keys, not a single val"),
    ("action_unknown.yaml", 2, 49, "column 'user_id': on_delete must be one of cascade,"),
    ("action_without_reference.yaml", 2, 27, "'on_delete' without 'references'"),
    ("both_spellings.yaml", 2, 49, "both 'onDelete' and 'on_delete' are given: keep one"),
    ("check_empty.yaml", 3, 6, "the expression is empty"),
    ("check_missing_column.yaml", 3, 6, "there is no column 'prise' for this check; did you m"),
    ("column_a_word.yaml", 2, 3, "column 'id' must be a mapping, not 'nanoid': write {t"),
    ("columns_a_word.yaml", 1, 1, "columns must be a mapping, not 'none'"),
    ("columns_a_list.yaml", 1, 1, "columns must be a mapping, not a list"),
    ("constraint_where.yaml", 3, 42, "a UNIQUE constraint takes no 'where': leave constrai"),
    ("deep/er", 1, 1, "a sub-folder is a connection, and cannot hold folder"),
    ("default", 1, 1, "'default' is the connection of the files beside this"),
    ("default_list.yaml", 2, 25, "type string takes no list as default"),
    ("default_of_nothing.yaml", 2, 20, "default needs either 'expression' or 'literal'"),
    ("default_twice.yaml", 2, 20, "default needs either 'expression' or 'literal'"),
    ("default_yes.yaml", 2, 25, "default of a boolean is true or false, not 'yes'"),
    ("empty.yaml", 1, 1, "the file is empty"),
    ("enum_default_missing.yaml", 2, 47, "default 'gone' is not one of the values"),
    ("enum_shared_b.yaml", 2, 39, "enum 'mood' has other values in enum_shared_a.mood"),
    ("enum_value_twice.yaml", 2, 46, "the value 'draft' is listed twice"),
    ("enum_without_values.yaml", 2, 12, "column 'status': an enum needs values"),
    (
        "exclusion_missing_column.yaml",
        3,
        17,
        "there is no column 'duering'; did you mean 'during'?",
    ),
    (
        "foreign_key_missing_column.yaml",
        3,
        16,
        "there is no column 'userid'; did you mean 'user_id'?",
    ),
    ("generated_with_default.yaml", 2, 44, "column 'total' takes its values from generated or de"),
    ("identity_on_text.yaml", 2, 24, "identity needs an integer type, not text"),
    ("identity_with_default.yaml", 2, 43, "column 'number' takes its values from identity or de"),
    ("index_deferrable.yaml", 3, 38, "only a constraint can be deferrable: add constraint:"),
    ("index_empty.yaml", 3, 6, "an index needs columns"),
    ("index_key_of_both.yaml", 3, 16, "a key is either a 'column' or an 'expression'"),
    ("index_key_of_neither.yaml", 3, 16, "a key is either a 'column' or an 'expression'"),
    ("index_missing_column.yaml", 3, 15, "there is no column 'titel'; did you mean 'title'?"),
    ("index_name_twice.yaml", 3, 24, "the name 'by_text' is given twice"),
    ("json_comma.json", 2, 40, "not valid JSON: Expecting property name enclosed in"),
    ("json_duplicate_key.json", 3, 3, "duplicate key 'columns'"),
    ("json_half_a_character.json", 2, 49, "half of a surrogate pair is not a character"),
    ("json_not_a_number.json", 2, 54, "NaN is not a number every server holds; quote it"),
    ("key_column_twice.yaml", 2, 21, "column 'a' is listed twice"),
    ("key_disagrees.yaml", 4, 1, "two primary keys: id (primary: true) and code"),
    ("key_empty.yaml", 2, 1, "primary_key lists no columns"),
    ("key_missing_column.yaml", 2, 15, "there is no column 'cod'; did you mean 'code'?"),
    ("key_nullable.yaml", 2, 37, "column 'id' is in the primary key and cannot be null"),
    ("key_twice.yaml", 3, 24, "two primary keys: id (increments) and code"),
    ("length_in_words.yaml", 2, 25, "column 'title': length must be an integer ≥ 0, not '"),
    ("length_negative.yaml", 2, 25, "column 'title': length must be an integer ≥ 0, not -"),
    ("length_on_integer.yaml", 2, 25, "type integer takes no 'length'"),
    ("length_on_native.yaml", 2, 25, "native type varchar takes no 'length': write it as p"),
    ("name_empty.yaml", 2, 3, "a name must not be empty"),
    ("name_long.yaml", 2, 3, "column name of 132 characters; at most 128"),
    ("name_reserved.yaml", 1, 1, "names with _odac_ are reserved for odac-db's own tab"),
    ("no_columns.yaml", 1, 1, "the file has no 'columns'"),
    ("no_type.yaml", 2, 3, "column 'id' has no 'type'"),
    ("nullable_no.yaml", 2, 25, "column 'title': nullable must be true or false, not"),
    ("numbered_twice.yaml", 3, 3, "two numbered columns: id and id2"),
    ("only_a_comment.yaml", 1, 1, "the file is empty"),
    ("orphans_not_nullable.yaml", 2, 66, "orphans: nullify needs a nullable column"),
    ("precision_on_text.yaml", 2, 22, "type text takes no 'precision'"),
    (
        "reference_missing_column.yaml",
        2,
        27,
        "table 'users' has no column 'idd'; did you mean 'id'",
    ),
    ("reference_missing_table.yaml", 2, 27, "there is no table 'user'; did you mean 'users'?"),
    ("reference_no_key.yaml", 2, 21, "table 'logs' has no primary key: name the column"),
    ("reference_too_few.yaml", 2, 27, "1 column cannot refer to 2 (tenant_id, id)"),
    ("relation_broken.yaml", 3, 3, "relation 'user': only type: belongsTo is a foreign k"),
    ("rename_circle.yaml", 4, 1, "tables 'rename_circle' and 'rename_circle_of_tables'"),
    ("rename_circle_of_tables.yaml", 2, 1, "tables 'rename_circle_of_tables' and 'rename_circle'"),
    ("rename_claimed_twice.yaml", 3, 28, "columns 'title' and 'subtitle' both were 'heading'"),
    ("rename_from_declared.yaml", 2, 27, "column 'heading' is still declared: it cannot be 'ti"),
    ("rename_from_itself.yaml", 2, 25, "column 'title' is renamed from itself"),
    ("seed_key_missing.yaml", 2, 1, "there is no column 'kode'; did you mean 'code'?"),
    ("seed_row_without_key.yaml", 4, 5, "a seed row without its key 'code'"),
    ("seed_unknown_column.yaml", 4, 15, "there is no column 'titel'"),
    ("seed_without_key.yaml", 2, 1, "seed needs a seed_key: the column(s) that tell its r"),
    ("set_columns_elsewhere.yaml", 3, 79, "'c' is not one of the foreign key's columns"),
    ("specific_type_alone.yaml", 2, 13, "write the native type itself: type: inet"),
    ("table_twice.yaml", 1, 1, "table 'logs' is declared in logs.yaml too"),
    ("timestamps_with_more.yaml", 2, 3, "type timestamps takes no other keys; declare created"),
    ("toml_duplicate_key.toml", 3, 14, "not valid TOML: Cannot overwrite a value"),
    ("toml_syntax.toml", 2, 22, "not valid TOML: Unclosed inline table"),
    ("toml_wrong_type.toml", 3, 1, "column 'title': length must be an integer ≥ 0, not '"),
    ("type_empty.yaml", 2, 11, "column 'title': type must not be empty"),
    ("type_misspelt.yaml", 2, 11, "unknown type 'strng'; did you mean 'string'? (your o"),
    ("types/_types.yaml", 2, 3, "enum 'mood' needs values"),
    ("unknown_column_key.yaml", 2, 25, "unknown key 'nulable'; did you mean 'nullable'?"),
    ("unknown_dialect.yaml", 2, 19, "unknown key 'postgres'; did you mean 'postgresql'?"),
    ("unknown_index_key.yaml", 3, 24, "unknown key 'uniqe'; did you mean 'unique'?"),
    ("unknown_key.yaml", 2, 1, "unknown key 'colums'; did you mean 'columns'?"),
    ("unknown_option.yaml", 2, 11, "unknown key 'engin'; did you mean 'engine'?"),
    ("value_a_number.yaml", 2, 31, "column 'size': values[0] must be text, not 1"),
    ("values_on_string.yaml", 2, 26, "type string takes no 'values'"),
    ("yaml_alias_bomb.yaml", 4, 10, "nested deeper than 64 levels, or more than 100,000 v"),
    ("yaml_alias_unknown.yaml", 2, 7, "not valid YAML: found undefined alias"),
    ("yaml_duplicate_key.yaml", 3, 3, "duplicate key 'id'"),
    ("yaml_key_is_a_list.yaml", 1, 31, "a key must be plain text"),
    ("yaml_not_a_number.yaml", 1, 42, ".nan is not a number every server holds; quote it"),
    ("yaml_tab.yaml", 2, 1, "not valid YAML: a tab where a value should start: in"),
    ("yaml_tag.yaml", 1, 22, "the tag '!ruby/object' is not supported here"),
    ("yaml_two_documents.yaml", 2, 1, "not valid YAML: a second document ('---') starts her"),
    ("yaml_unclosed.yaml", 3, 1, "not valid YAML: while parsing a flow mapping, did no"),
]
"""File, line, column, and how the message starts; a circle has two ends."""


def problems_of(folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(DeclarationError) as caught:
        read_folder(folder)
    return caught.value.problems


@pytest.fixture(scope="module")
def found() -> dict[str, list[Problem]]:
    by_file: dict[str, list[Problem]] = {}
    for problem in problems_of(BROKEN):
        by_file.setdefault(os.path.relpath(problem.file, BROKEN), []).append(problem)
    return by_file


@pytest.mark.parametrize(("file", "line", "column", "start"), EXPECTED, ids=str)
def test_a_fault_is_reported_at_its_place(
    found: dict[str, list[Problem]], file: str, line: int, column: int, start: str
) -> None:
    (problem,) = found[file]
    assert (problem.line, problem.column) == (line, column)
    assert problem.message.replace(f"{BROKEN}{os.sep}", "").startswith(start)


def test_every_broken_file_is_listed_and_no_sound_one(found: dict[str, list[Problem]]) -> None:
    files = {str(path.relative_to(BROKEN)) for path in BROKEN.glob("*.*")}
    assert len(EXPECTED) >= 65
    assert {file for file, *_ in EXPECTED} == found.keys()
    assert files - found.keys() == SOUND & files


def test_messages_speak_of_the_file_and_not_of_the_library(
    found: dict[str, list[Problem]],
) -> None:
    for problem in (problem for problems in found.values() for problem in problems):
        assert "$" not in problem.message
        assert "Expected `" not in problem.message
        assert str(problem).startswith(f"{problem.file}:{problem.line}:{problem.column}: ")


GOOD = "columns: {id: {type: nanoid}}\n"


def oversized(folder: Path) -> None:
    (folder / "bad.yaml").write_bytes(b"# " + b"x" * 10_000_000)


def symlink_loop(folder: Path) -> None:
    (folder / "bad.yaml").symlink_to("worse.yaml")
    (folder / "worse.yaml").symlink_to("bad.yaml")


def in_capitals(folder: Path) -> None:
    (folder / "bad.YAML").write_text(GOOD)


def dangling(folder: Path) -> None:
    (folder / "bad.yaml").symlink_to("nowhere.yaml")


def latin1(folder: Path) -> None:
    (folder / "bad.yaml").write_bytes("columns:\n  größe: {type: text}\n".encode("latin-1"))


def nul(folder: Path) -> None:
    (folder / "bad.yaml").write_bytes(b"columns:\n  a\0b: {type: text}\n")


def control(folder: Path) -> None:
    (folder / "bad.yaml").write_bytes(b"columns: {a\x01: {type: text}}\n")


def pipe(folder: Path) -> None:
    os.mkfifo(folder / "bad.yaml")


def deep_flow(folder: Path) -> None:
    (folder / "bad.yaml").write_text("a: " + "[" * 1_000_000)


def deep_block(folder: Path) -> None:
    lines = (f"{' ' * depth}a:\n" for depth in range(1000))
    (folder / "bad.yaml").write_text("".join(lines))


def deep_dashes(folder: Path) -> None:
    (folder / "bad.yaml").write_text("- " * 400_000)


def deep_json(folder: Path) -> None:
    (folder / "bad.json").write_text("[" * 500_000)


def deeper_json(folder: Path) -> None:
    (folder / "bad.json").write_text('{"columns": ' + "[" * 100 + "]" * 100 + "}")


def deep_toml(folder: Path) -> None:
    (folder / "bad.toml").write_text("columns = " + "[" * 500_000)


def link_back(folder: Path) -> None:
    (folder / "bad").symlink_to(folder)


def twice(folder: Path) -> None:
    (folder / "good.json").write_text('{"columns": {"id": {"type": "uuid"}}}')


GENERATED: list[tuple[Callable[[Path], None], str, int, int, str]] = [
    (oversized, "bad.yaml", 1, 1, "9.5 MiB; a schema file has at most 1 MiB"),
    (symlink_loop, "bad.yaml", 1, 1, "the file cannot be read: Too many levels of symbolic links"),
    (dangling, "bad.yaml", 1, 1, "there is no such file"),
    (in_capitals, "bad.YAML", 1, 1, "a schema file ends in .yaml, in small letters: rename it"),
    (latin1, "bad.yaml", 2, 5, "byte 0xf6 is not UTF-8"),
    (nul, "bad.yaml", 2, 4, "the file holds a NUL"),
    (control, "bad.yaml", 1, 12, "not valid YAML: control characters are not allowed"),
    (pipe, "bad.yaml", 1, 1, "not a regular file"),
    (deep_flow, "bad.yaml", 1, 67, "not valid YAML: nested deeper than 64 levels"),
    (deep_block, "bad.yaml", 65, 65, "not valid YAML: nested deeper than 64 levels"),
    (deep_dashes, "bad.yaml", 1, 129, "not valid YAML: nested deeper than 64 levels"),
    (deep_json, "bad.json", 1, 1, "nested deeper than 64 levels"),
    (deeper_json, "bad.json", 1, 77, "nested deeper than 64 levels"),
    (deep_toml, "bad.toml", 1, 1, "nested deeper than 64 levels"),
    (link_back, "bad", 1, 1, "this folder links back to the schema folder"),
    (twice, "good.yaml", 1, 1, "table 'good' is declared in"),
]


@pytest.mark.parametrize(
    ("make", "file", "line", "column", "start"),
    GENERATED,
    ids=lambda part: getattr(part, "__name__", str(part))[:40],
)
def test_what_git_cannot_hold_is_a_fault_too(
    tmp_path: Path, make: Callable[[Path], None], file: str, line: int, column: int, start: str
) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    make(tmp_path)
    problem = next(p for p in problems_of(tmp_path) if p.file == str(tmp_path / file))
    assert (problem.line, problem.column) == (line, column)
    assert problem.message.startswith(start)


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of our own, read by a user who is not root."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # noqa: S103  # others read it
        user = os.geteuid()
        if user == 0:
            os.chown(folder, 65534, 65534)
            os.seteuid(65534)
        try:
            yield Path(folder)
        finally:
            os.chmod(folder, 0o755)  # noqa: S103  # others read it
            os.seteuid(user)


def test_an_unreadable_file_is_a_fault(nobody: Path) -> None:
    (nobody / "good.yaml").write_text(GOOD)
    (nobody / "bad.yaml").write_text(GOOD)
    (nobody / "bad.yaml").chmod(0)
    (problem,) = problems_of(nobody)
    assert str(problem) == f"{nobody}/bad.yaml:1:1: the file cannot be read: Permission denied"


def test_an_unreadable_folder_is_a_fault(nobody: Path) -> None:
    nobody.chmod(stat.S_IWUSR)
    (problem,) = problems_of(nobody)
    assert str(problem) == f"{nobody}:1:1: the folder cannot be read: Permission denied"


def test_a_missing_folder_is_a_fault(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "schema")
    assert str(problem) == f"{tmp_path}/schema:1:1: there is no such folder"
    with pytest.raises(DeclarationError, match="there is no such folder"):
        folder_digest(tmp_path / "schema")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "posts.yaml").write_text(GOOD)
    (problem,) = problems_of(tmp_path / "posts.yaml")
    message = "a schema is a folder of files, and this is a file: name the folder it is in"
    assert problem.message == message


def test_a_broken_table_still_counts_as_declared(tmp_path: Path) -> None:
    (tmp_path / "users.yaml").write_text("columns: {id: {type: nanoid, nulable: true}}\n")
    (tmp_path / "posts.yaml").write_text(
        "columns: {user_id: {type: nanoid, references: users.id}}\n"
    )
    (problem,) = problems_of(tmp_path)
    assert problem.file == str(tmp_path / "users.yaml")


def messages_of(folder: Path, **files: str) -> list[str]:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return [problem.message for problem in problems_of(folder)]


def test_faults_of_every_sort_come_in_one_reading(tmp_path: Path) -> None:
    found = messages_of(
        tmp_path,
        users="columns: {id: {type: nanoid, primary: true}}",
        posts="""
columns:
  id: {type: nanoid, primary: true, lenght: 3}
  title: {type: string, nullable: maybe}
  body: {type: strng}
  author: {type: nanoid, references: user.id}
indexes:
  - {columns: [titel]}
  - {columns: []}
  - {columns: [body], uniqe: true}
""",
        comments="""
columns:
  post_id: {type: nanoid, references: posts.idd}
  other_id: {type: nanoid, references: posts.id}
  id: {type: nanoid}
  id: {type: string, primary: true}
""",
    )
    starts = [
        "table 'posts' has no column 'idd'; did you mean 'id'?",
        "duplicate key 'id'",
        "unknown key 'lenght'; did you mean 'length'?",
        "column 'title': nullable must be true or false, not 'maybe'",
        "unknown type 'strng'; did you mean 'string'?",
        "there is no table 'user'; did you mean 'users'?",
        "there is no column 'titel'; did you mean 'title'?",
        "an index needs columns",
        "unknown key 'uniqe'; did you mean 'unique'?",
    ]
    assert len(found) == len(starts)
    assert all(one.startswith(start) for one, start in zip(found, starts, strict=True))


@pytest.mark.parametrize(
    ("body", "start"),
    [
        ("columns: {a: {type: enum, valus: [x]}}", "unknown key 'valus'"),
        ("columns: {a: {type: enum, values: [1]}}", "column 'a': values[0] must be text"),
        ("columns: {a: {tpye: string, length: 5, default: [x]}}", "unknown key 'tpye'"),
        ("columns: {a: {type: 5, length: 5, primary: true}}", "column 'a': type must be"),
        ("columns: {a: text}\nindexes: [{columns: [a]}]", "column 'a' must be a mapping"),
        ("columns: {a: {type: text, refernces: b.id, on_delete: cascade}}", "unknown key"),
        ("columns: {a: {type: text, default: {expresion: now()}}}", "unknown key"),
        ("columns: {a: {type: text}}\nseed: [{a: 1}]\nseed_kee: a", "unknown key"),
        ("columns: {a: {type: text}}\nseed: [{a: 1}]\nseed_key: 5", "seed_key must be"),
        ("columns: {a: {type: text}}\nindexes: [{columns: [{colum: a}]}]", "unknown key"),
        ("columns: {a: {type: text}}\nindexes: [{columns: [5, missing]}]", "indexes[0].columns"),
        ("columns: {a: {type: text}}\nindexes: [{column: [missing]}]", "unknown key"),
        ("colums: {a: {type: text}}\nindexes: [{columns: [a]}]", "unknown key 'colums'"),
    ],
)
def test_a_fault_has_no_consequences(tmp_path: Path, body: str, start: str) -> None:
    found = messages_of(
        tmp_path, a=body, b="columns: {a: {type: text, references: a.a}, b: {type: text}}"
    )
    (message,) = found
    assert message.startswith(start)


def test_what_follows_a_faulty_item_keeps_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "columns: {a: {type: text}}\n"
        "indexes:\n"
        "  - {columns: [5]}\n"
        "  - {columns: [a]}\n"
        "  - {columns: [b]}\n"
    )
    found = [(p.line, p.column, p.message) for p in problems_of(tmp_path)]
    assert [place[:2] for place in found] == [(3, 16), (5, 16)]
    assert "b" in found[1][2]
