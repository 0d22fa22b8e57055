"""What the parts of one table must not say together: keys, indexes, checks, seeds, names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from odac_db.schema.column_types import one_slip_apart
from odac_db.schema.declaration import (
    IndexDeclaration,
    IndexKey,
    PrimaryKeyDeclaration,
    TableDeclaration,
    TableFile,
)
from odac_db.schema.files.check_columns import Report, type_names
from odac_db.schema.files.document import Path
from odac_db.schema.files.keys import numbers_itself
from odac_db.schema.files.validate import nearest

MAXIMUM_NAME = 128
"""The most characters of a name in the SQL standard; a server with less says so itself."""

RESERVED = "_odac_"

_WORD = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|[A-Za-z_][A-Za-z0-9_$]*|::\s*\w+|\S")
_SQL_WORDS = frozenset(
    """
    all and any array as asc asymmetric at between bigint binary bit boolean both by bytea case
    cast century char character charset collate concat cube current current_catalog current_date
    current_role current_schema current_time current_timestamp current_user date datetime day
    decade decimal desc distinct document double else empty end epoch escape except exists
    extract false first float following for from glob grouping hour ilike in int integer
    intersect interval into is isnull json json_valid jsonb keys last leading like limit local
    localtime localtimestamp match member microsecond millennium milliseconds minute month
    national natural nfc nfd nfkc nfkd normalize normalized not nothing notnull null nulls
    numeric object offset only operator or order over overlaps partition passing path
    placing position preceding precision quarter range real regexp returning rlike row rows
    scalar second select session_user set signed similar smallint some sounds string strict
    substring symmetric system_user table text then time timestamp timestamptz tinyint to
    trailing trim true union unique unknown unsigned user using utf8mb3 utf8mb4 uuid value
    values varbinary varchar variadic varying week when where with within without wrapper xml
    xor year zone
    """.split()
)


def check_table(table: TableDeclaration, report: Report) -> None:
    """Report what is wrong within one table, columns by themselves aside."""
    body = table.body
    _check_names(table, report)
    _check_primary_key(body, report)
    for number, index in enumerate(body.indexes):
        _check_index(index, ("indexes", number), body, report)
    _check_exclusions(body, report)
    _check_checks(body, report)
    _check_constraint_names(body, report)
    _check_seeds(body, report)


def check_name(name: str, what: str, report: Report, *path: str | int) -> None:
    """Report a name that no server or not every part of odac-db can take."""
    if not name:
        report(f"the name of a {what} must not be empty", *path)
    elif len(name) > MAXIMUM_NAME:
        report(f"{what} name of {len(name)} characters; at most {MAXIMUM_NAME}", *path)
    elif "\0" in name:
        report(f"{what} name {name!r} holds a NUL", *path)


def _check_names(table: TableDeclaration, report: Report) -> None:
    check_name(table.name, "table", report, "table")
    if table.name.lower().startswith(RESERVED):
        message = f"names with {RESERVED} are reserved for odac-db's own tables: {table.name!r}"
        report(message, "table")
    for name in table.body.columns:
        check_name(name, "column", report, "columns", name)


def columns_exist(names: Iterable[str], path: Path, body: TableFile, report: Report) -> None:
    """Report each of ``names``, listed at ``path``, that is no column."""
    for place, name in enumerate(names):
        if name not in body.columns:
            message = f"there is no column {name!r}{nearest(name, body.columns)}"
            report(message, *path, place)


def columns_differ(names: Iterable[str], path: Path, report: Report) -> None:
    """Report each of ``names``, listed at ``path``, that is there twice."""
    seen = set()
    for place, name in enumerate(names):
        if name in seen:
            report(f"column {name!r} is listed twice", *path, place)
        seen.add(name)


def _check_primary_key(body: TableFile, report: Report) -> None:
    marked = [name for name, column in body.columns.items() if column.primary]
    numbered = [name for name, column in body.columns.items() if numbers_itself(column)]
    if len(numbered) > 1:
        report(f"two numbered columns: {numbered[0]} and {numbered[1]}", "columns", numbered[1])
    if body.primary_key is None:
        if marked and numbered and numbered[0] not in marked:
            message = f"two primary keys: {numbered[0]} ({body.columns[numbered[0]].type})"
            report(f"{message} and {', '.join(marked)}", "columns", marked[0], "primary")
        key: tuple[str, ...] = tuple(marked or numbered)
    else:
        key = _check_listed_key(body, marked, report)
    for name in key:
        if name in body.columns and body.columns[name].nullable:
            message = f"column {name!r} is in the primary key and cannot be nullable"
            report(message, "columns", name, "nullable")


def _check_listed_key(body: TableFile, marked: list[str], report: Report) -> tuple[str, ...]:
    path: Path = ("primary_key",)
    declared = body.primary_key
    assert declared is not None
    if isinstance(declared, PrimaryKeyDeclaration):
        columns_exist(declared.include, (*path, "include"), body, report)
        path, declared = (*path, "columns"), declared.columns
    if not declared:
        report("primary_key lists no columns", *path)
    columns_exist(declared, path, body, report)
    columns_differ(declared, path, report)
    if marked and set(marked) != set(declared):
        message = f"two primary keys: {', '.join(marked)} (primary: true)"
        report(f"{message} and {', '.join(declared)}", *path)
    return declared


def _check_index(index: IndexDeclaration, path: Path, body: TableFile, report: Report) -> None:
    if not index.columns:
        report("an index needs columns", *path, "columns")
    for place, key in enumerate(index.columns):
        assert isinstance(key, IndexKey)
        _check_key(key.column, key.expression is not None, (*path, "columns", place), body, report)
    columns_exist(index.include, (*path, "include"), body, report)
    if index.deferrable and not index.constraint:
        message = "only a constraint can be deferrable: add constraint: true"
        report(message, *path, "deferrable", lacks=True)
    if index.constraint:
        _check_constraint(index, path, report)


def _check_constraint(index: IndexDeclaration, path: Path, report: Report) -> None:
    if index.where is not None:
        report("a UNIQUE constraint takes no 'where': leave constraint out", *path, "where")
    for place, key in enumerate(index.columns):
        if isinstance(key, IndexKey) and key.expression is not None:
            message = "a UNIQUE constraint takes columns only: leave constraint out"
            report(message, *path, "columns", place)


def _check_key(
    column: str | None, expression: bool, path: Path, body: TableFile, report: Report
) -> None:
    if (column is not None) == expression:
        message = "a key is either a 'column' or an 'expression'"
        report(message, *path, lacks=column is None)
    elif column is not None and column not in body.columns:
        report(f"there is no column {column!r}{nearest(column, body.columns)}", *path)


def _check_exclusions(body: TableFile, report: Report) -> None:
    for number, exclusion in enumerate(body.exclusions):
        path = ("exclusions", number, "elements")
        if not exclusion.elements:
            report("an exclusion needs elements", *path)
        for place, element in enumerate(exclusion.elements):
            expression = element.expression is not None
            _check_key(element.column, expression, (*path, place), body, report)


def _check_checks(body: TableFile, report: Report) -> None:
    for number, check in enumerate(body.checks):
        path = ("checks", number, "expression")
        for text in dict.fromkeys(type_names(check.expression)):
            if not text.strip():
                report("the expression is empty", *path)
            for word in unknown_words(text, body):
                hint = nearest(word, body.columns)
                report(f"there is no column {word!r} for this check{hint}", *path)


def unknown_words(expression: str, body: TableFile) -> list[str]:
    """Bare words of a SQL expression that are certainly slips of a column's name.

    Only words one slip away from a column are certain: any other may be a keyword, a
    type or a constant of some server.
    """
    columns = {name.lower() for name in body.columns}
    words = _WORD.findall(expression)
    found = []
    for before, word, after in zip(["", *words], words, [*words, ""][1:], strict=False):
        bare = word[:1].isalpha() and before != "." and after not in ("(", ".")
        known = word.lower() in columns or word.lower() in _SQL_WORDS
        if not bare or known or len(word) < 4:
            continue
        if any(one_slip_apart(word.lower(), column) for column in columns):
            found.append(word)
    return list(dict.fromkeys(found))


def _check_constraint_names(body: TableFile, report: Report) -> None:
    """Every server wants different names of indexes; of constraints, not every one."""
    counts = Counter(index.name for index in body.indexes if not index.constraint)
    for number, index in enumerate(body.indexes):
        if index.name is not None and not index.constraint and counts[index.name] > 1:
            report(f"the name {index.name!r} is given twice", "indexes", number, "name")
            counts[index.name] = 0


def _check_seeds(body: TableFile, report: Report) -> None:
    key = (body.seed_key,) if isinstance(body.seed_key, str) else body.seed_key or ()
    if not isinstance(body.seed_key, str):
        columns_exist(key, ("seed_key",), body, report)
    elif body.seed_key not in body.columns:
        hint = nearest(body.seed_key, body.columns)
        report(f"there is no column {body.seed_key!r}{hint}", "seed_key")
    if body.seed and not key:
        message = "seed needs a seed_key: the column(s) that tell its rows apart"
        report(message, "seed", lacks=True)
    for number, row in enumerate(body.seed):
        for name in row:
            if name not in body.columns:
                hint = nearest(name, body.columns)
                report(f"there is no column {name!r}{hint}", "seed", number, name)
        for name in key:
            if row.get(name) is None:
                report(f"a seed row without its key {name!r}", "seed", number, lacks=True)
