"""Behaviours 35-44: seeds, and nanoid columns."""

from __future__ import annotations

from typing import Any

import pytest

from odac_db import DeclarationError
from tests.behaviours.steps import Application, Body, done, table

KEY = {"type": "string", "length": 20, "nullable": False, "unique": True}


def words(*seed: dict[str, Any], **columns: Any) -> Body:
    return table({"slug": KEY, "title": "string", **columns}, seed_key="slug", seed=list(seed))


def sown(app: Application, **tables: Body) -> list[tuple[str, str]]:
    """What a boot wrote of the seeds."""
    return [(seed.kind, seed.key) for seed in app.boot_with(**tables).seeds]


def test_b35_the_first_run_inserts_every_row(app: Application) -> None:
    rows: list[dict[str, Any]] = [{"slug": "a", "title": "A"}, {"slug": "b", "title": None}]
    assert sown(app, words=words(*rows)) == [("seed_insert", "slug=a"), ("seed_insert", "slug=b")]
    assert app.database.rows("words") == rows
    app.assert_settled()


def test_b36_a_changed_value_updates_its_row(app: Application) -> None:
    sown(app, words=words({"slug": "a", "title": "A"}, {"slug": "b", "title": "B"}))
    changed = words({"slug": "a", "title": "a"}, {"slug": "b", "title": "B"})
    assert sown(app, words=changed) == [("seed_update", "slug=a")]
    assert [row["title"] for row in app.database.rows("words")] == ["a", "B"]
    app.assert_settled()


def test_b37_json_is_no_false_difference(app: Application) -> None:
    meta = {"b": [1, 2.5, None, True], "a": {"ä": "x"}}
    seed = {"slug": "a", "meta": meta, "more": meta}
    declared = words(seed, meta="json", more="jsonb")
    assert len(sown(app, words=declared)) == 1
    app.assert_settled()
    reordered = {"a": {"ä": "x"}, "b": [1, 2.5, None, True]}
    assert sown(app, words=words(seed | {"meta": reordered}, meta="json", more="jsonb")) == []


def test_b38_b39_a_nanoid_is_a_varchar_of_21_or_of_its_length(app: Application) -> None:
    app.boot_with(
        things=table(
            {"id": {"type": "nanoid", "primary": True}, "code": {"type": "nanoid", "length": 8}}
        )
    )
    found = app.columns("things")
    assert [(found[name]["type"].length) for name in ("id", "code")] == [21, 8]
    app.assert_settled()


CODED: dict[str, Any] = {
    "id": {"type": "nanoid", "primary": True},
    "code": {"type": "nanoid", "length": 8},
}


def test_b40_b41_b42_b43_ids_are_made_for_seeds_and_then_stay(app: Application) -> None:
    declared = words({"slug": "a"}, {"slug": "b", "id": "mine"}, {"slug": "c"}, **CODED)
    sown(app, words=declared)
    before = app.database.rows("words")
    by_slug = {row["slug"]: row for row in before}
    made, given, other = (by_slug[slug] for slug in "abc")
    assert given["id"] == "mine"
    assert len(made["id"]) == 21
    assert made["id"].isalnum()
    assert made["id"].isascii()
    assert made["id"] != other["id"]
    assert {len(row["code"]) for row in before} == {8}
    app.assert_settled()
    assert app.database.rows("words") == before


def test_b44_a_nanoid_column_comes_late_with_its_length(app: Application) -> None:
    app.boot_with(words=words())
    assert done(app.boot_with(words=words(code=CODED["code"]))) == ["add_column words.code"]
    assert app.columns("words")["code"]["type"].length == 8
    app.assert_settled()


def test_a19_a_seed_row_without_its_key_is_an_error_and_nothing_is_written(
    app: Application,
) -> None:
    """odac skips such a row in silence."""
    with pytest.raises(DeclarationError, match=r"words.json:1:[0-9]+: .*slug"):
        app.boot_with(words=words({"slug": "a"}, {"title": "lost"}))
    assert app.tables() == set()
