"""Orphans on every server: found, copied, and cleaned by policy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odac_db.errors import MigrationFailed
from odac_db.migrate.bookkeeping import ORPHANS, exists
from odac_db.migrate.orphans.clean import clean_orphans
from odac_db.migrate.orphans.find import count_orphans, sample_orphans
from odac_db.schema.model import ForeignKey
from tests.fixtures.databases import LiveDatabase
from tests.servers.cleaning_site import (
    AUTHOR,
    clean,
    cleaning,
    copies,
    key,
    users_and_posts,
)
from tests.servers.site import Site, opened


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with opened(database) as site:
        yield site


def test_counts_rows_without_a_parent_and_forgives_nulls(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 1)", "(2, 'b', 7)", "(3, 'c', NULL)", "(4, 'd', 8)")
    table = site.table("posts")
    assert count_orphans(site.conn, table, AUTHOR, site.features.namespace) == 2
    samples = sample_orphans(site.conn, table, AUTHOR, site.features.namespace)
    assert sorted(one["id"] for one in samples) == [2, 4]
    assert {one["author_id"] for one in samples} == {7, 8}
    assert len(sample_orphans(site.conn, table, AUTHOR, site.features.namespace, limit=1)) == 1


def test_a_null_among_the_parent_keys_hides_no_orphan(site: Site) -> None:
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY, code int UNIQUE)",
        "INSERT INTO users VALUES (1, NULL), (2, 5)",
        "CREATE TABLE posts (id int PRIMARY KEY, user_code int)",
        "INSERT INTO posts VALUES (1, 5), (2, 6)",
    )
    by_code = key("posts", "user_code", "users.code")
    assert count_orphans(site.conn, site.table("posts"), by_code) == 1


def composite(site: Site) -> None:
    site.run(
        "CREATE TABLE users (tenant int, id int, PRIMARY KEY (tenant, id))",
        "INSERT INTO users VALUES (1, 1), (2, 2)",
        "CREATE TABLE posts (id int PRIMARY KEY, tenant int, author int)",
        "INSERT INTO posts VALUES (1, 1, 1), (2, 1, 2)",
        "INSERT INTO posts VALUES (3, NULL, 9), (4, 9, NULL), (5, NULL, NULL)",
    )


def test_match_simple_forgives_any_null_and_match_full_only_all(site: Site) -> None:
    composite(site)
    simple = key("posts", "tenant author", "users.tenant id")
    full = key("posts", "tenant author", "users.tenant id", match_full=True)
    assert count_orphans(site.conn, site.table("posts"), simple) == 1
    assert count_orphans(site.conn, site.table("posts"), full) == 3


def test_match_full_is_nullified_as_a_whole(site: Site) -> None:
    composite(site)
    full = key("posts", "tenant author", "users.tenant id", match_full=True)
    assert clean(site, "posts", full, "nullify") == {"posts": 3}
    assert sorted(site.ask("SELECT id, tenant, author FROM posts")) == [
        (1, 1, 1),
        (2, None, None),
        (3, None, None),
        (4, None, None),
        (5, None, None),
    ]


def test_only_the_columns_that_can_be_null_are_nullified(site: Site) -> None:
    site.run(
        "CREATE TABLE users (tenant int, id int, PRIMARY KEY (tenant, id))",
        "INSERT INTO users VALUES (1, 1)",
        "CREATE TABLE posts (id int PRIMARY KEY, tenant int NOT NULL, author int)",
        "INSERT INTO posts VALUES (1, 1, 1), (2, 1, 2)",
    )
    simple = key("posts", "tenant author", "users.tenant id")
    assert clean(site, "posts", simple, "nullify") == {"posts": 1}
    assert sorted(site.ask("SELECT * FROM posts")) == [(1, 1, 1), (2, 1, None)]
    assert copies(site)[0]["columns"] == ["author"]


def test_only_the_named_columns_are_nullified(site: Site) -> None:
    composite(site)
    named = key(
        "posts", "tenant author", "users.tenant id", on_delete="SET NULL", set_columns=("author",)
    )
    assert clean(site, "posts", named, "nullify") == {"posts": 1}
    assert (2, 1, None) in site.ask("SELECT * FROM posts")


def test_nullifies_and_keeps_a_copy_of_the_whole_row(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 1)", "(2, '50%', 7)", "(3, 'c', NULL)")
    assert clean(site, "posts", AUTHOR, "nullify") == {"posts": 1}
    assert sorted(site.ask("SELECT id, author_id FROM posts")) == [(1, 1), (2, None), (3, None)]
    (copy,) = copies(site)
    assert copy["table_name"] == "posts"
    assert copy["constraint_name"] == "posts_author_id_fkey"
    assert copy["action"] == "nullify"
    assert copy["run"] == "run1"
    assert copy["via"] is None
    assert copy["restored_at"] is None
    assert {name: str(value) for name, value in copy["row_values"].items()} == {
        "id": "2",
        "title": "50%",
        "author_id": "7",
    }


def test_deletes_in_bounded_batches_and_tells_how_far_it_is(site: Site) -> None:
    users_and_posts(site, *(f"({number}, 't', {number % 4})" for number in range(100)))
    told: list[int] = []
    with site.plan():
        work = cleaning(site, batch=7, progress=told.append)
        total = clean_orphans(work, site.table("posts"), AUTHOR, "delete")
    assert total == {"posts": 50}
    assert told == [7, 14, 21, 28, 35, 42, 49, 50]
    assert site.ask("SELECT count(*) FROM posts") == [(50,)]
    assert len(copies(site)) == 50


def test_more_orphans_than_one_scan_takes(site: Site) -> None:
    users_and_posts(site, *(f"({number}, 't', 9)" for number in range(450)))
    assert clean(site, "posts", AUTHOR, "nullify", batch=2) == {"posts": 450}
    assert count_orphans(site.conn, site.table("posts"), AUTHOR) == 0
    assert len(copies(site)) == 450


def test_nothing_is_written_when_there_is_nothing_to_clean(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 1)", "(2, 'b', NULL)")
    assert clean(site, "posts", AUTHOR, "delete") == {}
    assert not exists(site.conn, ORPHANS)


def test_policy_fail_touches_nothing(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)")
    with pytest.raises(MigrationFailed, match="orphans: fail"):
        clean(site, "posts", AUTHOR, "fail")
    assert site.ask("SELECT author_id FROM posts") == [(7,)]


def test_columns_that_cannot_be_null_are_not_nullified(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)", not_null=True)
    with pytest.raises(MigrationFailed, match="cannot be nullified"):
        clean(site, "posts", AUTHOR, "nullify")
    assert site.ask("SELECT author_id FROM posts") == [(7,)]


def test_duplicates_in_a_table_without_a_key_are_each_copied(site: Site) -> None:
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE logs (body varchar(20), weight double precision, user_id int)",
        "INSERT INTO logs VALUES ('x', 0.1, 1), ('x', 0.1, 1), ('X', 0.1, 1), ('x', NULL, 1), "
        "(NULL, NULL, 2), ('y', 1, NULL)",
    )
    owner = key("logs", "user_id", "users.id")
    assert clean(site, "logs", owner, "delete", batch=2) == {"logs": 5}
    assert site.ask("SELECT body FROM logs") == [("y",)]
    kept = sorted(str(copy["row_values"]["body"]) for copy in copies(site))
    assert kept == ["None", "X", "x", "x", "x"]


def test_keys_of_several_columns(site: Site) -> None:
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE likes (a int, b varchar(9), user_id int, PRIMARY KEY (a, b))",
        "INSERT INTO likes VALUES (1, 'x', 1), (1, 'y', NULL), (2, 'x', 3)",
    )
    assert clean(site, "likes", key("likes", "user_id", "users.id"), "delete", batch=1) == {
        "likes": 2
    }
    assert site.ask("SELECT a, b FROM likes") == [(1, "y")]


def test_names_are_quoted(site: Site) -> None:
    quote = site.dialect.quote
    child, column, parent, ref = map(quote, ("or%der", 'a:b "c`', "SELECT", "from me"))
    site.run(
        f"CREATE TABLE {parent} ({ref} int PRIMARY KEY)",
        f"CREATE TABLE {child} (id int PRIMARY KEY, {column} int)",
        f"INSERT INTO {child} VALUES (1, 5)",
    )
    odd = ForeignKey(name="o", columns=('a:b "c`',), ref_table="SELECT", ref_columns=("from me",))
    assert clean(site, "or%der", odd, "nullify") == {"or%der": 1}
    assert copies(site)[0]["table_name"] == "or%der"
    assert str(copies(site)[0]["row_values"]['a:b "c`']) == "5"


def test_a_failed_batch_leaves_neither_copy_nor_change(site: Site) -> None:
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE posts (id int PRIMARY KEY, author_id int, CHECK (author_id IS NOT NULL))",
        "INSERT INTO posts VALUES (1, 7)",
    )
    with pytest.raises(MigrationFailed, match="posts_author_id_fkey"):
        clean(site, "posts", AUTHOR, "nullify")
    assert site.ask("SELECT author_id FROM posts") == [(7,)]
    assert copies(site) == []
