"""What some servers refuse and others take, said with its place before any DDL runs.

The reader refuses only what no server can hold; what is beyond this one, its ``resolve``
adds from here to what only its own dialect knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from odac_db.dialects.base import Features
from odac_db.errors import Problem
from odac_db.schema.declaration import (
    ColumnDeclaration,
    Declarations,
    ForeignKeyDeclaration,
    PerDialect,
    TableDeclaration,
)
from odac_db.schema.files.keys import foreign_keys, nullable_columns

Path = tuple[str | int, ...]
Fault = tuple[Path, str]
Check = Callable[[TableDeclaration, Features], Iterator[Fault]]


def refused(declarations: Declarations, features: Features, *checks: Check) -> list[Problem]:
    """What ``checks`` find in the tables, as problems, and names that two tables want."""
    found = [
        table.source.problem(message, *path)
        for table in declarations.tables.values()
        for check in checks
        for path, message in check(table, features)
    ]
    return [*found, *_names_of_two_tables(declarations, features)]


def _names_of_two_tables(declarations: Declarations, features: Features) -> Iterator[Problem]:
    """Names that the server keeps for all tables together, given in two of them."""
    tables = declarations.tables.values()
    named = [(table, *one) for table in tables for one in _names(table)]
    named.sort(key=lambda one: one[1] != "table")  # an index gives way to a table
    seen: dict[tuple[str, str], tuple[TableDeclaration, str]] = {}
    for table, what, name, path in named:
        kind = _KINDS.get(what, "")
        if kind not in features.shared_names or _is_clause(table, path, features):
            continue
        folded = name.lower() if features.folds_case else name
        other, called = seen.setdefault((kind, folded), (table, what))
        if other is not table or called != what:
            message = f"{what} name {name!r} is that of {called} {name!r} in {other.source.file}"
            yield table.source.problem(f"{message}, too: {features.label} takes it once", *path)


_KINDS = {
    "table": "index",
    "index": "index",
    "exclusion": "index",
    "foreign key": "foreign_key",
    "check": "check",
}
"""What has its name in common with what; see ``Features.shared_names``."""


def _is_clause(table: TableDeclaration, path: Path, features: Features) -> bool:
    """Whether it is a UNIQUE inside CREATE TABLE, whose name SQLite only notes."""
    match path:
        case ("indexes", int(place), _) if features.name == "sqlite":
            return bool(table.body.indexes[place].constraint)
        case _:
            return False


def long_names(table: TableDeclaration, features: Features) -> Iterator[Fault]:
    """Names that the server would cut or refuse."""
    unit = "bytes" if features.identifier_limit_in_bytes else "characters"
    for what, name, path in _names(table):
        if not features.fits(name):
            size = len(name.encode()) if features.identifier_limit_in_bytes else len(name)
            limit = f"{features.label} takes {features.identifier_limit}"
            yield path, f"{what} name of {size} {unit}; {limit}"


def _names(table: TableDeclaration) -> Iterator[tuple[str, str, Path]]:
    """What is named by the table's file, its name, and where that stands."""
    yield "table", table.name, ("table",)
    for name in table.body.columns:
        yield "column", name, ("columns", name)
    for key in ("indexes", "foreign_keys", "checks", "exclusions"):
        for place, item in enumerate(getattr(table.body, key)):
            if item.name is not None:
                what = {"indexes": "index", "foreign_keys": "foreign key"}.get(key, key[:-1])
                yield what, item.name, (key, place, "name")


def beyond_the_bmp(table: TableDeclaration, features: Features) -> Iterator[Fault]:
    """Names and enum values with characters above U+FFFF.

    MySQL and MariaDB keep their catalog in a character set without them: names are refused
    or become question marks, and so do enum values, which can then not be told apart.
    """
    named = [(f"{what} name", text, path) for what, text, path in _names(table)]
    for name, column in table.body.columns.items():
        path: Path = ("columns", name, "values")
        named += [("enum value", value, path) for value in column.values or ()]
    for what, text, path in named:
        if any(ord(character) > 0xFFFF for character in text):
            yield path, f"{what} {text!r} has characters that {features.label} cannot keep there"


def columns_equal_but_for_case(table: TableDeclaration, features: Features) -> Iterator[Fault]:
    """Columns that are one to a server that folds case; SQLite folds ASCII letters only."""
    seen: dict[str, str] = {}
    for name in table.body.columns:
        twin = seen.setdefault(_folded(name, features), name)
        if twin != name:
            message = f"columns {twin!r} and {name!r} differ in case only: one to {features.label}"
            yield ("columns", name), message


def _folded(name: str, features: Features) -> str:
    if features.name != "sqlite":
        return name.lower()
    return re.sub(r"[A-Z]", lambda letter: letter[0].lower(), name)


def no_columns(table: TableDeclaration, features: Features) -> Iterator[Fault]:
    if not table.body.columns:
        message = f"table {table.name!r} has no columns: {features.label} wants one"
        yield ("columns",), message


def scale_over_precision(table: TableDeclaration, features: Features) -> Iterator[Fault]:
    """``decimal`` with more digits behind the point than digits."""
    for name, column in table.body.columns.items():
        precision = 10 if column.precision is None else column.precision
        if column.scale is not None and column.scale > precision and _is_decimal(column.type):
            message = f"scale {column.scale} is more than precision {precision}"
            yield ("columns", name, "scale"), f"{message}: {features.label} takes none such"


def _is_decimal(kind: PerDialect) -> bool:
    names = [kind] if isinstance(kind, str) else list(kind.values())
    return any(name.removesuffix("[]") == "decimal" for name in names)


def set_null_not_nullable(table: TableDeclaration, features: Features) -> Iterator[Fault]:
    """SET NULL over a column that is NOT NULL, which MySQL and MariaDB refuse."""
    nullable = nullable_columns(table.body)
    for reference in foreign_keys(table.body):
        key: ForeignKeyDeclaration = reference.key
        for action in ("on_delete", "on_update"):
            fixed = [name for name in key.columns if _known_fixed(name, nullable, table)]
            if getattr(key, action) == "set null" and fixed:
                message = f"{action}: set null, and column {fixed[0]!r} cannot be null"
                yield (*reference.path, action), f"{message}: {features.label} refuses that"


def _known_fixed(name: str, nullable: set[str], table: TableDeclaration) -> bool:
    column: ColumnDeclaration | None = table.body.columns.get(name)
    return column is not None and name not in nullable


def names_given_twice(table: TableDeclaration, features: Features) -> Iterator[Fault]:
    """Constraints of one kind under one name."""
    for key in ("indexes", "foreign_keys", "checks"):
        seen: set[str] = set()
        for place, item in enumerate(getattr(table.body, key)):
            folded = "" if item.name is None else item.name.lower()
            if folded and folded in seen:
                message = f"the name {item.name!r} is given twice: {features.label} takes it once"
                yield (key, place, "name"), message
            seen.add(folded)
