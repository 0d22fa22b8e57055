"""What a database holds, in the words of its own server.

Both sides of a diff are made of these: the live schema as a dialect's ``introspect``
reads it, and the desired one as its ``resolve`` spells the declarations for that
server. Types, defaults and expressions are text exactly as the server prints them, so
equality is plain equality. What a *file* says, portable and partial, is in
``declaration``; how one schema becomes another is in ``changes``. No I/O here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

FkAction = Literal["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"]
OrphanPolicy = Literal["nullify", "delete", "fail"]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """How a column numbers its rows.

    ``kind``: ``always`` and ``by_default`` are SQL identity (PostgreSQL), ``serial`` a
    sequence the column owns (PostgreSQL), ``auto_increment`` MySQL's and SQLite's.
    The numbers are None where they are the server's default for the type.
    ``sequence`` is None where the sequence has the name the server would give it.
    """

    kind: Literal["always", "by_default", "serial", "auto_increment"]
    sequence: str | None = None
    start: int | None = None
    increment: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    cache: int | None = None
    cycle: bool = False


class Generated(msgspec.Struct, frozen=True):
    """A column computed from others: its expression, and whether it is stored or virtual."""

    expression: str
    stored: bool


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column. ``type`` is the server's spelling with all parameters.

    ``default`` is SQL text, None for no default (and for DEFAULT NULL).
    ``collation`` is None where it is the one the column would inherit.
    ``on_update`` is MySQL's ON UPDATE CURRENT_TIMESTAMP; ``check`` is MariaDB's
    column-level CHECK, which belongs to the column and not to the table.
    ``enum`` names the PostgreSQL enum type behind ``type`` (without array brackets).
    """

    name: str
    type: str
    nullable: bool = True
    default: str | None = None
    identity: Identity | None = None
    generated: Generated | None = None
    collation: str | None = None
    comment: str | None = None
    on_update: str | None = None
    check: str | None = None
    enum: str | None = None


class IndexPart(msgspec.Struct, frozen=True, kw_only=True):
    """One key of an index: a column or an expression, never both.

    ``nulls`` is None where it follows from the direction; ``length`` is MySQL's prefix.
    """

    column: str | None = None
    expression: str | None = None
    descending: bool = False
    nulls: Literal["first", "last"] | None = None
    collation: str | None = None
    opclass: str | None = None
    length: int | None = None


class PrimaryKey(msgspec.Struct, frozen=True, kw_only=True):
    """A primary key. ``name`` is None where the server has none (MySQL, unnamed in SQLite)."""

    columns: tuple[str, ...]
    name: str | None = None
    named: bool = True
    deferrable: Literal["immediate", "deferred"] | None = None
    include: tuple[str, ...] = ()


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """An index, or the UNIQUE constraint that owns one.

    ``named`` is False for a desired index whose declaration gives no name: any name the
    live one has is right. ``constraint`` says that it is a UNIQUE constraint; None in a
    desired index means either will do. ``method`` is None for the server's default
    (b-tree). ``implicit`` marks an index the server made for a foreign key (MySQL).
    ``valid`` is False for what a failed concurrent build left (PostgreSQL).
    """

    name: str | None
    parts: tuple[IndexPart, ...]
    named: bool = True
    unique: bool = False
    constraint: bool | None = False
    method: str | None = None
    include: tuple[str, ...] = ()
    where: str | None = None
    nulls_not_distinct: bool = False
    deferrable: Literal["immediate", "deferred"] | None = None
    comment: str | None = None
    implicit: bool = False
    valid: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The plain columns among the keys, in key order."""
        return tuple(part.column for part in self.parts if part.column is not None)


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign key. ``orphans`` is the declared policy; a live key has none.

    ``set_columns`` is PostgreSQL's ON DELETE SET NULL (columns). ``valid`` is False for
    a key left NOT VALID.
    """

    name: str | None
    columns: tuple[str, ...]
    ref_table: str
    ref_columns: tuple[str, ...]
    named: bool = True
    on_delete: FkAction = "NO ACTION"
    on_update: FkAction = "NO ACTION"
    set_columns: tuple[str, ...] = ()
    match_full: bool = False
    deferrable: Literal["immediate", "deferred"] | None = None
    comment: str | None = None
    valid: bool = True
    orphans: OrphanPolicy | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A table-level CHECK; ``expression`` is without the outer CHECK( )."""

    name: str | None
    expression: str
    named: bool = True
    no_inherit: bool = False
    enforced: bool = True
    comment: str | None = None
    valid: bool = True


class ExclusionPart(msgspec.Struct, frozen=True, kw_only=True):
    """One element of an exclusion constraint: an index key and the operator that must fail."""

    part: IndexPart
    operator: str


class Exclusion(msgspec.Struct, frozen=True, kw_only=True):
    """A PostgreSQL EXCLUDE constraint."""

    name: str | None
    parts: tuple[ExclusionPart, ...]
    method: str = "gist"
    named: bool = True
    where: str | None = None
    deferrable: Literal["immediate", "deferred"] | None = None
    comment: str | None = None


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table. ``options`` holds what the dialect knows about tables as such.

    MySQL: ``engine``, ``collation``, ``row_format``; SQLite: ``strict``,
    ``without_rowid``, ``null_keys`` (positions of the key columns that have no NOT NULL,
    which SQLite permits); PostgreSQL: ``unlogged``. A desired table names only what its
    declaration names, and only that is compared.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: PrimaryKey | None = None
    indexes: tuple[Index, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    comment: str | None = None
    options: Mapping[str, str] = {}

    def column(self, name: str) -> Column | None:
        """The column of that name, or None."""
        return next((column for column in self.columns if column.name == name), None)


class EnumType(msgspec.Struct, frozen=True, kw_only=True):
    """A PostgreSQL enum type; the order of its values is part of it."""

    name: str
    values: tuple[str, ...]
    comment: str | None = None


class Unsupported(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """Something the server holds and a schema file cannot; it is left alone.

    ``kind`` is the server's own word (view, trigger, function, domain, partition, ...).
    ``table`` is empty for what belongs to no table.
    """

    kind: str
    table: str = ""
    name: str = ""
    detail: str = ""


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one connection manages: tables and enum types by name.

    ``unsupported`` is only filled by introspection, and so is ``taken``: what else has the
    names that tables and indexes share, as "index of parts" (PostgreSQL).
    """

    tables: Mapping[str, Table] = {}
    enums: Mapping[str, EnumType] = {}
    unsupported: tuple[Unsupported, ...] = ()
    taken: Mapping[str, str] = {}
