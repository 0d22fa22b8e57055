"""Cleaned rows put back on every server: the same values, once, and only where they fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from odac_db.migrate.orphans.restore import RestoreResult, restore, runs
from tests.fixtures.databases import LiveDatabase
from tests.servers.cleaning_site import AUTHOR, clean, family, key, users_and_posts
from tests.servers.site import Site, opened


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with opened(database) as site:
        yield site


def back(site: Site, constraint: str | None = None) -> RestoreResult:
    return restore(site.conn, site.dialect, site.features, site.live(), "run1", constraint)


def test_no_runs_before_anything_was_cleaned(site: Site) -> None:
    assert runs(site.conn) == ()
    assert back(site) == RestoreResult()
    assert site.live().tables == {}


def test_runs_are_listed_with_their_counts(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)", "(2, 'b', 8)")
    clean(site, "posts", AUTHOR, "nullify")
    (listed,) = runs(site.conn)
    assert (listed.run, listed.table, listed.constraint) == ("run1", "posts", AUTHOR.name)
    assert (listed.action, listed.rows, listed.restored) == ("nullify", 2, 0)
    site.run("INSERT INTO users VALUES (7)")
    back(site)
    assert runs(site.conn)[0].restored == 2


def test_nullified_columns_get_their_values_again_but_only_once(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)", "(2, 'b', NULL)")
    clean(site, "posts", AUTHOR, "nullify")
    assert back(site) == RestoreResult(restored=1)
    assert sorted(site.ask("SELECT * FROM posts")) == [(1, "a", 7), (2, "b", None)]
    site.run("UPDATE posts SET author_id = NULL")
    assert back(site) == RestoreResult()
    assert site.ask("SELECT author_id FROM posts WHERE id = 1") == [(None,)]


def constrain(site: Site) -> None:
    """posts again, with the key that the cleaning was for."""
    if site.features.alters_in_place:
        site.run(
            "ALTER TABLE posts ADD CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) "
            "REFERENCES users (id)"
        )
        return
    site.run(
        "CREATE TABLE n (id int PRIMARY KEY, title varchar(50), author_id int, "
        "CONSTRAINT posts_author_id_fkey FOREIGN KEY (author_id) REFERENCES users (id))",
        "INSERT INTO n SELECT * FROM posts",
        "DROP TABLE posts",
        "ALTER TABLE n RENAME TO posts",
    )


@pytest.mark.parametrize("policy", ["nullify", "delete"])
def test_rows_that_still_refer_to_nothing_are_refused(site: Site, policy: Any) -> None:
    users_and_posts(site, "(1, 'a', 1)", "(2, 'b', 7)", "(3, 'c', 8)")
    clean(site, "posts", AUTHOR, policy)
    constrain(site)
    site.run("INSERT INTO users VALUES (7)")
    result = back(site)
    assert (result.restored, result.refused) == (1, 1)
    (refusal,) = result.refusals
    assert (refusal.table, refusal.key) == ("posts", "id=3")
    assert "no row of users has id=8" in refusal.reason
    assert (2, "b", 7) in site.ask("SELECT * FROM posts")
    site.run("INSERT INTO users VALUES (8)")
    assert back(site) == RestoreResult(restored=1)
    assert sorted(site.ask("SELECT * FROM posts")) == [(1, "a", 1), (2, "b", 7), (3, "c", 8)]


def test_a_cascade_is_undone_parents_first(site: Site) -> None:
    family(site, "CASCADE")
    before = {name: sorted(site.ask(f"SELECT * FROM {name}")) for name in site.live().tables}
    clean(site, "posts", AUTHOR, "delete")
    assert back(site) == RestoreResult(restored=5)
    after = {name: sorted(site.ask(f"SELECT * FROM {name}")) for name in before}
    assert after == before


def test_what_a_deletion_set_to_null_is_set_again(site: Site) -> None:
    family(site, "SET NULL")
    clean(site, "posts", AUTHOR, "delete")
    assert back(site, "posts_author_id_fkey") == RestoreResult(restored=3)
    assert sorted(site.ask("SELECT * FROM comments")) == [(1, 1), (2, 2), (3, 2)]


def test_rows_of_one_table_that_wait_for_each_other(site: Site) -> None:
    site.run(
        "CREATE TABLE nodes (id int PRIMARY KEY, parent int, owner int, "
        "FOREIGN KEY (parent) REFERENCES nodes (id) ON DELETE CASCADE)",
        "CREATE TABLE owners (id int PRIMARY KEY)",
        "INSERT INTO nodes VALUES (1, NULL, 9), (2, 1, NULL), (3, 2, NULL), (4, 3, NULL)",
    )
    clean(site, "nodes", key("nodes", "owner", "owners.id"), "delete")
    assert site.ask("SELECT * FROM nodes") == []
    assert back(site) == RestoreResult(restored=4)
    assert len(site.ask("SELECT * FROM nodes")) == 4


def test_only_the_rows_of_one_constraint(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)")
    clean(site, "posts", AUTHOR, "nullify")
    assert back(site, "another") == RestoreResult()
    assert back(site, AUTHOR.name) == RestoreResult(restored=1)


def test_a_row_that_was_given_another_value_is_left_alone(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)", "(2, 'b', 7)", "(3, 'c', 7)")
    clean(site, "posts", AUTHOR, "nullify")
    site.run("UPDATE posts SET author_id = 1 WHERE id = 1", "DELETE FROM posts WHERE id = 2")
    result = back(site)
    assert (result.restored, result.refused) == (1, 2)
    reasons = {each.key: each.reason for each in result.refusals}
    assert "given another value since" in reasons["id=1"]
    assert "no longer exists" in reasons["id=2"]
    assert sorted(site.ask("SELECT id, author_id FROM posts")) == [(1, 1), (3, 7)]


def test_a_key_that_is_taken_meanwhile_is_refused(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)", "(2, 'b', 8)")
    clean(site, "posts", AUTHOR, "delete")
    site.run("INSERT INTO posts VALUES (1, 'other', NULL)")
    result = back(site)
    assert (result.restored, result.refused) == (1, 1)
    assert result.refusals[0].key == "id=1"
    assert sorted(site.ask("SELECT id, title FROM posts")) == [(1, "other"), (2, "b")]


def test_columns_and_tables_that_are_gone_are_named(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)", "(2, NULL, 8)")
    clean(site, "posts", AUTHOR, "delete")
    site.run("ALTER TABLE posts DROP COLUMN title", "ALTER TABLE posts ADD COLUMN more int")
    result = back(site)
    assert (result.restored, result.refused) == (1, 1)
    assert "column title no longer exists" in result.refusals[0].reason
    site.run("DROP TABLE posts")
    assert "table posts no longer exists" in back(site).refusals[0].reason


def test_a_nullified_column_needs_no_other_column_to_be_there_still(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)")
    clean(site, "posts", AUTHOR, "nullify")
    site.run("ALTER TABLE posts DROP COLUMN title")
    site.run("INSERT INTO users VALUES (7)")
    assert back(site) == RestoreResult(restored=1)
    assert site.ask("SELECT author_id FROM posts") == [(7,)]


def test_numbered_and_computed_columns_come_back(site: Site) -> None:
    numbered = {
        "postgresql": "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "mysql": "bigint AUTO_INCREMENT PRIMARY KEY",
        "mariadb": "bigint AUTO_INCREMENT PRIMARY KEY",
        "sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT",
    }[site.conn.dialect.name]
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY)",
        f"CREATE TABLE posts (id {numbered}, author_id int, twice int GENERATED ALWAYS AS "
        "(author_id * 2) STORED)",
        "INSERT INTO posts (author_id) VALUES (7), (NULL)",
    )
    clean(site, "posts", AUTHOR, "delete")
    assert back(site) == RestoreResult(restored=1)
    assert sorted(site.ask("SELECT * FROM posts"))[0] == (1, 7, 14)


def test_rows_without_any_key_come_back(site: Site) -> None:
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE logs (body varchar(20), user_id int)",
        "INSERT INTO logs VALUES ('x', 1), ('x', 1), ('x', NULL), ('y', 2)",
    )
    before = sorted(site.ask("SELECT * FROM logs"), key=repr)
    clean(site, "logs", key("logs", "user_id", "users.id"), "nullify")
    assert back(site) == RestoreResult(restored=3)
    assert sorted(site.ask("SELECT * FROM logs"), key=repr) == before
