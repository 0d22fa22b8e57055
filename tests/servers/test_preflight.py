"""Preflight on every server: what the data refuses is told before anything is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odac_db.migrate.preflight import check
from odac_db.schema.changes import (
    AddColumn,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    CreateTable,
    RenameColumn,
    RenameTable,
)
from odac_db.schema.model import (
    Column,
    ForeignKey,
    Identity,
    Index,
    IndexPart,
    OrphanPolicy,
    PrimaryKey,
    Table,
)
from odac_db.schema.plan import Finding
from tests.fixtures.databases import LiveDatabase
from tests.servers.site import Site, opened, seen_by


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with opened(database) as site:
        site.run(
            "CREATE TABLE users (id int PRIMARY KEY, email varchar(50), age int)",
            "INSERT INTO users VALUES (1, 'a', 1), (2, 'b', 1), (3, 'b', NULL), (4, NULL, 1), "
            "(5, NULL, NULL)",
            "CREATE TABLE posts (id int PRIMARY KEY, author int, editor int NOT NULL)",
            "INSERT INTO posts VALUES (1, 1, 1), (2, 7, 7), (3, NULL, 1)",
            "CREATE TABLE vacant (id int)",
        )
        yield site


def found(site: Site, *changes: Change) -> dict[int, Finding]:
    """The first finding of each change that has one, by its position."""
    answers = check(seen_by(site), changes)
    return {position: findings[0] for position, findings in answers.items()}


def unique(*columns: str, table: str = "users", **more: object) -> AddIndex:
    parts = tuple(IndexPart(column=name) for name in columns)
    index = Index(name="u", parts=parts, unique=True, **more)  # type: ignore[arg-type]
    return AddIndex(table=table, index=index)


def reference(
    column: str, policy: OrphanPolicy | None = None, target: str = "users", ref: str = "id"
) -> AddForeignKey:
    key = ForeignKey(
        name="f", columns=(column,), ref_table=target, ref_columns=(ref,), orphans=policy
    )
    return AddForeignKey(table="posts", foreign_key=key)


def test_says_nothing_where_the_data_fits(site: Site) -> None:
    changes = (
        unique("id", "email"),
        AddIndex(table="users", index=Index(name="i", parts=(IndexPart(column="email"),))),
        AddPrimaryKey(table="users", primary_key=PrimaryKey(columns=("id",))),
        AddColumn(table="users", column=Column(name="x", type="int")),
        AddColumn(table="vacant", column=Column(name="x", type="int", nullable=False)),
        AddColumn(table="users", column=Column(name="z", type="int", nullable=False, default="1")),
        reference("editor", target="posts"),
    )
    assert set(found(site, *changes)) == {6}


def test_duplicates_under_a_unique_index_nulls_apart(site: Site) -> None:
    finding = found(site, unique("email"))[0]
    assert finding.refuses
    assert finding.count == 1
    assert finding.samples == ({"email": "b", "rows": 2},)
    assert "users(email)" in finding.message
    assert "email=b, rows=2" in finding.message


def test_nulls_may_count_as_equal(site: Site) -> None:
    finding = found(site, unique("email", nulls_not_distinct=True))[0]
    assert finding.count == 2


def test_several_columns_are_unique_together(site: Site) -> None:
    assert found(site, unique("email", "age")) == {}
    site.run("INSERT INTO users VALUES (6, 'a', 1)")
    assert found(site, unique("email", "age"))[0].samples == ({"email": "a", "age": 1, "rows": 2},)


def test_only_rows_of_the_predicate_count(site: Site) -> None:
    assert found(site, unique("email", where="id < 3")) == {}
    assert found(site, unique("email", where="id > 1"))[0].count == 1


def test_expressions_are_unique_too(site: Site) -> None:
    site.run("UPDATE users SET email = 'A' WHERE id = 2")
    index = Index(name="u", parts=(IndexPart(expression="lower(email)"),), unique=True)
    finding = found(site, AddIndex(table="users", index=index))[0]
    assert finding.samples == ({"lower(email)": "a", "rows": 2},)


def test_nulls_and_duplicates_under_a_primary_key(site: Site) -> None:
    def primary(*columns: str) -> AddPrimaryKey:
        return AddPrimaryKey(table="users", primary_key=PrimaryKey(columns=columns))

    assert "hold NULL in age" in found(site, primary("age"))[0].message
    site.run("UPDATE users SET age = 3 WHERE age IS NULL")
    assert found(site, primary("age"))[0].count == 2


def test_nulls_under_not_null(site: Site) -> None:
    column = Column(name="email", type="varchar(50)")
    change = AlterColumn(
        table="users", before=column, after=Column(name="email", type="text", nullable=False)
    )
    finding = found(site, change)[0]
    assert finding.count == 2
    assert {row["id"] for row in finding.samples} == {4, 5}
    assert finding.refuses


def test_a_column_nobody_fills(site: Site) -> None:
    column = Column(name="x", type="int", nullable=False)
    finding = found(site, AddColumn(table="users", column=column))[0]
    assert finding.refuses
    assert "users has rows" in finding.message
    numbered = Column(name="x", type="int", nullable=False, identity=Identity(kind="by_default"))
    assert found(site, AddColumn(table="users", column=numbered)) == {}


@pytest.mark.parametrize(
    ("column", "policy", "expected", "refuses"),
    [
        ("author", None, "nullify", False),
        ("author", "delete", "delete", False),
        ("author", "fail", "fail", True),
        ("editor", None, "fail", True),
        ("editor", "delete", "delete", False),
        ("editor", "nullify", "nullify", True),
    ],
)
def test_orphans_and_what_will_be_done_with_them(
    site: Site, column: str, policy: OrphanPolicy | None, expected: str, refuses: bool
) -> None:
    finding = found(site, reference(column, policy))[0]
    assert finding.count == 1
    assert finding.samples == ({"id": 2, column: 7},)
    assert (finding.policy, finding.refuses) == (expected, refuses)
    assert "1 row of posts refer to no row of users" in finding.message


def test_a_column_that_becomes_not_null_is_not_nullified(site: Site) -> None:
    change = AlterColumn(
        table="posts",
        before=Column(name="author", type="int"),
        after=Column(name="author", type="int", nullable=False),
    )
    findings = found(site, change, reference("author"))
    assert findings[0].count == 1
    assert findings[1].policy == "fail"


def test_a_parent_yet_to_be_made_has_no_rows(site: Site) -> None:
    people = Table(name="people", columns=(Column(name="id", type="int"),))
    finding = found(site, CreateTable(table=people), reference("author", target="people"))[1]
    assert finding.count == 2


def test_a_parent_column_yet_to_be_made_holds_nothing(site: Site) -> None:
    added = AddColumn(table="users", column=Column(name="code", type="int"))
    assert found(site, added, reference("author", ref="code"))[1].count == 2


def test_a_child_column_yet_to_be_made(site: Site) -> None:
    empty = AddColumn(table="posts", column=Column(name="owner", type="int"))
    assert found(site, empty, reference("owner")) == {}
    for default, count in (("1", None), ("9", 3)):
        column = Column(name="owner", type="int", default=default)
        finding = found(site, AddColumn(table="posts", column=column), reference("owner")).get(1)
        assert (finding.count if finding else None) == count


def test_the_same_default_in_every_row_is_not_unique(site: Site) -> None:
    column = Column(name="code", type="varchar(9)", default="'x'")
    added = AddColumn(table="users", column=column)
    assert found(site, added, unique("code"))[1].count == 1


def test_tables_and_columns_are_found_under_their_old_names(site: Site) -> None:
    changes = (
        RenameTable(before="users", after="swap"),
        RenameTable(before="posts", after="users"),
        RenameTable(before="swap", after="posts"),
        RenameColumn(table="posts", before="email", after="mail"),
        RenameColumn(table="users", before="author", after="id_of_author"),
        unique("mail", table="posts", where="mail = 'b'"),
        AddForeignKey(
            table="users",
            foreign_key=ForeignKey(
                name="f", columns=("id_of_author",), ref_table="posts", ref_columns=("id",)
            ),
        ),
    )
    findings = found(site, *changes)
    assert findings[5].samples == ({"mail": "b", "rows": 2},)
    assert findings[6].samples == ({"id": 2, "id_of_author": 7},)


def test_keys_about_to_get_one_type_are_compared_by_text(site: Site) -> None:
    site.run("CREATE TABLE notes (id int PRIMARY KEY, author varchar(9))")
    site.run("INSERT INTO notes VALUES (1, '1'), (2, '9')")
    change = AlterColumn(
        table="notes",
        before=Column(name="author", type="varchar(9)"),
        after=Column(name="author", type="int"),
    )
    key = ForeignKey(name="f", columns=("author",), ref_table="users", ref_columns=("id",))
    finding = found(site, change, AddForeignKey(table="notes", foreign_key=key))[1]
    ((row,),) = (finding.samples,)
    assert (row["id"], str(row["author"])) == (2, "9")


def test_nothing_is_written(site: Site) -> None:
    before = site.live()
    found(site, reference("author"), unique("email"))
    assert site.live() == before
    assert site.ask("SELECT count(*) FROM posts") == [(3,)]
