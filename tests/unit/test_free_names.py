"""Generated names are free, however many have taken what they would be."""

from __future__ import annotations

from odac_db.migrate.free_names import FreeNames
from odac_db.schema.model import Index, IndexPart

from .models import PLAIN, schema, table

WANTED = Index(name="a_b_idx", parts=(IndexPart(column="b"),), named=False)


def index(name: str | None) -> Index:
    return Index(name=name, parts=(IndexPart(column="c"),))


def given(*taken: str | None) -> str | None:
    live = schema(table("z", "c", indexes=tuple(index(name) for name in taken)))
    return FreeNames(live, schema(), PLAIN).given("a", WANTED).name


def test_a_free_name_is_kept() -> None:
    assert given("other") == "a_b_idx"


def test_a_clash_gets_a_hash_and_a_taken_hash_gets_another() -> None:
    hashed = given("a_b_idx")
    again = given("a_b_idx", hashed)
    once_more = given("a_b_idx", hashed, again)
    assert len({"a_b_idx", hashed, again, once_more}) == 4
    assert again == given("a_b_idx", hashed), "the same every time"


def test_what_is_given_out_is_taken() -> None:
    names = FreeNames(schema(), schema(), PLAIN)
    assert len({names.given(name, WANTED).name for name in "abc"}) == 3
