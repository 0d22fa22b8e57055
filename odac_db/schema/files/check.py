"""Short forms written out and everything checked: the step files and metadata share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

import msgspec

from odac_db.errors import Problem
from odac_db.schema.declaration import Declarations, EnumDeclaration, Source, TableDeclaration
from odac_db.schema.files.check_columns import Report, check_columns
from odac_db.schema.files.check_references import (
    check_column_renames,
    check_enums,
    check_references,
    check_table_renames,
)
from odac_db.schema.files.check_tables import check_name, check_table
from odac_db.schema.files.document import Path
from odac_db.schema.files.keys import primary_key
from odac_db.schema.files.normalize import split_references, write_out_indexes

EVERYWHERE: Path = ("*",)
"""Among the ``faulty`` parts of a table: any of them may lack something."""


def completed(
    declarations: Declarations,
    problems: list[Problem],
    unreadable: Collection[str] = (),
    faulty: Mapping[str, Collection[Path]] = MappingProxyType({}),
) -> Declarations:
    """The declarations as dialects want them; what is wrong is added to ``problems``.

    Tables arrive with ``timestamps`` expanded. Of ``unreadable`` ones, whose own faults
    are known already, it is only known that they are declared. ``faulty`` are those parts
    of tables, by path, of which something could not be read: nothing lacks there.
    """
    tables = {name: write_out_indexes(table) for name, table in declarations.tables.items()}
    tables = _with_targets(tables)
    enums = frozenset(declarations.enums)
    for table in tables.values():
        report = _reporter(table.source, problems, faulty.get(table.name, ()))
        check_columns(table, enums, report)
        check_table(table, report)
        check_references(table, tables, unreadable, faulty, report)
        check_column_renames(table, report)
    for name, path, message in (
        *check_table_renames(tables),
        *check_enums(tables, declarations.enums),
    ):
        problems.append(tables[name].source.problem(message, *path))
    _check_types(declarations.enums, declarations.enums_source, problems)
    return Declarations(
        tables=tables,
        enums=declarations.enums,
        enums_source=declarations.enums_source,
        digest=declarations.digest,
    )


def _with_targets(tables: dict[str, TableDeclaration]) -> dict[str, TableDeclaration]:
    keys = {name: primary_key(table.body) for name, table in tables.items()}
    found = {}
    for name, table in tables.items():
        body = split_references(table.body, tables.keys(), keys.__getitem__)
        found[name] = table if body is table.body else msgspec.structs.replace(table, body=body)
    return found


def _reporter(source: Source, problems: list[Problem], faulty: Collection[Path] = ()) -> Report:
    def report(message: str, *path: str | int, lacks: bool = False) -> None:
        part = path[:2] if len(path) > 1 else ()
        if not (lacks and (part in faulty or EVERYWHERE in faulty)):
            problems.append(source.problem(message, *path))

    return report


def _check_types(
    enums: Mapping[str, EnumDeclaration], source: Source | None, problems: list[Problem]
) -> None:
    if source is None:
        return
    report = _reporter(source, problems)
    for name, enum in enums.items():
        check_name(name, "type", report, "enums", name)
        if not enum.values:
            report(f"enum {name!r} needs values", "enums", name)
        for place, value in enumerate(enum.values):
            if value in enum.values[:place]:
                report(f"the value {value!r} is listed twice", "enums", name, "values", place)
