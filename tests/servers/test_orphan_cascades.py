"""Deleting orphans makes others: the rest goes along, is copied too, or forbids it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odac_db.errors import MigrationFailed
from odac_db.migrate.orphans.clean import OrphanKey, clean_all
from tests.fixtures.databases import LiveDatabase
from tests.servers.cleaning_site import (
    AUTHOR,
    clean,
    cleaning,
    copies,
    family,
    key,
    users_and_posts,
)
from tests.servers.site import Site, opened


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with opened(database) as site:
        yield site


def test_a_table_that_refers_to_itself_is_cleaned_to_the_end(site: Site) -> None:
    site.run(
        "CREATE TABLE nodes (id int PRIMARY KEY, parent int)",
        "INSERT INTO nodes VALUES (1, NULL), (2, 1), (3, 99), (4, 3), (5, 4), (6, 5)",
    )
    with site.plan():
        keys: list[OrphanKey] = [
            (site.table("nodes"), key("nodes", "parent", "nodes.id"), "delete")
        ]
        assert clean_all(cleaning(site), keys) == {"nodes": 4}
    assert sorted(site.ask("SELECT id FROM nodes")) == [(1,), (2,)]


def test_a_key_into_the_table_itself_is_cleaned_for_last(site: Site) -> None:
    """A run that died half-way has made orphans of other rows: theirs are the same keys."""
    site.run(
        "CREATE TABLE users (id int PRIMARY KEY)",
        "CREATE TABLE nodes (id int PRIMARY KEY, parent int, author int)",
        "INSERT INTO nodes VALUES (1, NULL, NULL), (2, 1, 7), (3, 2, 7), (4, 99, NULL)",
    )
    own: OrphanKey = (site.table("nodes"), key("nodes", "parent", "nodes.id"), "delete")
    other: OrphanKey = (site.table("nodes"), key("nodes", "author", "users.id"), "delete")
    site.run("DELETE FROM nodes WHERE id = 2")  # as a batch that was committed did
    with site.plan():
        assert clean_all(cleaning(site), [own, other]) == {"nodes": 2}
    said = {int(copy["row_values"]["id"]): copy["constraint_name"] for copy in copies(site)}
    assert said == {3: "nodes_author_fkey", 4: "nodes_parent_fkey"}


def test_a_cycle_of_tables_is_cleaned_to_the_end(site: Site) -> None:
    site.run(
        "CREATE TABLE a (id int PRIMARY KEY, b int)",
        "CREATE TABLE b (id int PRIMARY KEY, a int)",
        "INSERT INTO a VALUES (1, 1), (2, 2), (3, 3)",
        "INSERT INTO b VALUES (1, 1), (2, 3), (3, 99)",
    )
    with site.plan():
        keys: list[OrphanKey] = [
            (site.table("a"), key("a", "b", "b.id"), "delete"),
            (site.table("b"), key("b", "a", "a.id"), "delete"),
        ]
        # b3 has no parent, so a3 loses its own, so b2 does, so a2 does
        assert clean_all(cleaning(site), keys) == {"a": 2, "b": 2}
    assert site.ask("SELECT id FROM a") == [(1,)]
    assert site.ask("SELECT id FROM b") == [(1,)]


def test_rows_a_cascade_takes_along_are_copied_too(site: Site) -> None:
    family(site, "CASCADE")
    assert clean(site, "posts", AUTHOR, "delete") == {"posts": 1, "comments": 2, "likes": 2}
    assert site.ask("SELECT id FROM comments") == [(1,)]
    assert sorted(site.ask("SELECT id FROM likes")) == [(1,), (4,)]
    found = sorted((copy["table_name"], copy["action"], copy["via"]) for copy in copies(site))
    assert [name for name, _, _ in found] == ["comments"] * 2 + ["likes"] * 2 + ["posts"]
    assert {action for _, action, _ in found} == {"delete"}
    assert {copy["constraint_name"] for copy in copies(site)} == {"posts_author_id_fkey"}


def test_rows_a_deletion_sets_to_null_are_copied_too(site: Site) -> None:
    family(site, "SET NULL")
    assert clean(site, "posts", AUTHOR, "delete") == {"posts": 1, "comments": 2}
    assert sorted(site.ask("SELECT id, post_id FROM comments")) == [(1, 1), (2, None), (3, None)]
    assert len(site.ask("SELECT id FROM likes")) == 4
    assert [copy["action"] for copy in copies(site)] == ["delete", "nullify", "nullify"]


@pytest.mark.parametrize("action", ["RESTRICT", "NO ACTION"])
def test_rows_that_forbid_the_deletion_are_named(site: Site, action: str) -> None:
    family(site, action)
    with pytest.raises(MigrationFailed, match=r"2 row\(s\) of comments .* ON DELETE"):
        clean(site, "posts", AUTHOR, "delete")
    assert len(site.ask("SELECT id FROM posts")) == 2
    assert copies(site) == []


def test_a_row_that_forbids_may_itself_go_by_another_way(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)")
    site.run(
        "CREATE TABLE a (id int PRIMARY KEY, post int, FOREIGN KEY (post) REFERENCES posts (id) "
        "ON DELETE CASCADE)",
        "CREATE TABLE b (id int PRIMARY KEY, post int, a int, "
        "FOREIGN KEY (post) REFERENCES posts (id) ON DELETE CASCADE, "
        "FOREIGN KEY (a) REFERENCES a (id))",
        "INSERT INTO a VALUES (1, 1)",
        "INSERT INTO b VALUES (1, 1, 1)",
    )
    assert clean(site, "posts", AUTHOR, "delete") == {"posts": 1, "a": 1, "b": 1}
    assert len(copies(site)) == 3


def test_a_row_both_nullified_and_deleted_is_deleted(site: Site) -> None:
    users_and_posts(site, "(1, 'a', 7)", "(2, 'b', 1)")
    site.run(
        "CREATE TABLE c (id int PRIMARY KEY, x int, y int, z int, "
        "FOREIGN KEY (x) REFERENCES posts (id) ON DELETE SET NULL, "
        "FOREIGN KEY (y) REFERENCES posts (id) ON DELETE CASCADE, "
        "FOREIGN KEY (z) REFERENCES posts (id) ON DELETE SET NULL)",
        "INSERT INTO c VALUES (1, 1, 1, 2), (2, 1, 2, 1), (3, 2, NULL, 1)",
    )
    assert clean(site, "posts", AUTHOR, "delete") == {"posts": 1, "c": 3}
    assert sorted(site.ask("SELECT * FROM c")) == [(2, None, 2, None), (3, 2, None, None)]
    assert len(copies(site)) == 4
