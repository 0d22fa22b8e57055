"""What a statement is by its words alone."""

from __future__ import annotations

import pytest

from odac_db.cache.words import (
    Sort,
    changes_session,
    ends_with_transaction,
    leaves_session,
    may_call,
    sort_of,
)

SORTS: dict[str, Sort] = {
    "select 1": "read",
    "-- a comment\n/* and one */ (SELECT 1)": "read",
    "SELECT id FROM t FOR UPDATE": "write",
    "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1": "write",
    "select 1; drop table t": "write",
    "SELECT set_config('search_path', 'x', false)": "session",
    "SET search_path TO x": "session",
    "WITH x AS (SELECT set_config('a', 'b', true)) UPDATE t SET n = 1 FROM x": "write",
    "SELECT set_config('a', 'b', true); DELETE FROM t": "write",
    "EXPLAIN DELETE FROM t": "read",
    "EXPLAIN (FORMAT json) SELECT 1": "read",
    "EXPLAIN\nANALYZE DELETE FROM t": "other",
    "EXPLAIN (COSTS false, ANALYSE) DELETE FROM t": "other",
    "DESCRIBE t": "read",
    "NOTIFY changed, 'x'": "read",
    "LISTEN changed": "read",
    "UNLISTEN *": "read",
    "DECLARE c NO SCROLL CURSOR WITH HOLD FOR SELECT 1": "read",
    "FETCH 10 FROM c": "read",
    "MOVE 10 FROM c": "read",
    "CLOSE c": "read",
    'LOCK TABLE ONLY public."T", u IN SHARE MODE NOWAIT;': "read",
    "LOCK t": "read",
    "LOCK TABLES t READ ": "other",
    "LOCK TABLE t WRITE;": "other",
    "LOCK TABLES t AS a READ LOCAL": "other",
    "LOCK TABLES `t` WRITE, u READ -- x": "other",
    "NOTIFY changed; DROP TABLE t": "other",
    "SET autocommit = 1": "other",
    "BEGIN IMMEDIATE": "begin",
    "START TRANSACTION": "begin",
    "COMMIT": "commit",
    "COMMIT PREPARED 'x'": "other",
    "END": "commit",
    "ROLLBACK": "rollback",
    "ROLLBACK TO SAVEPOINT a": "savepoint",
    "RELEASE SAVEPOINT a": "savepoint",
    "CREATE TABLE t (a int)": "other",
    "EXPLAIN ANALYZE DELETE FROM t": "other",
    "PRAGMA main.table_info('t')": "read",
    "PRAGMA writable_schema = 1": "session",
    "/*!50000 delete from t */": "other",
    "": "other",
}


@pytest.mark.parametrize(
    ("sql", "sort"),
    [
        ("/*my-app*/ SELECT 1", "read"),
        ("/*module=x*/ UPDATE t SET a = 1", "write"),
        ("/* M! */ SELECT 1", "read"),
        ("/*Mine*/ /*!50000 DROP TABLE t */ SELECT 1", "other"),
        ("/*!50000 DROP TABLE t */ SELECT 1", "other"),
        ("/*M! DROP TABLE t */ SELECT 1", "other"),
        ("/*m! DROP TABLE t */ SELECT 1", "other"),
    ],
)
def test_a_comment_is_one_unless_the_server_executes_it(sql: str, sort: str) -> None:
    assert sort_of(sql) == sort


@pytest.mark.parametrize("sql", SORTS)
def test_the_sort_of_a_statement(sql: str) -> None:
    assert sort_of(sql) == SORTS[sql]


def test_what_changes_the_session_beside_what_it_does() -> None:
    assert changes_session("WITH x AS (SELECT set_config('a', 'b', true)) DELETE FROM t")
    assert changes_session("INSERT INTO t VALUES (1); SET search_path TO x")
    assert changes_session("SET search_path TO x")
    assert changes_session("SELECT 1 AS id INTO TEMP posts")
    assert changes_session("WITH x AS (SELECT 1) SELECT * INTO TEMPORARY TABLE posts FROM x")
    assert changes_session("SELECT * INTO pg_temp.posts FROM other")
    assert changes_session("INSERT INTO t VALUES (1); SELECT 1 INTO TEMP posts")
    assert not changes_session("INSERT INTO t SELECT temp FROM weather")
    assert not changes_session("INSERT INTO t VALUES ('a; b')")
    assert not changes_session("LISTEN x")


def test_what_may_be_a_call() -> None:
    for sql in ("SELECT audit()", 'SELECT "audit" (1)', "SELECT public.audit(1)", "SHOW x(1)"):
        assert may_call(sql)
    for sql in ("SELECT public.count(1)", 'SELECT public."now"()', "SELECT row_numbers()"):
        assert may_call(sql)
    for sql in ("SELECT now()", "SELECT row_number() OVER (ORDER BY t.id)", "x.id IN (1)"):
        assert not may_call(sql)
    for sql in ("SELECT count(*), max(n) FROM t WHERE n IN (1) AND (a OR b)", "VALUES (1)"):
        assert not may_call(sql)


def test_what_leaves_the_session_as_it_was() -> None:
    assert leaves_session("CREATE TABLE t (a int)")
    assert not leaves_session("CREATE TEMP TABLE t (a int)")
    assert not leaves_session("CREATE TABLE pg_temp.t (a int)")
    assert not leaves_session("CREATE VIEW pg_temp_3.v AS SELECT 1")
    assert leaves_session("CREATE TABLE templates (temp_id int)")
    assert not leaves_session("LOCK TABLES t READ")
    assert not leaves_session("CREATE TABLE t (a int); SET x = 1")


def test_what_a_transaction_takes_back() -> None:
    assert ends_with_transaction("SET LOCAL search_path TO x")
    assert ends_with_transaction("SELECT set_config('a', 'b', true), set_config('c', 'd', TRUE)")
    assert not ends_with_transaction("SET search_path TO x")
    assert not ends_with_transaction("SELECT set_config('a', '', true), set_config('c', '', false)")
    assert not ends_with_transaction(
        "SELECT set_config('a', '1', true), set_config('search_path', lower('X'), false)"
    )
    assert not ends_with_transaction("SELECT set_config('a', '1', true) INTO TEMP posts")
    assert not ends_with_transaction("SET LOCAL x = 1; SET y = 2")
    assert not ends_with_transaction("SELECT set_config('a', 'b', true); SET y = 2")
