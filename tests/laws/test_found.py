"""Transitions that the generator once found to fail, one each, on every server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.servers import Server
from tests.laws import rows
from tests.laws.folder import shapes
from tests.laws.kinds import Body, Kit, drawable, kit_of
from tests.laws.repair import Folder
from tests.laws.test_fixpoint import fresh_shapes, transition

LONG_NAME = "long_" + "t" * 55


def column(type_: str, **rest: object) -> Body:
    return {"type": type_, **rest}


def doubled(base: str) -> Body:
    return {"expression": f"{base} * 2", "stored": True}


def table(columns: dict[str, Body], **rest: object) -> Body:
    return {"columns": columns, **rest}


NUMBERS = {name: column("integer") for name in ("a", "b", "c")}
COMPUTED = column("big_integer", generated=doubled("a"))
INDEXED = [{"columns": ["b", "c"]}, {"columns": ["b"], "unique": True, "name": "by b"}]

LOWER = column("string", generated={"expression": "lower(name)", "stored": True})
NOT_IN = [{"expression": "name NOT IN ('50%', 'it''s not')"}]

FOUND: dict[str, tuple[Folder, Folder]] = {
    "an index goes with a column that becomes computed": (
        {"t": table(NUMBERS, indexes=INDEXED)},
        {"t": table({"a": column("integer"), "b": COMPUTED, "c": column("integer")})},
    ),
    "a primary key goes with a column that becomes computed": (
        {"t": table(NUMBERS, primary_key=["b"])},
        {"t": table({"a": column("integer"), "b": COMPUTED})},
    ),
    "a computed column goes before its base": (
        {"t": table({"id": column("integer"), "a": column("integer"), "z": COMPUTED})},
        {"t": table({"id": column("integer")})},
    ),
    "a table takes the name, and the key's name, of one that is renamed": (
        {LONG_NAME: table({"id": column("increments")})},
        {"other": table({"id": column("increments")}, renamed_from=LONG_NAME)},
    ),
    "two unnamed checks beside a computed column": (
        {"t": table(NUMBERS)},
        {
            "t": table(
                {"a": column("integer"), "z": COMPUTED, "b": column("integer")},
                checks=[{"expression": "a >= -1"}, {"expression": "NOT (a = 5 OR a = 6)"}],
            )
        },
    ),
    "a negative number in a check of a table that is altered again": (
        {"other": table(NUMBERS)},
        {
            "t": table(
                {"id": column("increments"), "a": column("integer"), "p": column("integer")},
                checks=[{"expression": "a >= -1"}, {"expression": "a <> 7"}],
                foreign_keys=[{"columns": ["p"], "references": "t.id"}],
            )
        },
    ),
    "an index of a table that goes has the name of a new one": (
        {"t": table(NUMBERS, indexes=[{"columns": ["a"], "name": "by a"}])},
        {"u": table(NUMBERS, indexes=[{"columns": ["b"], "name": "by a"}])},
    ),
    "two indexes change names across tables": (
        {
            "t": table(NUMBERS, indexes=[{"columns": ["a"], "name": "one"}]),
            "u": table(NUMBERS, indexes=[{"columns": ["b"], "name": "two"}]),
        },
        {
            "t": table(NUMBERS, indexes=[{"columns": ["b"], "name": "two"}]),
            "u": table(NUMBERS, indexes=[{"columns": ["c"], "name": "one"}]),
        },
    ),
    "what is computed from a column goes as the column gets another type": (
        {"t": table({"id": column("integer"), "name": column("string"), "z": LOWER})},
        {"t": table({"id": column("integer"), "name": column("text")})},
    ),
    "what is computed becomes plain as its base gets another type": (
        {"t": table({"name": column("string"), "z": LOWER})},
        {"t": table({"name": column("text"), "z": column("string")})},
    ),
    "an index goes as its column gets a type that has none": (
        {
            "t": table(
                {"id": column("integer"), "a": column("string")}, indexes=[{"columns": ["a"]}]
            )
        },
        {"t": table({"id": column("integer"), "a": column("json")})},
    ),
    "a numbered column goes with its keys, and another key's column gets another type": (
        {
            "t": table(
                {"id": column("increments"), "a": column("string", length=20), "b": NUMBERS["b"]},
                indexes=[{"columns": ["a"]}, {"columns": ["id", "b"]}],
            )
        },
        {"t": table({"a": column("string")}, primary_key=["a"])},
    ),
    "a list in a check of a column that gets another type": (
        {"t": table({"name": column("string", length=40)}, checks=NOT_IN)},
        {"t": table({"name": column("string", length=90)}, checks=NOT_IN)},
    ),
    "a list in a check that comes later": (
        {"t": table({"name": column("integer")})},
        {"t": table({"name": column("string")}, checks=NOT_IN)},
    ),
    "a numbered column gives way to another": (
        {"t": table({"id": column("big_increments"), "a": column("integer")})},
        {"t": table({"number": column("big_increments")})},
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_found_once(name: str, server: Server, tmp_path: Path) -> None:
    before, after = FOUND[name]
    with transition(server, tmp_path) as way:
        for folder in (before, after, before):
            way.bring(folder)
            assert shapes(way.database, folder) == fresh_shapes(server, tmp_path, folder)


def test_orphans_of_a_key_that_waits_are_left_alone(server: Server, tmp_path: Path) -> None:
    plain = {"a": column("integer"), "b": column("integer")}
    key: Body = {"columns": ["b"], "references": {"table": "t", "columns": ["code"]}}
    before: Folder = {"t": table(plain, primary_key=["a"])}
    coded = plain | {"code": column("integer", nullable=False)}
    after: Folder = {"t": table(coded, primary_key=["code"], foreign_keys=[key])}
    with transition(server, tmp_path) as way:
        way.bring(before)
        rows.insert(way.database, before, way.kit)
        assert way.attempt(after) == "blocked"
        assert rows.read(way.database, "t", ["a", "b"], way.kit) == [(1, 1), (2, 2)]


def test_a_unique_constraint_beside_the_same_primary_key(server: Server, tmp_path: Path) -> None:
    key: Body = {"columns": ["a"], "unique": True}
    if server.family != "mysql":
        key["constraint"] = True
    with transition(server, tmp_path) as way:
        way.bring({"t": table(NUMBERS, primary_key=["a"], indexes=[key])})


def test_every_kind_of_column_becomes_every_other(server: Server, tmp_path: Path) -> None:
    """Of a table without rows: what its values would become is another matter."""
    kit = kit_of(server)
    kinds = drawable(kit)
    with transition(server, tmp_path) as way:
        offset = 0
        for shift in range(1, len(kinds), 1 if server.family == "sqlite" else 5):
            offset += shift
            way.bring(_shifted(kit, offset))


def _shifted(kit: Kit, offset: int) -> Folder:
    kinds = drawable(kit)
    columns = {}
    for number in range(len(kinds)):
        kind = kinds[(number + offset) % len(kinds)]
        values = {"values": list(kind.values[0])} if kind.values else {}
        columns[f"c{number}"] = dict(kind.spec) | values
    return {"every": table(columns)}
