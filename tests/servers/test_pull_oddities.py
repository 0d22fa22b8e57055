"""Whatever a server holds, a pull writes files that are read again and mean the same.

Each case is SQL that makes an odd schema: it is pulled, planned against itself, made from
the files in an empty database, and both databases are the same by the server's own dump.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from odac_db import Database
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server

MODE = "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES'"
"""MySQL and MariaDB read the SQL of the other servers."""


class Odd(NamedTuple):
    """A schema in standard SQL, and on which families of servers it can be made.

    ``since`` is the oldest version of PostgreSQL that takes it.
    """

    label: str
    sql: list[str]
    on: str = "postgresql mysql mariadb sqlite"
    since: int = 0


def name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


YAML_WORDS = """timestamps type columns null true yes on y n = << ~ - ? : # | > * & ! @ % ` ' "
    1 1.5 0x1f 0o17 1e3 .5 .inf .nan 2020-01-01 12:30:45 +1 1_000 --- ... {} [] {a [a a] a, ,
    a: :a a:b a#b *a &a !a !!a |a >a @a %a `a 'a' "a" a"b a'b a\\b \\ \\n \\ua a\\ a/b /""".split()
SPACED = [
    "a b",
    " a",
    "a: b",
    "a #b",
    "- a",
    "? a",
    "a\tb",
    "a\nb",
    "\ta",
    "a\r\nb",
    "a  b",
    "\x7f",
    "a\x01b",
    "\u2028",
    "\xa0",
    "\x85",
]
SQL_WORDS = """select order group table primary key references index check default unique user
    desc asc where limit values from constraint foreign key_ name rowid_ oid2 precision
    length""".split()
KEYS = [
    "x desc",
    "x asc",
    "x nulls first",
    "lower(x)",
    "x(3)",
    "a.b",
    "x",
    "(x)",
    "x desc desc",
    "desc",
    "x nulls last",
    "a.b.c",
    ".",
    "..",
    "a.",
    ".a",
]
FOREIGN = [
    "größe",
    "日本語",
    "имя",
    "e\u0301",
    "\u00e9",
    "ß",
    "İ",
    "\u0131",
    "\u200b",
    "\ufeff",
    "%s",
    "%(a)s",
    "%%",
    ":a",
    "::a",
    "a:b:c",
    "$1",
    "${a}",
    "{{a}}",
    "?1",
]
DEVICES = ["con", "aux", "prn", "com1", "nul"]
FILES = [
    "_types",
    "a/b",
    "..",
    ".",
    ".hidden",
    "readme",
    "a.b",
    "a.yaml",
    "nul.x",
    "-rf",
    "~",
    "*",
    "a b",
    "a\nb",
    "größe",
    "default",
    "a\\b",
    "a:b",
    "posts.id",
    "posts",
    "_odac",
    "timestamps",
    "null",
    "1",
    "'",
    '"',
    "`",
    "=",
    "<<",
    "#",
    "select",
    "%s",
    "a" * 60,
]


def columns(names: list[str], kind: str = "integer") -> list[str]:
    """A table with columns of these names, keys over some and an index over each."""
    listed = ", ".join(f"{name(each)} {kind}" for each in names)
    made = [f"CREATE TABLE t (id integer PRIMARY KEY, {listed})"]
    made += [f"CREATE INDEX i{n} ON t ({name(each)})" for n, each in enumerate(names)]
    return [*made, f"CREATE INDEX two ON t (id, {name(names[-1])} DESC)"]


def keyed(names: list[str]) -> list[str]:
    """Constraints and computed values over columns of these names, split over tables."""
    made = ["CREATE TABLE r (id integer PRIMARY KEY)"]
    for n, each in enumerate(names):
        made.append(
            f"CREATE TABLE k{n} (id integer PRIMARY KEY, {name(each)} integer NOT NULL, b integer "
            f"GENERATED ALWAYS AS ({name(each)} + 1) STORED, CONSTRAINT u{n} UNIQUE ({name(each)}),"
            f" CONSTRAINT f{n} FOREIGN KEY ({name(each)}) REFERENCES r (id),"
            f" CONSTRAINT c{n} CHECK ({name(each)} > 0))"
        )
    return made


def tables(names: list[str]) -> list[str]:
    """Tables of these names, each referring to the one before."""
    made = []
    for n, (before, each) in enumerate(zip([names[0], *names], names, strict=False)):
        made.append(
            f"CREATE TABLE {name(each)} (id integer PRIMARY KEY, v integer, CONSTRAINT "
            f"{name(f'{n}f' + each[:50])} FOREIGN KEY (v) REFERENCES {name(before)} (id))"
        )
        made.append(f"CREATE INDEX {name(f'{n}i' + each[:50])} ON {name(each)} (v)")
    return made


TEXTS = [
    "",
    " ",
    "a",
    "it's",
    '"',
    "''",
    "\n",
    "a\nb\n",
    "\t",
    "\r\n",
    "\\",
    "\\n",
    "a\\'b",
    "%",
    "%s",
    "%%(a)s",
    "é",
    "日本",
    "😀",
    "#",
    "# a",
    "--",
    "-- a",
    "/* a */",
    ":a",
    "null",
    "NULL",
    "true",
    "now()",
    "current_timestamp",
    "1",
    "01",
    "1.0",
    "{}",
    "[]",
    "{a: b}",
    "$a",
    "`a`",
    "a;b",
    "CURRENT_DATE",
    "(1)",
    "a'' b",
    "~",
    "=",
    "<<",
    "\x7f",
    "\u2028",
    " a ",
    "x" * 150,
]
VALUES = ", ".join(map(string, TEXTS))
DEFAULTS = ", ".join(
    f"d{n} varchar(150) DEFAULT {string(text)}, e{n} varchar(150) NOT NULL DEFAULT {string(text)}"
    for n, text in enumerate(TEXTS)
)
CHECKS = ", ".join(f"CONSTRAINT c{n} CHECK (v <> {string(text)})" for n, text in enumerate(TEXTS))
COMMENTS = [text for text in TEXTS if text]
ENUM = list(dict.fromkeys(text.rstrip() for text in TEXTS if len(text) < 64))

ODDITIES = [
    Odd("columns called as YAML's words", columns(YAML_WORDS[:60])),
    Odd("columns called as YAML's marks", columns(YAML_WORDS[60:])),
    Odd("columns with spaces", columns(SPACED)),
    Odd("columns called as SQL's words", columns(SQL_WORDS)),
    Odd("columns called as keys of an index", columns(KEYS)),
    Odd("columns in other scripts", columns(FOREIGN)),
    Odd("odd columns in keys", keyed([*YAML_WORDS[:12], *SPACED[:8], *KEYS[:8], *FOREIGN[:4]])),
    Odd("a column with an emoji", columns(["😀", "a😀"]), on="postgresql sqlite"),
    Odd("columns with a blank at the end", columns(["a ", "x desc "]), on="postgresql sqlite"),
    Odd("tables called as files", tables(FILES)),
    Odd(
        "tables called as devices",
        [f"CREATE TABLE {each} (id integer PRIMARY KEY)" for each in DEVICES],
    ),
    Odd("tables that differ in case", tables(["posts", "Posts", "POSTS"]), on="postgresql mysql"),
    Odd("long names", [*columns(["x" * 63, "y" * 62]), *tables(["t" * 63])]),
    Odd("long names of other letters", [*columns(["é" * 31]), *tables(["ü" * 31])]),
    Odd(
        "columns that differ in case",
        [
            'CREATE TABLE t (id integer PRIMARY KEY, "Id" integer, "ID" text, "a" integer,'
            ' "A" integer UNIQUE)',
            'CREATE INDEX i ON t ("A", a)',
        ],
        on="postgresql",
    ),
    Odd(
        "actions that can never be done",
        [
            "CREATE TABLE p (id integer PRIMARY KEY)",
            "CREATE TABLE t (id integer PRIMARY KEY, a integer NOT NULL, b integer NOT NULL,"
            " c integer NOT NULL DEFAULT 1, CONSTRAINT fa FOREIGN KEY (a) REFERENCES p (id)"
            " ON DELETE SET NULL, CONSTRAINT fb FOREIGN KEY (b) REFERENCES p (id)"
            " ON UPDATE SET NULL, CONSTRAINT fc FOREIGN KEY (c) REFERENCES p (id)"
            " ON DELETE SET DEFAULT ON UPDATE SET DEFAULT,"
            " CONSTRAINT fd FOREIGN KEY (id) REFERENCES p (id) ON DELETE SET NULL)",
        ],
        on="postgresql sqlite",
    ),
    Odd(
        "numbers with more decimals than digits",
        [
            "CREATE TABLE t (a numeric(3, 5), b numeric(3, -2), c numeric(2, 2), d numeric(5, 0),"
            " e numeric(3, 5)[], f numeric DEFAULT 1.5)"
        ],
        on="postgresql",
        since=15,
    ),
    Odd(
        "numbers as SQLite takes them",
        [
            "CREATE TABLE t (a numeric(3, 5), b decimal(3, -2), c DECIMAL(2,2), d DECIMAL(3,5),"
            " e DECIMAL(5), f DECIMAL(+3,5), g DECIMAL(03,05), h DECIMAL(3, 5))"
        ],
        on="sqlite",
    ),
    Odd(
        "a table without columns",
        ["CREATE TABLE nothing ()", "CREATE TABLE other (a text)"],
        on="postgresql",
    ),
    Odd(
        "types one letter from a portable name",
        [
            "CREATE TYPE strng AS ENUM ('a', 'b')",
            "CREATE TYPE texts AS ENUM ('a')",
            "CREATE TYPE times AS ENUM ('a')",
            "CREATE TYPE \"string\" AS ENUM ('x')",
            "CREATE TYPE nanoid AS ENUM ('x')",
            "CREATE TYPE timestamps AS ENUM ('x')",
            "CREATE TYPE increments AS ENUM ('x')",
            "CREATE TYPE \"Strng\" AS ENUM ('x')",
            "CREATE TABLE t (id integer PRIMARY KEY, a strng, b texts[], c times, d strng[],"
            " f string, g string[], h nanoid, i timestamps, j increments, k "
            '"Strng", l timestamps[])',
            "CREATE TABLE u (id integer PRIMARY KEY, a strng, c times, f string, i timestamps)",
        ],
        on="postgresql",
    ),
    Odd(
        "SQLite types one letter from a portable name",
        [
            "CREATE TABLE t (a strng, b string, c nanoid, d timestamps, e "
            "increments, f enum, g json,"
            " h jsonb, i interval, j strings(20), k times, l uuid, m Integer, n char, o decimal,"
            " p datetimes, q String, r bigincrements, s BigIncrements, u text(20), v binary,"
            " w float, y specificType, z serial, aa bigInteger, ab string(20))"
        ],
        on="sqlite",
    ),
    Odd("texts as defaults", [f"CREATE TABLE t (id integer PRIMARY KEY, {DEFAULTS})"]),
    Odd("texts in checks", [f"CREATE TABLE t (id integer PRIMARY KEY, v varchar(200), {CHECKS})"]),
    Odd("texts in a list", [f"CREATE TABLE t (v text, CONSTRAINT c CHECK (v IN ({VALUES})))"]),
    Odd(
        "texts as predicates",
        [
            "CREATE TABLE t (v varchar(200))",
            *(
                f"CREATE INDEX i{n} ON t (v) WHERE v <> {string(text)}"
                for n, text in enumerate(TEXTS)
            ),
        ],
        on="postgresql sqlite",
    ),
    Odd(
        "texts as values of enum types",
        [
            f"CREATE TYPE own AS ENUM ({', '.join(map(string, TEXTS[:-1]))})",
            f"CREATE TYPE shared AS ENUM ({', '.join(map(string, TEXTS[:-1]))})",
            "CREATE TABLE t (id integer PRIMARY KEY, a own DEFAULT '', b shared, c shared[],"
            " d shared NOT NULL DEFAULT 'it''s', e shared DEFAULT E'\\n', f shared DEFAULT 'null',"
            " g shared DEFAULT 'now()', h shared DEFAULT '1')",
        ],
        on="postgresql",
    ),
    Odd(
        "texts as values of enum columns",
        [
            f"CREATE TABLE t (id integer PRIMARY KEY, a enum({', '.join(map(string, ENUM))})"
            " NOT NULL DEFAULT '', b enum('a,b', 'it''s', '1', '') DEFAULT '1')"
        ],
        on="mysql mariadb",
    ),
    Odd(
        "an enum that allows one empty text",
        [
            'CREATE TABLE t (a text CHECK ("a" IN (\'\')), b TEXT CHECK ("b" IN '
            "('', 'it''s', '#')),"
            " c TEXT CHECK (\"c\" IN ('a', 'a')))"
        ],
        on="sqlite",
    ),
    Odd(
        "texts as comments",
        [
            "CREATE TABLE t (id integer PRIMARY KEY, "
            + ", ".join(f"c{n} integer" for n in range(len(COMMENTS)))
            + ")",
            *(f"COMMENT ON COLUMN t.c{n} IS {string(text)}" for n, text in enumerate(COMMENTS)),
            *(f"CREATE TABLE t{n} (id integer PRIMARY KEY)" for n in range(len(COMMENTS))),
            *(f"COMMENT ON TABLE t{n} IS {string(text)}" for n, text in enumerate(COMMENTS)),
        ],
        on="postgresql",
    ),
    Odd(
        "texts as MySQL's comments",
        [
            "CREATE TABLE t (id integer PRIMARY KEY, "
            + ", ".join(f"c{n} integer COMMENT {string(text)}" for n, text in enumerate(COMMENTS))
            + ")",
            *(
                f"CREATE TABLE t{n} (id integer PRIMARY KEY, INDEX i (id) COMMENT {string(text)})"
                f" COMMENT {string(text)}"
                for n, text in enumerate(COMMENTS)
            ),
        ],
        on="mysql mariadb",
    ),
    Odd(
        "two numbered columns in one key",
        [
            "CREATE TABLE t (a integer GENERATED BY DEFAULT AS IDENTITY, b integer "
            "GENERATED BY DEFAULT"
            " AS IDENTITY, c serial, PRIMARY KEY (a, b))",
            "CREATE SEQUENCE s",
            "CREATE TABLE n (a real DEFAULT nextval('s'), b text)",
            "ALTER SEQUENCE s OWNED BY n.a",
        ],
        on="postgresql",
    ),
    Odd(
        "columns listed twice",
        [
            "CREATE TABLE p (a integer, b integer, UNIQUE (a, b))",
            "CREATE TABLE t (a integer, b integer, CONSTRAINT f FOREIGN KEY (a, a)"
            " REFERENCES p (a, b))",
            "CREATE INDEX i ON t (a, a)",
            "CREATE INDEX j ON t (a) INCLUDE (a, b)",
        ],
        on="postgresql",
    ),
    Odd(
        "an index that is not unique and has NULLs once",
        ["CREATE TABLE t (a integer)", "CREATE INDEX i ON t (a) NULLS NOT DISTINCT"],
        on="postgresql",
        since=15,
    ),
    Odd(
        "names given twice",
        [
            "CREATE TABLE p (id integer PRIMARY KEY)",
            "CREATE TABLE t (a integer, CONSTRAINT x CHECK (a > 0), CONSTRAINT y CHECK (a > 1),"
            " CONSTRAINT x FOREIGN KEY (a) REFERENCES p (id))",
            "CREATE INDEX x ON t (a)",
        ],
        on="mysql sqlite",
    ),
    Odd(
        "names given more often",
        [
            "CREATE TABLE p (id integer PRIMARY KEY)",
            "CREATE TABLE t (a integer, b integer, CONSTRAINT x CHECK (a > 0), CONSTRAINT x CHECK"
            " (a > 1), CONSTRAINT x UNIQUE (a), CONSTRAINT x UNIQUE (b), CONSTRAINT x PRIMARY KEY"
            " (a, b), CONSTRAINT x FOREIGN KEY (a) REFERENCES p (id))",
            "CREATE INDEX x ON t (a)",
        ],
        on="sqlite",
    ),
    Odd(
        "words of SQL one letter from a column",
        [
            "CREATE TABLE t (objects text, normalizes text, overlap text, locals text, arrays text,"
            " document text, CONSTRAINT c CHECK (objects IS NFC NORMALIZED AND"
            " (DATE '2020-01-01', DATE '2020-01-02') OVERLAPS (DATE '2020-01-01', "
            "DATE '2020-02-02')"
            " AND NOT objects IS DISTINCT FROM CURRENT_ROLE))"
        ],
        on="postgresql",
    ),
    Odd(
        "defaults of SQLite's booleans",
        [
            "CREATE TABLE t (a boolean DEFAULT 'yes', b boolean DEFAULT 'no', c "
            "boolean DEFAULT 'on',"
            " d BOOLEAN DEFAULT 'y', e BOOLEAN DEFAULT true, f BOOLEAN DEFAULT 'true',"
            " g BOOLEAN DEFAULT 1, h BOOLEAN DEFAULT 2, i BOOLEAN DEFAULT '1')"
        ],
        on="sqlite",
    ),
    Odd("columns with our prefix", columns(["_odac_a", "_ODAC_"])),
    Odd(
        "constraints with odd names",
        [
            f"CREATE TABLE t{n} (id integer PRIMARY KEY, v integer, CONSTRAINT {name('u' + each)}"
            f" UNIQUE (v), CONSTRAINT {name('c' + each)} CHECK (v > 0))"
            for n, each in enumerate([*YAML_WORDS[:20], *SPACED[:9], *FOREIGN[:4]])
        ],
    ),
]


def can_be_made(odd: Odd, server: Server) -> bool:
    family = "mariadb" if server.is_mariadb else server.family
    return family in odd.on.split() and (family != "postgresql" or server.version[0] >= odd.since)


def made(database: LiveDatabase, odd: Odd) -> None:
    if database.family == "mysql":
        database.execute(MODE, *map(escaped, odd.sql))
    else:
        database.execute(*odd.sql)


def escaped(sql: str) -> str:
    """Backslashes doubled where MySQL reads them as escapes: in strings, not in names."""
    names_or_strings = re.compile(r"""("(?:[^"]|"")*")|('(?:[^']|'')*')""")
    return names_or_strings.sub(lambda m: m[1] or m[2].replace("\\", "\\\\"), sql)


def empty(database: LiveDatabase) -> LiveDatabase:
    if database.family == "mysql":
        collation = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        database.execute(f"ALTER DATABASE `{database.name}` {collation}")
    return database


def operations(database: LiveDatabase, folder: Path) -> list[str]:
    """What a migrate with leave for everything would do."""
    with Database.open(database.url, schema=folder) as db:
        plan = db.plan(allow=["destructive"], prune=True)
        return [operation.summary for operation in plan.operations]


@pytest.mark.parametrize("odd", ODDITIES, ids=lambda odd: odd.label.replace(" ", "-"))
def test_an_odd_schema_goes_there_and_back(
    odd: Odd, server: Server, new_database: Callable[[], LiveDatabase], tmp_path: Path
) -> None:
    if not can_be_made(odd, server):
        return
    first, second = empty(new_database()), empty(new_database())
    made(first, odd)
    folder = tmp_path / "schema"
    with Database.open(first.url) as db:
        db.pull(folder)
    assert operations(first, folder) == []
    with Database.open(second.url, schema=folder, migrate=True) as db:
        assert db.report is not None
        assert db.report.in_sync
        assert not db.pull(folder).written
    assert operations(second, folder) == []
    assert second.dump() == first.dump()
