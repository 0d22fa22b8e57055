"""How the rows are read: once for all that concerns single rows, and not without need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event

from odac_db.migrate.preflight import check
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
)
from odac_db.schema.model import Check, Column, Generated, Index, IndexPart, PrimaryKey
from odac_db.schema.plan import Finding
from tests.fixtures.databases import LiveDatabase
from tests.servers.site import Site, opened, seen_by


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with opened(database) as site:
        site.run(
            "CREATE TABLE t (id int NOT NULL PRIMARY KEY, a int, b int, c varchar(9) NOT NULL)",
            "CREATE UNIQUE INDEX t_c ON t (c)",
            "INSERT INTO t VALUES (1, 1, 1, 'x'), (2, 2, NULL, 'y'), (3, 0, 3, 'z')",
        )
        yield site


def asked(site: Site, *changes: Change) -> tuple[list[str], dict[int, tuple[Finding, ...]]]:
    """The statements that read ``t``, and what they found."""
    read: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("SELECT"):
            read.append(statement)

    looked = seen_by(site)
    event.listen(site.conn, "before_cursor_execute", note)
    try:
        return read, check(looked, changes)
    finally:
        event.remove(site.conn, "before_cursor_execute", note)


def not_null(name: str) -> AlterColumn:
    before = Column(name=name, type="int")
    return AlterColumn(
        table="t", before=before, after=Column(name=name, type="int", nullable=False)
    )


def holds(expression: str, **more: Any) -> AddCheck:
    return AddCheck(table="t", check=Check(name="c", expression=expression, **more))


def unique(*columns: str) -> AddIndex:
    parts = tuple(IndexPart(column=name) for name in columns)
    return AddIndex(table="t", index=Index(name="u", parts=parts, unique=True))


def test_the_rows_of_a_table_are_read_once(site: Site) -> None:
    computed = Column(name="s", type="int", generated=Generated("a + b", stored=True))
    read, found = asked(
        site, not_null("a"), holds("a >= 0"), holds("b > 0"), AddColumn(table="t", column=computed)
    )
    assert found == {}
    assert len(read) == 1


def test_what_is_found_takes_one_more_each(site: Site) -> None:
    read, found = asked(site, not_null("b"), holds("a > 0"), holds("a < 9"))
    assert {position: one[0].count for position, one in found.items()} == {0: 1, 1: 1}
    assert [one[0].samples for one in found.values()] == [({"id": 2, "b": None},), ({"id": 3},)]
    assert len(read) == 3


def test_what_the_catalog_guarantees_is_not_asked(site: Site) -> None:
    read, found = asked(
        site,
        unique("c", "a"),
        unique("b", "id"),
        AddPrimaryKey(table="t", primary_key=PrimaryKey(columns=("c",))),
        holds("a > 9", enforced=False),
        holds("a > 9", valid=False),
    )
    assert (read, found) == ([], {})


def test_a_column_made_in_the_same_plan_is_there(site: Site) -> None:
    filled = AddColumn(table="t", column=Column(name="n", type="int", default="2"))
    twice = AddColumn(
        table="t", column=Column(name="m", type="int", generated=Generated("a / 2", stored=True))
    )
    _, found = asked(site, filled, twice, holds("a < n"), holds("m > 0"), unique("n"))
    assert {position: one[0].count for position, one in found.items()} == {2: 1, 3: 2, 4: 1} or (
        site.dialect.name == "mysql" and found[3][0].count == 1  # 1 / 2 is 0.5 there
    )


def test_one_question_the_server_cannot_answer_hides_no_other(site: Site) -> None:
    _, found = asked(site, holds("no_such_column > 1"), holds("a > 0"))
    assert {position: one[0].count for position, one in found.items()} == {1: 1}
