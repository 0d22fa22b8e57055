"""What statements read and write, by their text and a catalog."""

from __future__ import annotations

import msgspec
import pytest

from odac_db.cache.touched import calls_writers, reads, writes
from odac_db.dialects.postgresql.reach import GRAMMAR as POSTGRES
from odac_db.dialects.reach import KeyActions, Reach, roots

REACH = Reach(
    grammar=POSTGRES,
    tables=frozenset(
        """
        users posts comments likes log secret part part_1 ext rls mother father child event event_1
        """.split()
    ),
    views={
        "live": ("SELECT posts.id FROM posts JOIN users ON users.id = posts.user_id",),
        "twice": ("SELECT id FROM live",),
        "clocked": ("SELECT id FROM posts WHERE at < now()",),
        "hidden": ("",),
        "audited": ("SELECT audit(id) FROM posts",),
        "twice_audited": ("SELECT * FROM audited",),
        "people": ("SELECT id FROM posts", "SELECT id FROM users"),
    },
    keys=(
        KeyActions("posts", "users", "delete", "update"),
        KeyActions("comments", "posts", "delete", None),
        KeyActions("likes", "comments", "update", None),
        KeyActions("users", "users", "update", None),
    ),
    triggered=frozenset({"secret", "event_1"}),
    guarded={"rls": "has row security"},
    kin=roots([("part_1", "part"), ("child", "mother"), ("child", "father"), ("event_1", "event")]),
    routines=frozenset({"audit", "steady"}),
    writers=frozenset({"audit"}),
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
    "SELECT id FROM people": "people posts users",
    "SELECT id FROM part_1": "part",
    "SELECT id FROM posts WHERE title = %(title)s AND n %% 2 = %(n)s": "posts",
    "SELECT lower(title), count(*) OVER (PARTITION BY user_id) FROM posts": "posts",
    "TABLE posts": "posts",
    "SELECT id FROM mother": "child",
    "SELECT id FROM father": "child",
    "SELECT id FROM posts WHERE title = 'what everybody needs now'": "posts",
    'SELECT "user" FROM posts': "posts",
    "SELECT posts.user FROM posts": "posts",
    "SELECT id %% 2 FROM posts WHERE n = %(n)s OR n = %(n-1)s": "posts",
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
    "SELECT id FROM posts WHERE at > 'today 12:00'": "moment",
    "SELECT id FROM posts WHERE at > timestamp 'Tomorrow 10:00 UTC'": "moment",
    "SELECT id FROM posts WHERE at > '12:00 yesterday'": "moment",
    "SELECT id FROM posts WHERE at > '2026-01-01' AND at < 'today12:00 Europe/Berlin'": "moment",
    "SELECT id FROM posts WHERE at = ANY ('{now,2026-01-01}'::date[])": "moment",
    "SELECT current_user": "CURRENT_USER",
    "SELECT id FROM posts WHERE name = user": "user may have another value",
    "SELECT current_role, id FROM posts": "current_role may have another value",
    "SELECT system_user": "system_user may have another value",
    "SELECT steady(id) FROM posts": "steady",
    "EXPLAIN SELECT id FROM posts": "anything",
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
    "INSERT INTO people VALUES (1)": "people posts users",
    "UPDATE part_1 SET id = 2": "part",
    "MERGE INTO log USING users ON true WHEN MATCHED THEN DELETE": "log",
    "UPDATE secret SET id = 1": "*",
    "DELETE FROM hidden": "*",
    "SELECT audit()": "*",
    "SELECT steady(id) FROM posts FOR UPDATE": "",
    "UPDATE mother SET id = 1": "child",
    "INSERT INTO child VALUES (1)": "child",
    "INSERT INTO event VALUES (1)": "*",
    "DELETE FROM event_1": "*",
    "INSERT INTO log SELECT * FROM twice_audited": "*",
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


def test_triggers_of_partitions_may_be_declared_too() -> None:
    found = writes("INSERT INTO event VALUES (1)", REACH, {"event_1": ["log"]})
    assert found == {"event", "log"}


def test_names_of_one_tree_have_one_stamp() -> None:
    assert roots([]) == {}
    found = roots([("d", "c"), ("b", "a"), ("c", "b"), ("y", "x"), ("a", "a")])
    assert found == {**dict.fromkeys("abcd", "a"), "x": "x", "y": "x"}


CALLS = {
    "SELECT audit(1)": True,
    "SELECT posts.audit FROM posts": True,
    "SELECT steady(1)": False,
    "SELECT id FROM twice_audited": True,
    "SELECT id FROM live": False,
    "SELECT id FROM hidden": True,
    "SHOW search_path": False,
    "EXPLAIN SELECT audit(1)": True,
    "DECLARE c CURSOR FOR SELECT audit(1)": True,
    "FETCH 10 FROM c": False,
    "SELECT set_config('a', 'b', true), audit(1)": True,
    "SET search_path TO x": False,
    'THIS IS NO SQL BUT "audit"': True,
    "": False,
}


@pytest.mark.parametrize("sql", CALLS)
def test_what_calls_a_function_that_may_write(sql: str) -> None:
    assert calls_writers(sql, REACH) == CALLS[sql]


def test_declared_tables_of_a_read() -> None:
    declared = reads("SELECT shout(title) FROM posts", REACH, ["Users"])
    assert declared.tables == ("*", "posts", "users")
    assert reads("SELECT id FROM posts FOR UPDATE", REACH, ["posts"]).refused
    assert reads("DELETE FROM posts RETURNING id", REACH, ["posts"]).refused


def test_a_hidden_view_may_write_where_no_function_is_shown() -> None:
    reach = msgspec.structs.replace(REACH, writers=frozenset(), hidden=True)
    assert calls_writers("SELECT id FROM hidden", reach)
    assert not calls_writers("SELECT id FROM twice_audited", reach)
