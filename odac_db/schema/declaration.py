"""What a schema file says, before any server is known.

These classes are the only definition of the file format: they validate it, they
generate its JSON Schema, and SQLAlchemy metadata and ``pull`` produce them too. A
dialect's ``resolve`` turns them into the ``model`` of one server and its ``declare``
turns a live model back. Nothing here knows how a file is read or written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from odac_db.errors import Problem

DIALECTS = ("postgresql", "mysql", "mariadb", "sqlite")
"""The keys of a per-dialect map. ``mariadb`` falls back to ``mysql``."""

PerDialect = str | dict[Literal["postgresql", "mysql", "mariadb", "sqlite"], str]
Scalar = str | int | float | bool | None
Action = Literal["no action", "restrict", "cascade", "set null", "set default"]
Orphans = Literal["nullify", "delete", "fail"]
Deferrable = Literal["immediate", "deferred"]
Name = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=0)]


class Strict(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """A mapping of a schema file: unknown keys are faults."""


class DefaultDeclaration(Strict, frozen=True, kw_only=True):
    """A default spelt out, exactly one of the two.

    ``{expression: gen_random_uuid()}`` is computed by the server; ``{literal: now()}`` is
    a value even if it reads like an expression.
    """

    expression: PerDialect | None = None
    literal: Any = UNSET


DefaultValue = Scalar | DefaultDeclaration | list[Any]


class ReferenceDeclaration(Strict, frozen=True, kw_only=True):
    """The target of a foreign key; ``columns`` defaults to the target's primary key."""

    table: Name
    columns: tuple[Name, ...] = ()


class GeneratedDeclaration(Strict, frozen=True, kw_only=True):
    """A computed column. ``stored`` None leaves the choice to the server."""

    expression: PerDialect
    stored: bool | None = None


class IdentityDeclaration(Strict, frozen=True, kw_only=True):
    """A numbered column; see ``model.Identity`` for the meaning of each field."""

    kind: Literal["always", "by_default", "serial", "auto_increment"] = "by_default"
    sequence: Name | None = None
    start: int | None = None
    increment: int | None = None
    minimum: int | None = None
    maximum: int | None = None
    cache: int | None = None
    cycle: bool = False


class ColumnDeclaration(Strict, frozen=True, kw_only=True):
    """One column as declared. ``type`` is a portable name, a native type, or one per dialect.

    ``nullable`` None: nullable unless part of the primary key. ``default`` UNSET or null:
    none. A plain ``default`` is a value, save for ``now()``, ``current_timestamp`` and
    ``current_timestamp()`` (any case), which are the server's clock.
    ``renamed_from`` None: not said; ``[]``: certainly new, not a rename.
    ``precision`` of datetime, timestamp and time is fractional digits (default 6).
    """

    type: PerDialect
    length: Count | None = None
    precision: Count | None = None
    scale: Count | None = None
    values: tuple[str, ...] | None = None
    enum_name: Name | None = None
    text_type: Literal["text", "tinytext", "mediumtext", "longtext"] | None = None
    unsigned: bool = False
    nullable: bool | None = None
    default: DefaultValue | UnsetType = UNSET
    primary: bool = False
    unique: bool = False
    references: str | ReferenceDeclaration | None = None
    on_delete: Action | None = None
    on_update: Action | None = None
    orphans: Orphans | None = None
    check: PerDialect | None = None
    generated: str | GeneratedDeclaration | None = None
    identity: bool | IdentityDeclaration = False
    collation: PerDialect | None = None
    comment: str | None = None
    on_update_current_timestamp: bool = False
    renamed_from: Name | tuple[Name, ...] | None = None


class IndexKey(Strict, frozen=True, kw_only=True):
    """One index key spelt out; ``- created_at desc`` is short for column and direction."""

    column: Name | None = None
    expression: PerDialect | None = None
    descending: bool = False
    nulls: Literal["first", "last"] | None = None
    collation: Name | None = None
    opclass: Name | None = None
    length: Count | None = None


class IndexDeclaration(Strict, frozen=True, kw_only=True):
    """An index or unique constraint. ``constraint`` true makes it a UNIQUE constraint.

    Names left out are generated; then any name the live one has is right.
    ``code`` is what a violation of it is called in errors.
    """

    columns: tuple[str | IndexKey, ...]
    name: Name | None = None
    unique: bool = False
    constraint: bool | None = None
    using: Name | None = None
    include: tuple[Name, ...] = ()
    where: PerDialect | None = None
    nulls_not_distinct: bool = False
    deferrable: Deferrable | None = None
    comment: str | None = None
    code: Name | None = None


class ForeignKeyDeclaration(Strict, frozen=True, kw_only=True):
    """A foreign key of one or more columns.

    ``validated`` false is content with PostgreSQL's NOT VALID, where rows of old may break it;
    the other servers know no such state and always check.
    """

    columns: tuple[Name, ...]
    references: str | ReferenceDeclaration
    name: Name | None = None
    on_delete: Action = "no action"
    on_update: Action = "no action"
    set_columns: tuple[Name, ...] = ()
    match: Literal["simple", "full"] = "simple"
    validated: bool = True
    deferrable: Deferrable | None = None
    orphans: Orphans | None = None
    comment: str | None = None
    code: Name | None = None


class CheckDeclaration(Strict, frozen=True, kw_only=True):
    """A CHECK of the table. ``validated`` as of a foreign key."""

    expression: PerDialect
    name: Name | None = None
    no_inherit: bool = False
    enforced: bool = True
    validated: bool = True
    comment: str | None = None
    code: Name | None = None


class ExclusionElement(Strict, frozen=True, kw_only=True):
    """One element of an exclusion: ``{column: during, with: "&&"}``."""

    operator: Name = msgspec.field(name="with")
    column: Name | None = None
    expression: str | None = None
    descending: bool = False
    nulls: Literal["first", "last"] | None = None
    collation: Name | None = None
    opclass: Name | None = None


class ExclusionDeclaration(Strict, frozen=True, kw_only=True):
    """A PostgreSQL EXCLUDE constraint."""

    elements: tuple[ExclusionElement, ...]
    name: Name | None = None
    using: Name = "gist"
    where: str | None = None
    deferrable: Deferrable | None = None
    comment: str | None = None
    code: Name | None = None


class PrimaryKeyDeclaration(Strict, frozen=True, kw_only=True):
    """A primary key spelt out, for an order, a name or options of its own."""

    columns: tuple[Name, ...]
    name: Name | None = None
    deferrable: Deferrable | None = None
    include: tuple[Name, ...] = ()


class TableFile(Strict, frozen=True, kw_only=True):
    """The whole of one schema file.

    ``table`` names the table where the file's own name cannot.
    ``options``: engine, collation, row_format (MySQL, MariaDB); strict, without_rowid,
    null_keys (SQLite); unlogged (PostgreSQL). A server ignores the others' options.
    """

    columns: dict[Name, ColumnDeclaration]
    table: Name | None = None
    comment: str | None = None
    primary_key: tuple[Name, ...] | PrimaryKeyDeclaration | None = None
    indexes: tuple[IndexDeclaration, ...] = ()
    foreign_keys: tuple[ForeignKeyDeclaration, ...] = ()
    checks: tuple[CheckDeclaration, ...] = ()
    exclusions: tuple[ExclusionDeclaration, ...] = ()
    options: dict[
        Literal[
            "engine",
            "collation",
            "row_format",
            "strict",
            "without_rowid",
            "null_keys",
            "unlogged",
        ],
        str | bool,
    ] = {}
    renamed_from: Name | tuple[Name, ...] | None = None
    seed_key: Name | tuple[Name, ...] | None = None
    seed: tuple[dict[str, Any], ...] = ()


class EnumDeclaration(Strict, frozen=True, kw_only=True):
    """An enum type of its own, for types that no column names directly (PostgreSQL)."""

    values: tuple[str, ...]
    comment: str | None = None


class TypesFile(Strict, frozen=True, kw_only=True):
    """The whole of ``_types.yaml``: enum types shared by tables or used in arrays."""

    enums: dict[Name, EnumDeclaration] = {}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a declaration was read, for errors.

    ``positions`` maps a path of keys and list positions, such as
    ``("columns", "id", "type")`` or ``("indexes", 0)``, to (line, column), from 1.
    """

    file: str
    positions: Mapping[tuple[str | int, ...], tuple[int, int]] = {}

    def problem(self, message: str, *path: str | int) -> Problem:
        """A problem at that path, or at the nearest enclosing one that is known."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.positions:
                line, column = self.positions[path[:end]]
                return Problem(self.file, line, column, message)
        return Problem(self.file, 0, 0, message)


class TableDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """A table's name, what its file says, and where.

    ``type: timestamps`` columns are already expanded into created_at and updated_at, and
    references are already split: ``references`` is always a ReferenceDeclaration whose
    columns are filled from the target where the target is declared.
    """

    name: str
    body: TableFile
    source: Source


class Declarations(msgspec.Struct, frozen=True, kw_only=True):
    """All that is declared for one connection."""

    tables: Mapping[str, TableDeclaration] = {}
    enums: Mapping[str, EnumDeclaration] = {}
    enums_source: Source | None = None
    digest: str = ""
