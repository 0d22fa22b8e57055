"""What a MySQL user is not shown is taken to be there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text

from odac_db import Cache, Database
from odac_db.dialects.mysql.privileges import unseen
from tests.fixtures.databases import LiveDatabase

LOG, CHILD = "SELECT count(*) FROM log", "SELECT count(*) FROM child"
Opens = Callable[..., Database]


@pytest.fixture
def opens(mysql_database: LiveDatabase, tmp_path: Path) -> Iterator[Opens]:
    """Opens the database as a user with these privileges on these objects."""
    mysql_database.execute(
        "CREATE TABLE posts (id int PRIMARY KEY, t varchar(9))",
        "CREATE TABLE log (n int)",
        "CREATE TABLE child (p int, FOREIGN KEY (p) REFERENCES posts (id) ON DELETE CASCADE)",
        "INSERT INTO posts VALUES (1, 'a')",
        "INSERT INTO child VALUES (1)",
        "CREATE TRIGGER t AFTER INSERT ON posts FOR EACH ROW INSERT INTO log VALUES (1)",
    )
    user = mysql_database.name[-24:]
    hosts, made = ("localhost", "%"), list[Database]()

    def opened(privileges: str, on: str = "*", **options: Any) -> Database:
        for host in hosts:
            name = f"'{user}'@'{host}'"
            mysql_database.execute(
                f"CREATE USER {name} IDENTIFIED BY 'pw'",
                f"GRANT {privileges} ON `{mysql_database.name}`.{on} TO {name}",
            )
        url = make_url(mysql_database.url).set(username=user, password="pw")  # noqa: S106 - made for this test
        cache = Cache(directory=tmp_path, commit_within=60, **options)
        text_url = url.render_as_string(hide_password=False)
        made.append(Database.open(text_url, cache=cache))
        return made[-1]

    yield opened
    for db in made:
        db.close()
    for host in hosts:
        mysql_database.execute(f"DROP USER IF EXISTS '{user}'@'{host}'")


def count(db: Database, sql: str) -> int:
    found: int = db.execute(text(sql), cache=60).scalar_one()
    return found


def test_triggers_that_a_user_is_not_shown_are_taken_to_be_there(
    opens: Opens, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "odac_db.cache"):
        db = opens("SELECT, INSERT, UPDATE, DELETE")
        for n in (1, 2, 3):
            db.execute(text(f"INSERT INTO posts VALUES ({n + 10}, 'b')"))
            assert count(db, LOG) == n
    told = [one for one in caplog.messages if "GRANT TRIGGER" in one]
    dialect: Any = db.engine.dialect
    hides = not dialect.is_mariadb
    assert len(told) == hides
    assert ("GRANT TRIGGER" in db.cache.stats().warning) == hides


def test_who_has_the_privilege_or_says_what_they_write_keeps_the_rest(opens: Opens) -> None:
    db = opens("SELECT, INSERT, UPDATE, DELETE, TRIGGER", triggers={"posts": ["log"]})
    assert (count(db, CHILD), count(db, LOG)) == (1, 0)
    db.execute(text("INSERT INTO posts VALUES (11, 'b')"))
    before = db.cache.stats()
    assert (count(db, CHILD), count(db, LOG)) == (1, 1)
    assert db.cache.stats().hits == before.hits + 1
    assert not before.warning


def test_children_that_a_user_is_not_shown_are_taken_to_be_there(
    opens: Opens, mysql_database: LiveDatabase, tmp_path: Path
) -> None:
    mysql_database.execute("DROP TRIGGER t")
    cache = Cache(directory=tmp_path, commit_within=60)
    with Database.open(mysql_database.url, cache=cache) as other:
        assert count(other, CHILD) == 1
        opens("SELECT, DELETE", "posts").execute(text("DELETE FROM posts"))
        assert count(other, CHILD) == 0


TABLES = frozenset({"posts", "log"})
GRANTS = {
    "GRANT ALL PRIVILEGES ON *.* TO `u`@`%` WITH GRANT OPTION": "",
    "GRANT SELECT, INSERT, TRIGGER ON `site`.* TO `u`@`%`": "",
    "GRANT SELECT, INSERT, TRIGGER ON `s_te`.* TO `u`@`%`": "",
    r"GRANT SELECT, INSERT, TRIGGER ON `s\_te`.* TO `u`@`%`": "log posts",
    "GRANT SELECT, INSERT, TRIGGER ON `sit%`.* TO `u`@`%`": "",
    "GRANT SELECT, INSERT, TRIGGER ON `other`.* TO `u`@`%`": "log posts",
    "GRANT SELECT, INSERT ON `site`.* TO `u`@`%`": "log posts",
    "GRANT INSERT ON `site`.* TO `u`\nGRANT TRIGGER ON `site`.`Posts` TO `u`": "log",
    "GRANT TRIGGER, INSERT ON `site`.`posts` TO `u`@`%`": "log posts",
    "GRANT TRIGGER ON *.* TO `u`\nREVOKE TRIGGER ON `site`.* FROM `u`": "log posts",
    "GRANT USAGE ON *.* TO `u`@`%`": "log posts",
    "GRANT `role`@`%` TO `u`@`%`": "log posts",
}


@pytest.mark.parametrize("grants", GRANTS)
def test_what_a_user_is_not_shown_by_its_grants(grants: str) -> None:
    found = unseen(grants.splitlines(), "site", TABLES, triggers=True)
    assert " ".join(sorted(found)) == GRANTS[grants]
