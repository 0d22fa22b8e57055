"""Seeds on every server: inserted once, updated when different, and otherwise not written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from odac_db.errors import SeedError
from odac_db.migrate.seeds import apply_seeds
from odac_db.schema.declaration import (
    ColumnDeclaration,
    ReferenceDeclaration,
    TableDeclaration,
)
from odac_db.schema.plan import SeedResult
from tests.fixtures.databases import LiveDatabase
from tests.servers.seed_site import column, declared, make, sow, table
from tests.servers.site import Site, opened


@pytest.fixture
def site(database: LiveDatabase) -> Iterator[Site]:
    with opened(database) as site:
        yield site


WORDS = {
    "id": column("nanoid", primary=True),
    "slug": column("string", unique=True, nullable=False),
    "title": column("string"),
    "code": column("nanoid", length=8),
}


def words(*rows: dict[str, Any], seed_key: Any = "slug") -> TableDeclaration:
    return table("words", WORDS, seed_key, *rows)


def test_the_first_run_inserts_all_and_the_second_nothing(site: Site) -> None:
    seeds = words({"slug": "a", "title": "A"}, {"slug": "b", "title": None}, {"slug": "c"})
    make(site, declared(seeds))
    assert sow(site, seeds) == [("seed_insert", f"slug={slug}") for slug in "abc"]
    rows = {row[1]: row for row in site.ask("SELECT id, slug, title, code FROM words")}
    assert {slug: row[2] for slug, row in rows.items()} == {"a": "A", "b": None, "c": None}
    assert all(len(row[0]) == 21 and row[0].isalnum() for row in rows.values())
    assert all(len(row[3]) == 8 and row[3].isalnum() for row in rows.values())
    assert sow(site, seeds) == []
    assert sorted(site.ask("SELECT id, slug, title, code FROM words")) == sorted(rows.values())


def test_only_what_differs_is_updated(site: Site) -> None:
    make(site, declared(words()))
    sow(site, words({"slug": "a", "title": "A"}, {"slug": "b", "title": "B"}))
    before = dict(site.ask("SELECT slug, id FROM words"))
    changed = words({"slug": "a", "title": "a"}, {"slug": "b", "title": "B"})
    assert sow(site, changed) == [("seed_update", "slug=a")]
    assert dict(site.ask("SELECT slug, title FROM words")) == {"a": "a", "b": "B"}
    assert dict(site.ask("SELECT slug, id FROM words")) == before


def test_ids_given_are_kept_and_ids_made_are_stable(site: Site) -> None:
    make(site, declared(words()))
    seeds = words({"slug": "a", "id": "mine"}, {"slug": "b", "id": None})
    sow(site, seeds)
    ids = dict(site.ask("SELECT slug, id FROM words"))
    assert ids["a"] == "mine"
    assert len(ids["b"]) == 21
    assert sow(site, seeds) == []
    assert dict(site.ask("SELECT slug, id FROM words")) == ids


def test_rows_and_columns_no_seed_names_are_left_alone(site: Site) -> None:
    make(site, declared(words()))
    site.run("INSERT INTO words (id, slug, title) VALUES ('x', 'mine', 'M'), ('y', 'a', 'old')")
    assert sow(site, words({"slug": "a"})) == []
    assert sorted(site.ask("SELECT slug, title FROM words")) == [("a", "old"), ("mine", "M")]


def test_hundreds_of_rows(site: Site) -> None:
    seeds = words(*({"slug": f"s{number}", "title": str(number)} for number in range(450)))
    make(site, declared(seeds))
    assert len(sow(site, seeds)) == 450
    site.run(
        "UPDATE words SET title = 'x' WHERE slug = 's449'", "DELETE FROM words WHERE slug='s7'"
    )
    assert sorted(sow(site, seeds)) == [("seed_insert", "slug=s7"), ("seed_update", "slug=s449")]


def test_keys_of_several_columns(site: Site) -> None:
    columns = {
        "id": column("increments"),
        "day": column("date"),
        "amount": column("decimal"),
        "note": column("text"),
    }
    rows: list[dict[str, Any]] = [
        {"day": "2024-01-01", "amount": "1.5", "note": "a"},
        {"day": date(2024, 1, 1), "amount": 2, "note": "b"},
        {"day": "2024-01-02", "amount": Decimal("1.50"), "note": "c"},
    ]
    seeds = table("entries", columns, ("day", "amount"), *rows)
    make(site, declared(seeds))
    assert len(sow(site, seeds)) == 3
    assert sow(site, seeds) == []
    rows[1]["note"] = "B"
    changed = table("entries", columns, ("day", "amount"), *rows)
    assert sow(site, changed) == [("seed_update", "day=2024-01-01, amount=2")]


def reference(target: str, **more: Any) -> ColumnDeclaration:
    return column("integer", references=ReferenceDeclaration(table=target, columns=("id",)), **more)


def test_parents_come_before_children(site: Site) -> None:
    number = column("integer", primary=True)
    tables = [
        table(
            "a_lines",
            {"id": number, "order_id": reference("b_orders", nullable=False)},
            "id",
            {"id": 1, "order_id": 5},
        ),
        table(
            "b_orders",
            {"id": number, "user_id": reference("c_users", nullable=False)},
            "id",
            {"id": 5, "user_id": 9},
        ),
        table("c_users", {"id": number}, "id", {"id": 9}),
    ]
    make(site, declared(*tables))
    assert sow(site, *tables) == [
        ("seed_insert", "id=9"),
        ("seed_insert", "id=5"),
        ("seed_insert", "id=1"),
    ]


def test_rows_of_one_table_may_refer_to_later_ones(site: Site) -> None:
    columns = {"id": column("integer", primary=True), "parent": reference("nodes")}
    seeds = table(
        "nodes",
        columns,
        "id",
        {"id": 1, "parent": 2},
        {"id": 2, "parent": 3},
        {"id": 3, "parent": 3},
        {"id": 4, "parent": 1},
    )
    make(site, declared(seeds))
    assert len(sow(site, seeds)) == 4
    assert sorted(site.ask("SELECT id, parent FROM nodes")) == [(1, 2), (2, 3), (3, 3), (4, 1)]


def test_tables_that_refer_to_each_other(site: Site) -> None:
    number = column("integer", primary=True)
    users = table("users", {"id": number, "team": reference("teams")}, "id", {"id": 1, "team": 2})
    teams = table(
        "teams",
        {"id": number, "head": reference("users", nullable=False)},
        "id",
        {"id": 2, "head": 1},
    )
    make(site, declared(users, teams))
    assert sorted(sow(site, users, teams)) == [("seed_insert", "id=1"), ("seed_insert", "id=2")]
    assert site.ask("SELECT id, team FROM users") == [(1, 2)]
    assert site.ask("SELECT id, head FROM teams") == [(2, 1)]


def test_c10_numbers_that_seeds_take_are_not_given_again(site: Site) -> None:
    seeds = table(
        "users",
        {"id": column("increments"), "name": column("string")},
        "id",
        {"id": 1, "name": "a"},
        {"id": 7, "name": "b"},
    )
    make(site, declared(seeds))
    sow(site, seeds)
    site.run("INSERT INTO users (name) VALUES ('c')")
    assert sorted(site.ask("SELECT id, name FROM users")) == [(1, "a"), (7, "b"), (8, "c")]


def test_a_table_or_column_that_is_not_there_yet_waits(site: Site) -> None:
    make(site, declared(words()))
    other = table("other", {"id": column("integer", primary=True)}, "id", {"id": 1})
    wider = table("words", {**WORDS, "more": column("text")}, "slug", {"slug": "a", "more": "x"})
    assert sow(site, other, wider) == []
    assert site.ask("SELECT count(*) FROM words") == [(0,)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"title": "x"}], "lacks its key slug"),
        ([{"slug": None}], "lacks its key slug"),
        ([{"slug": "a"}, {"slug": "a"}], "two seed rows slug=a"),
        ([{"slug": "a", "title": {"x": 1}}], "title cannot be"),
        ([{"slug": "a"}, {"slug": "b", "title": "x" * 300}], None),
    ],
)
def test_faults_are_told_and_nothing_is_written(
    site: Site, rows: list[dict[str, Any]], message: str | None
) -> None:
    make(site, declared(words()))
    if message is None and site.conn.dialect.name == "sqlite":
        rows, message = [{"slug": "a"}, {"slug": "b", "id": {}}], "id cannot be"
    with pytest.raises(SeedError, match=message or "seed row slug=b of words was refused"):
        sow(site, words(*rows))
    assert site.ask("SELECT count(*) FROM words") == [(0,)]


def test_results_say_what_was_written(site: Site) -> None:
    seeds = words({"slug": "a"})
    make(site, declared(seeds))
    schema = site.dialect.resolve(declared(seeds), site.features).schema
    with site.plan() if site.features.transactional_ddl else site.nothing():
        results = apply_seeds(site.conn, site.dialect, site.features, schema, declared(seeds))
    assert results == (SeedResult(kind="seed_insert", table="words", key="slug=a"),)
