"""Column names in another case than the live ones, where the server calls them the same."""

from __future__ import annotations

from dataclasses import replace

from odac_db.migrate.diff import diff
from odac_db.migrate.rename import declared_renames
from odac_db.migrate.respelt import respelt
from odac_db.schema.changes import RenameTable
from odac_db.schema.declaration import Declarations
from odac_db.schema.model import ForeignKey, Index, IndexPart, PrimaryKey, Schema

from .models import PLAIN, REBUILDS, schema, table

FOLDING = replace(PLAIN, folds_case=True)


def posts(column: str, *more: str, spelt: str) -> Schema:
    """A table with this column, under this name in all that names it."""
    key = ForeignKey(name="f", columns=(spelt,), ref_table="posts", ref_columns=(spelt,))
    index = Index(name="i", parts=(IndexPart(column=spelt), IndexPart(expression="lower(a)")))
    return schema(
        table(
            "posts",
            column,
            *more,
            primary_key=PrimaryKey(columns=(spelt,)),
            indexes=(index,),
            foreign_keys=(key,),
        )
    )


def test_what_names_a_column_names_it_as_the_live_table_does() -> None:
    live = posts("userid", spelt="userid")
    (spelt,) = respelt(posts("userid", spelt="USERID"), live, FOLDING).tables.values()
    assert spelt == live.tables["posts"]


def test_a_column_that_is_yet_to_be_added_is_spelt_as_declared() -> None:
    live = schema(table("posts", "id"))
    (spelt,) = respelt(posts("userId", "id", spelt="userid"), live, FOLDING).tables.values()
    assert spelt == posts("userId", "id", spelt="userId").tables["posts"]


def test_where_case_counts_nothing_is_respelt() -> None:
    declared = posts("userid", spelt="USERID")
    assert respelt(declared, posts("userid", spelt="userid"), PLAIN) is declared


def test_live_and_declared_of_several_cases_are_one() -> None:
    live = posts("userid", spelt="UserId")
    declared = respelt(posts("userid", spelt="USERID"), live, FOLDING)
    assert diff(respelt(live, live, FOLDING), declared, FOLDING) == []


def test_a_table_is_renamed_to_its_declared_case_where_that_is_the_same_table() -> None:
    live, desired = schema(table("Posts", "id")), schema(table("posts", "id"))
    folding = replace(REBUILDS, folds_table_case=True)
    renames = declared_renames(live, Declarations(), desired, folding)
    assert renames == [RenameTable(before="Posts", after="posts")]
    assert declared_renames(live, Declarations(), desired, PLAIN) == []
