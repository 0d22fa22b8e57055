"""One frozen class per kind of change; ``Change`` is their union.

Diff makes them, order sorts them, dialects render them, plans carry them. A ``match``
over ``Change`` that ends in ``assert_never`` makes mypy name every place that forgets a
new one. ``table`` is the table's name *after* any RenameTable of the same plan, and
columns are named as after any RenameColumn, because renames come first.
"""

from __future__ import annotations

import msgspec

from odac_db.schema.model import (
    Check,
    Column,
    EnumType,
    Exclusion,
    ForeignKey,
    Index,
    OrphanPolicy,
    PrimaryKey,
    Table,
)


class _Change(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of all changes; its tag is the ``kind`` of a plan's JSON."""


class CreateEnum(_Change, frozen=True, kw_only=True, tag="create_enum"):
    enum: EnumType


class AddEnumValue(_Change, frozen=True, kw_only=True, tag="add_enum_value"):
    """``before`` is the existing value it is put in front of; None puts it last."""

    enum: str
    value: str
    before: str | None = None


class ReplaceEnum(_Change, frozen=True, kw_only=True, tag="replace_enum"):
    """Values removed or reordered: a new type takes the old one's place.

    ``columns`` are the (table, live column, desired column) that use it; the last is None
    for a column that the same plan drops, whose values need not be the new type's.
    """

    before: EnumType
    after: EnumType
    columns: tuple[tuple[str, Column, Column | None], ...] = ()


class RenameEnum(_Change, frozen=True, kw_only=True, tag="rename_enum"):
    before: str
    after: str


class DropEnum(_Change, frozen=True, kw_only=True, tag="drop_enum"):
    enum: EnumType


class SetEnumComment(_Change, frozen=True, kw_only=True, tag="set_enum_comment"):
    enum: str
    before: str | None
    after: str | None


class CreateTable(_Change, frozen=True, kw_only=True, tag="create_table"):
    """Columns, primary key, uniques, checks and exclusions; indexes and foreign keys come apart.

    ``table`` as rendered has no foreign keys and no plain indexes, save where the server
    can only make them here: then the dialect's renderer puts them back from the target.
    """

    table: Table


class DropTable(_Change, frozen=True, kw_only=True, tag="drop_table"):
    table: Table


class RenameTable(_Change, frozen=True, kw_only=True, tag="rename_table"):
    before: str
    after: str


class RenameColumn(_Change, frozen=True, kw_only=True, tag="rename_column"):
    table: str
    before: str
    after: str


class AddColumn(_Change, frozen=True, kw_only=True, tag="add_column"):
    table: str
    column: Column


class DropColumn(_Change, frozen=True, kw_only=True, tag="drop_column"):
    table: str
    column: Column


class AlterColumn(_Change, frozen=True, kw_only=True, tag="alter_column"):
    """The live column and the column it is to be. Names are equal."""

    table: str
    before: Column
    after: Column

    @property
    def aspects(self) -> frozenset[str]:
        """The names of the fields that differ (``type``, ``nullable``, ``default``, ...)."""
        return frozenset(
            field
            for field in Column.__struct_fields__
            if field != "name" and getattr(self.before, field) != getattr(self.after, field)
        )

    @property
    def fills(self) -> bool:
        """Whether rows that hold NULL are given the default, lest NOT NULL refuses them."""
        after, default = self.after, self.after.default or "NULL"
        plain = after.generated is None and after.identity is None
        given = plain and default.partition("::")[0].upper() != "NULL"
        return self.before.nullable and not after.nullable and given


class AddPrimaryKey(_Change, frozen=True, kw_only=True, tag="add_primary_key"):
    table: str
    primary_key: PrimaryKey


class DropPrimaryKey(_Change, frozen=True, kw_only=True, tag="drop_primary_key"):
    table: str
    primary_key: PrimaryKey


class AddIndex(_Change, frozen=True, kw_only=True, tag="add_index"):
    """Also adds UNIQUE constraints. ``replaces`` is the live index it takes over from."""

    table: str
    index: Index
    replaces: Index | None = None


class DropIndex(_Change, frozen=True, kw_only=True, tag="drop_index"):
    """``replaced`` says that an AddIndex of the same plan takes its place."""

    table: str
    index: Index
    replaced: bool = False


class AddForeignKey(_Change, frozen=True, kw_only=True, tag="add_foreign_key"):
    table: str
    foreign_key: ForeignKey


class DropForeignKey(_Change, frozen=True, kw_only=True, tag="drop_foreign_key"):
    """``replaced`` says that a key of another table takes its name."""

    table: str
    foreign_key: ForeignKey
    replaced: bool = False


class AddCheck(_Change, frozen=True, kw_only=True, tag="add_check"):
    table: str
    check: Check


class DropCheck(_Change, frozen=True, kw_only=True, tag="drop_check"):
    """``replaced`` says that a CHECK of another table takes its name."""

    table: str
    check: Check
    replaced: bool = False


class AddExclusion(_Change, frozen=True, kw_only=True, tag="add_exclusion"):
    table: str
    exclusion: Exclusion


class DropExclusion(_Change, frozen=True, kw_only=True, tag="drop_exclusion"):
    table: str
    exclusion: Exclusion


class RenameConstraint(_Change, frozen=True, kw_only=True, tag="rename_constraint"):
    """A primary key, index, foreign key, check or exclusion keeps its meaning and changes its name.

    ``what`` is one of primary_key, index, unique, foreign_key, check, exclusion.
    """

    table: str
    what: str
    before: str
    after: str


class SetTableComment(_Change, frozen=True, kw_only=True, tag="set_table_comment"):
    table: str
    before: str | None
    after: str | None


class SetTableOptions(_Change, frozen=True, kw_only=True, tag="set_table_options"):
    """Only the options that differ; ``before`` holds the live values of the same keys."""

    table: str
    before: dict[str, str]
    after: dict[str, str]


class SetObjectComment(_Change, frozen=True, kw_only=True, tag="set_object_comment"):
    """The comment of an index or constraint. ``what`` as in RenameConstraint."""

    table: str
    what: str
    name: str
    after: str | None


class CleanOrphans(_Change, frozen=True, kw_only=True, tag="clean_orphans"):
    """Rows of ``table`` whose foreign key points nowhere are nullified or deleted.

    Each is copied to ``_odac_orphans`` first. ``set_columns`` alone become NULL, if any.
    """

    table: str
    foreign_key: ForeignKey
    policy: OrphanPolicy


class Backfill(_Change, frozen=True, kw_only=True, tag="backfill"):
    """Rows that hold NULL in a column that is to be NOT NULL are given its default.

    ``column`` is as it will be, ``rows`` how many were found. No value is ever overwritten.
    """

    table: str
    column: Column
    rows: int


Change = (
    CreateEnum
    | AddEnumValue
    | ReplaceEnum
    | RenameEnum
    | DropEnum
    | SetEnumComment
    | CreateTable
    | DropTable
    | RenameTable
    | RenameColumn
    | AddColumn
    | DropColumn
    | AlterColumn
    | AddPrimaryKey
    | DropPrimaryKey
    | AddIndex
    | DropIndex
    | AddForeignKey
    | DropForeignKey
    | AddCheck
    | DropCheck
    | AddExclusion
    | DropExclusion
    | RenameConstraint
    | SetTableComment
    | SetTableOptions
    | SetObjectComment
    | CleanOrphans
    | Backfill
)


def kind_of(change: Change) -> str:
    """The ``kind`` a plan's JSON shows, such as ``add_column``."""
    tag = change.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def table_of(change: Change) -> str:
    """The table a change is about; empty for enum types."""
    match change:
        case CreateTable() | DropTable():
            return change.table.name
        case RenameTable():
            return change.after
        case CreateEnum() | AddEnumValue() | ReplaceEnum() | RenameEnum() | DropEnum():
            return ""
        case SetEnumComment():
            return ""
        case _:
            return change.table
