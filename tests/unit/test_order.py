"""The order of changes: what each needs comes before it, whatever order they were found in."""

from __future__ import annotations

import random

from odac_db.migrate.detach import detached
from odac_db.migrate.diff import diff
from odac_db.migrate.order import ordered
from odac_db.schema.changes import (
    AddCheck,
    AddColumn,
    AddForeignKey,
    AddIndex,
    AddPrimaryKey,
    AlterColumn,
    Change,
    CleanOrphans,
    CreateEnum,
    CreateTable,
    DropCheck,
    DropColumn,
    DropForeignKey,
    DropIndex,
    DropPrimaryKey,
    DropTable,
    RenameColumn,
    RenameConstraint,
    RenameTable,
    ReplaceEnum,
    kind_of,
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
    Table,
)

from .models import KEEPS_KEY_INDEXES, PLAIN, REBUILDS, column, schema, table


def key(name: str, column_: str, target: str) -> ForeignKey:
    return ForeignKey(name=name, columns=(column_,), ref_table=target, ref_columns=("id",))


def child(name: str, target: str) -> Table:
    return table(name, "id", "p", foreign_keys=(key(f"{name}_k", "p", target),))


def kinds(changes: list[Change]) -> list[str]:
    return [kind_of(change) for change in changes]


def test_tables_are_created_parents_first_and_keys_added_last() -> None:
    desired = schema(child("a", "b"), child("b", "c"), table("c", "id"))
    changes = ordered(diff(schema(), desired, PLAIN), schema(), desired)
    created = [change.table.name for change in changes if isinstance(change, CreateTable)]
    assert created == ["c", "b", "a"]
    assert kinds(changes)[3:] == ["add_foreign_key"] * 2


def test_a_cycle_of_tables_has_an_order_too() -> None:
    desired = schema(child("a", "b"), child("b", "a"), child("self", "self"))
    changes = ordered(diff(schema(), desired, PLAIN), schema(), desired)
    assert kinds(changes) == ["create_table"] * 3 + ["add_foreign_key"] * 3


def test_the_order_does_not_depend_on_how_changes_were_found() -> None:
    desired = schema(*(child(f"t{n}", f"t{(n * 7) % 10}") for n in range(10)))
    changes = diff(schema(), desired, PLAIN)
    expected = ordered(changes, schema(), desired)
    for seed in range(20):
        shuffled = list(changes)
        random.Random(seed).shuffle(shuffled)
        assert ordered(shuffled, schema(), desired) == expected


def test_expansion_comes_before_contraction() -> None:
    index = Index(name="i", parts=(IndexPart(column="x"),))
    changes: list[Change] = [
        DropTable(table=table("gone", "id")),
        DropColumn(table="a", column=column("old")),
        DropIndex(table="a", index=index),
        AddForeignKey(table="a", foreign_key=key("k", "x", "b")),
        CleanOrphans(table="a", foreign_key=key("k", "x", "b"), policy="nullify"),
        AddIndex(table="a", index=index),
        AddColumn(table="a", column=column("new")),
        CreateTable(table=table("fresh", "id")),
        RenameColumn(table="a", before="y", after="x"),
        DropCheck(table="a", check=Check(name="c", expression="x > 0")),
        DropForeignKey(table="a", foreign_key=key("old_k", "x", "b")),
        RenameTable(before="z", after="a"),
        CreateEnum(enum=EnumType(name="e", values=("a",))),
    ]
    everything = schema(table("a", "x"), table("b", "id"), table("fresh", "id"), table("gone"))
    assert kinds(ordered(changes, everything, everything)) == [
        "create_enum",
        "rename_table",
        "drop_foreign_key",
        "drop_check",
        "rename_column",
        "create_table",
        "add_column",
        "add_index",
        "clean_orphans",
        "add_foreign_key",
        "drop_index",
        "drop_column",
        "drop_table",
    ]


def with_key(type_: str) -> Schema:
    return schema(
        table("u", column("id", type_)),
        table("p", column("a", type_), foreign_keys=(key("k", "a", "u"),)),
    )


def harmless(*_: object) -> None:
    """No change of type loses a value."""


def test_a_foreign_key_stands_aside_while_its_columns_change_type() -> None:
    live, desired = with_key("integer"), with_key("bigint")
    changes = diff(live, desired, PLAIN)
    changes += detached(live, changes, [], PLAIN, harmless)
    assert kinds(ordered(changes, live, desired)) == [
        "drop_foreign_key",
        "alter_column",
        "alter_column",
        "add_foreign_key",
    ]


def test_where_tables_are_rebuilt_a_key_stands_aside_only_if_values_may_change() -> None:
    live, desired = with_key("integer"), with_key("bigint")
    changes = diff(live, desired, REBUILDS)
    assert detached(live, changes, [], REBUILDS, harmless) == []
    found = detached(live, changes, [], REBUILDS, lambda *_: "they are cut")
    assert kinds(found) == ["drop_foreign_key", "add_foreign_key"]


def test_nullability_moves_keys_only_where_the_server_says_so() -> None:
    live, desired = with_key("integer"), with_key("integer")
    tables = dict(desired.tables)
    tables["u"] = table("u", column("id", "integer", nullable=False))
    desired = Schema(tables=tables)
    changes = diff(live, desired, PLAIN)
    assert detached(live, changes, [], PLAIN, harmless) == []
    assert kinds(detached(live, changes, [], KEEPS_KEY_INDEXES, harmless)) == [
        "drop_foreign_key",
        "add_foreign_key",
    ]


def test_what_is_built_on_a_computed_column_is_built_again_with_it() -> None:
    def made(expression: str) -> Schema:
        return schema(
            table(
                "a",
                "x",
                column("y", generated=Generated(expression, stored=True)),
                indexes=(Index(name="i", parts=(IndexPart(column="y"),)),),
                checks=(Check(name="c", expression="y > 0"),),
            )
        )

    live, desired = made("x"), made("x + 1")
    changes = diff(live, desired, PLAIN)
    changes += detached(live, changes, [], PLAIN, harmless)
    assert kinds(ordered(changes, live, desired)) == [
        "drop_check",
        "drop_index",
        "drop_column",
        "add_column",
        "add_index",
        "add_check",
    ]


def test_a_check_over_a_retyped_column_stands_aside() -> None:
    def typed(type_: str) -> Schema:
        return schema(
            table("a", column("x", type_), "y", checks=(Check(name="c", expression="x > 0"),))
        )

    live, desired = typed("integer"), typed("bigint")
    changes = diff(live, desired, PLAIN)
    assert [type(c) for c in changes] == [AlterColumn]
    assert [type(c) for c in detached(live, changes, [], PLAIN, harmless)] == [DropCheck, AddCheck]


def test_keys_and_indexes_go_before_the_columns_that_would_take_them_along() -> None:
    live = schema(
        table(
            "a",
            "x",
            "y",
            column("z", generated=Generated("y + 1", stored=True)),
            primary_key=PrimaryKey(columns=("y",)),
            indexes=(
                Index(name="i", parts=(IndexPart(column="x"), IndexPart(column="y"))),
                Index(name="e", parts=(IndexPart(expression="y + 1"),)),
                Index(name="z", parts=(IndexPart(column="z"),)),
            ),
        )
    )
    desired = schema(table("a", "x", column("y", generated=Generated("x + 1", stored=True))))
    assert kinds(ordered(diff(live, desired, PLAIN), live, desired)) == [
        "drop_primary_key",
        "drop_index",
        "drop_index",
        "drop_index",
        "drop_column",
        "drop_column",
        "add_column",
    ]


def test_a_computed_column_goes_before_those_it_is_computed_from() -> None:
    live = schema(table("a", "id", "x", column("y", generated=Generated("x + 1", stored=True))))
    desired = schema(table("a", "id"))
    dropped = ordered(diff(live, desired, PLAIN), live, desired)
    assert [c.column.name for c in dropped if isinstance(c, DropColumn)] == ["y", "x"]


def test_a_column_that_is_made_again_is_renamed_before_it_is_dropped() -> None:
    computed = column("z", generated=Generated("x", True))
    changes: list[Change] = [
        RenameColumn(table="t", before="a", after="x"),
        RenameColumn(table="t", before="s", after="z"),
        DropColumn(table="t", column=computed),
        AddColumn(table="t", column=computed),
    ]
    ran = ordered(changes, schema(table("t", "a", "s")), schema(table("t", "x", "z")))
    assert ran == [changes[1], changes[2], changes[0], changes[3]]


def test_a_unique_index_goes_before_a_foreign_key_could_be_built_on_it() -> None:
    unique = Index(name="u", parts=(IndexPart(column="p"),), unique=True)
    changes: list[Change] = [
        AddForeignKey(table="c", foreign_key=key("k", "p", "t")),
        DropIndex(table="t", index=unique),
    ]
    assert kinds(ordered(changes, schema(), schema())) == ["drop_index", "add_foreign_key"]


def test_a_key_whose_name_another_takes_goes_before_the_rename() -> None:
    changes: list[Change] = [
        RenameConstraint(table="t", what="index", before="i", after="one"),
        DropPrimaryKey(table="t", primary_key=PrimaryKey(columns=("a",), name="one")),
        AddPrimaryKey(table="t", primary_key=PrimaryKey(columns=("b",), name="two")),
        DropIndex(table="t", index=Index(name="two", parts=(IndexPart(column="b"),), unique=True)),
    ]
    ran = ordered(changes, schema(), schema())
    assert ran == [changes[1], changes[3], changes[0], changes[2]]


def test_an_index_that_spells_out_enum_values_goes_before_the_type_is_replaced() -> None:
    mood = column("s", enum="mood")
    index = Index(name="i", parts=(IndexPart(column="id"),), where="s = 'a'")
    enums = [EnumType(name="mood", values=values) for values in (("a", "b"), ("a",))]
    changes: list[Change] = [
        ReplaceEnum(before=enums[0], after=enums[1], columns=(("t", mood, mood),)),
        DropIndex(table="t", index=index, replaced=True),
        AddIndex(table="t", index=index, replaces=index),
    ]
    ran = ordered(changes, schema(), schema())
    assert ran == [changes[1], changes[0], changes[2]]
