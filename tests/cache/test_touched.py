"""What statements read and write, by their text and a catalog."""

from __future__ import annotations

import pytest

from odac_db.cache.parsed import parsed
from odac_db.cache.touched import reads, writes
from odac_db.cache.words import Sort, ends_with_transaction, leaves_session, sort_of
from odac_db.dialects.reach import KeyActions, Reach, roots

REACH = Reach(
    grammar="postgres",
    tables=frozenset(
        ["users", "posts", "comments", "likes", "log", "secret", "part", "part_1", "ext", "rls"]
    ),
    views={
        "live": "SELECT posts.id FROM posts JOIN users ON users.id = posts.user_id",
        "twice": "SELECT id FROM live",
        "clocked": "SELECT id FROM posts WHERE at < now()",
        "hidden": "",
    },
    keys=(
        KeyActions("posts", "users", "delete", "update"),
        KeyActions("comments", "posts", "delete", None),
        KeyActions("likes", "comments", "update", None),
        KeyActions("users", "users", "update", None),
    ),
    triggered=frozenset({"secret"}),
    guarded={"rls": "has row security"},
    kin=roots({"part_1": "part"}),
    routines=frozenset({"audit"}),
    namespaces=frozenset({"public"}),
)

READS = {
    "SELECT id FROM posts": "posts",
    'SELECT "Posts".id FROM "Posts"': "posts",
    "SELECT id FROM public.posts": "posts",
    "SELECT 1": "",
    "SELECT p.id FROM posts AS p JOIN users AS u ON u.id = p.user_id": "posts users",
    "SELECT p.id FROM posts p, users u": "posts users",
    "SELECT id FROM posts WHERE user_id IN (SELECT id FROM users)": "posts users",
    "SELECT id, (SELECT count(*) FROM comments) FROM posts": "comments posts",
    "SELECT id FROM posts WHERE EXISTS (SELECT 1 FROM likes)": "likes posts",
    "SELECT id FROM posts UNION SELECT id FROM users": "posts users",
    "(SELECT id FROM posts) EXCEPT (SELECT id FROM users)": "posts users",
    "WITH a AS (SELECT id FROM users) SELECT id FROM a": "users",
    "WITH posts AS (SELECT id FROM users) SELECT id FROM posts": "posts users",
    "WITH RECURSIVE r AS (SELECT id FROM users UNION ALL SELECT r.id FROM r, posts) "
    "SELECT id FROM r": "posts users",
    "SELECT x.id FROM users, LATERAL (SELECT id FROM posts) AS x": "posts users",
    "SELECT id FROM live": "live posts users",
    "SELECT id FROM twice": "live posts twice users",
    "SELECT id FROM part_1": "part",
    "SELECT id FROM posts WHERE title = %(title)s AND n %% 2 = %(n)s": "posts",
    "SELECT lower(title), count(*) OVER (PARTITION BY user_id) FROM posts": "posts",
    "TABLE posts": "posts",
    "SELECT id FROM posts ORDER BY id LIMIT %(a)s OFFSET %(b)s": "posts",
}
REFUSED = {
    "SELECT id FROM posts FOR UPDATE": "locks",
    "SELECT id FROM posts FOR SHARE": "locks",
    "SELECT now()": "CURRENT_TIMESTAMP",
    "SELECT id FROM posts WHERE at > current_timestamp": "CURRENT_TIMESTAMP",
    "SELECT id FROM posts ORDER BY random()": "RAND",
    "SELECT id FROM posts WHERE at > 'now'": "moment",
    "SELECT id FROM posts WHERE day = 'TODAY'::date": "moment",
    "SELECT current_user": "CURRENT_USER",
    "SELECT nextval('s')": "nextval",
    "SELECT shout(title) FROM posts": "shout",
    "SELECT posts.audit FROM posts": "audit",
    "SELECT id FROM posts TABLESAMPLE SYSTEM (10)": "lots",
    "SELECT relname FROM pg_class": "pg_class",
    "SELECT id FROM other.posts": "another database",
    "SELECT id FROM rls": "row security",
    "SELECT id FROM clocked": "the view clocked",
    "SELECT id FROM hidden": "the view hidden",
    "SELECT id FROM unheard_of": "unheard_of",
    "WITH d AS (DELETE FROM posts RETURNING id) SELECT id FROM d": "writes",
    "INSERT INTO posts (id) VALUES (1)": "writes",
    "SELECT id INTO copied FROM posts": "SELECT INTO",
    "SELECT 1; SELECT 2": "several",
    "SELECT /*!50000 id */ FROM posts": "comments",
    "THIS IS NOT SQL": "",
}
WRITES = {
    "SELECT id FROM posts": "",
    "SELECT id FROM posts FOR UPDATE": "",
    "INSERT INTO log (id) VALUES (1)": "log",
    "INSERT INTO log SELECT id FROM users": "log",
    "INSERT INTO users (id) VALUES (1)": "users",
    "INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET id = excluded.id": (
        "comments likes posts users"
    ),
    "UPDATE users SET name = %(name)s": "posts users",
    "UPDATE posts SET title = 'x' FROM users WHERE users.id = posts.user_id": "posts",
    "UPDATE ONLY posts SET title = 'x'": "posts",
    "DELETE FROM users WHERE id = 1": "comments likes posts users",
    "DELETE FROM comments": "comments likes",
    "DELETE FROM likes": "likes",
    "DELETE FROM live WHERE id = 1": "comments likes live posts users",
    "WITH d AS (DELETE FROM comments RETURNING id) INSERT INTO log SELECT id FROM d": (
        "comments likes log"
    ),
    "WITH d AS (DELETE FROM log RETURNING id) SELECT id FROM d": "log",
    "UPDATE part_1 SET id = 2": "part",
    "MERGE INTO log USING users ON true WHEN MATCHED THEN DELETE": "log",
    "UPDATE secret SET id = 1": "*",
    "DELETE FROM hidden": "*",
    "SELECT audit()": "*",
    "TRUNCATE log": "*",
    "CREATE TABLE x (id int)": "*",
    "COPY log FROM stdin": "*",
    "CALL something()": "*",
    "SELECT 1; DELETE FROM log": "*",
    "SELECT id INTO copied FROM posts": "*",
    "THIS IS NOT SQL": "*",
}


@pytest.mark.parametrize("sql", READS)
def test_what_a_read_depends_on(sql: str) -> None:
    found = reads(sql, REACH)
    assert (found.refused, found.tables[1:]) == ("", tuple(READS[sql].split()))
    assert found.tables[0] == "*"


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_not_cached_and_why(sql: str) -> None:
    refused = reads(sql, REACH).refused
    assert refused
    assert REFUSED[sql] in refused


@pytest.mark.parametrize("sql", WRITES)
def test_what_a_write_changes(sql: str) -> None:
    assert writes(sql, REACH, {}) == frozenset(WRITES[sql].split())


def test_declared_effects_of_triggers() -> None:
    effects = {"secret": ["Log", "comments"]}
    found = writes("UPDATE secret SET id = 1", REACH, effects)
    assert found == {"secret", "log", "comments", "likes"}


def test_declared_tables_of_a_read() -> None:
    declared = reads("SELECT shout(title) FROM posts", REACH, ["Users"])
    assert declared.tables == ("*", "posts", "users")
    assert reads("SELECT id FROM posts FOR UPDATE", REACH, ["posts"]).refused
    assert reads("DELETE FROM posts RETURNING id", REACH, ["posts"]).refused


OTHERS = {
    ("mysql", "REPLACE INTO t (a) VALUES (%s)"): {"insert", "update", "delete"},
    ("mysql", "INSERT INTO t (a) VALUES (%s) ON DUPLICATE KEY UPDATE a = values(a)"): {
        "insert",
        "update",
        "delete",
    },
    ("mysql", "INSERT IGNORE INTO t (a) VALUES (%s)"): {"insert"},
    ("mysql", "UPDATE t, u SET u.a = 1 WHERE t.id = u.id"): {"update"},
    ("mysql", "UPDATE u JOIN t ON t.id = u.id SET t.a = 1"): {"update"},
    ("mysql", "DELETE x FROM t AS x JOIN u ON u.id = x.id"): {"delete"},
    ("mysql", "DELETE FROM t, u USING t JOIN u ON u.id = t.id"): {"delete"},
    ("sqlite", "INSERT OR REPLACE INTO t VALUES (?)"): {"insert", "update", "delete"},
    ("sqlite", "INSERT INTO t VALUES (?) ON CONFLICT DO NOTHING"): {"insert", "update", "delete"},
}


@pytest.mark.parametrize(("grammar", "sql"), OTHERS)
def test_the_words_of_other_servers(grammar: str, sql: str) -> None:
    found = {operation for one, operation in parsed(sql, grammar).writes if one.name == "t"}
    assert found == OTHERS[grammar, sql]


SORTS: dict[str, Sort] = {
    "select 1": "read",
    "-- a comment\n/* and one */ (SELECT 1)": "read",
    "SELECT id FROM t FOR UPDATE": "write",
    "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1": "write",
    "select 1; drop table t": "write",
    "SELECT set_config('search_path', 'x', false)": "session",
    "SET search_path TO x": "session",
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


@pytest.mark.parametrize("sql", SORTS)
def test_the_sort_of_a_statement(sql: str) -> None:
    assert sort_of(sql) == SORTS[sql]


def test_what_leaves_the_session_as_it_was() -> None:
    assert leaves_session("CREATE TABLE t (a int)")
    assert not leaves_session("CREATE TEMP TABLE t (a int)")
    assert not leaves_session("LOCK TABLES t READ")
    assert not leaves_session("CREATE TABLE t (a int); SET x = 1")


def test_what_a_transaction_takes_back() -> None:
    assert ends_with_transaction("SET LOCAL search_path TO x")
    assert ends_with_transaction("SELECT set_config('a', 'b', true), set_config('c', 'd', TRUE)")
    assert not ends_with_transaction("SET search_path TO x")
    assert not ends_with_transaction("SELECT set_config('a', '', true), set_config('c', '', false)")
    assert not ends_with_transaction("SET LOCAL x = 1; SET y = 2")
