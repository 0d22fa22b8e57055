"""The session, the lock and the ways to name and copy rows, on the servers themselves."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, make_url

from odac_db.dialects.mysql import MYSQL
from odac_db.dialects.mysql.features import SQL_MODE
from odac_db.errors import ConnectionFailed
from tests.fixtures.databases import LiveDatabase
from tests.fixtures.servers import Server
from tests.servers.mysql_site import opened


def test_one_session_holds_the_lock(mysql_database: LiveDatabase) -> None:
    with opened(mysql_database) as one, opened(mysql_database) as two:
        assert MYSQL.try_lock(one.connection, one.features)
        assert MYSQL.try_lock(one.connection, one.features)
        assert not MYSQL.try_lock(two.connection, two.features)
        MYSQL.unlock(one.connection, one.features)
        assert MYSQL.try_lock(two.connection, two.features)


def test_a_killed_session_frees_the_lock(mysql_database: LiveDatabase) -> None:
    with opened(mysql_database) as one, opened(mysql_database) as two:
        assert MYSQL.try_lock(one.connection, one.features)
        session = one.run("SELECT CONNECTION_ID()")[0][0]
        two.run(f"KILL {session}")
        MYSQL.unlock(one.connection, one.features)
        MYSQL.rollback(one.connection, one.features)
        for _ in range(1000):  # the server ends the other session in its own time
            if MYSQL.try_lock(two.connection, two.features):
                break
        else:
            pytest.fail("the lock of a dead session was never freed")


def test_two_databases_of_a_server_have_two_locks(
    mysql_server: Server, mysql_database: LiveDatabase
) -> None:
    other = create_engine(make_url(mysql_server.url))
    with opened(mysql_database) as one, other.connect() as connection:
        assert MYSQL.try_lock(one.connection, one.features)
        features = MYSQL.features(connection)
        assert MYSQL.try_lock(connection, features)
        MYSQL.unlock(connection, features)
    other.dispose()


def test_row_changes_are_rolled_back_and_committed(mysql_database: LiveDatabase) -> None:
    mysql_database.execute("CREATE TABLE t (id int PRIMARY KEY)")
    with opened(mysql_database) as site:
        for end, expected in ((MYSQL.rollback, []), (MYSQL.commit, [(1,)])):
            MYSQL.begin(site.connection, site.features)
            site.run("INSERT INTO t VALUES (1)")
            end(site.connection, site.features)
            assert site.run("SELECT id FROM t") == expected


def test_features_name_the_server(mysql_database: LiveDatabase) -> None:
    with opened(mysql_database) as site:
        product = "MariaDB" if mysql_database.server.is_mariadb else "MySQL"
        assert site.features.label.startswith(product)
        assert site.features.namespace == mysql_database.name
        assert set(site.run("SELECT @@sql_mode")[0][0].split(",")) == set(SQL_MODE.split(","))


def test_a_url_without_a_database_is_refused(mysql_server: Server) -> None:
    engine = create_engine(make_url(mysql_server.url).set(database=""))
    with engine.connect() as connection, pytest.raises(ConnectionFailed, match="no database"):
        MYSQL.features(connection)
    engine.dispose()


def test_rows_have_keys_and_come_back_as_they_were(mysql_database: LiveDatabase) -> None:
    mysql_database.execute(
        "CREATE TABLE keyed (a int, `b``` int, PRIMARY KEY (`b```, a))",
        "CREATE TABLE uniquely (a int NOT NULL, b int, UNIQUE KEY (b), UNIQUE KEY (a))",
        "CREATE TABLE neither (a int, UNIQUE KEY (a))",
        """CREATE TABLE every (f float, d double, n decimal(20,10), b bit(9), t time(6),
           s datetime(6), y year, v varbinary(9), j json, g point)""",
        "INSERT INTO every VALUES (0.1, 1e300, 1.0000000001, b'101010101', '-12:34:56.789',"
        " '2020-01-02 03:04:05.678', 2020, 0x00FF, '[1.0]', ST_GeomFromText('POINT(1 2)'))",
    )
    with opened(mysql_database) as site:
        tables = site.live().tables
        assert MYSQL.row_key(tables["keyed"]) == ("`b```", "`a`")
        assert MYSQL.row_key(tables["uniquely"]) == ("`a`",)
        assert MYSQL.row_key(tables["neither"]) == ()
        selected = ", ".join(MYSQL.typed_row(tables["every"]))
        row = site.run(f"SELECT {selected} FROM every")[0]
        site.run("CREATE TABLE copy LIKE every")
        marks = ", ".join(["%s"] * len(row))
        site.connection.exec_driver_sql(f"INSERT INTO copy VALUES ({marks})", row)
        same = " AND ".join(f"a.{c.name} <=> b.{c.name}" for c in tables["every"].columns)
        assert site.run(f"SELECT COUNT(*) FROM every a JOIN copy b ON {same}") == [(1,)]
