"""Changing columns of tables that hold rows: values stay, and a second plan is empty."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from odac_db.schema.changes import RenameColumn, RenameTable
from tests.fixtures.databases import LiveDatabase
from tests.servers.postgresql_site import opened

ID = {"type": "increments"}


def table(**columns: Any) -> dict[str, Any]:
    return {"t": {"columns": {"id": ID, **columns}}}


UTC = datetime.UTC
BYTES = {"type": "binary"}
AB = {"type": "enum", "values": ["a", "b"]}

ALTERED: dict[str, tuple[dict[str, Any], dict[str, Any], str, Any]] = {
    "longer": ({"type": "string", "length": 3}, {"type": "string", "length": 40}, "'abc'", "abc"),
    "to text": ({"type": "string"}, {"type": "text"}, "'abc'", "abc"),
    "shorter": ({"type": "string"}, {"type": "string", "length": 3}, "'abc'", "abc"),
    "char": ({"type": "text"}, {"type": "char", "length": 3}, "'abc'", "abc"),
    "wider number": ({"type": "integer"}, {"type": "big_integer"}, "7", 7),
    "narrower number": ({"type": "big_integer"}, {"type": "small_integer"}, "7", 7),
    "number to text": ({"type": "integer"}, {"type": "text"}, "7", "7"),
    "text to number": ({"type": "text"}, {"type": "integer"}, "'7'", 7),
    "number to truth": ({"type": "integer"}, {"type": "boolean"}, "2", True),
    "decimal to truth": ({"type": "decimal"}, {"type": "boolean"}, "0.5", True),
    "truth to number": ({"type": "boolean"}, {"type": "integer"}, "true", 1),
    "truth to bigint": ({"type": "boolean"}, {"type": "big_integer"}, "true", 1),
    "text to truth": ({"type": "text"}, {"type": "boolean"}, "'yes'", True),
    "truth to text": ({"type": "boolean"}, {"type": "text"}, "true", "true"),
    "scale": (
        {"type": "decimal", "precision": 10, "scale": 2},
        {"type": "decimal", "precision": 12, "scale": 4},
        "1.25",
        Decimal("1.2500"),
    ),
    "float to decimal": ({"type": "float"}, {"type": "decimal"}, "1.5", Decimal("1.50")),
    "text to uuid": (
        {"type": "text"},
        {"type": "uuid"},
        "'00000000-0000-0000-0000-000000000001'",
        "00000000-0000-0000-0000-000000000001",
    ),
    "text to jsonb": ({"type": "text"}, {"type": "jsonb"}, "'[1]'", [1]),
    "json to jsonb": ({"type": "json"}, {"type": "jsonb"}, "'[1]'", [1]),
    "jsonb to text": ({"type": "jsonb"}, {"type": "text"}, "'[1]'", "[1]"),
    "json to number": ({"type": "json"}, {"type": "integer"}, "'5'", 5),
    "text to date": ({"type": "text"}, {"type": "date"}, "'2020-01-02'", datetime.date(2020, 1, 2)),
    "moment to date": (
        {"type": "timestamp without time zone"},
        {"type": "date"},
        "'2020-01-02 03:04:05'",
        datetime.date(2020, 1, 2),
    ),
    "text to bytes": ({"type": "text"}, BYTES, "'ab'", b"ab"),
    "text to interval": ({"type": "text"}, {"type": "interval"}, "'1 day'", datetime.timedelta(1)),
    "text to enum": ({"type": "text"}, AB, "'b'", "b"),
    "enum to text": (AB, {"type": "text"}, "'b'", "b"),
    "enum to string": (AB, {"type": "string", "length": 5}, "'b'", "b"),
    "enum to enum": (AB, {"type": "enum", "values": ["b", "c"], "enum_name": "bc"}, "'b'", "b"),
    "enum with default": (
        {"type": "text", "default": "a"},
        {**AB, "default": "b"},
        "'a'",
        "a",
    ),
    "enum default to text": ({**AB, "default": "b"}, {"type": "text", "default": "b"}, "'a'", "a"),
    "text to array": ({"type": "text"}, {"type": "text[]"}, "'a'", ["a"]),
    "array": ({"type": "integer[]"}, {"type": "big_integer[]"}, "'{1,2}'", [1, 2]),
    "array of text": ({"type": "text[]"}, {"type": "integer[]"}, "'{1,2}'", [1, 2]),
    "number array to text array": ({"type": "integer[]"}, {"type": "text[]"}, "'{1}'", ["1"]),
    "not null": ({"type": "integer"}, {"type": "integer", "nullable": False}, "7", 7),
    "null": ({"type": "integer", "nullable": False}, {"type": "integer"}, "7", 7),
    "default": ({"type": "string"}, {"type": "string", "default": "it's \\ 5%"}, "'x'", "x"),
    "default kept over a type": (
        {"type": "integer", "default": 5},
        {"type": "big_integer", "default": 5},
        "7",
        7,
    ),
    "default cannot be cast": (
        {"type": "text", "default": "no number"},
        {"type": "integer", "default": -3},
        "'7'",
        7,
    ),
    "no default": ({"type": "string", "default": "a"}, {"type": "string"}, "'x'", "x"),
    "comment": ({"type": "string"}, {"type": "string", "comment": "it's \\ 5%"}, "'x'", "x"),
    "no comment": ({"type": "string", "comment": "a"}, {"type": "string"}, "'x'", "x"),
    "collation": ({"type": "text"}, {"type": "text", "collation": "C"}, "'ü'", "ü"),
    "no collation": ({"type": "text", "collation": "C"}, {"type": "text"}, "'ü'", "ü"),
    "everything": (
        {"type": "string", "length": 10, "default": "1"},
        {"type": "integer", "default": 2, "nullable": False, "comment": "all at once"},
        "'7'",
        7,
    ),
}


def test_columns_change_and_keep_their_values(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.bring(table(**{name: before for name, (before, *_) in ALTERED.items()}))
        columns = ", ".join(f'"{name}"' for name in ALTERED)
        site.run(f"INSERT INTO t ({columns}) VALUES ({', '.join(c[2] for c in ALTERED.values())})")
        site.bring(table(**{name: after for name, (_, after, *_) in ALTERED.items()}))
        (row,) = site.run(f"SELECT {columns} FROM t")
        found = dict(zip(ALTERED, row, strict=True))
        found["text to uuid"] = str(found["text to uuid"])
        assert found == {name: expected for name, (*_, expected) in ALTERED.items()}


def test_a_number_that_does_not_fit_is_refused_and_a_string_is_cut(
    postgresql_database: LiveDatabase,
) -> None:
    """Shorter strings need leave, and leave means it: the rows were counted before."""
    before = {"c": {"type": "string", "length": 10}, "n": {"type": "integer"}}
    with opened(postgresql_database) as site:
        site.bring(table(**before))
        site.run("INSERT INTO t (c, n) VALUES ('abcdef', 1234567)")
        live = site.live()
        declared = table(**(before | {"n": {"type": "string", "length": 3}}))
        with pytest.raises(DBAPIError, match="too long"):
            site.apply(site.changes(site.desired(declared)))
        assert site.live() == live
        declared = table(**(before | {"c": {"type": "string", "length": 3}}))
        site.apply(site.changes(site.desired(declared)))
        assert site.run("SELECT c, n FROM t") == [("abc", 1234567)]


IDENTITIES: dict[str, Any] = {
    "plain": False,
    "by default": True,
    "always": {"kind": "always"},
    "options": {"kind": "by_default", "start": 100, "increment": 5, "maximum": 9000, "cache": 3},
    "serial": {"kind": "serial"},
    "named serial": {"kind": "serial", "sequence": "counter of its own", "cycle": True},
    "named identity": {"kind": "always", "sequence": "another counter", "minimum": -5},
}


@pytest.mark.parametrize("before", IDENTITIES.values(), ids=IDENTITIES)
def test_numbering_changes_and_goes_on_where_it_was(
    postgresql_database: LiveDatabase, before: Any
) -> None:
    def declared(identity: Any) -> dict[str, Any]:
        column = {"type": "integer", "nullable": False, "identity": identity}
        return {"t": {"columns": {"n": column, "v": {"type": "text"}}}}

    with opened(postgresql_database) as site:
        for after in IDENTITIES.values():
            site.bring(declared(before))
            if before:
                site.run(*["INSERT INTO t (v) VALUES ('x')"] * 3, "DELETE FROM t")
                site.run("INSERT INTO t (v) VALUES ('x')")
            else:
                site.run("INSERT INTO t VALUES (4, 'x')")
            last = site.value("SELECT n FROM t")
            site.bring(declared(after))
            if after:
                assert site.value("INSERT INTO t (v) VALUES ('y') RETURNING n") > last
            site.bring({})


def test_numbering_outlives_a_wider_type(postgresql_database: LiveDatabase) -> None:
    for kind in ("serial", "by_default"):
        with opened(postgresql_database) as site:

            def declared(type_: str, kind: str = kind) -> dict[str, Any]:
                column = {"type": type_, "primary": True, "identity": {"kind": kind}}
                return {kind: {"columns": {"id": column, "v": {"type": "text"}}}}

            site.bring(declared("integer"))
            site.bring(declared("big_integer"))
            site.run(f"ALTER SEQUENCE {kind}_id_seq RESTART WITH 3000000000")
            found = site.value(f"INSERT INTO {kind} (v) VALUES ('x') RETURNING id")
            assert found == 3_000_000_000
            site.bring({})


def test_a_free_sequence_is_taken_over_with_its_place(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        site.run(
            "CREATE SEQUENCE t_id_seq",
            "CREATE TABLE t (id integer PRIMARY KEY DEFAULT nextval('t_id_seq'), v text)",
            "SELECT setval('t_id_seq', 41)",
        )
        site.bring(table(v={"type": "text"}))
        assert site.value("INSERT INTO t (v) VALUES ('x') RETURNING id") == 42
        assert site.live().unsupported == ()


COMPUTED = {"type": "integer", "generated": "n * 2"}


def test_computed_columns(postgresql_database: LiveDatabase) -> None:
    with opened(postgresql_database) as site:
        number = {"type": "integer"}
        site.bring(table(n=number, c=COMPUTED))
        site.run("INSERT INTO t (n) VALUES (21)")
        site.bring(table(n=number, c={**COMPUTED, "generated": "n * 3"}))
        assert site.value("SELECT c FROM t") == 63
        site.bring(table(n={"type": "big_integer"}, c={**COMPUTED, "generated": "(n * 4)::int"}))
        assert site.value("SELECT c FROM t") == 84
        site.bring(table(n={"type": "big_integer"}, c={"type": "integer", "comment": "plain"}))
        assert site.value("SELECT c FROM t") == 84
        site.bring(table(n={"type": "big_integer"}, c={"type": "integer", "generated": "n::int"}))
        assert site.value("SELECT c FROM t") == 21


def test_virtual_columns(postgresql_database: LiveDatabase) -> None:
    virtual = {"type": "integer", "nullable": False}
    virtual["generated"] = {"expression": "n * 2", "stored": False}
    with opened(postgresql_database) as site:
        if site.features.major < 18:
            assert "stored: false needs PostgreSQL 18" in site.problems(**table(c=virtual))[0]
            return
        site.bring(table(n={"type": "integer"}, c=virtual))
        site.run("INSERT INTO t (n) VALUES (21)")
        site.bring(table(n={"type": "integer"}, c={"type": "integer", "nullable": False}))
        assert site.value("SELECT c FROM t") == 42


def test_renames_take_their_sequences_along(postgresql_database: LiveDatabase) -> None:
    serial = {"type": "integer", "primary": True, "identity": {"kind": "serial"}}
    with opened(postgresql_database) as site:
        site.bring({"a": {"columns": {"id": serial, "n": {"type": "integer", "identity": True}}}})
        site.apply(
            [
                RenameTable(before="a", after="b"),
                RenameColumn(table="b", before="id", after="key"),
                RenameColumn(table="b", before="n", after="number"),
            ]
        )
        number = {"type": "integer", "identity": True}
        desired = site.desired({"b": {"columns": {"key": serial, "number": number}}})
        assert site.changes(desired) == []
        names = site.run("SELECT relname FROM pg_class WHERE relkind = 'S' ORDER BY 1")
        assert names == [("b_key_seq",), ("b_number_seq",)]


def test_added_columns_are_numbered_for_the_rows_there_are(
    postgresql_database: LiveDatabase,
) -> None:
    with opened(postgresql_database) as site:
        site.bring({"t": {"columns": {"v": {"type": "text"}}}})
        site.run("INSERT INTO t VALUES ('x'), ('y')")
        for name, kind in (("i", "by_default"), ("s", "serial")):
            site.bring(
                {
                    "t": {
                        "columns": {
                            "v": {"type": "text"},
                            name: {"type": "integer", "identity": {"kind": kind}},
                        }
                    }
                }
            )
            assert site.run(f"SELECT {name} FROM t ORDER BY 1") == [(1,), (2,)]


def test_a_site_reads_what_it_wrote(postgresql_database: LiveDatabase) -> None:
    """Literal defaults of every portable type come back as declared: no second look needed."""
    values: dict[str, tuple[dict[str, Any], Any]] = {
        "s": ({"type": "string"}, "it's"),
        "c": ({"type": "char", "length": 4}, "ab"),
        "i": ({"type": "integer"}, -5),
        "b": ({"type": "big_integer"}, 5_000_000_000),
        "m": ({"type": "small_integer"}, 3),
        "d": ({"type": "decimal"}, "0.50"),
        "e": ({"type": "decimal"}, -1.5),
        "f": ({"type": "float"}, 0.1),
        "g": ({"type": "double"}, 1e20),
        "h": ({"type": "boolean"}, False),
        "j": ({"type": "json"}, '{"b": 1, "a":  2}'),
        "k": ({"type": "jsonb"}, '{"bb": 1, "a": [true, null, "x"]}'),
        "l": ({"type": "uuid"}, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        "n": ({"type": "date"}, "2020-01-02"),
        "o": ({"type": "datetime"}, "now()"),
        "p": ({"type": "timestamp", "precision": 3}, "current_timestamp"),
        "q": ({"type": "string[]"}, ["a b", "c", None, 'q"']),
        "r": ({"type": "integer[]"}, []),
        "u": ({"type": "enum", "values": ["it's", "b"]}, "it's"),
        "v": ({"type": "binary"}, "ab"),
        "w": ({"type": "interval"}, "1 day"),
        "x": ({"type": "text"}, {"literal": "now()"}),
        "y": ({"type": "decimal", "precision": 40}, 123456789012345678901234567890),
        "z": ({"type": "bit(3)"}, "101"),
    }
    declared = {name: {**column, "default": value} for name, (column, value) in values.items()}
    with opened(postgresql_database) as site:
        desired = site.desired(table(**declared))
        site.bring(table(**declared))
        assert site.live().tables["t"].columns == desired.tables["t"].columns
