"""All that SQLite can hold is read, written as declarations, and made again the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odac_db.dialects.sqlite import SQLITE
from odac_db.schema.declaration import Declarations
from odac_db.schema.model import Generated
from tests.fixtures.databases import LiveDatabase
from tests.servers.sqlite_site import Site, declarations, opened

RICH = """
CREATE TABLE "o'brien" (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  "two words" varchar(20) COLLATE nocase CONSTRAINT uq UNIQUE ON CONFLICT REPLACE,
  naïve TEXT NOT NULL DEFAULT 'it''s',
  n INT CHECK (n > 0) CONSTRAINT small CHECK (n < 10),
  kept INT GENERATED ALWAYS AS (n * 2) STORED,
  seen TEXT AS ("two words" || ')'),
  at DATETIME DEFAULT (datetime('now')),
  made DEFAULT current_timestamp, -- a comment, with a comma
  flag BOOLEAN DEFAULT TRUE,
  nil VARCHAR(5) DEFAULT NULL,
  UNIQUE (naïve, n), UNIQUE ("two words" DESC, n)
);
CREATE TABLE pairs (a TEXT, b INT, c BLOB DEFAULT x'00', PRIMARY KEY (b, a)) WITHOUT ROWID;
CREATE TABLE exact (id INTEGER PRIMARY KEY, t ANY, u TEXT, CHECK (u IN ('a', 'b'))) STRICT;
CREATE TABLE child (
  id TEXT PRIMARY KEY, a TEXT, b INT,
  e INT REFERENCES exact ON DELETE CASCADE,
  status TEXT NOT NULL DEFAULT 'draft',
  above TEXT REFERENCES child,
  CONSTRAINT to_pairs FOREIGN KEY (a, b) REFERENCES Pairs (A, B)
    ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED,
  CHECK ("status" IN ('draft', 'live')),
  CHECK ((b > 0 /* not ) zero */)) CHECK (e <> 5)
);
CREATE INDEX part ON child (a DESC, b COLLATE nocase) WHERE a IS NOT NULL;
CREATE UNIQUE INDEX worked ON child (lower(a), b + 1 DESC);
CREATE INDEX "odd ""name" ON child (status);
CREATE TABLE types (
  a "my type", b DECIMAL(10,2) DEFAULT 0.50, c FLOAT DEFAULT 2, d TEXT DEFAULT 5,
  e BOOLEAN DEFAULT 1, f "JSON TEXT" DEFAULT '{}', g NVARCHAR(7) DEFAULT -1, h
);
CREATE TABLE named (
  [a] INT, `b` INT NOT NULL ON CONFLICT IGNORE,
  CONSTRAINT pk PRIMARY KEY (b, a) ON CONFLICT ROLLBACK,
  CONSTRAINT to_exact FOREIGN KEY (a) REFERENCES exact (id) MATCH FULL
);
"""


@pytest.fixture
def site(sqlite_database: LiveDatabase) -> Iterator[Site]:
    with opened(sqlite_database) as found:
        yield found


@pytest.fixture
def rich(sqlite_database: LiveDatabase) -> Iterator[Site]:
    sqlite_database.script(RICH)
    with opened(sqlite_database) as found:
        yield found


def test_declared_again_nothing_differs(rich: Site) -> None:
    assert rich.left_to_do(rich.pull()) == []


def test_an_empty_database_gets_the_same_tables(rich: Site) -> None:
    declared = rich.pull()
    before = rich.live().tables
    rich.run("PRAGMA foreign_keys = OFF")
    for name in before:
        rich.run(f"DROP TABLE {SQLITE.quote(name)}")
    rich.migrate(declared)
    after = {name: table for name, table in rich.live().tables.items() if "odac" not in name}
    assert after == before


def test_names_and_clauses_only_the_text_knows(rich: Site) -> None:
    table = rich.table("o'brien")
    assert [(check.name, check.expression) for check in table.checks] == [
        (None, "n > 0"),
        ("small", "n < 10"),
    ]
    assert [(index.name, index.columns) for index in table.indexes] == [
        ("uq", ("two words",)),
        (None, ("naïve", "n")),
        (None, ("two words", "n")),
    ]
    columns = {column.name: column for column in table.columns}
    assert columns["id"].identity is not None
    assert columns["kept"].generated == Generated("n * 2", stored=True)
    assert columns["seen"].generated == Generated("\"two words\" || ')'", stored=False)
    assert columns["two words"].collation == "nocase"
    assert columns["at"].default == "datetime('now')"


def test_foreign_keys_are_spelt_like_their_tables(rich: Site) -> None:
    keys = {key.columns: key for key in rich.table("child").foreign_keys}
    named = keys["a", "b"]
    assert (named.name, named.ref_table, named.ref_columns) == ("to_pairs", "pairs", ("a", "b"))
    assert (named.on_delete, named.on_update) == ("SET NULL", "CASCADE")
    assert named.deferrable == "deferred"
    assert keys[("e",)].ref_columns == ("id",)
    assert keys[("above",)].ref_columns == ("id",)


def test_expression_and_partial_indexes(rich: Site) -> None:
    indexes = {index.name: index for index in rich.table("child").indexes}
    assert indexes["part"].where == "a IS NOT NULL"
    assert [part.collation for part in indexes["part"].parts] == [None, "nocase"]
    assert [part.expression for part in indexes["worked"].parts] == ["lower(a)", "b + 1"]
    assert [part.descending for part in indexes["worked"].parts] == [False, True]


def test_what_no_file_can_hold_is_listed(rich: Site) -> None:
    rich.run(
        "CREATE VIEW seen AS SELECT * FROM child",
        "CREATE TRIGGER kept AFTER INSERT ON child BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE words USING fts5 (word)",
        "CREATE VIEW broken AS SELECT x FROM nowhere",
    )
    found = rich.live()
    assert {(item.kind, item.table, item.name) for item in found.unsupported} == {
        ("view", "", "seen"),
        ("view", "", "broken"),
        ("trigger", "child", "kept"),
        ("virtual table", "", "words"),
        ("on conflict", "o'brien", "unique two words"),
        ("on conflict", "named", "not null b"),
        ("on conflict", "named", "primary key"),
        ("match clause", "named", "to_exact"),
    }
    assert not any("words" in name for name in found.tables)


def test_temporary_tables_and_our_own_are_not_seen(site: Site) -> None:
    site.run(
        "CREATE TABLE seen (id INTEGER PRIMARY KEY)",
        "CREATE TEMP TABLE seen (other TEXT)",
        "CREATE TABLE _odac_own (id INTEGER PRIMARY KEY)",
    )
    assert [column.name for column in site.table("seen").columns] == ["id"]
    assert list(site.live().tables) == ["seen"]


def test_the_number_of_statements_is_constant(site: Site) -> None:
    counts = []
    for size in (3, 40):
        site.run(
            *(f"CREATE TABLE t{size}_{n} (id INTEGER, p REFERENCES t3_0)" for n in range(size))
        )
        seen: list[str] = []
        site.conn.connection.dbapi_connection.set_trace_callback(seen.append)  # type: ignore[union-attr]
        site.live()
        site.conn.connection.dbapi_connection.set_trace_callback(None)  # type: ignore[union-attr]
        counts.append(len([sql for sql in seen if not sql.startswith("--")]))
    assert counts == [5, 5]


def test_only_the_tables_asked_for(rich: Site) -> None:
    found = SQLITE.introspect(rich.conn, rich.features, ["CHILD"])
    assert list(found.tables) == ["child"]
    assert {item.table for item in found.unsupported} <= {"child"}


def plain(**more: Any) -> dict[str, Any]:
    return {"columns": {"a": {"type": "text"}}} | more


REFUSED = [
    ({"columns": {"a": {"type": "text[]"}}}, "arrays"),
    ({"columns": {"a": {"type": {"mysql": "int"}}}}, "no entry for sqlite"),
    ({"columns": {"a": {"type": "integer", "identity": True}}}, "primary key"),
    ({"columns": {"a": {"type": "date", "on_update_current_timestamp": True}}}, "ON UPDATE"),
    (plain(indexes=[{"columns": ["a"], "include": ["a"]}]), "include"),
    (plain(indexes=[{"columns": ["a"], "using": "gin"}]), "using"),
    (plain(indexes=[{"columns": ["a"], "unique": True, "nulls_not_distinct": True}]), "distinct"),
    (plain(indexes=[{"columns": [{"column": "a", "nulls": "last"}]}]), "NULL"),
    (plain(exclusions=[{"elements": [{"column": "a", "with": "="}]}]), "exclusion"),
    (plain(checks=[{"expression": "a > 0", "enforced": False}]), "enforced"),
    ({"columns": {"a": {"type": "nvarchar(3)"}}, "options": {"strict": True}}, "STRICT"),
    (plain(options={"without_rowid": True}), "primary key"),
]


@pytest.mark.parametrize(("table", "word"), REFUSED, ids=[word for _, word in REFUSED])
def test_what_sqlite_cannot_do_is_a_problem(site: Site, table: object, word: str) -> None:
    resolved = SQLITE.resolve(declarations({"t": table}), site.features)
    assert [word in str(problem) for problem in resolved.problems] == [True]


def test_other_spellings_of_the_same_need_no_change(site: Site) -> None:
    site.run(
        "CREATE TABLE [Posts] (id integer primary key, Title varchar ( 255 ) default null, "
        "made datetime not null default current_timestamp)"
    )
    declared: Declarations = declarations(
        {
            "Posts": {
                "columns": {
                    "id": {"type": "integer", "primary": True},
                    "title": {"type": "string"},
                    "made": {"type": "datetime", "nullable": False, "default": "now()"},
                }
            }
        }
    )
    assert site.left_to_do(declared) == []


def test_tables_whose_generated_index_names_are_one_are_both_read_back(site: Site) -> None:
    index = [{"columns": ["b_c"], "where": "b_c > 1"}]
    other = [{"columns": ["c"], "where": "c > 1"}]
    declared = declarations(
        {
            "a": {"columns": {"b_c": {"type": "integer"}}, "indexes": index},
            "a_b": {"columns": {"c": {"type": "integer"}}, "indexes": other},
        }
    )
    desired = SQLITE.resolve(declared, site.features).schema
    tables = list(desired.tables.values())
    assert [table.indexes[0].name for table in tables] == ["a_b_c_idx"] * 2
    made = SQLITE.canonicalize(site.conn, tables, desired, site.features).tables
    assert sorted(made) == ["a", "a_b"]
