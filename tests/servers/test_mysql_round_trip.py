"""Everything a MySQL or MariaDB table can hold, read, declared, made again and read."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import event

from odac_db.dialects.mysql import MYSQL
from odac_db.dialects.mysql.catalog import show_create
from odac_db.dialects.mysql.show_create import read_table
from odac_db.migrate.diff import diff
from odac_db.schema.model import Schema, Table
from tests.fixtures.databases import LiveDatabase
from tests.servers.mysql_site import Site, opened

COMMON = [
    r"""CREATE TABLE numbers (
      id bigint unsigned NOT NULL AUTO_INCREMENT, small smallint DEFAULT -3, plain integer,
      unsigned_one int unsigned DEFAULT 5, padded int(5) ZEROFILL, tiny tinyint,
      flag bool DEFAULT true,
      tiny_unsigned tinyint unsigned, medium mediumint, whole decimal DEFAULT 2,
      price numeric(10,2) NOT NULL DEFAULT 1.5, positive dec(5) unsigned,
      single_one float DEFAULT 1.5,
      wide_one float(7,3), wide float(30), huge double DEFAULT 1e20,
      small_one double DEFAULT 1.5e-10,
      bits bit(8) DEFAULT b'101', one_bit bit, a_year year DEFAULT 2020,
      PRIMARY KEY (id)) COMMENT 'it''s \\ a "comment"'""",
    r"""CREATE TABLE texts (
      code char(3) NOT NULL, title varchar(20) DEFAULT 'it''s "q" \\ back%s',
      nothing varchar(20) DEFAULT '',
      latin varchar(10) CHARACTER SET latin1 DEFAULT 'é', exact varchar(10) COLLATE utf8mb4_bin,
      folk nvarchar(10), fourth varchar(9) DEFAULT '🐘?', tiny tinytext, body text,
      medium mediumtext,
      lengthy longtext, bytes blob, fixed binary(3) DEFAULT 'ab',
      moving varbinary(16) DEFAULT 0x6100FE62,
      tiny_bytes tinyblob, picked enum('a','b''c','d,e','x\\y','ü') DEFAULT 'b''c',
      many set('x','y') DEFAULT 'x,y', doc json, PRIMARY KEY (code)) DEFAULT CHARSET utf8mb4""",
    """CREATE TABLE moments (
      id int PRIMARY KEY, a_day date DEFAULT '2020-01-02', a_time time DEFAULT '10:00:00',
      fine time(3),
      plain datetime DEFAULT '2020-01-01 00:00:00',
      fine_date datetime(6) DEFAULT CURRENT_TIMESTAMP(6)
        ON UPDATE CURRENT_TIMESTAMP(6), stamp timestamp NULL, made timestamp NOT NULL
        DEFAULT CURRENT_TIMESTAMP, changed timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
        ON UPDATE CURRENT_TIMESTAMP(3), today date DEFAULT (curdate()))""",
    r"""CREATE TABLE computed (
      id int PRIMARY KEY, amount int, label varchar(30), doc json,
      token varchar(36) DEFAULT (uuid()),
      sum_of int DEFAULT (1 + 2), quoted varchar(20) DEFAULT (concat('a','''b')),
      twice int GENERATED ALWAYS AS (amount * 2) VIRTUAL COMMENT 'it''s',
      joined varchar(60) AS (concat(label, 'z''\\')) STORED,
      CONSTRAINT amount_ok CHECK (amount > 0 AND label <> 'a''b\\'), CHECK (id < 100))""",
    """CREATE TABLE parents (id int unsigned AUTO_INCREMENT PRIMARY KEY, a bigint, b bigint,
      UNIQUE KEY ab (a, b))""",
    """CREATE TABLE children (id int PRIMARY KEY, pid int unsigned, a bigint, b bigint, x int,
      y int,
      CONSTRAINT fk_parent FOREIGN KEY (pid)
        REFERENCES parents (id) ON DELETE CASCADE ON UPDATE RESTRICT,
      CONSTRAINT fk_pair FOREIGN KEY (a, b)
        REFERENCES parents (a, b) ON DELETE SET NULL ON UPDATE NO ACTION,
      FOREIGN KEY (x) REFERENCES children (id), KEY kx (x),
      CONSTRAINT children_y_fkey FOREIGN KEY (y) REFERENCES children (id))""",
    """CREATE TABLE indexed (id int, mail varchar(100), body text, at_point point NOT NULL,
      n int, m int,
      PRIMARY KEY (id, n), UNIQUE KEY indexed_mail_key (mail), UNIQUE KEY later (n, m),
      KEY back (n, m DESC),
      KEY start (mail(10), n), KEY body_start (body(20)) COMMENT 'it''s',
      FULLTEXT KEY words (mail, body),
      FULLTEXT KEY more_words (body), SPATIAL KEY place (at_point))""",
    "CREATE TABLE other_engine (id int) ENGINE=MyISAM DEFAULT CHARSET=latin1 COLLATE=latin1_bin",
    "CREATE TABLE compact (id int) ROW_FORMAT=COMPACT",
    "CREATE TABLE `we``ird na%me` (`a``b` int, `c d` int, KEY `k``1` (`c d` DESC))",
    "CREATE TABLE unkeyed (n int NOT NULL, UNIQUE KEY (n))",
]
MYSQL_ONLY = [
    """CREATE TABLE only_mysql (id int PRIMARY KEY, title varchar(20), note text DEFAULT ('x'),
      doc json DEFAULT ('{"a": 1}'), place point SRID 4326, n int,
      KEY by_upper ((upper(title)), (cast(n AS char(5))) DESC),
      KEY many ((cast(doc->'$.x' AS unsigned array))),
      CONSTRAINT lenient CHECK (n > 1) NOT ENFORCED)"""
]
MARIADB_ONLY = [
    """CREATE TABLE only_mariadb (id int(5) PRIMARY KEY, token uuid, address inet6,
      n int COMMENT 'x' CHECK (n > 1 AND n <> 3),
      doc json CHECK (json_valid(doc) AND json_length(doc) > 0),
      note text DEFAULT 'lit''x', raw blob DEFAULT 'x', long_key text, UNIQUE KEY hashed (long_key),
      dense varchar(10) COMPRESSED)"""
]


@pytest.fixture
def statements(mysql_database: LiveDatabase) -> list[str]:
    return COMMON + (MARIADB_ONLY if mysql_database.server.is_mariadb else MYSQL_ONLY)


def exact(site: Site) -> Schema:
    return MYSQL.introspect(site.connection, site.features, site.live().tables)


def structure(table: Table) -> Table:
    """A table without what a declaration leaves open or adds to it."""
    replace = msgspec.structs.replace
    return replace(
        table,
        indexes=tuple(replace(i, named=True, implicit=False) for i in table.indexes),
        foreign_keys=tuple(replace(k, named=True, orphans=None) for k in table.foreign_keys),
        checks=tuple(replace(c, named=True) for c in table.checks),
        options={},
    )


def test_both_readers_say_the_same(mysql_database: LiveDatabase, statements: list[str]) -> None:
    mysql_database.execute(*statements)
    with opened(mysql_database) as site:
        for name, table in site.live().tables.items():
            shown = read_table(show_create(site.connection, name)[name], site.features)
            assert {i.name: i for i in table.indexes} == {i.name: i for i in shown.indexes}
            replace = msgspec.structs.replace
            assert replace(table, indexes=()) == replace(shown, indexes=())


def test_declared_and_resolved_it_is_the_same(
    mysql_database: LiveDatabase, statements: list[str]
) -> None:
    mysql_database.execute(*statements)
    with opened(mysql_database) as site:
        live = exact(site)
        resolved = MYSQL.resolve(MYSQL.declare(live, site.features), site.features)
        assert resolved.problems == ()
        for name, table in live.tables.items():
            wanted = structure(resolved.schema.tables[name])
            kept = tuple(
                index
                for index in structure(table).indexes
                if index in wanted.indexes or index.name not in implicit(table)
            )
            assert msgspec.structs.replace(structure(table), indexes=kept) == wanted
        assert diff(live, resolved.schema, site.features) == []


def implicit(table: Table) -> set[str | None]:
    return {index.name for index in table.indexes if index.implicit}


def test_made_again_it_has_the_same_create_statements(
    mysql_database: LiveDatabase, statements: list[str]
) -> None:
    mysql_database.execute(*statements)
    with opened(mysql_database) as site:
        declared = MYSQL.declare(exact(site), site.features)
        before = shown(site)
        drop_all(site)
        desired = MYSQL.resolve(declared, site.features).schema
        site.run(*site.statements(site.changes(desired)))
        assert shown(site) == before
        assert site.changes(desired) == []
        again = MYSQL.declare(exact(site), site.features)
        assert {name: t.body for name, t in again.tables.items()} == {
            name: t.body for name, t in declared.tables.items()
        }


def shown(site: Site) -> dict[str, str]:
    return {
        name: re.sub(r" AUTO_INCREMENT=\d+", "", sql)
        for name, sql in show_create(site.connection, *site.live().tables).items()
    }


def drop_all(site: Site) -> None:
    names = [f"`{name.replace('`', '``')}`" for name in site.live().tables]
    site.run("SET foreign_key_checks = 0", f"DROP TABLE {', '.join(names)}")
    site.run("SET foreign_key_checks = 1")


def test_the_server_stores_what_was_read(
    mysql_database: LiveDatabase, statements: list[str]
) -> None:
    mysql_database.execute(*statements)
    with opened(mysql_database) as site:
        live = site.live()
        tables = list(live.tables.values())
        stored = MYSQL.canonicalize(site.connection, tables, live, site.features).tables
        assert set(stored) == set(live.tables)
        for name, table in stored.items():
            assert table.columns == live.tables[name].columns
            assert set(table.checks) == set(live.tables[name].checks)
            assert table.indexes == live.tables[name].indexes
        assert site.live() == live


def test_what_cannot_be_held_is_listed(mysql_database: LiveDatabase) -> None:
    mysql_database.execute(
        "CREATE TABLE t (id int PRIMARY KEY, n int, hidden timestamp NULL INVISIBLE"
        " DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP)",
        "CREATE VIEW v AS SELECT 1 AS one",
        "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.id = NEW.id + 1",
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE FUNCTION f() RETURNS int DETERMINISTIC RETURN 1",
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1",
        "CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 2",
        "CREATE TABLE optioned (id int) STATS_PERSISTENT=0",
        "CREATE TABLE _odac_mine (id int)",
    )
    if mysql_database.server.is_mariadb:
        mysql_database.execute(
            "CREATE TABLE versioned (id int) WITH SYSTEM VERSIONING",
            "CREATE SEQUENCE s",
            "CREATE INDEX quiet ON t (n) IGNORED",
        )
    else:
        mysql_database.execute("CREATE INDEX quiet ON t (n) INVISIBLE")
    with opened(mysql_database) as site:
        live = site.live()
    listed = {(item.kind, item.table or item.name) for item in live.unsupported}
    expected = {
        ("invisible column", "t"),
        ("invisible index", "t"),
        ("view", "v"),
        ("trigger", "t"),
        ("procedure", "p"),
        ("function", "f"),
        ("event", "e"),
        ("partitioned table", "parts"),
        ("table option", "optioned"),
    }
    if mysql_database.server.is_mariadb:
        expected |= {("system versioned table", "versioned"), ("sequence", "s")}
    assert listed == expected
    assert set(live.tables) == {"t", "optioned"}


def test_reading_takes_as_many_statements_for_fifty_tables_as_for_one(
    mysql_database: LiveDatabase, count_statements: Callable[[Site], list[str]]
) -> None:
    table = (
        "CREATE TABLE t{0} (id int PRIMARY KEY, p int, KEY (p), "
        "FOREIGN KEY (p) REFERENCES t{0} (id))"
    )
    mysql_database.execute(table.format(0))
    with opened(mysql_database) as site:
        few = len(count_statements(site))
        site.run(*(table.format(number) for number in range(1, 50)))
        assert len(count_statements(site)) == few == 5
        site.run("CREATE TABLE expressive (a int, b int DEFAULT (1 + 2))")
        assert len(count_statements(site)) == few + (0 if site.mariadb else 3)


@pytest.fixture
def count_statements() -> Callable[[Site], list[str]]:
    def run(site: Site) -> list[str]:
        seen: list[str] = []

        def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
            seen.append(statement)

        event.listen(site.connection, "before_cursor_execute", note)
        site.live()
        event.remove(site.connection, "before_cursor_execute", note)
        return seen

    return run
