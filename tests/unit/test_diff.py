"""The differ on schemas made by hand: what is a change, what is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from odac_db.dialects.base import Features
from odac_db.migrate.diff import diff
from odac_db.migrate.order import ordered
from odac_db.migrate.transform import transformed
from odac_db.migrate.unclashing import unclashing
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddEnumValue,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    CreateTable,
    DropCheck,
    DropColumn,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    RenameConstraint,
    ReplaceEnum,
    SetTableComment,
)
from odac_db.schema.model import (
    Check,
    EnumType,
    ForeignKey,
    Generated,
    Index,
    IndexPart,
    PrimaryKey,
    Schema,
)

from .models import KEEPS_KEY_INDEXES, PLAIN, REBUILDS, column, schema, table


def parts(*names: str) -> tuple[IndexPart, ...]:
    return tuple(IndexPart(column=name) for name in names)


def key(column_: str, target: str, name: str | None = "k", **rest: object) -> ForeignKey:
    return ForeignKey(name=name, columns=(column_,), ref_table=target, ref_columns=("id",), **rest)  # type: ignore[arg-type]


def kinds(changes: list[Change]) -> list[type]:
    return [type(change) for change in changes]


def test_equal_schemas_differ_in_nothing() -> None:
    both = schema(table("a", "id", "b", indexes=(Index(name="i", parts=parts("b")),)))
    assert diff(both, both, PLAIN) == []


def test_the_order_of_columns_is_no_change() -> None:
    assert diff(schema(table("a", "x", "y")), schema(table("a", "y", "x")), PLAIN) == []


def test_undeclared_tables_are_left_alone_unless_pruned() -> None:
    live = schema(table("a", "id"), table("b", "id"))
    assert diff(live, schema(table("a", "id")), PLAIN) == []
    assert [c.table.name for c in diff(live, schema(table("a", "id")), PLAIN, prune=True)] == ["b"]  # type: ignore[union-attr]


def test_a_new_table_brings_its_indexes_and_keys_apart() -> None:
    posts = table(
        "posts",
        "id",
        "author",
        indexes=(
            Index(name="i", parts=parts("author")),
            Index(name="u", parts=parts("id"), unique=True, constraint=True),
        ),
        foreign_keys=(key("author", "users"),),
    )
    changes = diff(schema(), schema(posts), PLAIN)
    assert kinds(changes) == [CreateTable, AddIndex, AddForeignKey]
    created = changes[0]
    assert isinstance(created, CreateTable)
    assert [index.name for index in created.table.indexes] == ["u"]
    assert created.table.foreign_keys == ()


def test_a_column_name_that_differs_in_case_only_is_the_same_where_case_is_folded() -> None:
    live, desired = schema(table("a", "ID")), schema(table("a", "id"))
    assert kinds(diff(live, desired, PLAIN)) == [AddColumn, DropColumn]
    assert diff(live, desired, replace(PLAIN, folds_case=True)) == []


def test_an_unnamed_index_is_satisfied_by_any_name() -> None:
    live = schema(table("a", "x", indexes=(Index(name="made_by_hand", parts=parts("x")),)))
    wanted = Index(name="a_x_idx", parts=parts("x"), named=False)
    assert diff(live, schema(table("a", "x", indexes=(wanted,))), PLAIN) == []


def test_a_named_index_is_renamed_where_the_server_can_and_replaced_where_not() -> None:
    live = schema(table("a", "x", indexes=(Index(name="old", parts=parts("x")),)))
    desired = schema(table("a", "x", indexes=(Index(name="new", parts=parts("x")),)))
    assert kinds(diff(live, desired, PLAIN)) == [RenameConstraint]
    assert kinds(diff(live, desired, REBUILDS)) == [DropIndex, AddIndex]


@pytest.mark.parametrize(
    "changed",
    [
        Index(name="i", parts=parts("y", "x")),
        Index(name="i", parts=(IndexPart(column="x", descending=True), IndexPart(column="y"))),
        Index(name="i", parts=parts("x", "y"), unique=True),
        Index(name="i", parts=parts("x", "y"), where="x > 0"),
        Index(name="i", parts=parts("x", "y"), method="brin"),
        Index(name="i", parts=parts("x", "y"), include=("z",)),
    ],
)
def test_an_index_of_another_structure_is_replaced_by_its_real_name(changed: Index) -> None:
    before = Index(name="i", parts=parts("x", "y"))
    live = schema(table("a", "x", "y", "z", indexes=(before,)))
    changes = diff(live, schema(table("a", "x", "y", "z", indexes=(changed,))), PLAIN)
    assert kinds(changes) == [DropIndex, AddIndex]
    assert changes[0] == DropIndex(table="a", index=before, replaced=True)
    assert changes[1] == AddIndex(table="a", index=changed, replaces=before)


def test_an_invalid_leftover_counts_as_absent() -> None:
    live = schema(table("a", "x", indexes=(Index(name="i", parts=parts("x"), valid=False),)))
    desired = schema(table("a", "x", indexes=(Index(name="i", parts=parts("x")),)))
    assert kinds(diff(live, desired, PLAIN)) == [DropIndex, AddIndex]


def test_either_a_unique_constraint_or_a_unique_index_will_do_where_it_is_left_open() -> None:
    open_ = Index(name="u", parts=parts("x"), unique=True, constraint=None, named=False)
    desired = schema(table("a", "x", indexes=(open_,)))
    for constraint in (True, False):
        have = Index(name="other", parts=parts("x"), unique=True, constraint=constraint)
        assert diff(schema(table("a", "x", indexes=(have,))), desired, PLAIN) == []


def test_an_index_that_a_foreign_key_needs_is_not_dropped() -> None:
    index = Index(name="k", parts=parts("author"), implicit=True)
    users = table("u", "id")
    child = table("p", "author", indexes=(index,), foreign_keys=(key("author", "u"),))
    live = schema(child, users)
    desired = schema(table("p", "author", foreign_keys=(key("author", "u"),)), users)
    assert diff(live, desired, KEEPS_KEY_INDEXES) == []
    assert kinds(diff(live, desired, PLAIN)) == [DropIndex]
    without = schema(table("p", "author"), users)
    assert set(kinds(diff(live, without, KEEPS_KEY_INDEXES))) == {DropForeignKey, DropIndex}


def test_a_key_to_a_table_that_is_not_there_goes_with_its_column_only() -> None:
    live = schema(table("p", "author", "x", foreign_keys=(key("author", "ghosts"),)))
    assert diff(live, schema(table("p", "author", "x")), PLAIN) == []
    assert DropForeignKey in kinds(diff(live, schema(table("p", "x")), PLAIN))
    known = schema(table("p", "author", "x"), table("ghosts", "id"))
    assert DropForeignKey in kinds(diff(live, known, PLAIN))


def test_a_changed_action_is_exactly_one_drop_and_one_add() -> None:
    live = schema(table("p", "author", foreign_keys=(key("author", "u"),)))
    desired = schema(table("p", "author", foreign_keys=(key("author", "u", on_delete="CASCADE"),)))
    changes = diff(live, desired, PLAIN)
    assert kinds(changes) == [DropForeignKey, AddForeignKey]
    assert isinstance(changes[1], AddForeignKey)
    assert changes[1].foreign_key.name == "k"


def test_the_second_of_two_equal_foreign_keys_goes() -> None:
    twins = (key("author", "u", "k1"), key("author", "u", "k2"))
    live = schema(table("p", "author", foreign_keys=twins))
    desired = schema(table("p", "author", foreign_keys=(key("author", "u", "x", named=False),)))
    assert diff(live, desired, PLAIN) == [DropForeignKey(table="p", foreign_key=twins[1])]


def test_a_check_is_compared_by_what_it_says() -> None:
    live = schema(table("a", "x", checks=(Check(name="c", expression="x > 0"),)))
    same = Check(name="whatever", named=False, expression="x > 0")
    assert diff(live, schema(table("a", "x", checks=(same,))), PLAIN) == []
    other = schema(table("a", "x", checks=(Check(name="c", expression="x > 1"),)))
    assert kinds(diff(live, other, PLAIN)) == [DropCheck, AddCheck]


def test_primary_keys() -> None:
    one, two = PrimaryKey(columns=("x",), name="p"), PrimaryKey(columns=("x", "y"), name="p")
    live = schema(table("a", "x", "y", primary_key=one))
    assert kinds(diff(live, schema(table("a", "x", "y", primary_key=two)), PLAIN)) == [
        DropPrimaryKey,
        AddPrimaryKey,
    ]
    unnamed = PrimaryKey(columns=("x",), name="a_pkey", named=False)
    assert diff(live, schema(table("a", "x", "y", primary_key=unnamed)), PLAIN) == []


def test_a_computed_column_is_made_anew_and_a_plain_one_altered() -> None:
    def made(expression: str) -> Schema:
        return schema(table("a", "x", column("y", generated=Generated(expression, stored=True))))

    assert kinds(diff(made("x"), made("x + 1"), PLAIN)) == [DropColumn, AddColumn]
    altered = diff(schema(table("a", "x")), schema(table("a", column("x", "bigint"))), PLAIN)
    assert kinds(altered) == [AlterColumn]
    assert altered[0].aspects == {"type"}  # type: ignore[union-attr]


def test_comments_and_options_compare_only_what_is_declared() -> None:
    live = schema(table("a", "x", comment="old", options={"engine": "InnoDB"}))
    assert kinds(diff(live, schema(table("a", "x")), PLAIN)) == [SetTableComment]
    assert diff(live, schema(table("a", "x", comment="old")), PLAIN) == []


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (("a", "b", "c"), [AddEnumValue]),
        (("z", "a", "b"), [AddEnumValue]),
        (("a",), [ReplaceEnum]),
        (("b", "a"), [ReplaceEnum]),
        (("a", "b"), []),
    ],
)
def test_enum_values_are_added_in_place_and_else_replaced(
    after: tuple[str, ...], expected: list[type]
) -> None:
    using = table("t", column("m", "mood", enum="mood"))
    live = schema(using, enums={"mood": EnumType(name="mood", values=("a", "b"))})
    desired = schema(using, enums={"mood": EnumType(name="mood", values=after)})
    changes = diff(live, desired, PLAIN)
    assert kinds(changes) == expected
    assert transformed(live, changes) == desired


def test_two_generated_names_that_collide_are_told_apart() -> None:
    """Table a (b_c) and table a_b (c) both make a_b_c_idx, which one namespace cannot hold."""
    first = Index(name="a_b_c_idx", parts=parts("b_c"), named=False)
    second = Index(name="a_b_c_idx", parts=parts("c"), named=False)
    desired = schema(table("a", "b_c", indexes=(first,)), table("a_b", "c", indexes=(second,)))
    changes = diff(schema(), desired, PLAIN)
    names = [change.index.name for change in changes if isinstance(change, AddIndex)]
    assert len(set(names)) == 2
    assert names == [
        c.index.name for c in diff(schema(), desired, PLAIN) if isinstance(c, AddIndex)
    ]


def test_a_generated_name_taken_by_something_else_is_avoided() -> None:
    live = schema(
        table("a", "x", "y", indexes=(Index(name="a_x_idx", parts=parts("y")),)),
    )
    desired = schema(
        table(
            "a",
            "x",
            "y",
            indexes=(
                Index(name="a_x_idx", parts=parts("y")),
                Index(name="a_x_idx", parts=parts("x"), named=False),
            ),
        )
    )
    (added,) = diff(live, desired, PLAIN)
    assert isinstance(added, AddIndex)
    assert added.index.name != "a_x_idx"


@pytest.mark.parametrize("features", [PLAIN, KEEPS_KEY_INDEXES, REBUILDS])
def test_applying_a_diff_gives_the_desired_schema(features: Features) -> None:
    live = schema(
        table("u", column("id", nullable=False), primary_key=PrimaryKey(columns=("id",), name="p")),
        table("p", "a", "b", indexes=(Index(name="i", parts=parts("a")),)),
    )
    desired = schema(
        table("u", column("id", nullable=False), primary_key=PrimaryKey(columns=("id",), name="p")),
        table(
            "p",
            "a",
            column("c", "text", default="'x'"),
            indexes=(Index(name="j", parts=parts("a", "c"), unique=True),),
            foreign_keys=(key("a", "u"),),
            checks=(Check(name="c", expression="a > 0"),),
        ),
    )
    assert transformed(live, diff(live, desired, features)) == desired


def test_an_index_whose_name_another_takes_goes_before_the_rename() -> None:
    first, second = (Index(name=f"x{n}", parts=parts(on)) for n, on in ((1, "a"), (2, "b")))
    live = schema(table("t", "a", "b", indexes=(first, second)))
    renaming = replace(PLAIN, renames_constraints=frozenset({"index"}))
    wanted = Index(name="x1", parts=parts("b"))
    again = Index(name="other", parts=parts("a"), unique=True)
    for indexes in ((wanted,), (wanted, again)):
        changes = diff(live, schema(table("t", "a", "b", indexes=indexes)), renaming)
        ran = kinds(ordered(changes, live, live))
        assert ran.index(DropIndex) < ran.index(RenameConstraint)
        assert AddIndex not in ran or ran.index(RenameConstraint) < ran.index(AddIndex)


def test_an_index_that_a_foreign_key_may_need_is_put_aside_till_it_is_replaced() -> None:
    first, second = (Index(name=f"x{n}", parts=parts(on)) for n, on in ((1, "a"), (2, "b")))
    live = schema(table("t", "a", "b", indexes=(first, second)))
    renaming = replace(KEEPS_KEY_INDEXES, renames_constraints=frozenset({"index"}))
    wanted = (Index(name="x1", parts=parts("b")), Index(name="x2", parts=parts("a"), unique=True))
    changes = diff(live, schema(table("t", "a", "b", indexes=wanted)), renaming)
    aside, other, drop, add = ordered(unclashing(changes), live, live)
    assert isinstance(aside, RenameConstraint)
    assert isinstance(drop, DropIndex)
    assert (aside.before, drop.index.name) == ("x1", aside.after)
    assert other == RenameConstraint(table="t", what="index", before="x2", after="x1")
    assert isinstance(add, AddIndex)
