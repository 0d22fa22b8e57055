"""What tables must not say about each other: references, renames, shared enum types."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from odac_db.schema.declaration import EnumDeclaration, TableDeclaration
from odac_db.schema.files.check_columns import Report
from odac_db.schema.files.check_tables import columns_exist
from odac_db.schema.files.document import Path
from odac_db.schema.files.keys import KeyedReference, foreign_keys, nullable_columns
from odac_db.schema.files.validate import nearest

Tables = Mapping[str, TableDeclaration]


def check_references(
    table: TableDeclaration,
    tables: Tables,
    unreadable: Collection[str],
    faulty: Collection[str],
    report: Report,
) -> None:
    """Report every foreign key of the table that cannot be."""
    nullable: set[str] | None = None
    for reference in foreign_keys(table.body):
        if reference.path[0] == "foreign_keys":
            columns_exist(reference.key.columns, (*reference.path, "columns"), table.body, report)
        if reference.target.table not in unreadable:
            _check_target(reference, tables, faulty, report)
        if nullable is None:
            nullable = nullable_columns(table.body)
        _check_policies(reference, nullable, report)


def _check_target(
    reference: KeyedReference, tables: Tables, faulty: Collection[str], report: Report
) -> None:
    path = (*reference.path, "references")
    target = reference.target
    if target.table not in tables:
        report(f"there is no table {target.table!r}{nearest(target.table, tables)}", *path)
        return
    columns = tables[target.table].body.columns
    missing = [name for name in target.columns if name not in columns]
    for name in missing:
        report(f"table {target.table!r} has no column {name!r}{nearest(name, columns)}", *path)
    if not reference.key.columns:
        report("a foreign key needs columns", *reference.path, "columns")
    elif target.table in faulty:
        return  # what its primary key is cannot be told
    elif not target.columns:
        report(f"table {target.table!r} has no primary key: name the column", *path)
    elif len(target.columns) != len(reference.key.columns):
        ours, theirs = len(reference.key.columns), len(target.columns)
        names = ", ".join(target.columns)
        report(f"{ours} column{'s' * (ours > 1)} cannot refer to {theirs} ({names})", *path)


def _check_policies(reference: KeyedReference, nullable: set[str], report: Report) -> None:
    key = reference.key
    if key.orphans == "nullify" and not nullable.intersection(key.columns):
        report("orphans: nullify needs a nullable column", *reference.path, "orphans")
    if key.set_columns and key.on_delete not in ("set null", "set default"):
        message = "set_columns needs on_delete: set null or set default"
        report(message, *reference.path, "set_columns", lacks=True)
    for place, name in enumerate(key.set_columns):
        if name not in key.columns:
            message = f"{name!r} is not one of the foreign key's columns"
            report(message, *reference.path, "set_columns", place)


def former_names(renamed_from: str | tuple[str, ...] | None) -> tuple[str, ...]:
    """The names a table or column may have had."""
    return (renamed_from,) if isinstance(renamed_from, str) else renamed_from or ()


def check_column_renames(table: TableDeclaration, report: Report) -> None:
    """Report former column names that are current, claimed twice, or go round."""
    body = table.body
    former = {name: former_names(c.renamed_from) for name, c in body.columns.items()}
    for name, old, message in _rename_faults(former, "column"):
        place = () if old is None else (old,)
        report(message, "columns", name, "renamed_from", *place)


def check_table_renames(tables: Tables) -> Iterator[tuple[str, Path, str]]:
    """The faults of former table names: the table, the path in its file, the message."""
    former = {name: former_names(table.body.renamed_from) for name, table in tables.items()}
    for name, old, message in _rename_faults(former, "table"):
        yield name, ("renamed_from",) if old is None else ("renamed_from", old), message


def _rename_faults(
    former: Mapping[str, tuple[str, ...]], what: str
) -> Iterator[tuple[str, int | None, str]]:
    claimed: dict[str, str] = {}
    for name, olds in former.items():
        for place, old in enumerate(olds):
            at = place if len(olds) > 1 else None
            if old == name:
                yield name, at, f"{what} {name!r} is renamed from itself"
            elif old in former and _leads_to(old, name, former):
                yield name, at, f"{what}s {name!r} and {old!r} are renamed in a circle"
            elif old in former:
                yield name, at, f"{what} {old!r} is still declared: it cannot be {name!r} too"
            elif claimed.setdefault(old, name) != name:
                yield name, at, f"{what}s {claimed[old]!r} and {name!r} both were {old!r}"


def _leads_to(start: str, goal: str, former: Mapping[str, tuple[str, ...]]) -> bool:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting.extend(former.get(name, ()))
    return False


def check_enums(
    tables: Tables, enums: Mapping[str, EnumDeclaration]
) -> Iterator[tuple[str, Path, str]]:
    """Enum types that two places give different values: table, path, message."""
    known = {name: (enum.values, "_types") for name, enum in enums.items()}
    for table in tables.values():
        for name, column in table.body.columns.items():
            if column.enum_name is None or not column.values:
                continue
            place = f"{table.name}.{name}"
            values, first = known.setdefault(column.enum_name, (column.values, place))
            if values != column.values:
                message = f"enum {column.enum_name!r} has other values in {first}"
                yield table.name, ("columns", name, "values"), message
