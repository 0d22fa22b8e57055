"""Renames that are declared, done, or only look like one."""

from __future__ import annotations

from typing import Any

import msgspec

from odac_db.migrate.diff import diff
from odac_db.migrate.expressions import mentions, renamed
from odac_db.migrate.rename import declared_renames, questions
from odac_db.migrate.transform import transformed
from odac_db.schema.changes import RenameColumn, RenameEnum, RenameTable
from odac_db.schema.declaration import Declarations, Source, TableDeclaration, TableFile
from odac_db.schema.model import Check, EnumType, ForeignKey, Index, IndexPart, Schema

from .models import PLAIN, column, schema, table


def declared(**tables: dict[str, Any]) -> Declarations:
    return Declarations(
        tables={
            name: TableDeclaration(
                name=name, body=msgspec.convert(body, TableFile), source=Source(file=name)
            )
            for name, body in tables.items()
        }
    )


INTEGER = {"type": "integer"}


def test_a_declared_rename_is_done_once() -> None:
    declarations = declared(a={"columns": {"y": {"type": "integer", "renamed_from": "x"}}})
    desired = schema(table("a", "y"))
    live = schema(table("a", "x"))
    (change,) = declared_renames(live, declarations, desired, PLAIN)
    assert change == RenameColumn(table="a", before="x", after="y")
    assert declared_renames(desired, declarations, desired, PLAIN) == []
    both = schema(table("a", "x", "y"))
    assert declared_renames(both, declarations, desired, PLAIN) == []


def test_the_first_of_several_old_names_that_is_live_counts() -> None:
    declarations = declared(a={"columns": {"z": {"type": "integer", "renamed_from": ["x", "y"]}}})
    live = schema(table("a", "y"))
    (change,) = declared_renames(live, declarations, schema(table("a", "z")), PLAIN)
    assert change == RenameColumn(table="a", before="y", after="z")


def test_a_table_and_its_column_are_renamed_together() -> None:
    declarations = declared(
        posts={
            "renamed_from": "articles",
            "columns": {"slug": {"type": "integer", "renamed_from": "permalink"}},
        }
    )
    live = schema(table("articles", "permalink"))
    changes = declared_renames(live, declarations, schema(table("posts", "slug")), PLAIN)
    assert changes == [
        RenameTable(before="articles", after="posts"),
        RenameColumn(table="posts", before="permalink", after="slug"),
    ]


def test_an_enum_type_named_after_its_column_follows_it() -> None:
    live = schema(
        table("a", column("old", "a_old", enum="a_old")),
        enums={"a_old": EnumType(name="a_old", values=("x",))},
    )
    desired = schema(
        table("a", column("new", "a_new", enum="a_new")),
        enums={"a_new": EnumType(name="a_new", values=("x",))},
    )
    declarations = declared(a={"columns": {"new": {"type": "enum", "renamed_from": "old"}}})
    changes = declared_renames(live, declarations, desired, PLAIN)
    assert RenameEnum(before="a_old", after="a_new") in changes
    assert diff(transformed(live, changes), desired, PLAIN) == []


def test_everything_that_names_a_renamed_column_follows() -> None:
    def posts(name: str) -> Schema:
        return schema(
            table(
                "posts",
                name,
                indexes=(Index(name="i", parts=(IndexPart(column=name),), where=f"{name} > 0"),),
                checks=(Check(name="c", expression=f"{name} <> 'price'"),),
                foreign_keys=(
                    ForeignKey(name="k", columns=(name,), ref_table="posts", ref_columns=(name,)),
                ),
            )
        )

    change = RenameColumn(table="posts", before="price", after="cost")
    assert transformed(posts("price"), [change]) == schema(
        *(
            msgspec.structs.replace(each, checks=(Check(name="c", expression="cost <> 'price'"),))
            for each in posts("cost").tables.values()
        )
    )


def test_names_are_found_outside_strings_only() -> None:
    assert mentions('("Price" > 0)', "price")
    assert not mentions("note = 'price'", "price")
    assert not mentions("prices > 0", "price")
    assert mentions('"in""ner" + 1', 'in"ner')
    assert mentions("`back``tick` > 0", "back`tick")
    assert renamed("price > 0 and note = 'price'", "price", "cost") == "cost > 0 and note = 'price'"
    assert renamed("`price` > 0", "price", "a`b") == "`a``b` > 0"


def test_a_drop_and_an_add_of_one_type_are_a_question() -> None:
    live = schema(table("a", column("permalink", "text"), "n"))
    desired = schema(table("a", column("slug", "text"), "n"))
    body: dict[str, Any] = {"columns": {"slug": {"type": "text"}, "n": INTEGER}}
    changes = diff(live, desired, PLAIN)
    (question,) = questions(live, changes, declared(a=body))
    assert (question.before, question.after) == ("permalink", "slug")
    body["columns"]["slug"]["renamed_from"] = []
    assert questions(live, changes, declared(a=body)) == []


def test_columns_of_different_types_are_no_question() -> None:
    live, desired = schema(table("a", column("x", "text"))), schema(table("a", column("y", "date")))
    declarations = declared(a={"columns": {"y": {"type": "date"}}})
    assert questions(live, diff(live, desired, PLAIN), declarations) == []


def test_a_new_table_just_like_an_undeclared_one_is_a_question() -> None:
    live, desired = schema(table("articles", "id", "t")), schema(table("posts", "id", "t"))
    declarations = declared(posts={"columns": {"id": INTEGER, "t": INTEGER}})
    (question,) = questions(live, diff(live, desired, PLAIN), declarations)
    assert (question.table, question.before, question.after) == ("", "articles", "posts")
