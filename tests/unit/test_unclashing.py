"""Names of constraints and indexes that change, in an order without clashes."""

from __future__ import annotations

from odac_db.migrate.unclashing import unclashing
from odac_db.schema.changes import (
    AddCheck,
    AddIndex,
    Change,
    DropCheck,
    DropIndex,
    RenameConstraint,
)
from odac_db.schema.model import Check, Index, IndexPart


def rename(before: str, after: str, what: str = "index") -> RenameConstraint:
    return RenameConstraint(table="t", what=what, before=before, after=after)


def index(name: str) -> Index:
    return Index(name=name, parts=(IndexPart(column="a"),))


def test_a_name_is_free_before_it_is_taken() -> None:
    assert unclashing([rename("a", "b"), rename("b", "c")]) == [rename("b", "c"), rename("a", "b")]


def test_names_that_change_places_go_by_way_of_another() -> None:
    first, second, third = unclashing([rename("a", "b"), rename("b", "a")])
    assert isinstance(first, RenameConstraint)
    assert isinstance(third, RenameConstraint)
    assert (first.before, second, third.after) == ("a", rename("b", "a"), "b")
    assert first.after == third.before


def test_what_is_made_again_is_made_under_its_last_name() -> None:
    drop = DropIndex(table="t", index=index("a"), replaced=True)
    again: list[Change] = [drop, AddIndex(table="t", index=index("a"))]
    assert unclashing([rename("a", "b"), *again]) == [drop, AddIndex(table="t", index=index("b"))]
    assert unclashing([rename("a", "b", "unique"), *again])[1:] == [
        AddIndex(table="t", index=index("b"))
    ]


def test_another_index_may_take_the_name_that_is_given_up() -> None:
    other = AddIndex(table="t", index=Index(name="a", parts=(IndexPart(column="z"),)))
    drop, again = DropIndex(table="t", index=index("a")), AddIndex(table="t", index=index("a"))
    found = unclashing([rename("a", "b"), other, drop, again])
    assert found == [other, drop, AddIndex(table="t", index=index("b"))]


def test_another_kind_of_the_same_name_is_renamed_all_the_same() -> None:
    check = Check(name="a", expression="x > 0")
    changes: list[Change] = [DropCheck(table="t", check=check), AddCheck(table="t", check=check)]
    assert unclashing([rename("a", "b"), *changes]) == [*changes, rename("a", "b")]
