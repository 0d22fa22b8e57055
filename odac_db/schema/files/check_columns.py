"""What a single column's keys must not say together."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import UNSET

from odac_db.schema.column_types import INCREMENTS, PARAMETERS, PORTABLE, base_name, misspelt
from odac_db.schema.declaration import (
    ColumnDeclaration,
    DefaultDeclaration,
    IdentityDeclaration,
    PerDialect,
    TableDeclaration,
)

Report = Callable[..., None]
"""``report(message, *path)``: one fault of the table at hand.

With ``lacks=True`` it is one of something that is not there, which is no fault where a part
of the file could not be read.
"""

_WHOLE = frozenset({"small_integer", "integer", "big_integer", *INCREMENTS})
_NUMBERS = _WHOLE | {"float", "double", "decimal"}  # a sequence fills these on PostgreSQL
_LISTS = frozenset({"json", "jsonb"})
_NOT_BOOLEAN = frozenset({"yes", "no", "on", "off", "y", "n"})


def check_columns(table: TableDeclaration, enums: frozenset[str], report: Report) -> None:
    """Report the faults of every column. ``enums`` are the types declared by themselves."""
    for name, column in table.body.columns.items():
        types = type_names(column.type)
        _check_type(name, column, types, enums, report)
        _check_enum(name, column, types, report)
        _check_identity(name, column, types, report)
        if column.default is not UNSET and column.default is not None:
            _check_default(name, column, types, report)
        _check_source(name, column, report)
        _check_actions(name, column, report)


def type_names(kind: PerDialect) -> tuple[str, ...]:
    """The type's name, or one per dialect."""
    return (kind,) if isinstance(kind, str) else tuple(kind.values())


def _check_type(
    name: str,
    column: ColumnDeclaration,
    types: tuple[str, ...],
    enums: frozenset[str],
    report: Report,
) -> None:
    if not types or not all(kind.strip() for kind in types):
        report(f"column {name!r}: type must not be empty", "columns", name, "type")
    for kind in types:
        meant = None if _element(kind) in enums else misspelt(kind)
        if meant:
            message = f"unknown type {kind!r}; did you mean {meant!r}?"
            own = f'"{_element(kind)}"{"[]" * kind.endswith("]")}'
            report(f"{message} (your own type: '{own}')", "columns", name, "type")
    given = [key for key in PARAMETERS if getattr(column, key) not in (None, False)]
    for parameter in given:
        if not any(parameter in _taken(kind) for kind in types):
            report(_not_taken(parameter, types), "columns", name, parameter)


def _element(kind: str) -> str:
    return kind.partition("[")[0].rstrip()


def _taken(kind: str) -> frozenset[str]:
    return PORTABLE.get(base_name(kind), frozenset())


def _not_taken(parameter: str, types: tuple[str, ...]) -> str:
    kinds = " or ".join(dict.fromkeys(types))
    if all(base_name(kind) for kind in types):
        return f"type {kinds} takes no {parameter!r}"
    return f"native type {kinds} takes no {parameter!r}: write it as part of the type"


def _check_enum(
    name: str, column: ColumnDeclaration, types: tuple[str, ...], report: Report
) -> None:
    if not any(base_name(kind) == "enum" for kind in types):
        return
    if not column.values:
        report(f"column {name!r}: an enum needs values", "columns", name, "type", lacks=True)
        return
    for place, value in enumerate(column.values):
        if value in column.values[:place]:
            report(f"the value {value!r} is listed twice", "columns", name, "values", place)
    scalar = all(base_name(kind) != "enum" or kind == "enum" for kind in types)
    if scalar and isinstance(column.default, str) and column.default not in column.values:
        message = f"default {column.default!r} is not one of the values"
        report(message, "columns", name, "default")


def _check_identity(
    name: str, column: ColumnDeclaration, types: tuple[str, ...], report: Report
) -> None:
    if isinstance(column.identity, IdentityDeclaration) or column.identity:
        wrong = [kind for kind in types if base_name(kind) and base_name(kind) not in _NUMBERS]
        if wrong:
            report(f"identity needs an integer type, not {wrong[0]}", "columns", name, "identity")


def _check_default(
    name: str, column: ColumnDeclaration, types: tuple[str, ...], report: Report
) -> None:
    path = ("columns", name, "default")
    default = column.default
    if isinstance(default, DefaultDeclaration):
        both = default.expression is not None and default.literal is not UNSET
        if both or (default.expression is None and default.literal is UNSET):
            report("default needs either 'expression' or 'literal'", *path, lacks=not both)
    elif isinstance(default, list):
        scalar = [k for k in types if base_name(k) not in _LISTS and not k.endswith("]")]
        if scalar and all(base_name(kind) for kind in scalar):
            report(f"type {scalar[0]} takes no list as default", *path)
    elif isinstance(default, str) and default.lower() in _NOT_BOOLEAN and "boolean" in types:
        report(f"default of a boolean is true or false, not {default!r}", *path)


def _check_source(name: str, column: ColumnDeclaration, report: Report) -> None:
    """A column's values come from one place."""
    sources = []
    if column.generated is not None:
        sources.append("generated")
    if column.identity is not False:
        sources.append("identity")
    if isinstance(column.type, str) and base_name(column.type) in INCREMENTS:
        sources.append(column.type)
    if column.default is not UNSET and column.default is not None:
        sources.append("default")
    if len(sources) > 1:
        message = f"column {name!r} takes its values from {sources[0]} or {sources[1]}, not both"
        report(message, "columns", name, sources[1])


def _check_actions(name: str, column: ColumnDeclaration, report: Report) -> None:
    if column.references is not None:
        return
    for key in ("on_delete", "on_update", "orphans"):
        if getattr(column, key) is not None:
            report(f"{key!r} without 'references'", "columns", name, key, lacks=True)
