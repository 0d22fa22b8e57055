"""What is held back, what waits for it, and what is done in its place."""

from __future__ import annotations

import pytest
from sqlalchemy import MetaData

from odac_db import Database, OdacDbError
from odac_db.migrate.dependants import Verdict
from odac_db.migrate.diff import diff
from odac_db.migrate.hold import is_allowed, judged, unknown_leave
from odac_db.migrate.relax import relaxed
from odac_db.migrate.rename import Question
from odac_db.schema.changes import (
    AddForeignKey,
    AddIndex,
    AlterColumn,
    Change,
    DropColumn,
    DropIndex,
    DropTable,
    kind_of,
)
from odac_db.schema.model import Column, ForeignKey, Index, IndexPart, PrimaryKey, Schema

from .models import PLAIN, column, schema, table


def no_loss(_: Column, __: Column) -> str | None:
    return None


def narrower(before: Column, after: Column) -> str | None:
    return "may cut values short" if before.type != after.type else None


def verdicts(
    live: Schema,
    desired: Schema,
    *,
    asked: tuple[Question, ...] = (),
    allow: tuple[str, ...] = (),
    prune: bool = False,
) -> dict[str, Verdict]:
    changes = diff(live, desired, PLAIN, prune=prune)
    found = relaxed(judged(changes, asked, narrower, allow), live)
    return {f"{kind_of(v.change)} {number}": v for number, v in enumerate(found)}


def states(found: dict[str, Verdict]) -> list[tuple[str, str]]:
    return sorted((key.split()[0], verdict.status) for key, verdict in found.items())


def test_a_drop_is_held_back_and_says_how_to_allow_it() -> None:
    found = verdicts(schema(table("a", "x", "y")), schema(table("a", "x")))
    assert states(found) == [("drop_column", "held_back")]
    (verdict,) = found.values()
    assert verdict.destructive
    assert "--allow drop_column:a.y" in verdict.reason


@pytest.mark.parametrize(
    "allow", ["destructive", "drop_column", "drop_column:a.y", "drop_column:a"]
)
def test_leave_can_be_broad_or_narrow(allow: str) -> None:
    found = verdicts(schema(table("a", "x", "y")), schema(table("a", "x")), allow=(allow,))
    assert states(found) == [("drop_column", "pending")]


def test_leave_for_one_column_is_not_leave_for_another() -> None:
    change = DropColumn(table="a", column=column("y"))
    assert not is_allowed(change, {"drop_column:a.x", "drop_column:b", "drop_table"})


def test_a_held_back_column_that_would_refuse_inserts_is_relaxed() -> None:
    found = verdicts(schema(table("a", "x", column("y", nullable=False))), schema(table("a", "x")))
    assert states(found) == [("alter_column", "pending"), ("drop_column", "held_back")]
    (altered,) = (v.change for v in found.values() if isinstance(v.change, AlterColumn))
    assert altered.after.nullable


@pytest.mark.parametrize(
    "harmless",
    [
        column("y", nullable=False, default="1"),
        column("y"),
    ],
)
def test_a_held_back_column_that_refuses_nothing_is_left(harmless: Column) -> None:
    found = verdicts(schema(table("a", "x", harmless)), schema(table("a", "x")))
    assert states(found) == [("drop_column", "held_back")]


def test_a_key_column_cannot_be_relaxed_and_says_so() -> None:
    key = PrimaryKey(columns=("y",), name="p")
    live = schema(table("a", "x", column("y", nullable=False), primary_key=key))
    found = verdicts(live, schema(table("a", "x", primary_key=key)))
    assert states(found) == [("drop_column", "held_back")]
    assert "primary key" in next(iter(found.values())).reason


def test_what_stands_on_a_held_back_column_stays_with_it() -> None:
    index = Index(name="i", parts=(IndexPart(column="y"),))
    found = verdicts(schema(table("a", "x", "y", indexes=(index,))), schema(table("a", "x")))
    assert states(found) == [("drop_column", "held_back"), ("drop_index", "held_back")]


def test_a_question_holds_both_sides_and_what_is_built_on_the_new_one() -> None:
    live = schema(table("a", "x", column("permalink", "text")))
    index = Index(name="i", parts=(IndexPart(column="slug"),))
    desired = schema(table("a", "x", column("slug", "text"), indexes=(index,)))
    asked = (Question(table="a", before="permalink", after="slug"),)
    found = verdicts(live, desired, asked=asked)
    assert states(found) == [
        ("add_column", "held_back"),
        ("add_index", "held_back"),
        ("drop_column", "held_back"),
    ]
    reasons = [v.reason for v in found.values() if isinstance(v.change, DropColumn)]
    assert "renamed_from: permalink" in reasons[0]
    answered = verdicts(live, desired, asked=asked, allow=("drop_column:a.permalink",))
    assert {state for _, state in states(answered)} == {"pending"}


def test_the_rest_of_a_lossy_alteration_proceeds() -> None:
    live = schema(table("a", column("x", "varchar(40)", comment="old")))
    desired = schema(table("a", column("x", "varchar(10)", comment="new")))
    found = verdicts(live, desired)
    assert states(found) == [("alter_column", "held_back"), ("alter_column", "pending")]
    (proceeds,) = (v.change for v in found.values() if v.status == "pending")
    assert isinstance(proceeds, AlterColumn)
    assert proceeds.aspects == {"comment"}


def test_a_key_between_columns_whose_type_is_held_back_waits() -> None:
    changes: list[Change] = [
        AlterColumn(table="p", before=column("u", "text"), after=column("u", "integer")),
        AddForeignKey(
            table="p",
            foreign_key=ForeignKey(name="k", columns=("u",), ref_table="u", ref_columns=("id",)),
        ),
    ]
    held, waits = judged(changes, (), narrower, ())
    assert (held.status, waits.status) == ("held_back", "held_back")
    assert "waits for" in waits.reason


def test_an_index_and_its_stand_in_go_together() -> None:
    old = Index(name="i", parts=(IndexPart(column="x"), IndexPart(column="old")))
    new = Index(name="i", parts=(IndexPart(column="x"),))
    changes: list[Change] = [
        DropColumn(table="a", column=column("old")),
        DropIndex(table="a", index=old, replaced=True),
        AddIndex(table="a", index=new, replaces=old),
    ]
    assert [v.status for v in judged(changes, (), no_loss, ())] == ["held_back"] * 3


def test_a_pruned_table_needs_leave() -> None:
    live = schema(table("a", "x"), table("b", "x"))
    found = verdicts(live, schema(table("a", "x")), prune=True)
    assert states(found) == [("drop_table", "held_back")]
    assert isinstance(next(iter(found.values())).change, DropTable)


@pytest.mark.parametrize("leave", ["drop_column", "drop_column:t.a", "destructive", "drop_table:t"])
def test_leave_names_a_kind_of_change(leave: str) -> None:
    assert unknown_leave([leave]) == ""


def test_misspelt_leave_is_told_with_the_nearest_kind() -> None:
    fault = unknown_leave(["drop_table", "drop_colum:posts.slug"])
    assert "'drop_colum'" in fault
    assert "drop_column" in fault.replace("'drop_colum'", "")


@pytest.mark.parametrize("allow", ["drop_colum", ["drop_colum"], [""]])
def test_a_database_refuses_misspelt_leave(allow: str | list[str]) -> None:
    with Database.open("sqlite://", schema=MetaData()) as db:
        for given in (db.plan, db.migrate):
            with pytest.raises(OdacDbError, match="allow"):
                given(allow=allow)
