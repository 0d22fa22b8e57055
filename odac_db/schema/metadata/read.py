"""SQLAlchemy metadata as declarations: what ``create_all`` would make of it.

A type becomes a portable one only where every server would get the same from either;
else it is the native text that SQLAlchemy compiles, per dialect. Only what the server is
told counts: a ``server_default`` is a default, a Python-side ``default`` is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa
import xxhash
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from odac_db.errors import DeclarationError, Problem
from odac_db.schema.declaration import (
    CheckDeclaration,
    ColumnDeclaration,
    Declarations,
    DefaultDeclaration,
    EnumDeclaration,
    ExclusionDeclaration,
    ExclusionElement,
    ForeignKeyDeclaration,
    GeneratedDeclaration,
    IdentityDeclaration,
    IndexDeclaration,
    PrimaryKeyDeclaration,
    ReferenceDeclaration,
    Source,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.files.check import completed
from odac_db.schema.metadata.clauses import deferrable, expression, name_of, names
from odac_db.schema.metadata.indexes import index_declaration, unique_declaration
from odac_db.schema.metadata.types import column_type, enum_types

SOURCE = Source(file="<MetaData>")

_CLOCK = frozenset({"now()", "current_timestamp", "current_timestamp()"})
_SPELT_TRUTHS = ({"true", "1"}, {"false", "0"})  # sa.true() and sa.false() on four servers
_TRUTHS = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}


def declarations_of(source: object) -> Declarations:
    """The declarations of a ``MetaData``, a declarative base class or a ``registry``.

    ``info={"renamed_from": "old"}`` on a table or column says what it was called. Python
    side defaults, sequences and views are not part of it; nor is the CHECK that
    SQLAlchemy adds to some types (``create_constraint=True``).

    Raises DeclarationError with everything that cannot be declared, and TypeError for
    any other object.
    """
    metadata = source if isinstance(source, sa.MetaData) else getattr(source, "metadata", None)
    if not isinstance(metadata, sa.MetaData):
        raise TypeError(f"neither MetaData nor a declarative base: {source!r}")
    problems: list[Problem] = []
    tables = {}
    enums: dict[str, EnumDeclaration] = {}
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        if table.schema is not None:
            message = f"table {table.fullname!r}: tables of another schema cannot be managed"
            problems.append(SOURCE.problem(message))
            continue
        tables[str(table.name)] = _table(table)
        for column in table.columns:
            enums.update(enum_types(column.type))
    declared = completed(Declarations(tables=tables, enums=enums, enums_source=SOURCE), problems)
    if problems:
        raise DeclarationError([_named(problem) for problem in problems])
    return msgspec.structs.replace(declared, digest=_digest(declared))


def _named(problem: Problem) -> Problem:
    return Problem(problem.file, 0, 0, problem.message)


def _digest(declared: Declarations) -> str:
    bodies = {name: table.body for name, table in declared.tables.items()}
    return xxhash.xxh3_128_hexdigest(msgspec.json.encode([bodies, declared.enums]))


def _table(table: sa.Table) -> TableDeclaration:
    body = TableFile(
        columns={str(column.name): _column(column, table) for column in table.columns},
        comment=table.comment,
        primary_key=_primary_key(table),
        indexes=tuple(_indexes(table)),
        foreign_keys=tuple(_foreign_keys(table)),
        checks=tuple(_checks(table)),
        exclusions=tuple(_exclusions(table)),
        options=_options(table),
        renamed_from=_renamed_from(table.info),
    )
    source = Source(file=f"{SOURCE.file}.{table.name}")
    return TableDeclaration(name=str(table.name), body=body, source=source)


def _renamed_from(info: dict[Any, Any]) -> str | tuple[str, ...] | None:
    former = info.get("renamed_from")
    return former if former is None or isinstance(former, str) else tuple(former)


def _column(column: sa.Column[Any], table: sa.Table) -> ColumnDeclaration:
    body = column_type(column.type)
    return msgspec.structs.replace(
        body,
        nullable=False if not column.nullable and not column.primary_key else None,
        default=_default(column, body),
        generated=_generated(column),
        identity=_identity(column, table),
        comment=column.comment,
        renamed_from=_renamed_from(column.info),
    )


def _default(column: sa.Column[Any], body: ColumnDeclaration) -> Any:
    clause = column.server_default
    if not isinstance(clause, sa.DefaultClause):
        return msgspec.UNSET
    if isinstance(clause.arg, str):
        return _literal(clause.arg, body)
    text = expression(clause.arg)
    texts = {text.lower()} if isinstance(text, str) else {t.lower() for t in text.values()}
    if texts <= _CLOCK:
        return text if isinstance(text, str) else "now()"
    if body.type == "boolean" and texts in _SPELT_TRUTHS:
        return "true" in texts
    return DefaultDeclaration(expression=text)


def _literal(text: str, body: ColumnDeclaration) -> Any:
    """SQLAlchemy's literal defaults are all text; a number or a truth is one of its type."""
    if body.type == "boolean" and text.lower() in _TRUTHS:
        return _TRUTHS[text.lower()]
    if body.type in ("integer", "small_integer", "big_integer") and text.lstrip("-").isdecimal():
        return int(text)
    return DefaultDeclaration(literal=text) if text.lower() in _CLOCK else text


def _generated(column: sa.Column[Any]) -> GeneratedDeclaration | None:
    if column.computed is None:
        return None
    text = expression(column.computed.sqltext)
    return GeneratedDeclaration(expression=text, stored=column.computed.persisted)


def _identity(column: sa.Column[Any], table: sa.Table) -> bool | IdentityDeclaration:
    """An Identity as it says; the integer primary key that SQLAlchemy numbers, as serial."""
    identity = column.identity
    if identity is None:
        numbered = table.autoincrement_column is column and column.server_default is None
        return IdentityDeclaration(kind="serial") if numbered else False
    return IdentityDeclaration(
        kind="always" if identity.always else "by_default",
        start=identity.start,
        increment=identity.increment,
        minimum=identity.minvalue,
        maximum=identity.maxvalue,
        cache=identity.cache,
        cycle=bool(identity.cycle),
    )


def _primary_key(table: sa.Table) -> tuple[str, ...] | PrimaryKeyDeclaration | None:
    key = table.primary_key
    columns = names(key.columns)
    if not columns:
        return None
    declared = PrimaryKeyDeclaration(
        columns=columns,
        name=name_of(key),
        deferrable=deferrable(key),
        include=names(key.dialect_options["postgresql"].get("include")),
    )
    return columns if declared == PrimaryKeyDeclaration(columns=columns) else declared


def _indexes(table: sa.Table) -> Iterator[IndexDeclaration]:
    uniques = [c for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    for constraint in sorted(uniques, key=lambda unique: unique.columns.keys()):
        yield unique_declaration(constraint)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield index_declaration(index, names(table.columns))


def _foreign_keys(table: sa.Table) -> Iterator[ForeignKeyDeclaration]:
    for key in sorted(table.foreign_key_constraints, key=lambda key: tuple(key.column_keys)):
        targets = [element.target_fullname.rpartition(".") for element in key.elements]
        on_delete, set_columns = _action(key.ondelete)
        yield ForeignKeyDeclaration(
            columns=names(key.columns),
            references=ReferenceDeclaration(
                table=str(targets[0][0]), columns=names(column for _, _, column in targets)
            ),
            name=name_of(key),
            on_delete=on_delete,
            on_update=_action(key.onupdate)[0],
            set_columns=set_columns,
            match="full" if (key.match or "").lower() == "full" else "simple",
            deferrable=deferrable(key),
            comment=key.comment,
        )


def _action(text: str | None) -> tuple[Any, tuple[str, ...]]:
    """``SET NULL (a, b)`` as the action and its columns."""
    action, _, columns = (text or "no action").partition("(")
    names = [name.strip().strip('"') for name in columns.rstrip(") ").split(",")]
    return " ".join(action.lower().split()), tuple(name for name in names if name)


def _checks(table: sa.Table) -> Iterator[CheckDeclaration]:
    found = []
    for constraint in table.constraints:
        # _type_bound: the CHECK that a type adds of itself, for which there is no other sign
        if isinstance(constraint, sa.CheckConstraint) and not constraint._type_bound:
            found.append(
                CheckDeclaration(
                    expression=expression(constraint.sqltext),
                    name=name_of(constraint),
                    comment=constraint.comment,
                )
            )
    return iter(sorted(found, key=lambda check: (check.name or "", str(check.expression))))


def _exclusions(table: sa.Table) -> Iterator[ExclusionDeclaration]:
    for constraint in table.constraints:
        if not isinstance(constraint, ExcludeConstraint):
            continue
        elements = tuple(
            ExclusionElement(column=str(item.name), operator=operator)
            if isinstance(item, sa.Column)
            else ExclusionElement(expression=_postgresql(item), operator=operator)
            for item, _, operator in constraint._render_exprs
        )
        where = None if constraint.where is None else _postgresql(constraint.where)
        yield ExclusionDeclaration(
            elements=elements,
            name=name_of(constraint),
            using=constraint.using,
            where=where,
            deferrable=deferrable(constraint),
        )


def _postgresql(clause: Any) -> str:
    text = expression(clause)
    return text if isinstance(text, str) else text["postgresql"]


def _options(table: sa.Table) -> dict[Any, str | bool]:
    given = {**table.dialect_kwargs}
    options: dict[Any, str | bool] = {}
    for family in ("mysql", "mariadb"):
        for name, option in (("engine", "engine"), ("collate", "collation")):
            if f"{family}_{name}" in given:
                options[option] = str(given[f"{family}_{name}"])
        if f"{family}_row_format" in given:
            options["row_format"] = str(given[f"{family}_row_format"])
    if given.get("sqlite_strict"):
        options["strict"] = True
    if given.get("sqlite_with_rowid") is False:
        options["without_rowid"] = True
    if "UNLOGGED" in [str(prefix).upper() for prefix in table._prefixes]:
        options["unlogged"] = True
    return options
